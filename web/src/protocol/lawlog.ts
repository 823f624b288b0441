/**
 * The law log's entries and the lines that carry them (spec ); `lawstate` folds them.
 *
 * An entry is written and signed by the party whose act it is; the operator alone stamps its time
 * and appends it. An entry never holds a name: warrants and subjects are salted commitments.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { warrantKind } from "./charter_terms.ts";
import {
  arrayOf,
  bytes32,
  bytes64,
  committeeNumber,
  count,
  decode,
  keyEpoch,
  millis,
  nullable,
  type Of,
  object,
  oneOf,
  opaque,
  pair,
  raw,
  tagged as taggedObjects,
  text,
  truth,
  whole,
  word,
} from "./documents.ts";
import { tagged } from "./encoding.ts";
import { Malformed } from "./errors.ts";
import { type Held, verifierOf } from "./held.ts";
import type { DeploymentId } from "./identifiers.ts";
import * as limits from "./limits.ts";

const TAG = "doublelock/v1/law-entry";
const HASH_TAG = "doublelock/v1/law-entry-hash";
const STAMP_ROOM = 512;

const subjects = arrayOf(bytes32, limits.SUBJECTS_PER_REQUEST);
/** A custodian's index from 1, or 0 for the court. */
const holder = whole(limits.CUSTODIANS);
/** Why a warrant was refused or cancelled: coarse, and nothing of the case. */
const ground = oneOf(
  "form",
  "authority",
  "necessity",
  "proportionality",
  "scope",
  "withdrawn",
  "other",
);
/** What the public may know of a warrant at once; small deployments leave it out. */
const facets = object({ offence: word, days: count, senders: count, conversations: count });

/** Every kind of entry, by its `type`. */
const bundleVersion = text(1, 64, /^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$/);

const anyEntry = taggedObjects({
  /** The genesis charter: deployment id and SHA-256 of the signed document. By the operator. */
  charter: object({ charter: bytes32, document: bytes32 }),
  /** An amendment: its payload's hash and SHA-256 of the signed document. By the operator. */
  amendment: object({ charter: bytes32, document: bytes32 }),
  /** The witnesses' change: both logs' checkpoints by the old ones. By the operator. */
  handover: object({ law: opaque, key: opaque }),
  /** A key epoch: `statement` is its `keyepoch.SignedKeyEpoch`'s bytes. By the operator. */
  "key-epoch": object({ committee: committeeNumber, keyEpoch, statement: opaque }),
  /** A missing key epoch, for which the last one goes on being used. By the operator. */
  "epoch-extension": object({
    committee: committeeNumber,
    keyEpoch,
    untilDay: whole(limits.LAST_DAY),
  }),
  /** A warrant's commitment with the terms that the log must enforce. By the applying agency. */
  "warrant-filed": object(
    {
      warrant: bytes32,
      committee: committeeNumber,
      kind: warrantKind,
      urgent: truth,
      validFromMs: millis,
      validUntilMs: millis,
      gagEndMs: millis,
      renews: nullable(bytes32),
      subjects,
      facets: nullable(facets),
    },
    { facets: undefined },
  ),
  /** A minister's or judge's approval of a filed warrant. By them. */
  approval: object({ warrant: bytes32 }),
  /** A refusal, final and counted. By a minister, a judge or the operator. */
  refusal: object({ warrant: bytes32, ground }),
  /** The end of a warrant. By its agency, or a minister or judge of its committee. */
  cancellation: object({ warrant: bytes32, ground }),
  /** What an agency asks to be opened: root and counts of labels and accounts. By the agency. */
  "release-request": object({
    warrant: bytes32,
    labelsRoot: bytes32,
    labels: count,
    accounts: count,
    subjects,
  }),
  /** One holder's release: which request, how many labels, which message. By the holder. */
  release: object({
    warrant: bytes32,
    request: bytes32,
    holder,
    versions: arrayOf(pair(keyEpoch, count), 512),
    labels: count,
    message: bytes32,
  }),
  /** A warrant that ran out, or an urgent one that nobody confirmed. By the operator. */
  lapse: object({ warrant: bytes32, ground: oneOf("expired", "unconfirmed") }),
  /** A subject was told. By the operator, a custodian or the court. */
  "notice-delivered": object({ warrant: bytes32, subject: bytes32 }),
  /** A destroyed share: `statement` is a signed `destruction`. By the holder. */
  destruction: object({ committee: committeeNumber, keyEpoch, statement: opaque }),
  /** A holder's sealed partials for listed labels, made before destruction. By the holder. */
  preservation: object({
    committee: committeeNumber,
    keyEpoch,
    warrant: bytes32,
    labelsRoot: bytes32,
    labels: count,
  }),
  /** The counts of one period, to hold against the log's own. By the operator. */
  statistics: object({
    committee: committeeNumber,
    fromMs: millis,
    untilMs: millis,
    filed: count,
    approved: count,
    refused: count,
    cancelled: count,
    requests: count,
    labels: count,
    accounts: count,
    releases: count,
    notices: count,
  }),
  bundle: object({ bundle: bytes32, version: bundleVersion }),
  "bundle-withdrawn": object({ bundle: bytes32 }),
});
export type AnyEntry = Of<typeof anyEntry>;
export type EntryOf<T extends AnyEntry["type"]> = Extract<AnyEntry, { readonly type: T }>;

const lineDocument = object({ timeMs: millis, author: bytes32, signature: bytes64, entry: raw });
const signedEntry = object({ author: bytes32, signature: bytes64, entry: raw });

declare const verified: unique symbol;

/**
 * An entry whose author's signature holds; who the author is, the charter says.
 *
 * `hash` (32 bytes) names it; `raw` is its exact bytes.
 */
export interface VerifiedEntry {
  readonly [verified]: true;
  readonly entry: AnyEntry;
  readonly author: Uint8Array;
  readonly signature: Uint8Array;
  readonly raw: Uint8Array;
  readonly hash: Uint8Array;
}

/** A log line: an entry and the time at which the operator stamped it. */
export interface VerifiedLine {
  readonly timeMs: number;
  readonly signed: VerifiedEntry;
}

/** The 32 bytes that name an entry. */
export function hashEntry(deployment: DeploymentId, entry: Uint8Array): Uint8Array {
  return sha256(tagged(HASH_TAG, deployment, sha256(entry)));
}

/** What an entry's author signs, from the entry's JSON bytes. */
export function signingInput(deployment: DeploymentId, entry: Uint8Array): Uint8Array {
  return tagged(TAG, deployment, sha256(entry));
}

/** A signed entry once its author's signature holds. Throws Malformed. */
export function verifyEntry(deployment: DeploymentId, data: Uint8Array): VerifiedEntry {
  return verify(deployment, decode(data, signedEntry, limits.LOG_ENTRY));
}

/** A log line once its author's signature holds. Throws Malformed. */
export function verifyLine(deployment: DeploymentId, data: Uint8Array, held?: Held): VerifiedLine {
  const line = decode(data, lineDocument, limits.LOG_ENTRY + STAMP_ROOM);
  return { timeMs: line.timeMs, signed: verify(deployment, line, held) };
}

function verify(
  deployment: DeploymentId,
  signed: Of<typeof signedEntry>,
  held?: Held,
): VerifiedEntry {
  const { author, signature } = signed;
  const entry = decode(signed.entry, anyEntry, limits.LOG_ENTRY);
  try {
    verifierOf(held)(author, signature, signingInput(deployment, signed.entry));
  } catch (problem) {
    if (!(problem instanceof Malformed)) throw problem;
    throw new Malformed("bad-signature", "law-log entry");
  }
  const hash = hashEntry(deployment, signed.entry);
  return { entry, author, signature, raw: signed.entry, hash } as VerifiedEntry;
}
