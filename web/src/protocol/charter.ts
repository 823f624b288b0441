/**
 * The charter: the signed public file that is the law of one deployment (spec C).
 *
 * `CharterTerms` is the document; a `Charter` is one that was verified: against the pinned
 * deployment id (genesis) or against the charter before it (amendment). Nothing else makes one.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import {
  type CharterTerms,
  type Committee,
  charterTerms,
  checkTerms,
  requiresCapsule,
} from "./charter_terms.ts";
import { DAY_MS } from "./days.ts";
import { decode } from "./documents.ts";
import { equalBytes, hex, tagged } from "./encoding.ts";
import { CharterRefused, Malformed } from "./errors.ts";
import { type Held, verifierOf } from "./held.ts";
import type { DeploymentId } from "./identifiers.ts";
import * as jws from "./jws.ts";
import * as limits from "./limits.ts";
import { parseVkey } from "./note.ts";
import { Policy } from "./policy.ts";

const TAG = "doublelock/v1/charter";
const VERIFIED = Symbol("verified");
// Account ids come from the salt, and another log key would be another log.
const FIXED = ["accountSalt", "genesisKey", "keyLog", "lawLog"] as const;
const LOOSE: ReadonlySet<string> = new Set([
  "sequence",
  "deployment",
  "previous",
  "issuedMs",
  "effectiveMs",
  "committees",
]);

/** What a key in the charter is for. */
export type Role = "operator" | "custodian" | "court" | "agency" | "minister" | "judge";

/** A party as found by its key; the operator has no committee, a custodian has an index. */
export interface PartyRef {
  readonly role: Role;
  readonly name: string;
  readonly key: Uint8Array;
  readonly committee: number | undefined;
  readonly index: number;
}

/**
 * A verified charter; `hash` (32 bytes) names it, `deployment` (32) names the genesis.
 *
 * Made by `verifyGenesis` and `verifyAmendment` alone. `document` is as received.
 */
export class Charter {
  readonly deployment: DeploymentId;
  readonly hash: Uint8Array;
  readonly terms: CharterTerms;
  readonly document: Uint8Array;
  /** The tlog policy by which law-log checkpoints count: one log, the quorum (C-5). */
  readonly lawPolicy: Policy;
  /** The tlog policy by which key-log checkpoints count. */
  readonly keyPolicy: Policy;
  /** The policies that ask for a log's own signature alone: to read on from, never to rely on. */
  readonly lawSigned: Policy;
  readonly keySigned: Policy;
  readonly #parties: ReadonlyMap<string, PartyRef>;

  constructor(
    token: symbol,
    deployment: DeploymentId,
    payload: Uint8Array,
    document: Uint8Array,
    held?: Held,
  ) {
    if (token !== VERIFIED) throw new TypeError("a Charter comes from verifying one");
    this.deployment = deployment;
    this.hash = hashTerms(payload);
    this.terms = readTerms(payload, held);
    this.document = document;
    try {
      this.lawPolicy = policyFor(this.terms, this.terms.lawLog);
      this.keyPolicy = policyFor(this.terms, this.terms.keyLog);
      this.lawSigned = new Policy(this.lawPolicy.logs, [], [], "none");
      this.keySigned = new Policy(this.keyPolicy.logs, [], [], "none");
    } catch (problem) {
      if (!(problem instanceof Malformed)) throw problem;
      throw new CharterRefused("charter-terms", problem.detail);
    }
    this.#parties = new Map(partiesOf(this.terms).map((party) => [hex(party.key), party]));
  }

  /** A committee. Throws CharterRefused(unknown-committee). */
  committee(number: number): Committee {
    const found = this.terms.committees.find((each) => each.number === number);
    if (found === undefined) throw new CharterRefused("unknown-committee", String(number));
    return found;
  }

  /** Whose key this is, or undefined: a key plays at most one role (spec C-4). */
  party(key: Uint8Array): PartyRef | undefined {
    return this.#parties.get(hex(key));
  }

  /** Every party. */
  get parties(): PartyRef[] {
    return [...this.#parties.values()];
  }
}

/** The 32-byte hash of a charter's payload. */
export function hashTerms(payload: Uint8Array): Uint8Array {
  return sha256(tagged(TAG, sha256(payload)));
}

/** The deployment id that a genesis payload founds: its hash (spec C-2). */
export function genesisId(payload: Uint8Array): DeploymentId {
  return hashTerms(payload);
}

/**
 * A payload's terms, checked against themselves, signed by nobody yet.
 *
 * Throws Malformed (over `limits.CHARTER` bytes, form) or CharterRefused(charter-terms).
 */
export function readTerms(payload: Uint8Array, held?: Held): CharterTerms {
  const terms = decode(payload, charterTerms, limits.CHARTER);
  checkTerms(terms, held);
  return terms;
}

/**
 * The genesis charter: its payload's hash is the pinned id, its operator signed (C-2).
 *
 * What `held` is not checked again, here and below.
 * Throws Malformed or CharterRefused(charter-genesis, charter-terms).
 */
export function verifyGenesis(data: Uint8Array, pinned: DeploymentId, held?: Held): Charter {
  const payload = jws.readPayload(data, limits.CHARTER);
  if (!equalBytes(genesisId(payload), pinned)) throw new CharterRefused("charter-genesis");
  const terms = readTerms(payload, held);
  if (terms.sequence !== 0) throw new CharterRefused("charter-genesis", "not the first charter");
  const verify = verifierOf(held);
  jws.verify(data, jws.Purpose.CHARTER, [terms.operator.key], limits.CHARTER, verify);
  return new Charter(VERIFIED, pinned, payload, data, held);
}

/**
 * The charter that follows `current`, whoever hands it over (spec C-9).
 *
 * Throws Malformed or CharterRefused: charter-sequence, charter-fixed, charter-delay,
 * charter-signatures, charter-terms.
 */
export function verifyAmendment(current: Charter, data: Uint8Array, held?: Held): Charter {
  const payload = jws.readPayload(data, limits.CHARTER);
  const now = readTerms(payload, held);
  const old = current.terms;
  const follows = now.previous !== undefined && equalBytes(now.previous, current.hash);
  if (now.sequence !== old.sequence + 1 || !follows) {
    throw new CharterRefused("charter-sequence", `sequence ${now.sequence}`);
  }
  if (now.deployment === undefined || !equalBytes(now.deployment, current.deployment)) {
    throw new CharterRefused("charter-sequence", "another deployment");
  }
  if (now.issuedMs < old.issuedMs) {
    throw new CharterRefused("charter-sequence", "issued before the last");
  }
  if (FIXED.some((member) => fingerprint(now[member]) !== fingerprint(old[member]))) {
    throw new CharterRefused("charter-fixed", FIXED.join(", "));
  }
  if (now.effectiveMs < now.issuedMs + old.amendmentDelayMs) {
    throw new CharterRefused("charter-delay");
  }
  if (now.effectiveMs < old.effectiveMs) {
    throw new CharterRefused("charter-delay", "before the charter that it amends");
  }
  const holders = [...holderKeys(old), ...holderKeys(now)];
  const ours = [old.operator.key, ...newKeys(old, now).values()];
  const allowed = new Map([...ours, ...holders].map((key) => [hex(key), key]));
  const keys = [...allowed.values()];
  const signed = jws.verify(data, jws.Purpose.CHARTER, keys, limits.CHARTER, verifierOf(held));
  checkSignatures(old, now, new Set(signed.signers.map(hex)));
  return new Charter(VERIFIED, current.deployment, payload, data, held);
}

/** The skew in ms of the charter in force at a time; before genesis, of genesis. */
export function skewAt(charters: readonly Charter[], timeMs: number): number {
  return lawAt(charters, timeMs).terms.skewMs;
}

/** The key (32) that signs receipts of a time (spec C-13). */
export function receiptKeyAt(charters: readonly Charter[], timeMs: number): Uint8Array {
  return lawAt(charters, timeMs).terms.receiptKey;
}

function lawAt(charters: readonly Charter[], timeMs: number): Charter {
  return charterAt(charters, Math.max(timeMs, charters[0]?.terms.effectiveMs ?? 0));
}

/**
 * The charter in force at a time, of a chain from genesis on (spec C-10).
 *
 * Throws CharterRefused(charter-sequence) when none is in force yet.
 */
export function charterAt(charters: readonly Charter[], timeMs: number): Charter {
  const found = charters.findLast((charter) => charter.terms.effectiveMs <= timeMs);
  if (found === undefined) {
    throw new CharterRefused("charter-sequence", "no charter in force at that time");
  }
  return found;
}

/**
 * Whether a day's stored messages of a committee's accounts carry a capsule (spec C-6).
 *
 * The charter at the day's beginning says it; a committee that begins on that day begins with its
 * own. Throws CharterRefused(unknown-committee).
 */
export function requiresCapsuleOn(
  charters: readonly Charter[],
  committee: number,
  day: number,
): boolean {
  const [begin, end] = [day * DAY_MS, (day + 1) * DAY_MS];
  const begun = charters.filter(
    ({ terms }) => begin < terms.effectiveMs && terms.effectiveMs < end,
  );
  for (const { terms } of [lawAt(charters, begin), ...begun]) {
    const found = terms.committees.find(({ number }) => number === committee);
    if (found !== undefined) return requiresCapsule(found);
  }
  throw new CharterRefused("unknown-committee", String(committee));
}

function policyFor(terms: CharterTerms, log: string): Policy {
  const witnesses = terms.witnesses.map((vkey, at) => ({
    name: `witness${at + 1}`,
    key: parseVkey(vkey),
  }));
  const logs = [parseVkey(log)];
  if (terms.quorum === 0) return new Policy(logs, witnesses, [], "none");
  const members = witnesses.map(({ name }) => name);
  const group = { name: "quorum", threshold: terms.quorum, members };
  return new Policy(logs, witnesses, [group], "quorum");
}

function checkSignatures(old: CharterTerms, now: CharterTerms, signers: ReadonlySet<string>): void {
  if (!signers.has(hex(old.operator.key))) {
    throw new CharterRefused("charter-signatures", "operator");
  }
  for (const [whose, key] of newKeys(old, now)) {
    if (!signers.has(hex(key))) throw new CharterRefused("charter-signatures", whose);
  }
  const before = new Map(old.committees.map((each) => [each.number, each]));
  const after = new Map(now.committees.map((each) => [each.number, each]));
  const sameNumbers =
    before.size === after.size && [...before.keys()].every((number) => after.has(number));
  // What is not inside a committee, and which committees there are, concerns them all.
  const everyone = !sameNumbers || frame(old) !== frame(now);
  for (const [number, committee] of before) {
    if (everyone || fingerprint(after.get(number)) !== fingerprint(committee)) {
      checkConsent(committee, signers);
    }
  }
  for (const [number, committee] of after) {
    if (!before.has(number)) checkConsent(committee, signers);
  }
}

function checkConsent(committee: Committee, signers: ReadonlySet<string>): void {
  const { number, court, custodians, threshold } = committee;
  if (court !== undefined && !signers.has(hex(court.key))) {
    throw new CharterRefused("charter-signatures", `court of committee ${number}`);
  }
  const count = custodians.filter((custodian) => signers.has(hex(custodian.key))).length;
  if (count < threshold) {
    const what = `${count} of ${threshold} custodians of committee ${number}`;
    throw new CharterRefused("charter-signatures", what);
  }
}

/** Everything that belongs to no single committee, as a text to compare. */
function frame(terms: CharterTerms): string {
  return fingerprint(Object.entries(terms).filter(([member]) => !LOOSE.has(member)));
}

/** A text that is equal for equal values alone; objects are made in one order by the reader. */
function fingerprint(value: unknown): string {
  if (value instanceof Uint8Array) return `x${hex(value)}`;
  if (Array.isArray(value)) return `[${value.map(fingerprint).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
    return `{${members.map(([name, member]) => `${name}:${fingerprint(member)}`).join(",")}}`;
  }
  return value === undefined ? "undefined" : JSON.stringify(value);
}

/** The operator's keys that an amendment brings; one of nobody's would end all (C-9). */
function newKeys(old: CharterTerms, now: CharterTerms): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  if (!equalBytes(now.operator.key, old.operator.key)) {
    found.set("new operator key", now.operator.key);
  }
  if (!equalBytes(now.receiptKey, old.receiptKey)) found.set("new receipt key", now.receiptKey);
  return found;
}

function holderKeys(terms: CharterTerms): Uint8Array[] {
  return terms.committees.flatMap((committee) => [
    ...committee.custodians.map((custodian) => custodian.key),
    ...(committee.court === undefined ? [] : [committee.court.key]),
  ]);
}

function partiesOf(terms: CharterTerms): PartyRef[] {
  const { operator } = terms;
  const out: PartyRef[] = [{ role: "operator", ...operator, committee: undefined, index: 0 }];
  for (const committee of terms.committees) {
    const at = { committee: committee.number, index: 0 };
    for (const custodian of committee.custodians) {
      out.push({ role: "custodian", ...custodian, committee: committee.number });
    }
    if (committee.court !== undefined) out.push({ role: "court", ...committee.court, ...at });
    for (const party of committee.agencies) out.push({ role: "agency", ...party, ...at });
    for (const party of committee.ministers) out.push({ role: "minister", ...party, ...at });
    for (const party of committee.judges) out.push({ role: "judge", ...party, ...at });
  }
  return out;
}
