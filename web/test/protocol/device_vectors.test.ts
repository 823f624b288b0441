/** The vectors of an account's devices: link requests, letters and handed-over histories. */

import { describe, expect, it } from "vitest";
import { SigningKey } from "../../src/protocol/ed25519.ts";
import { hex } from "../../src/protocol/encoding.ts";
import { decodeHistory, encodeHistory, splitHistory } from "../../src/protocol/history.ts";
import { encodeEntry } from "../../src/protocol/keylog_entry.ts";
import {
  contextOf,
  decodeContent,
  encodeContent,
  openLetter,
  signLetter,
} from "../../src/protocol/letter.ts";
import {
  decodeLinkRequest,
  linkCode,
  makeLinkRequest,
  signLinkRequest,
  writeLinkRequest,
} from "../../src/protocol/link_request.ts";
import { publicKey, seal, unseal } from "../../src/seal/hpke.ts";
import { load, outcomeOf, raw, refusalOf } from "../vectors.ts";

interface Bad {
  readonly why: string;
  readonly code: string;
}

describe("link_request", () => {
  const file = load<{
    deployment: string;
    account: {
      account: string;
      index: number;
      number: number;
      lineage: number;
      committee: number;
      keys: string[];
    };
    seed: string;
    time_ms: number;
    line: string;
    code: string;
    entries: { author_seed: string; entry: string }[];
    bad: (Bad & { line: string })[];
    refused: (Bad & { line: string })[];
  }>("link_request");
  const deployment = raw(file.deployment);
  const now = {
    ...file.account,
    account: raw(file.account.account),
    keys: file.account.keys.map(raw),
    timeMs: 0n,
    inviter: raw(file.account.account),
  };
  const sign = (line: string, author: SigningKey) =>
    signLinkRequest(decodeLinkRequest(line), deployment, now, author.public.encoded, author.sign);
  it("is made, read and shown alike", () => {
    const key = new SigningKey(raw(file.seed));
    const made = makeLinkRequest(deployment, now, key.public.encoded, key.sign, file.time_ms);
    expect(writeLinkRequest(made)).toBe(file.line);
    expect(decodeLinkRequest(file.line)).toEqual(made);
    expect(linkCode(made)).toBe(file.code);
  });
  it.each(file.entries)("becomes an entry %#", ({ author_seed, entry }) => {
    const author = new SigningKey(raw(author_seed));
    expect(hex(encodeEntry(sign(file.line, author)))).toBe(entry);
  });
  it.each(file.bad)("$why", ({ line, code }) => {
    expect(refusalOf(() => decodeLinkRequest(line))).toBe(code);
  });
  const first = new SigningKey(raw(file.entries[0]?.author_seed ?? ""));
  it.each(file.refused)("refuses $why", ({ line, code }) => {
    expect(outcomeOf(() => sign(line, first))).toBe(code);
  });
});

describe("letter", () => {
  const file = load<{
    route: { deployment: string; account: string; sender: string; receiver: string };
    sender_seed: string;
    sender_key: string;
    receiver_secret: string;
    receiver_key: string;
    time_ms: number;
    letters: { kind: "key" | "sealed"; letter: string }[];
    sealed: string;
    opened: string;
    contents: Record<string, string | number>[];
    history: string;
    items: {
      sequence: number;
      deleted: boolean;
      edited: string | null;
      marks: [string, string][];
      expires_ms: number;
    }[];
    bad_letters: (Bad & { data: string })[];
    bad_contents: (Bad & { data: string })[];
    bad_histories: (Bad & { data: string })[];
  }>("letter");
  const route = {
    deployment: raw(file.route.deployment),
    account: raw(file.route.account),
    sender: raw(file.route.sender),
    receiver: raw(file.route.receiver),
  };
  const senderKey = raw(file.sender_key);
  const key = raw(file.receiver_key);
  it.each(file.letters)("$kind", ({ kind, letter }) => {
    const opened = openLetter(route, raw(letter), senderKey);
    expect(opened).toEqual(
      kind === "key"
        ? { kind, key, timeMs: file.time_ms, asks: true }
        : { kind, key, sealed: raw(file.sealed) },
    );
    const { sign } = new SigningKey(raw(file.sender_seed));
    expect(hex(signLetter(route, opened, sign))).toBe(letter);
    const back = { ...route, sender: route.receiver, receiver: route.sender };
    expect(refusalOf(() => openLetter(back, raw(letter), senderKey))).toBe("bad-signature");
  });
  it("is sealed to its receiver alone", async () => {
    const secret = raw(file.receiver_secret);
    expect(hex(await publicKey(secret))).toBe(file.receiver_key);
    const context = contextOf(route);
    expect(hex(await unseal(secret, "letter", context, raw(file.sealed)))).toBe(file.opened);
    const again = await seal(key, "letter", context, raw(file.opened));
    expect(hex(await unseal(secret, "letter", context, again))).toBe(file.opened);
    const others = [...context].reverse();
    const unreadable = { code: "seal-unreadable" };
    await expect(unseal(secret, "letter", others, again)).rejects.toMatchObject(unreadable);
    await expect(unseal(secret, "letter", context, again.slice(1))).rejects.toMatchObject(
      unreadable,
    );
    await expect(unseal(secret, "letter", context, again.slice(0, 9))).rejects.toMatchObject(
      unreadable,
    );
    const sealTo = (to: Uint8Array) => seal(to, "letter", context, again);
    await expect(sealTo(new Uint8Array(32))).rejects.toMatchObject({ code: "bad-point" });
    await expect(sealTo(new Uint8Array(31))).rejects.toMatchObject({ code: "size" });
  });
  it.each(file.contents)("content $kind", ({ kind, encoded, ...fields }) => {
    const content = decodeContent(raw(String(encoded)));
    expect(content.kind).toBe(kind);
    expect(hex(encodeContent(content))).toBe(encoded);
    for (const [name, value] of Object.entries(fields)) {
      const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      const found = (content as unknown as Record<string, unknown>)[camel];
      expect(found instanceof Uint8Array ? hex(found) : found).toBe(value);
    }
  });
  it("reads and writes a history", () => {
    const history = decodeHistory(raw(file.history));
    expect(hex(encodeHistory(history))).toBe(file.history);
    expect(
      history.parts[0]?.items.map((item) => ({
        sequence: item.sequence,
        deleted: item.record === undefined,
        edited: item.edited === undefined ? null : hex(item.edited),
        marks: item.marks.map(([account, mark]) => [hex(account), hex(mark)]),
        expires_ms: item.expiresMs,
      })),
    ).toEqual(file.items);
  });
  it("splits a history into files that together say the same", () => {
    const { contacts, parts } = decodeHistory(raw(file.history));
    const files = [...splitHistory(contacts, parts, 100)].map((each) =>
      decodeHistory(encodeHistory(each)),
    );
    expect(files.length).toBeGreaterThan(1);
    expect(files.flatMap((each) => each.contacts)).toEqual(contacts);
    expect(files.flatMap((each) => each.parts.flatMap((part) => part.items))).toEqual(
      parts.flatMap((part) => part.items),
    );
  });
  it.each(file.bad_letters)("letter: $why", ({ data, code }) => {
    expect(refusalOf(() => openLetter(route, raw(data), senderKey))).toBe(code);
  });
  it.each(file.bad_contents)("content: $why", ({ data, code }) => {
    expect(refusalOf(() => decodeContent(raw(data)))).toBe(code);
  });
  it.each(file.bad_histories)("history: $why", ({ data, code }) => {
    expect(refusalOf(() => decodeHistory(raw(data)))).toBe(code);
  });
});
