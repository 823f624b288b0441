/** The monitor goes from genesis through a change of witnesses, on the files of `handover.json`. */

import { expect, it } from "vitest";
import type { Http } from "../../src/client/http.ts";
import { Monitor } from "../../src/client/monitor.ts";
import { utf8 } from "../../src/protocol/encoding.ts";
import { LogRefused } from "../../src/protocol/errors.ts";
import { tilePath } from "../../src/protocol/tile.ts";
import { load, raw } from "../vectors.ts";

const file = load<{
  deployment: string;
  charter: string;
  lines: { line: string; document?: string }[];
  checkpoints: {
    why: string;
    lines: number;
    log: string;
    note: string;
    now_ms: number | null;
    code: string | null;
  }[];
  handovers: { index: number }[];
}>("handover");

/** A server that shows one checkpoint of the law log, and the lines that belong to it. */
class Shown {
  note = "";
  lines = 0;

  show(why: string): void {
    const found = file.checkpoints.find((one) => one.why === why && one.log === "law");
    if (found === undefined) throw new Error(why);
    this.note = found.note;
    this.lines = found.lines;
  }

  async ask(): Promise<{ documents: Uint8Array[] }> {
    const amendments = file.lines.slice(0, this.lines).flatMap((line) => line.document ?? []);
    return { documents: [file.charter, ...amendments].map(utf8) };
  }

  async get(path: string): Promise<Uint8Array> {
    if (path === "/log/law/checkpoint") return utf8(this.note);
    const tile = tilePath({ level: undefined, index: 0, width: this.lines });
    expect(path).toBe(`/log/law/${tile}`);
    const entries = file.lines.slice(0, this.lines).map(({ line }) => raw(line));
    return new Uint8Array(
      entries.flatMap((entry) => [entry.length >> 8, entry.length & 0xff, ...entry]),
    );
  }
}

async function begin(shown: Shown, now: { ms: number }): Promise<Monitor> {
  return await Monitor.begin(shown as unknown as Http, raw(file.deployment), () => now.ms);
}

const LAST = "the new ones, the key log's";
const lateMs = file.checkpoints.find(({ why }) => why === LAST)?.now_ms ?? 0;

it("a newcomer goes from genesis to the witnesses of today", async () => {
  const shown = new Shown();
  const monitor = await begin(shown, { ms: lateMs });
  shown.show("the old ones");
  await expect(monitor.syncLaw()).rejects.toThrow(LogRefused);
  expect([monitor.law.size, monitor.laws.size, monitor.trouble.law?.code]).toEqual([
    0,
    0,
    "log-quorum",
  ]);
  shown.show("the new ones");
  await monitor.syncLaw();
  expect(monitor.law.size).toBe(file.lines.length);
  expect(monitor.law.facts.handovers.map(({ index }) => index)).toEqual(
    file.handovers.map(({ index }) => index),
  );
  expect(monitor.trouble.law).toBeUndefined();
});

it("who knew the old ones follows, and takes no backdated word of theirs", async () => {
  const shown = new Shown();
  const now = { ms: 0 };
  const monitor = await begin(shown, now);
  shown.show("the old ones before it is in force");
  await monitor.syncLaw();
  expect([monitor.law.size, monitor.law.facts.charters.length]).toEqual([2, 2]);
  now.ms = lateMs;
  await expect(monitor.syncLaw()).rejects.toThrow("charter 1's witnesses");
  shown.show("both");
  await monitor.syncLaw();
  shown.show("the new ones");
  await monitor.syncLaw();
  expect(monitor.law.facts.handovers.length).toBe(1);
});
