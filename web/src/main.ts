/** Starts the interface over the messenger in its worker. */

import { startServiceWorker } from "./app/service_worker.ts";
import { start } from "./app/start.tsx";
import { lookFirst } from "./client/first_look.ts";
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
// Asked before there is a worker of this page, which would be taken for another tab's.
const first = lookFirst();
const messenger = connect(openWorker());
const model = await start(root, messenger, first);
// The worker has answered: from here on, all that is shown is what it says.
document.documentElement.dataset["ready"] = "yes";

const look = await startServiceWorker({
  heard: (outcome) => {
    if (outcome.kind === "unreachable") return;
    // A log that could not be read says nothing of the bundle; it is asked again.
    const refused = outcome.kind === "refused" && outcome.verdict !== "unknown" ? outcome : null;
    const met = refused && { hash: refused.hash, running: refused.running };
    void messenger.bundleMet(met);
  },
  replaced: () => void messenger.workerReplaced(),
  shown: (route) => model.navigation.go(route),
});
// What a registration has just pinned, the worker holds the bundle against.
messenger.listen((event) => {
  if (event.kind === "status" && event.status.state === "open") look();
});
