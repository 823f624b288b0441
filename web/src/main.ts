/** Starts the interface over the messenger in its worker. */

import { start } from "./app/start.tsx";
import { connect } from "./client/port.ts";
import workerUrl from "./client/worker.ts?worker&url";

/** Under Trusted Types a worker's address must come from a policy; ours knows one address. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (text: string) => string },
  ): { createScriptURL: (text: string) => string };
}

function openWorker(): Worker {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  const address = new URL(workerUrl, location.href).href;
  const policy = trustedTypes?.createPolicy("doublelock-worker", {
    createScriptURL: (text) => {
      if (text !== address) throw new TypeError("no worker of ours");
      return text;
    },
  });
  return new Worker(policy?.createScriptURL(address) ?? address, { type: "module" });
}

const root = document.getElementById("app");
if (root === null) throw new Error("no place for the interface");
await start(root, connect(openWorker()));
document.documentElement.dataset["ready"] = "yes";
