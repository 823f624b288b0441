/** What a charter says, as a document; `charter` tells who must have signed it (spec C). */

import { DAY_MS } from "./days.ts";
import {
  arrayOf,
  bytes32,
  committeeNumber,
  count,
  exactly,
  millis,
  name,
  nullable,
  type Of,
  object,
  oneOf,
  text,
  whole,
  word,
} from "./documents.ts";
import { hex } from "./encoding.ts";
import { CharterRefused, Refusal } from "./errors.ts";
import { checkKey, type Held } from "./held.ts";
import * as limits from "./limits.ts";
import { parseVkey } from "./note.ts";

const days = whole(36_525);
/** A C2SP signed-note verifier key as text. */
const vkey = text(1, limits.VKEY);

/** What a warrant may ask for; a kind exists when the charter has a profile for it. */
export const warrantKind = oneOf("content-stored", "metadata");
export type WarrantKind = Of<typeof warrantKind>;

/** A role whose signature a profile can demand: the double lock's two halves. */
export const approver = oneOf("minister", "judge");
export type Approver = Of<typeof approver>;

/** Somebody the charter names, with an Ed25519 key of 32 bytes for this role alone. */
const party = object({ name, key: bytes32 });
export type Party = Of<typeof party>;

/** A holder of one share: `index` is its participant number from 1, `key` its identity key. */
const custodian = object({ index: whole(limits.CUSTODIANS, 1), name, key: bytes32 });
export type Custodian = Of<typeof custodian>;

/** What one kind of warrant needs and how long everything may last (spec C-7). */
const profile = object({
  kind: warrantKind,
  approvals: arrayOf(approver),
  urgent: arrayOf(approver),
  maxDays: days,
  validityMs: millis,
  urgentWindowMs: millis,
  gagMs: millis,
  noticeMs: millis,
  renewals: count,
  offences: arrayOf(word),
  unnamedSenders: count,
});
export type Profile = Of<typeof profile>;

/** How much one committee may open in any 30 days, from the law log's order alone (spec C-8). */
const caps = object({ accounts: count, labels: count });

const escrow = oneOf("threshold", "none");

/**
 * The custodians, court and authorities of one jurisdiction.
 *
 * With `escrow` "none" nothing can be opened: no custodians, no court, threshold 0.
 */
const committee = object({
  number: committeeNumber,
  name,
  jurisdiction: name,
  escrow,
  custodians: arrayOf(custodian),
  threshold: whole(limits.CUSTODIANS),
  court: nullable(party),
  agencies: arrayOf(party),
  ministers: arrayOf(party),
  judges: arrayOf(party),
  profiles: arrayOf(profile),
  caps,
  retentionDays: days,
});
export type Committee = Of<typeof committee>;

/**
 * The charter's payload. Times in ms since 1970 UTC, spans in ms or days as named.
 *
 * `deployment` and `previous` are absent in the genesis charter alone: the first charter's hash is
 * the deployment id. `genesisKey` signs the first invites (spec Y-4). `addresses` says where the
 * server is reached and is no matter of trust.
 */
export const charterTerms = object(
  {
    version: exactly(1),
    name,
    sequence: count,
    deployment: nullable(bytes32),
    previous: nullable(bytes32),
    issuedMs: millis,
    effectiveMs: millis,
    operator: party,
    receiptKey: bytes32,
    genesisKey: bytes32,
    keyLog: vkey,
    lawLog: vkey,
    witnesses: arrayOf(vkey),
    quorum: whole(limits.WITNESSES),
    accountSalt: bytes32,
    skewMs: millis,
    checkpointAgeMs: millis,
    epochExtensionDays: days,
    amendmentDelayMs: millis,
    escrow,
    committees: arrayOf(committee),
    addresses: arrayOf(name),
  },
  { addresses: [] },
);
export type CharterTerms = Of<typeof charterTerms>;

/** The profile of a kind. Throws CharterRefused(warrant-kind). */
export function profileOf(committee: Committee, kind: WarrantKind): Profile {
  const found = committee.profiles.find((each) => each.kind === kind);
  if (found === undefined) throw new CharterRefused("warrant-kind", kind);
  return found;
}

/**
 * The time (ms) before which stored messages are deleted, 0 for none (spec W-19).
 *
 * The longest retention of any committee: a conversation may have senders of several. No days, as
 * a committee without escrow may have, are no limit.
 */
export function retainedFrom({ committees }: CharterTerms, nowMs: number): number {
  const spans = committees.map(({ retentionDays }) => retentionDays);
  return spans.includes(0) ? 0 : Math.max(0, nowMs - Math.max(...spans) * DAY_MS);
}

/** Whether every stored message of a committee's accounts must carry a capsule (spec C-6). */
export function requiresCapsule(committee: Committee): boolean {
  return committee.escrow === "threshold";
}

/** Throws CharterRefused(charter-terms) unless the charter agrees with itself (C-3 to C-8). */
export function checkTerms(terms: CharterTerms, held?: Held): void {
  const { committees, witnesses } = terms;
  const vkeys = [...witnesses, terms.keyLog, terms.lawLog];
  demand(committees.length >= 1 && committees.length <= limits.COMMITTEES, "number of committees");
  demand(distinct(committees.map((each) => each.number)), "committee twice");
  demand(witnesses.length <= limits.WITNESSES, "too many witnesses");
  demand(distinct(vkeys), "log key twice");
  for (const each of vkeys) valid(() => parseVkey(each), "a log or witness key is not valid");
  demand(terms.quorum <= witnesses.length, "quorum over number of witnesses");
  demand(terms.skewMs <= DAY_MS, "skew over a day");
  demand(terms.effectiveMs >= terms.issuedMs, "effective before issued");
  demand((terms.sequence === 0) === (terms.previous === undefined), "sequence and previous");
  demand((terms.sequence === 0) === (terms.deployment === undefined), "sequence and deployment");
  const anyEscrow = committees.some(requiresCapsule);
  demand((terms.escrow === "threshold") === anyEscrow, "escrow differs from the committees'");
  demand(terms.quorum >= 1 || !anyEscrow, "escrow without witnesses");
  // One key in two roles would let one person open both locks.
  const keys = allKeys(terms);
  demand(distinct(keys.map(hex)), "one key in two roles");
  for (const key of keys) valid(() => checkKey(key, held), "a key is not valid");
  for (const each of committees) checkCommittee(each);
}

/** Every Ed25519 key in the charter, log and witness keys aside. */
export function allKeys(terms: CharterTerms): Uint8Array[] {
  const inCommittees = terms.committees.flatMap((each) => [
    ...each.custodians,
    ...(each.court === undefined ? [] : [each.court]),
    ...each.agencies,
    ...each.ministers,
    ...each.judges,
  ]);
  const keys = inCommittees.map((holder) => holder.key);
  return [terms.operator.key, terms.receiptKey, terms.genesisKey, ...keys];
}

function checkCommittee(committee: Committee): void {
  const { custodians, profiles } = committee;
  const size = custodians.length;
  demand(size <= limits.CUSTODIANS, "too many custodians");
  const parties = committee.agencies.length + committee.ministers.length + committee.judges.length;
  demand(parties <= 1024, "too many parties");
  if (requiresCapsule(committee)) {
    demand(committee.court !== undefined, "no court");
    // t = 1 is no quorum: a single custodian would stand for the whole committee.
    demand(committee.threshold >= 2 && committee.threshold <= size, "threshold");
    demand(
      custodians.every((each, at) => each.index === at + 1),
      "custodians not numbered from 1",
    );
  } else {
    const holders = size > 0 || committee.threshold !== 0 || committee.court !== undefined;
    demand(!holders, "holders without escrow");
  }
  demand(distinct(profiles.map((each) => each.kind)), "kind twice");
  for (const each of profiles) checkProfile(committee, each);
}

function checkProfile(committee: Committee, given: Profile): void {
  const { approvals, urgent } = given;
  demand(distinct(approvals) && distinct(urgent), "role twice");
  demand(approvals.length > 0, "warrant without approval");
  const fewer = urgent.length < approvals.length && urgent.every((r) => approvals.includes(r));
  demand(fewer || urgent.length === 0, "urgent roles");
  demand(urgent.length === 0 || given.urgentWindowMs > 0, "urgent window");
  demand(given.maxDays > 0 && given.validityMs > 0, "empty period");
  demand(given.unnamedSenders <= limits.GROUP_MEMBERS, "cap on unnamed senders");
  if (given.kind === "content-stored") {
    demand(requiresCapsule(committee), "content without escrow");
    // The double lock itself is no matter of configuration for content.
    demand(approvals.length === 2, "content without the double lock");
  }
}

function distinct(values: readonly (string | number)[]): boolean {
  return new Set(values).size === values.length;
}

function demand(good: boolean, what: string): void {
  if (!good) throw new CharterRefused("charter-terms", what);
}

function valid(check: () => unknown, what: string): void {
  try {
    check();
  } catch (problem) {
    if (!(problem instanceof Refusal)) throw problem;
    throw new CharterRefused("charter-terms", what);
  }
}
