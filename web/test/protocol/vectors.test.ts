/** Every file in /vectors that concerns a client, passed byte for byte; and none is forgotten. */

import { readdirSync, readFileSync } from "node:fs";
import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { codesModule } from "../../scripts/make-codes.mjs";
import { openChunk, sealChunk } from "../../src/protocol/attachment.ts";
import { dayKey, seal, verifyCapsule } from "../../src/protocol/capsule.ts";
import * as curve from "../../src/protocol/curve.ts";
import { G1, G2 } from "../../src/protocol/curve.ts";
import { verifyDestruction } from "../../src/protocol/destruction.ts";
import { SigningKey, VerifyKey, verify } from "../../src/protocol/ed25519.ts";
import { concat, equalBytes, hex, utf8 } from "../../src/protocol/encoding.ts";
import * as envelope from "../../src/protocol/envelope.ts";
import { decodeHeader, encodeHeader, type Form, hashHeader } from "../../src/protocol/header.ts";
import { verifyKeyEpoch } from "../../src/protocol/keyepoch.ts";
import { decodeSigned, encodeStatement } from "../../src/protocol/keystatement.ts";
import { Label } from "../../src/protocol/label.ts";
import { verifyLine } from "../../src/protocol/lawlog.ts";
import { hashReceipt, receiptLeaf, verifyReceipt } from "../../src/protocol/receipt.ts";
import { decodeRecord, display, encodeRecord } from "../../src/protocol/record.ts";
import { load, raw, refusalOf } from "../vectors.ts";

interface LabelFields {
  readonly deployment: string;
  readonly committee: number;
  readonly key_epoch: number;
  readonly conversation: string;
  readonly account: string;
  readonly day: number;
}

function labelOf(fields: LabelFields): Label {
  return new Label(
    raw(fields.deployment),
    fields.committee,
    fields.key_epoch,
    raw(fields.conversation),
    raw(fields.account),
    fields.day,
  );
}

const READ = [
  "attachment",
  "capsule",
  "codes",
  "commitment",
  "curve",
  "ed25519",
  "envelope",
  "header",
  "k_day",
  "k_msg",
  "key_epoch",
  "label",
  "partial",
  "receipt",
  "record",
];
/** Read by tests of their own. */
const ELSEWHERE = [
  "charter",
  "context",
  "frames",
  "group_link",
  "handover",
  "invite",
  "keylog",
  "lawlog",
  "letter",
  "link_request",
  "safety_code",
  "session",
  "tlog",
];

it("verifies the bundle's lines of the law log", () => {
  const { deployment, entries } = JSON.parse(
    readFileSync(new URL("../../../vectors/bundle.json", import.meta.url), "utf8"),
  ) as { deployment: string; entries: { hash: string; line: string }[] };
  expect(entries.length).toBeGreaterThan(0);
  for (const { hash, line } of entries) {
    const data = new TextEncoder().encode(line);
    expect(hex(verifyLine(Uint8Array.from(Buffer.from(deployment, "hex")), data).signed.hash)).toBe(
      hash,
    );
  }
});

it("reads every vector file", () => {
  const names = readdirSync(new URL("../../../vectors/", import.meta.url));
  const files = names.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -5));
  expect(files.sort()).toEqual([...READ, ...ELSEWHERE, "bundle"].sort());
});

it("has the codes of vectors/codes.json", () => {
  const here = readFileSync(new URL("../../src/protocol/codes.ts", import.meta.url), "utf8");
  expect(here, "run `node scripts/make-codes.mjs`").toBe(codesModule());
});

describe("label", () => {
  const file = load<{
    good: (LabelFields & { encoded: string; point: string })[];
    bad: { why: string; encoded: string; code: string }[];
  }>("label");
  it.each(file.good)("good %#", (given) => {
    const label = labelOf(given);
    expect(hex(label.encode())).toBe(given.encoded);
    expect(Label.decode(raw(given.encoded))).toEqual(label);
    expect(hex(label.point().encoded)).toBe(given.point);
  });
  it.each(file.bad)("$why", ({ encoded, code }) => {
    expect(refusalOf(() => Label.decode(raw(encoded)))).toBe(code);
  });
});

describe("capsule", () => {
  interface Case extends LabelFields {
    readonly mpk: string;
    readonly capsule: string;
  }
  const file = load<{
    good: (Case & { seed: string; label_key: string })[];
    pairing: string;
    open_refused: (Case & { why: string; label_key: string; code: string })[];
    verify_refused: (Case & { why: string; seed: string; code: string })[];
  }>("capsule");

  // Opening is no business of a client; here it shows that this side's pairing is the other's.
  function open(given: Case & { label_key: string }): Uint8Array {
    const mpk = G2.decode(raw(given.mpk));
    const label = labelOf(given).encode();
    const [u, v] = [raw(given.capsule).subarray(0, 96), raw(given.capsule).subarray(96)];
    const field = (data: Uint8Array) => concat(Uint8Array.of(data.length >> 8, data.length), data);
    const tagged = (tag: string, ...fields: Uint8Array[]) =>
      concat(...[utf8(tag), ...fields].map(field));
    const shared = curve.pairing(G1.decode(raw(given.label_key)), G2.decode(u));
    const mask = curve.expandMessageXmd(
      tagged("doublelock/v1/capsule-mask", mpk.encoded, label, u, shared),
      utf8("DOUBLELOCK-V1-CAPSULE-MASK-with-expander-XMD:SHA-256"),
      32,
    );
    return v.map((byte, at) => byte ^ (mask[at] ?? 0));
  }

  it.each(file.good)("good %#", (given) => {
    const [seed, mpk, label] = [raw(given.seed), G2.decode(raw(given.mpk)), labelOf(given)];
    const sealed = seal(seed, label, mpk);
    expect(hex(sealed.capsule)).toBe(given.capsule);
    expect(verifyCapsule(raw(given.capsule), seed, label, mpk)).toEqual(sealed);
    expect(hex(open(given))).toBe(given.seed);
  });
  it("pairing bytes", () => {
    const [first] = file.good;
    if (first === undefined) expect.fail("no case");
    const value = curve.pairing(G1.decode(raw(first.label_key)), G2.decode(raw(first.mpk)));
    expect(hex(value)).toBe(file.pairing);
  });
  it.each(file.verify_refused)("$why", (given) => {
    const mpk = G2.decode(raw(given.mpk));
    const act = () => verifyCapsule(raw(given.capsule), raw(given.seed), labelOf(given), mpk);
    expect(refusalOf(act)).toBe(given.code);
  });
  it.each(file.open_refused.filter(({ code }) => code === "bad-point"))("$why", (given) => {
    expect(refusalOf(() => open(given))).toBe(given.code);
  });
  it.each(file.open_refused.filter(({ code }) => code === "capsule-mismatch"))(
    "$why is the sealing of no seed",
    (given) => {
      const mpk = G2.decode(raw(given.mpk));
      const act = () => verifyCapsule(raw(given.capsule), open(given), labelOf(given), mpk);
      expect(refusalOf(act)).toBe(given.code);
    },
  );
});

describe("k_day, k_msg and commitment", () => {
  const days = load<{
    good: (LabelFields & { form: Form; seed: string; capsule: string; k_day: string })[];
  }>("k_day");
  it.each(days.good)("k_day %#", (given) => {
    const key = dayKey(raw(given.seed), raw(given.capsule), labelOf(given), given.form);
    expect(hex(key)).toBe(given.k_day);
  });
  const messages = load<{
    good: { k_day: string; header_hash: string; key: string; nonce: string }[];
  }>("k_msg");
  it.each(messages.good)("k_msg %#", (given) => {
    const derived = envelope.deriveMessageKey(raw(given.k_day), raw(given.header_hash));
    expect(hex(derived)).toBe(given.key + given.nonce);
  });
  const commitments = load<{
    good: { franking_key: string; record: string; commitment: string }[];
  }>("commitment");
  it.each(commitments.good)("commitment %#", (given) => {
    const made = envelope.commitRecord(raw(given.franking_key), raw(given.record));
    expect(hex(made)).toBe(given.commitment);
  });
});

describe("header", () => {
  const file = load<{
    good: {
      form: number;
      encoded: string;
      hash: string;
      capsule: string;
      committee: number;
      key_epoch: number;
      day: number;
      message_id: string;
    }[];
    bad: { why: string; encoded: string; code: string }[];
  }>("header");
  it.each(file.good)("good %#", (given) => {
    const header = decodeHeader(raw(given.encoded));
    expect(hex(encodeHeader(header))).toBe(given.encoded);
    expect(hex(hashHeader(raw(given.encoded)))).toBe(given.hash);
    expect(header).toMatchObject({
      form: given.form,
      committee: given.committee,
      keyEpoch: given.key_epoch,
      day: given.day,
    });
    expect(hex(header.capsule)).toBe(given.capsule);
    expect(hex(header.messageId)).toBe(given.message_id);
  });
  it.each(file.bad)("$why", ({ encoded, code }) => {
    expect(refusalOf(() => decodeHeader(raw(encoded)))).toBe(code);
  });
});

describe("record", () => {
  const file = load<{
    good: { kind: string; encoded: string }[];
    bad: { why: string; encoded: string; code: string }[];
    display: { content: string; shown: string }[];
  }>("record");
  it.each(file.good)("$kind %#", ({ kind, encoded }) => {
    const record = decodeRecord(raw(encoded));
    expect(record.kind).toBe(kind);
    expect(hex(encodeRecord(record))).toBe(encoded);
  });
  it.each(file.bad)("$why", ({ encoded, code }) => {
    expect(refusalOf(() => decodeRecord(raw(encoded)))).toBe(code);
  });
  it.each(file.display)("shows $shown", ({ content, shown }) => {
    expect(display(raw(content))).toBe(shown);
  });
});

describe("envelope", () => {
  interface Case {
    readonly header: string;
    readonly body: string;
    readonly k_day: string;
  }
  const file = load<{
    deployment: string;
    device_key: string;
    device_seed: string;
    account: string;
    good: (Case & { form: Form; mls_payload: string; record: string; franking_key: string })[];
    bad: (Case & { why: string; code: string })[];
  }>("envelope");
  const open = (given: Case) => {
    const header = decodeHeader(raw(given.header));
    const headerHash = hashHeader(raw(given.header));
    const opened = envelope.openBody(raw(given.k_day), header, headerHash, raw(given.body));
    return envelope.verifyBody(opened, new VerifyKey(raw(file.device_key)), raw(file.deployment));
  };
  it.each(file.good)("good %#", (given) => {
    const body = open(given);
    expect(hex(body.recordBytes)).toBe(given.record);
    expect(hex(body.frankingKey)).toBe(given.franking_key);
    const payload = envelope.decodePayload(raw(given.mls_payload));
    expect(payload.headerHash).toEqual(body.headerHash);
    const { header } = body;
    const disclosed = envelope.verifyDisclosure(
      raw(given.header),
      body.signature,
      body.frankingKey,
      body.recordBytes,
      new VerifyKey(raw(file.device_key)),
      raw(file.deployment),
    );
    expect(disclosed.record).toEqual(body.record);
    const label = new Label(
      raw(file.deployment),
      header.committee,
      header.keyEpoch,
      header.conversation,
      header.account,
      header.day,
    );
    const keys = envelope.makeSendKeys(payload.seed, header.capsule, label, given.form);
    const again = envelope.sealEnvelope(
      keys,
      header.messageId,
      header.device,
      new SigningKey(raw(file.device_seed)),
      raw(given.franking_key),
      raw(given.record),
    );
    expect(hex(again.header)).toBe(given.header);
    expect(hex(again.body)).toBe(given.body);
    expect(hex(again.payload)).toBe(given.mls_payload);
  });
  it.each(file.bad)("$why", (given) => {
    expect(refusalOf(() => open(given))).toBe(given.code);
  });
});

describe("receipt", () => {
  interface Case {
    readonly conversation: string;
    readonly sequence: number;
    readonly previous: string;
    readonly time_ms: number;
    readonly account: string;
    readonly device: string;
    readonly header_hash: string;
    readonly body_hash: string;
    readonly mls_hash: string;
    readonly index: number;
    readonly size: number;
    readonly path: string;
    readonly signature: string;
  }
  const file = load<{
    deployment: string;
    receipt_key: string;
    good: (Case & { hash: string; leaf: string })[];
    bad: (Case & { why: string; code: string })[];
  }>("receipt");
  const fieldsOf = (given: Case) => ({
    conversation: raw(given.conversation),
    sequence: given.sequence,
    previous: raw(given.previous),
    timeMs: given.time_ms,
    account: raw(given.account),
    device: raw(given.device),
    headerHash: raw(given.header_hash),
    bodyHash: raw(given.body_hash),
    mlsHash: raw(given.mls_hash),
  });
  const check = (given: Case) => {
    const { index, size } = given;
    const fields = fieldsOf(given);
    const proof = { fields, index, size, path: raw(given.path), signature: raw(given.signature) };
    return verifyReceipt(proof, raw(file.deployment), new VerifyKey(raw(file.receipt_key)));
  };
  it.each(file.good)("good %#", (given) => {
    expect(hex(receiptLeaf(fieldsOf(given), raw(file.deployment)))).toBe(given.leaf);
    expect(hex(hashReceipt(fieldsOf(given), raw(file.deployment)))).toBe(given.hash);
    expect(hex(check(given).hash)).toBe(given.hash);
  });
  it.each(file.bad)("$why", (given) => {
    expect(refusalOf(() => check(given))).toBe(given.code);
  });
});

describe("ed25519", () => {
  interface Case {
    readonly key: string;
    readonly message: string;
    readonly signature: string;
  }
  const file = load<{
    good: Case[];
    bad_keys: { why: string; key: string }[];
    bad_signatures: (Case & { why: string })[];
  }>("ed25519");
  it.each(file.good)("good %#", ({ key, message, signature }) => {
    verify(raw(key), raw(signature), raw(message));
  });
  it.each(file.bad_keys)("key: $why", ({ key }) => {
    expect(refusalOf(() => new VerifyKey(raw(key)))).toBe("bad-point");
  });
  it.each(file.bad_signatures)("signature: $why", ({ key, message, signature }) => {
    expect(refusalOf(() => verify(raw(key), raw(signature), raw(message)))).toBe("bad-signature");
  });
});

describe("curve", () => {
  const file = load<{
    order: string;
    hash_to_g1: { message: string; dst: string; point: string }[];
    expand_message_xmd: { message: string; dst: string; size: number; bytes: string }[];
    hash_to_scalar: { message: string; dst: string; scalar: string }[];
    pairing: { g1: string; g2: string; gt: string }[];
    bad_g1: { why: string; point: string }[];
    bad_g2: { why: string; point: string }[];
    bad_scalars: { why: string; scalar: string }[];
  }>("curve");
  it("order", () => {
    expect(curve.ORDER.toString(16)).toBe(file.order);
  });
  it.each(file.hash_to_g1)("hash_to_g1 %#", ({ message, dst, point }) => {
    expect(hex(curve.hashToG1(raw(message), utf8(dst)).encoded)).toBe(point);
  });
  it.each(file.expand_message_xmd)("expand_message_xmd %#", ({ message, dst, size, bytes }) => {
    expect(hex(curve.expandMessageXmd(raw(message), utf8(dst), size))).toBe(bytes);
  });
  it.each(file.hash_to_scalar)("hash_to_scalar %#", ({ message, dst, scalar }) => {
    const value = curve.hashToScalar(raw(message), utf8(dst));
    expect(hex(curve.encodeScalar(value))).toBe(scalar);
  });
  it.each(file.pairing)("pairing %#", ({ g1, g2, gt }) => {
    expect(hex(curve.pairing(G1.decode(raw(g1)), G2.decode(raw(g2))))).toBe(gt);
  });
  it.each(file.bad_g1)("G1: $why", ({ point }) => {
    expect(refusalOf(() => G1.decode(raw(point)))).toBe("bad-point");
  });
  it.each(file.bad_g2)("G2: $why", ({ point }) => {
    expect(refusalOf(() => G2.decode(raw(point)))).toBe("bad-point");
  });
  it.each(file.bad_scalars)("scalar: $why", ({ scalar }) => {
    expect(refusalOf(() => curve.decodeScalar(raw(scalar)))).toBe("bad-scalar");
  });
});

describe("partial", () => {
  const file = load<{
    good: {
      label: string;
      verification_shares: Record<string, string>;
      partials: Record<string, string>;
      court_key: string;
      court_partial: string;
      mpk: string;
      label_key: string;
    }[];
  }>("partial");
  it.each(file.good)("the pairing equations hold %#", (given) => {
    const point = Label.decode(raw(given.label)).point();
    const fits = (partial: string, key: string) =>
      curve.pairingsMatch(
        [[G1.decode(raw(partial)), curve.G2_GENERATOR]],
        [[point, G2.decode(raw(key))]],
      );
    expect(fits(given.label_key, given.mpk)).toBe(true);
    expect(fits(given.court_partial, given.court_key)).toBe(true);
    expect(fits(given.court_partial, given.mpk)).toBe(false);
    for (const [index, partial] of Object.entries(given.partials)) {
      expect(fits(partial, given.verification_shares[index] ?? "")).toBe(true);
    }
  });
});

describe("attachment", () => {
  const file = load<{
    key: string;
    good: { index: number; last: boolean; plain: string; sealed: string }[];
    full: { index: number; last: boolean; sealed_sha256: string }[];
  }>("attachment");
  it.each(file.good)("good %#", ({ index, last, plain, sealed }) => {
    expect(hex(sealChunk(raw(file.key), index, last, raw(plain)))).toBe(sealed);
  });
  it.each(file.full)("full %#", ({ index, last, sealed_sha256 }) => {
    const sealed = sealChunk(raw(file.key), index, last, new Uint8Array(64 * 1024));
    expect(hex(sha256(sealed))).toBe(sealed_sha256);
  });
  it("opens what it sealed, and nothing moved", () => {
    const reference = {
      kind: "Attachment",
      blob: raw(file.key),
      key: raw(file.key),
      size: 5,
      digest: raw(file.key),
      name: utf8("n"),
      mediaType: utf8("m"),
      caption: utf8(""),
    } as const;
    const sealed = sealChunk(reference.key, 0, true, utf8("hello"));
    expect(equalBytes(openChunk(reference, 0, sealed), utf8("hello"))).toBe(true);
    const elsewhere = sealChunk(reference.key, 1, true, utf8("hello"));
    expect(refusalOf(() => openChunk(reference, 0, elsewhere))).toBe("attachment-damaged");
  });
});

describe("key_epoch", () => {
  const file = load<{
    deployment: string;
    committee: number;
    key_epoch: number;
    threshold: number;
    custodian_keys: string[];
    court_key: string;
    good: { signed: string; statement: string; master_key: string };
    bad: { why: string; signed: string; code: string }[];
    destruction: {
      signed: string;
      holder: string;
      role: number;
      share_version: number;
      time_ms: number;
    };
  }>("key_epoch");
  const check = (signed: string) =>
    verifyKeyEpoch(
      decodeSigned(raw(signed)),
      file.custodian_keys.map(raw),
      raw(file.court_key),
      { deployment: raw(file.deployment), committee: file.committee, keyEpoch: file.key_epoch },
      file.threshold,
    );
  it("good", () => {
    const verified = check(file.good.signed);
    expect(hex(verified.masterKey.encoded)).toBe(file.good.master_key);
    expect(hex(encodeStatement(verified))).toBe(file.good.statement);
  });
  it.each(file.bad)("$why", ({ signed, code }) => {
    expect(refusalOf(() => check(signed))).toBe(code);
  });
  it("destruction", () => {
    const { signed, holder, role, share_version, time_ms } = file.destruction;
    const verified = verifyDestruction(raw(signed), raw(holder));
    expect(verified).toMatchObject({ role, shareVersion: share_version, timeMs: BigInt(time_ms) });
    const other = raw(file.court_key);
    expect(refusalOf(() => verifyDestruction(raw(signed), other))).toBe("ceremony-mismatch");
  });
});
