/** What held before is not checked again, and nothing else passes in its place. */

import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { Verified } from "../../src/client/verified.ts";
import { verifyGenesis } from "../../src/protocol/charter.ts";
import { hex, utf8 } from "../../src/protocol/encoding.ts";
import { VaultRefused } from "../../src/protocol/errors.ts";
import { type Held, verifierOf } from "../../src/protocol/held.ts";
import { KeyLog } from "../../src/protocol/keylog.ts";
import { LawState } from "../../src/protocol/lawstate.ts";
import { load, outcomeOf, raw } from "../vectors.ts";

/** Knows what another knows, and fails where something new is verified. */
class Full implements Held {
  readonly #names: Set<string>;

  constructor(names: Set<string>) {
    this.#names = names;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  add(): never {
    throw new Error("verified again");
  }
}

describe("the law log", () => {
  const file = load<{
    deployment: string;
    charter: string;
    lines: { line: string; code: string | null; document?: string }[];
    void: number;
    root: string;
  }>("lawlog");

  function fold(held: Held, change = (line: Uint8Array, _: number) => line) {
    const charter = verifyGenesis(utf8(file.charter), raw(file.deployment), held);
    const state = new LawState(charter, held);
    const codes = file.lines.map(({ line, document }, index) => {
      const before = state.void;
      const data = document === undefined ? undefined : utf8(document);
      const documents = new Map(data && [[hex(sha256(data)), data]]);
      state.apply(index, change(raw(line), index), documents);
      return state.void > before ? state.lastVoid : null;
    });
    return { state, codes };
  }

  const names = new Set<string>();
  const first = fold(names);

  it("comes to the same, void lines included, with no check made twice", () => {
    const { state, codes } = fold(new Full(names));
    expect(codes).toEqual(file.lines.map(({ code }) => code));
    expect([hex(state.root), state.void]).toEqual([file.root, file.void]);
    expect(state.facts.epochs.size).toBeGreaterThan(0);
    for (const [name, record] of state.facts.epochs) {
      const was = first.state.facts.epochs.get(name)?.keys;
      if (was === undefined) expect.fail("no such key epoch");
      // Decoded only now, and the same points.
      expect(record.keys.masterKey.point.equals(was.masterKey.point)).toBe(true);
      expect(record.keys.court.possession.point.equals(was.court.possession.point)).toBe(true);
    }
  });

  it("takes no other line for one that held", () => {
    const at = file.lines.findIndex(({ code }, index) => code === null && index > 0);
    const text = new TextDecoder().decode(raw(file.lines[at]?.line ?? ""));
    const signature = /"signature":"(.)/.exec(text)?.[1] ?? "";
    const other = signature === "A" ? "B" : "A";
    const forged = utf8(text.replace(/"signature":"./, `"signature":"${other}`));
    expect(hex(forged)).not.toBe(file.lines[at]?.line);
    const { codes } = fold(new Set(names), (line, index) => (index === at ? forged : line));
    expect(codes[at]).toBe("bad-signature");
  });
});

describe("the key log", () => {
  const file = load<{
    deployment: string;
    genesis_key: string;
    skew_ms: number;
    log: { entry: string; code: string | null }[];
  }>("keylog");

  function replay(held: Held) {
    const key = raw(file.genesis_key);
    const log = new KeyLog(raw(file.deployment), key, file.skew_ms, verifierOf(held));
    return file.log.map(({ entry }, index) => outcomeOf(() => log.apply(index, raw(entry))));
  }

  it("comes to the same, void entries included, with no check made twice", () => {
    const names = new Set<string>();
    const codes = file.log.map(({ code }) => code);
    expect(replay(names)).toEqual(codes);
    expect(codes).toContain("bad-signature");
    expect(replay(new Full(names))).toEqual(codes);
  });
});

describe("what the vault keeps of it", () => {
  it("is what was added since, and the same again", () => {
    const one = new Verified([]);
    const names = ["00".repeat(32), "ab".repeat(32)];
    for (const name of [...names, ...names]) one.add(name);
    const kept = one.takeFresh();
    expect(kept?.length).toBe(64);
    expect(one.takeFresh()).toBeUndefined();
    const again = new Verified([kept ?? new Uint8Array()]);
    expect(names.map((name) => again.has(name))).toEqual([true, true]);
    expect(again.takeFresh()).toBeUndefined();
    expect(again.rows).toBe(1);
  });

  it("is refused where it is cut", () => {
    expect(() => new Verified([new Uint8Array(33)])).toThrow(VaultRefused);
  });
});
