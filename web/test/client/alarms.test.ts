/** An alarm stands once: it does not come again because somebody looked again. */

import { expect, test } from "vitest";
import { Alarms } from "../../src/client/alarms.ts";
import type { Core } from "../../src/client/core.ts";
import type { People } from "../../src/client/people.ts";
import type { Alarm } from "../../src/messenger.ts";
import { LogRefused, type Refusal } from "../../src/protocol/errors.ts";

function begin() {
  const told: Alarm[] = [];
  const trouble: Record<"key" | "law", Refusal | undefined> = { key: undefined, law: undefined };
  const core = {
    account: new Uint8Array(32),
    identity: { made: [] },
    monitor: { applied: [], keyLog: { size: 0 }, trouble },
    clock: () => 1,
    write: () => undefined,
    tell: (event: { kind: string; alarm?: Alarm }) => {
      if (event.kind === "alarm" && event.alarm !== undefined) told.push(event.alarm);
    },
  };
  const alarms = new Alarms(core as unknown as Core, { accounts: [] } as unknown as People);
  return { alarms, trouble, told };
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
