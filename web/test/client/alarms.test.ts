/** An alarm stands once: it does not come again because somebody looked again. */

import { expect, test } from "vitest";
import { Alarms } from "../../src/client/alarms.ts";
import type { Core } from "../../src/client/core.ts";
import type { RefusedEntry } from "../../src/client/monitor.ts";
import type { People } from "../../src/client/people.ts";
import type { Alarm } from "../../src/messenger.ts";
import { LogRefused, type Refusal } from "../../src/protocol/errors.ts";

function begin() {
  const told: Alarm[] = [];
  const trouble: Record<"key" | "law", Refusal | undefined> = { key: undefined, law: undefined };
  const law = { size: 0 };
  const refused: RefusedEntry[] = [];
  const core = {
    account: new Uint8Array(32),
    identity: { made: [] },
    monitor: { applied: [], keyLog: { size: 0 }, law, refused, trouble },
    clock: () => 1,
    write: () => undefined,
    tell: (event: { kind: string; alarm?: Alarm }) => {
      if (event.kind === "alarm" && event.alarm !== undefined) told.push(event.alarm);
    },
  };
  const alarms = new Alarms(core as unknown as Core, { accounts: [] } as unknown as People);
  return { alarms, trouble, told, law, refused };
}

test("tells of a forked log once, though it is looked at again after it was seen", () => {
  const { alarms, trouble, told } = begin();
  trouble.law = new LogRefused("log-fork", "root at 12");
  alarms.look();
  alarms.look();
  alarms.dismiss("log-fork-law");
  trouble.law = new LogRefused("log-fork", "root at 13");
  alarms.look();
  expect(told.map((alarm) => alarm.id)).toEqual(["log-fork-law"]);
  expect(alarms.all()).toEqual([]);
});

test("tells of it again once the log was good between, and of each log by itself", () => {
  const { alarms, trouble, told } = begin();
  trouble.law = new LogRefused("log-fork", "root at 12");
  alarms.look();
  alarms.dismiss("log-fork-law");
  trouble.law = undefined;
  alarms.look();
  trouble.law = new LogRefused("log-fork", "root at 12");
  trouble.key = new LogRefused("log-stale", "3 after 5");
  alarms.look();
  expect(told.map((alarm) => alarm.id)).toEqual(["log-fork-law", "log-fork-key", "log-fork-law"]);
});

test("tells of each charter and key that lacks its signatures, and of no other void line", () => {
  const { alarms, told, law, refused } = begin();
  const codes = ["charter-signatures", "entry-void", "key-epoch-signatures"] as const;
  codes.forEach((code, index) => {
    refused.push({ log: "law", index, refusal: new LogRefused(code, "law-log line") });
  });
  refused.push({ log: "key", index: 0, refusal: new LogRefused("unknown-signer", "") });
  law.size = 3;
  alarms.look();
  for (const { id } of alarms.all()) alarms.dismiss(id);
  alarms.look();
  expect(told.map((alarm) => alarm.id)).toEqual(["law-alone-0", "law-alone-2"]);
});
