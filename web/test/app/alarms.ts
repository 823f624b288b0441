/** One alarm of each kind. */

import type { Alarm, AlarmCause } from "../../src/messenger.ts";

const CAUSES: readonly AlarmCause[] = [
  {
    kind: "code-changed",
    account: "ac00000000000002",
    name: "Chiara Conti",
    reason: "devices",
    wasVerified: true,
  },
  { kind: "own-entry", index: 4_102, added: [{ id: "7f00", name: "7f00ab12" }], removed: [] },
  { kind: "log-fork", log: "law", refusal: { code: "log-fork", detail: "size 231" } },
  {
    kind: "law-alone",
    what: "charter",
    index: 232,
    refusal: { code: "charter-signatures", detail: "" },
  },
  { kind: "worker-replaced" },
  { kind: "unlogged-bundle", hash: "0bad".repeat(16), running: false },
  {
    kind: "ghost",
    conversation: "co00000000000000",
    name: "Harbour crew",
    refusal: { code: "ghost-member", detail: "unknown device 7f00" },
  },
  { kind: "server-deceived", refusal: { code: "receipt-chain", detail: "" } },
  { kind: "clock", offsetMs: 7_260_000 },
  { kind: "epochs-low", committee: 1, ready: 1 },
  { kind: "storage-full" },
  { kind: "device-removed" },
  {
    kind: "code-changed",
    account: "ac00000000000002",
    name: "Chiara Conti",
    reason: "lineage",
    wasVerified: false,
  },
];

export const ALARMS: readonly Alarm[] = CAUSES.map((cause, n) => ({
  id: `alarm-${n}`,
  timeMs: 1_780_000_000_000 + n,
  cause,
}));
