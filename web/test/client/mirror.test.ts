/** A copy of a log, grown while the log grows on (spec L-12, L-13). */

import { expect, it } from "vitest";
import { LogMirror } from "../../src/client/mirror.ts";
import { concat, u16, utf8 } from "../../src/protocol/encoding.ts";
import { LogRefused } from "../../src/protocol/errors.ts";
import { GrowingTree } from "../../src/protocol/merkle.ts";
import type { Policy } from "../../src/protocol/policy.ts";

const ENTRIES = Array.from({ length: 256 }, (_, at) => utf8(`entry ${at}`));
const FULL = concat(...ENTRIES.flatMap((entry) => [u16(entry.length), entry]));

function policyAt(size: number): Policy {
  const tree = new GrowingTree();
  for (const entry of ENTRIES.slice(0, size)) tree.append(entry);
  return { verify: () => ({ checkpoint: { size, root: tree.root } }) } as unknown as Policy;
}

/** Asks for no witness: this is about the entries. */
function judgeAt(size: number) {
  return async () => policyAt(size).verify(utf8(""));
}

function serving(files: Readonly<Record<string, Uint8Array>>) {
  return async (path: string) => {
    const data = files[path];
    if (data === undefined) throw new LogRefused("log-missing", path);
    return data;
  };
}

it("takes a partial bundle that is gone from the full one", async () => {
  const files = { checkpoint: utf8("note"), "tile/entries/000": FULL };
  const mirror = new LogMirror(serving(files));
  expect(await mirror.grow(policyAt(250), judgeAt(250))).toEqual(ENTRIES.slice(0, 250));
  expect(await mirror.grow(policyAt(256), judgeAt(256))).toEqual(ENTRIES.slice(250));
});

it("refuses a log that serves neither", async () => {
  const mirror = new LogMirror(serving({ checkpoint: utf8("note") }));
  await expect(mirror.grow(policyAt(250), judgeAt(250))).rejects.toMatchObject({
    code: "log-missing",
  });
  await expect(mirror.grow(policyAt(256), judgeAt(256))).rejects.toMatchObject({
    code: "log-missing",
  });
  expect(mirror.size).toBe(0);
});
