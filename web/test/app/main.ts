/** The interface over the messenger in memory; the address says which world. */

import { startServiceWorker } from "../../src/app/service_worker.ts";
import { start } from "../../src/app/start.tsx";
import type { Alarm, Settings, Status } from "../../src/messenger.ts";
import type { BundleOutcome } from "../../src/sw/bundle.ts";
import type { Escrow } from "./world.ts";

const wish = new URLSearchParams(location.search);
const settings: Partial<Settings> = JSON.parse(wish.get("settings") ?? "{}");
const alarms: Alarm[] = JSON.parse(wish.get("alarms") ?? "[]");
const { MemoryMessenger } = await import("./memory_messenger.ts");
const messenger = new MemoryMessenger({
  state: (wish.get("state") ?? "open") as Status["state"],
  escrow: (wish.get("escrow") ?? "threshold") as Escrow,
  settings,
  alarms,
});
const root = document.getElementById("app");
if (root === null) throw new Error("no place for the interface");
Object.assign(globalThis, { messenger, model: await start(root, messenger) });
if (wish.has("worker")) {
  const bundles: BundleOutcome[] = [];
  Object.assign(globalThis, { bundles });
  await startServiceWorker({
    heard: (outcome) => bundles.push(outcome),
    replaced: () => undefined,
    shown: (route) => globalThis.model.navigation.go(route),
  });
}
document.documentElement.dataset["ready"] = "yes";
