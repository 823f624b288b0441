/** The vectors of what a client verifies: frames, names, groups, logs, charters and notices. */

import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { readSafetyLine, writeSafetyLine } from "../../src/app/codes.ts";
import {
  type Charter,
  genesisId,
  hashTerms,
  readTerms,
  receiptKeyAt,
  requiresCapsuleOn,
  verifyAmendment,
  verifyGenesis,
} from "../../src/protocol/charter.ts";
import { retainedFrom } from "../../src/protocol/charter_terms.ts";
import { VerifyKey } from "../../src/protocol/ed25519.ts";
import { hex, utf8 } from "../../src/protocol/encoding.ts";
import * as frames from "../../src/protocol/frames.ts";
import {
  conversationOf,
  decodeContext,
  decodeCredential,
  encodeContext,
  encodeCredential,
  Rules,
  readLeaf,
  speaksFor,
} from "../../src/protocol/group_rules.ts";
import { type LogName, verifyCheckpoint } from "../../src/protocol/handover.ts";
import * as identifiers from "../../src/protocol/identifiers.ts";
import { decodeInvite, encodeInvite } from "../../src/protocol/invite.ts";
import { keyId } from "../../src/protocol/jws.ts";
import { KeyLog } from "../../src/protocol/keylog.ts";
import {
  decodeEntry,
  encodeEntry,
  encodeInvitation,
  hashEntry,
} from "../../src/protocol/keylog_entry.ts";
import { readStatement, UNCHECKED } from "../../src/protocol/keystatement.ts";
import { verifyLine } from "../../src/protocol/lawlog.ts";
import { epochName, isAlive, overdueSubjects, statusAt } from "../../src/protocol/lawrecords.ts";
import { LawState } from "../../src/protocol/lawstate.ts";
import {
  GrowingTree,
  leafHash,
  verifyConsistency,
  verifyInclusion,
} from "../../src/protocol/merkle.ts";
import { encodeNote, parseNote, parseVkey } from "../../src/protocol/note.ts";
import { verifyNotice } from "../../src/protocol/notice.ts";
import { Policy } from "../../src/protocol/policy.ts";
import { makeSafetyCode } from "../../src/protocol/safety_code.ts";
import * as session from "../../src/protocol/session.ts";
import { verifyProof } from "../../src/protocol/tlog_proof.ts";
import { beginLaw, LawFold } from "../../src/sw/law.ts";
import { load, outcomeOf, raw, refusalOf } from "../vectors.ts";

interface Bad {
  readonly why: string;
  readonly code: string;
}

/** The charter document that a line of a vector needs, by its hash. */
function documentsOf({ document }: { document?: string }): Map<string, Uint8Array> {
  if (document === undefined) return new Map();
  return new Map([[hex(sha256(utf8(document))), utf8(document)]]);
}

const camel = (name: string) =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

describe("frames", () => {
  const file = load<{
    good: { from: string; kind: string; fields: Record<string, unknown>; encoded: string }[];
    bad: (Bad & { encoded: string })[];
    split: { message: string; frames: string[]; bad: (Bad & { message: string })[] };
    application_prefix: { conversation: string; epoch: number; bytes: string };
  }>("frames");

  // Here `kind` names the frame, so an item's and a mail's own kind has another name.
  const RENAMED: Readonly<Record<string, string>> = { Item: "item", Mail: "mail" };
  function plain(value: unknown): unknown {
    if (value instanceof Uint8Array) return hex(value);
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
    }
    return value;
  }
  function ours(value: unknown, frame = ""): unknown {
    if (Array.isArray(value)) return value.map((each) => ours(each));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [
        name === "kind" ? (RENAMED[frame] ?? name) : camel(name),
        ours(each),
      ]),
    );
  }

  it.each(file.good)("$kind %#", ({ from, kind, fields, encoded }) => {
    const [data] = frames.split(raw(encoded));
    if (data === undefined) expect.fail("no frame");
    const device = from === "device";
    const frame = device ? frames.decodeFromDevice(data) : frames.decodeFromServer(data);
    expect(frame.kind).toBe(kind);
    expect(plain(frame)).toEqual({ kind, ...(ours(fields, kind) as object) });
    const again = device
      ? frames.encodeFromDevice(frame as frames.FromDevice)
      : frames.encodeFromServer(frame as frames.FromServer);
    expect(hex(again)).toBe(encoded);
  });
  it.each(file.bad)("$why", ({ encoded, code }) => {
    expect(refusalOf(() => frames.decodeFromDevice(raw(encoded)))).toBe(code);
  });
  it("splits a message", () => {
    expect(frames.split(raw(file.split.message)).map(hex)).toEqual(file.split.frames);
  });
  it.each(file.split.bad)("$why", ({ message, code }) => {
    expect(refusalOf(() => frames.split(raw(message)))).toBe(code);
  });
  it("prefix of application messages", () => {
    const { conversation, epoch, bytes } = file.application_prefix;
    expect(hex(frames.applicationPrefix(raw(conversation), epoch))).toBe(bytes);
  });
});

interface KeyLogFile {
  readonly deployment: string;
  readonly genesis_key: string;
  readonly skew_ms: number;
  readonly names: {
    readonly salt: string;
    readonly handles: readonly { handle: string; account: string }[];
    readonly devices: readonly { key: string; device: string }[];
    readonly conversation: { creator: string; random: string; id: string };
    readonly message_id: { time_ms: number; random: string; id: string };
  };
  readonly log: readonly {
    why: string;
    entry: string;
    code: string | null;
    hash?: string;
    added?: string[];
    removed?: string[];
    author?: string;
  }[];
  readonly time_ms: number;
  readonly accounts: readonly {
    account: string;
    index: number;
    time_ms: number;
    number: number;
    lineage: number;
    committee: number;
    inviter: string;
    devices: string[];
  }[];
}

const keyLogFile = load<KeyLogFile>("keylog");

function replay(): KeyLog {
  const log = new KeyLog(
    raw(keyLogFile.deployment),
    raw(keyLogFile.genesis_key),
    keyLogFile.skew_ms,
  );
  keyLogFile.log.forEach(({ entry }, index) => {
    outcomeOf(() => log.apply(index, raw(entry)));
  });
  return log;
}

describe("keylog", () => {
  it("names", () => {
    const { names } = keyLogFile;
    for (const { handle, account } of names.handles) {
      expect(hex(identifiers.nameAccount(raw(names.salt), handle))).toBe(account);
    }
    for (const { key, device } of names.devices) {
      expect(hex(identifiers.nameDevice(raw(key)))).toBe(device);
    }
    const { creator, random, id } = names.conversation;
    const deployment = raw(keyLogFile.deployment);
    expect(hex(identifiers.nameConversation(raw(creator), raw(random), deployment))).toBe(id);
    const message = names.message_id;
    expect(hex(identifiers.makeMessageId(message.time_ms, raw(message.random)))).toBe(message.id);
  });
  it("replays the log, line by line", () => {
    const log = new KeyLog(
      raw(keyLogFile.deployment),
      raw(keyLogFile.genesis_key),
      keyLogFile.skew_ms,
    );
    keyLogFile.log.forEach((line, index) => {
      const entry = raw(line.entry);
      expect(
        outcomeOf(() => log.check(entry)),
        line.why,
      ).toBe(line.code);
      if (line.code !== null) {
        expect(
          refusalOf(() => log.apply(index, entry)),
          line.why,
        ).toBe(line.code);
        return;
      }
      const applied = log.apply(index, entry);
      expect(hex(applied.entryHash)).toBe(line.hash);
      expect(hex(hashEntry(entry))).toBe(line.hash);
      expect(applied.added.map(hex)).toEqual(line.added);
      expect(applied.removed.map(hex)).toEqual(line.removed);
      expect(hex(applied.author)).toBe(line.author);
      expect(hex(encodeEntry(decodeEntry(entry)))).toBe(line.entry);
    });
    expect(log.timeMs).toBe(BigInt(keyLogFile.time_ms));
    expect(log.accounts()).toHaveLength(keyLogFile.accounts.length);
    for (const given of keyLogFile.accounts) {
      const version = log.account(raw(given.account));
      expect(version).toMatchObject({
        index: given.index,
        timeMs: BigInt(given.time_ms),
        number: given.number,
        lineage: given.lineage,
        committee: given.committee,
      });
      expect(hex(version.inviter)).toBe(given.inviter);
      expect(version.keys.map((key) => hex(identifiers.nameDevice(key)))).toEqual(given.devices);
    }
    expect(refusalOf(() => log.apply(0, raw("")))).toBe("log-gap");
  });
});

describe("safety_code", () => {
  interface Side {
    readonly account: string;
    readonly lineage: number;
    readonly keys: string[];
  }
  const file = load<{
    deployment: string;
    good: { one: Side; other: Side; digits: string; qr: string; line: string }[];
    bad_lines: { line: string }[];
  }>("safety_code");
  const side = (given: Side) => ({
    account: raw(given.account),
    lineage: given.lineage,
    keys: given.keys.map(raw),
    index: 0,
    timeMs: 0n,
    number: 1,
    committee: 1,
    inviter: raw(given.account),
  });
  it.each(file.good)("$digits", ({ one, other, digits, qr, line }) => {
    const code = makeSafetyCode(raw(file.deployment), side(one), side(other));
    expect(code.digits).toBe(digits);
    expect(hex(code.qr)).toBe(qr);
    expect(writeSafetyLine(code.qr)).toBe(line);
    expect(readSafetyLine(` ${line}\n`)).toEqual(code.qr);
  });
  it.each(file.bad_lines)("refuses the line '$line'", ({ line }) => {
    expect(readSafetyLine(line)).toBeNull();
  });
});

describe("session", () => {
  const file = load<{
    deployment: string;
    challenge: string;
    expires_ms: number;
    key: string;
    good: { subject: string; signed: string; signature: string }[];
    bad: { subject: string; code: string }[];
  }>("session");
  it.each(file.good)("good %#", (given) => {
    const subject = session.decodeSubject(raw(given.subject));
    expect(hex(session.encodeSubject(subject))).toBe(given.subject);
    const [deployment, challenge] = [raw(file.deployment), raw(file.challenge)];
    const signed = session.sessionBytes(deployment, challenge, subject, file.expires_ms);
    expect(hex(signed)).toBe(given.signed);
    const { expires_ms } = file;
    const check = (key: string, signature: string) =>
      session.verifySession(deployment, challenge, subject, expires_ms, raw(key), raw(signature));
    check(file.key, given.signature);
    expect(refusalOf(() => check(file.key, `00${given.signature.slice(2)}`))).toBe("bad-signature");
  });
  it.each(file.bad)("bad %#", ({ subject, code }) => {
    expect(refusalOf(() => session.decodeSubject(raw(subject)))).toBe(code);
  });
});

describe("context", () => {
  interface LeafCase {
    readonly account: string;
    readonly device: string;
    readonly key: string;
    readonly credential: string;
  }
  const file = load<{
    deployment: string;
    conversation: string;
    good: {
      encoded: string;
      kind: number;
      creator: string;
      nonce: string;
      escrow: boolean;
      add_policy: number;
      admins: string[];
      conversation: string;
      speaks: { account: string; speaks: boolean }[];
    }[];
    bad: (Bad & { encoded: string })[];
    changes: {
      why: string;
      code: string | null;
      context: string;
      committer: LeafCase;
      external: boolean;
      added: LeafCase[];
      removed: LeafCase[];
      left: LeafCase[];
      after: string | null;
      roster: LeafCase[];
      time_ms: number;
    }[];
  }>("context");
  const leaf = (given: LeafCase) => {
    const { account, device } = decodeCredential(raw(given.credential));
    expect([hex(account), hex(device)]).toEqual([given.account, given.device]);
    expect(hex(encodeCredential(account, device))).toBe(given.credential);
    return readLeaf(raw(given.credential), raw(given.key));
  };
  it.each(file.good)("good %#", (given) => {
    const context = decodeContext(raw(given.encoded));
    expect(hex(encodeContext(context))).toBe(given.encoded);
    expect(hex(conversationOf(context))).toBe(given.conversation);
    expect(context).toMatchObject({
      kind: given.kind,
      escrow: given.escrow,
      addPolicy: given.add_policy,
    });
    expect(context.admins.map(hex)).toEqual(given.admins);
    expect([hex(context.creator), hex(context.nonce)]).toEqual([given.creator, given.nonce]);
    for (const { account, speaks } of given.speaks) {
      expect(speaksFor(context, raw(account))).toBe(speaks);
    }
  });
  it.each(file.bad)("$why", ({ encoded, code }) => {
    expect(refusalOf(() => decodeContext(raw(encoded)))).toBe(code);
  });
  const rules = new Rules(raw(file.deployment), true, replay(), keyLogFile.skew_ms);
  it.each(file.changes)("$why", (given) => {
    const change = {
      committer: leaf(given.committer),
      external: given.external,
      added: given.added.map(leaf),
      removed: given.removed.map(leaf),
      left: given.left.map(leaf),
      contextBefore: raw(given.context),
      contextAfter: given.after === null ? undefined : raw(given.after),
      roster: () => given.roster.map(leaf),
      timeMs: given.time_ms,
    };
    expect(outcomeOf(() => rules.checkChange(raw(file.conversation), change))).toBe(given.code);
  });
});

describe("invite", () => {
  const file = load<{
    good: { line: string; address: string; deployment: string; seed: string; invitation: string }[];
    bad: (Bad & { line: string })[];
  }>("invite");
  it.each(file.good)("good %#", (given) => {
    const invite = decodeInvite(` ${given.line}\n`);
    expect(encodeInvite(invite)).toBe(given.line);
    expect(invite.address).toBe(given.address);
    expect(hex(invite.deployment)).toBe(given.deployment);
    expect(hex(invite.seed)).toBe(given.seed);
    expect(hex(encodeInvitation(invite.invitation))).toBe(given.invitation);
  });
  it.each(file.bad)("$why", ({ line, code }) => {
    expect(refusalOf(() => decodeInvite(line))).toBe(code);
  });
});

describe("tlog", () => {
  const file = load<{
    entries: string[];
    roots: string[];
    log: string;
    witnesses: string[];
    quorum: number;
    good: { why: string; note: string; quorum_time_s: number }[];
    bad: (Bad & { note: string })[];
    proofs: { entry: string; index: number; proof: string }[];
    bad_proofs: (Bad & { entry: string; proof: string })[];
    consistency: {
      old: number;
      new: number;
      old_root: string;
      new_root: string;
      proof: string[];
    }[];
    bad_vkeys: (Bad & { vkey: string })[];
  }>("tlog");
  const names = file.witnesses.map((_, at) => `w${at + 1}`);
  const policy = new Policy(
    [parseVkey(file.log)],
    file.witnesses.map((vkey, at) => ({ name: `w${at + 1}`, key: parseVkey(vkey) })),
    [{ name: "quorum", threshold: file.quorum, members: names }],
    "quorum",
  );
  it("roots of a growing tree", () => {
    const tree = new GrowingTree();
    expect(hex(tree.root)).toBe(file.roots[0]);
    file.entries.forEach((entry, at) => {
      tree.append(raw(entry));
      expect(hex(tree.root)).toBe(file.roots[at + 1]);
      expect(hex(new GrowingTree(tree.size, tree.peaks).root)).toBe(file.roots[at + 1]);
    });
  });
  it.each(file.good)("$why", ({ note, quorum_time_s }) => {
    const verified = policy.verify(utf8(note));
    expect(verified.quorumTimeS).toBe(BigInt(quorum_time_s));
    expect(new TextDecoder().decode(encodeNote(parseNote(utf8(note))))).toBe(note);
  });
  it.each(file.bad)("$why", ({ note, code }) => {
    expect(refusalOf(() => policy.verify(raw(note)))).toBe(code);
  });
  it.each(file.proofs)("proof of $index", ({ entry, index, proof }) => {
    expect(verifyProof(utf8(proof), raw(entry), policy).index).toBe(index);
  });
  it.each(file.bad_proofs)("$why", ({ entry, proof, code }) => {
    expect(refusalOf(() => verifyProof(raw(proof), raw(entry), policy))).toBe(code);
  });
  it.each(file.consistency)("from $old to $new", (given) => {
    const [oldRoot, newRoot] = [raw(given.old_root), raw(given.new_root)];
    const proof = given.proof.map(raw);
    verifyConsistency(given.old, given.new, proof, oldRoot, newRoot);
    const wrong = () =>
      verifyConsistency(given.old, given.new, [...proof, oldRoot], oldRoot, newRoot);
    expect(refusalOf(wrong)).toBe("log-proof");
    const other = new Uint8Array(32);
    const moved = () => verifyConsistency(given.old, given.new, proof, other, newRoot);
    expect(refusalOf(moved)).toBe("log-proof");
  });
  it("a tree of more than 2^32 entries", () => {
    // An entry at the end of a tree whose other entries stand in one perfect subtree.
    const leaf = leafHash(utf8("last"));
    const sibling = leafHash(utf8("the others"));
    const tree = new GrowingTree(2 ** 40, [sibling]);
    tree.append(utf8("last"));
    verifyInclusion(leaf, 2 ** 40, 2 ** 40 + 1, [sibling], tree.root);
    expect(refusalOf(() => verifyInclusion(leaf, 2 ** 39, 2 ** 40 + 1, [sibling], tree.root))).toBe(
      "log-proof",
    );
  });
  it.each(file.bad_vkeys)("$why", ({ vkey, code }) => {
    expect(refusalOf(() => parseVkey(vkey))).toBe(code);
  });
});

describe("charter", () => {
  const file = load<{
    deployment: string;
    document: string;
    operator: string;
    court: string;
    custodian: string;
    key_id: string;
    bad: (Bad & { document: string })[];
    amendments: { why: string; document: string; code: string | null; hash?: string }[];
    bad_terms: (Bad & { payload: string; hash: string })[];
    capsules: {
      amendment: string;
      cases: { why: string; committee: number; day: number; outcome: boolean | string }[];
      retention: { now_ms: number; from_ms: readonly number[] };
    };
    receipt_keys: { amendment: string; cases: { time_ms: number; key: string }[] };
  }>("charter");
  const genesis = () => verifyGenesis(utf8(file.document), raw(file.deployment));
  it("good", () => {
    const charter: Charter = genesis();
    expect(charter.party(raw(file.operator))).toMatchObject({ role: "operator" });
    expect(charter.party(raw(file.court))).toMatchObject({ role: "court", committee: 1 });
    expect(charter.party(raw(file.custodian))).toMatchObject({ role: "custodian", index: 3 });
    expect(charter.party(raw(file.deployment))).toBeUndefined();
    expect(keyId(raw(file.operator))).toBe(file.key_id);
    expect(charter.committee(2).threshold).toBe(2);
    expect(refusalOf(() => charter.committee(3))).toBe("unknown-committee");
  });
  it.each(file.bad)("$why", ({ document, code }) => {
    expect(refusalOf(() => verifyGenesis(utf8(document), raw(file.deployment)))).toBe(code);
  });
  it.each(file.amendments)("$why", ({ document, code, hash }) => {
    expect(outcomeOf(() => verifyAmendment(genesis(), utf8(document)))).toBe(code);
    if (code === null) expect(hex(verifyAmendment(genesis(), utf8(document)).hash)).toBe(hash);
  });
  it.each(file.bad_terms)("$why", ({ payload, hash, code }) => {
    expect(hex(hashTerms(raw(payload)))).toBe(hash);
    expect(hex(genesisId(raw(payload)))).toBe(hash);
    expect(refusalOf(() => readTerms(raw(payload)))).toBe(code);
  });
  it.each(file.capsules.cases)("seals: $why", ({ committee, day, outcome }) => {
    const charters = [genesis(), verifyAmendment(genesis(), utf8(file.capsules.amendment))];
    const asked = () => requiresCapsuleOn(charters, committee, day);
    if (typeof outcome === "string") expect(refusalOf(asked)).toBe(outcome);
    else expect(asked()).toBe(outcome);
  });
  it.each(file.receipt_keys.cases)("receipts of $time_ms are by $key", ({ time_ms, key }) => {
    const charters = [genesis(), verifyAmendment(genesis(), utf8(file.receipt_keys.amendment))];
    expect(hex(receiptKeyAt(charters, time_ms))).toBe(key);
  });
  it("keeps messages for the longest retention", () => {
    const charters = [genesis(), verifyAmendment(genesis(), utf8(file.capsules.amendment))];
    const { now_ms, from_ms } = file.capsules.retention;
    expect(charters.map(({ terms }) => retainedFrom(terms, now_ms))).toEqual(from_ms);
  });
});

describe("bundle", () => {
  const file = load<{
    deployment: string;
    entries: { kind: string; hash: string; time_ms: number; line: string }[];
  }>("bundle");

  it.each(file.entries)("reads the line of $kind", ({ hash, time_ms, line }) => {
    const read = verifyLine(raw(file.deployment) as identifiers.DeploymentId, utf8(line));
    expect(read.timeMs).toBe(time_ms);
    expect(hex(read.signed.hash)).toBe(hash);
  });
});

describe("lawlog", () => {
  const file = load<{
    deployment: string;
    charter: string;
    lines: { why: string; line: string; code: string | null; document?: string }[];
    root: string;
    void: number;
    charters: string[];
    tallies: ({ committee: number } & Record<string, number>)[];
    epochs: {
      committee: number;
      key_epoch: number;
      master_key: string;
      share_version: number;
      alive: boolean;
      destroyed: number[];
    }[];
    extensions: { committee: number; key_epoch: number; until_day: number }[];
    warrants: { warrant: string; now: string; late: string; overdue: string[] }[];
    now_ms: number;
    late_ms: number;
    request: string;
    notices: {
      why: string;
      document: string;
      account: string;
      now_ms: number;
      code: string | null;
    }[];
  }>("lawlog");
  const charter = verifyGenesis(utf8(file.charter), raw(file.deployment));
  const folded = new LawState(charter);
  for (const [index, line] of file.lines.entries()) {
    folded.apply(index, raw(line.line), documentsOf(line));
  }

  it("has the same charters in the service worker's fold", async () => {
    const documents = file.lines.flatMap(({ document }) =>
      document === undefined ? [] : [utf8(document)],
    );
    const begin = beginLaw(raw(file.deployment), utf8(file.charter));
    const fold = new LawFold(begin, async () => documents);
    // Among them those that would orphan living keys (C-11).
    expect(file.lines.filter(({ code }) => code === "charter-fixed").length).toBeGreaterThan(0);
    await fold.take(file.lines.map(({ line }) => raw(line)));
    expect(fold.facts.charters.map((each) => hex(each.hash))).toEqual(file.charters);
    const living = fold.known().epochs.flatMap(({ statement, ...rest }) => {
      const keys = readStatement(statement, UNCHECKED);
      const { committee, keyEpoch } = keys.epoch;
      return isAlive({ keys, ...rest }) ? [epochName(committee, keyEpoch)] : [];
    });
    const alive = file.epochs.filter((one) => one.alive);
    expect(living.sort()).toEqual(
      alive.map((one) => epochName(one.committee, one.key_epoch)).sort(),
    );
    expect(alive.length).toBeLessThan(file.epochs.length);
    // What is kept between two looks is enough to go on from.
    const again = new LawFold(fold.known(), async () => documents);
    expect(again.known()).toEqual(fold.known());
  });

  it("folds the log, line by line", async () => {
    const state = new LawState(charter);
    for (const [index, { why, line, code, document }] of file.lines.entries()) {
      const before = state.void;
      if (document === undefined) {
        state.apply(index, raw(line));
      } else {
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", Buffer.from(document)));
        if (code === null) {
          expect(refusalOf(() => state.apply(index, raw(line)))).toBe("charter-missing");
        }
        state.apply(index, raw(line), new Map([[hex(digest), utf8(document)]]));
      }
      expect(state.void > before ? state.lastVoid : null, why).toBe(code);
    }
    expect(hex(state.root)).toBe(file.root);
    expect(state.void).toBe(file.void);
    const { facts } = state;
    expect(facts.charters.map((each) => hex(each.hash))).toEqual(file.charters);
    for (const { committee, ...tally } of file.tallies) {
      expect(state.tally(committee)).toEqual(tally);
    }
    expect(facts.epochs.size).toBe(file.epochs.length);
    for (const given of file.epochs) {
      const record = facts.epochs.get(epochName(given.committee, given.key_epoch));
      if (record === undefined) expect.fail("no such key epoch");
      expect(hex(record.keys.masterKey.encoded)).toBe(given.master_key);
      expect(record.keys.shareVersion).toBe(given.share_version);
      expect(isAlive(record)).toBe(given.alive);
      expect([...record.destroyed].sort()).toEqual(given.destroyed);
    }
    expect(facts.extensions.size).toBe(file.extensions.length);
    for (const { committee, key_epoch, until_day } of file.extensions) {
      expect(facts.extensions.get(epochName(committee, key_epoch))).toBe(until_day);
    }
    expect(facts.warrants.size).toBe(file.warrants.length);
    for (const { warrant, now, late, overdue } of file.warrants) {
      const record = facts.warrants.get(warrant);
      if (record === undefined) expect.fail("no such warrant");
      expect(statusAt(record, file.now_ms)).toBe(now);
      expect(statusAt(record, file.late_ms)).toBe(late);
      expect(overdueSubjects(record, file.late_ms).sort()).toEqual(overdue);
    }
    expect(facts.requests.has(file.request)).toBe(true);
    expect(refusalOf(() => state.apply(0, raw("")))).toBe("log-gap");
  });

  it.each(file.notices)("notice $why", ({ document, account, now_ms, code }) => {
    expect(outcomeOf(() => verifyNotice(utf8(document), folded, raw(account), now_ms))).toBe(code);
  });
});

describe("handover", () => {
  const file = load<{
    deployment: string;
    charter: string;
    lines: { why: string; line: string; code: string | null; document?: string }[];
    checkpoints: {
      why: string;
      lines: number;
      log: LogName;
      note: string;
      now_ms: number | null;
      code: string | null;
    }[];
    handovers: { index: number; charter: string; key_size: number; key_root: string }[];
  }>("handover");
  const states = [new LawState(verifyGenesis(utf8(file.charter), raw(file.deployment)))];
  for (const [index, line] of file.lines.entries()) {
    const next = states[index]?.copy();
    if (next === undefined) throw new Error("no state");
    const before = next.void;
    next.apply(index, raw(line.line), documentsOf(line));
    const code = next.void > before ? next.lastVoid : null;
    if (code !== line.code) throw new Error(`${line.why}: ${code}`);
    states.push(next);
  }

  it.each(file.checkpoints)("$why", ({ lines, log, note, now_ms, code }) => {
    const facts = states[lines]?.facts;
    if (facts === undefined) expect.fail("no state");
    const verify = () => verifyCheckpoint(log, facts, utf8(note), now_ms ?? undefined);
    expect(outcomeOf(verify)).toBe(code);
  });

  it("is the same in the service worker's fold, begun again after every line", async () => {
    const documents = file.lines.flatMap(({ document }) =>
      document === undefined ? [] : [utf8(document)],
    );
    let known = beginLaw(raw(file.deployment), utf8(file.charter));
    for (const [size, state] of states.entries()) {
      for (const { lines, log, note, now_ms, code } of file.checkpoints) {
        if (lines !== size || log !== "law") continue;
        const { facts } = new LawFold(known, async () => documents);
        const verify = () => verifyCheckpoint(log, facts, utf8(note), now_ms ?? undefined);
        expect(outcomeOf(verify)).toBe(code);
      }
      expect(known.handovers.length).toBe(state.facts.handovers.length);
      const line = file.lines[size];
      if (line === undefined) continue;
      const fold = new LawFold(known, async () => documents);
      await fold.take([raw(line.line)]);
      known = fold.known();
    }
  });

  it("hands over once", () => {
    const told = states.at(-1)?.facts.handovers.map((one) => ({
      index: one.index,
      charter: hex(one.charter.hash),
      key_size: one.keySize,
      key_root: hex(one.keyRoot),
    }));
    expect(told).toEqual(file.handovers);
    const last = states.at(-1);
    states.forEach((state, size) => {
      expect(hex(last?.rootAt(size) ?? raw(""))).toBe(hex(state.root));
    });
  });
});

it("keys are checked as they are read", () => {
  expect(refusalOf(() => new VerifyKey(new Uint8Array(31)))).toBe("bad-point");
});
