/**
 * A key epoch: the public keys of one committee's month, proven, and signed by all (spec K-13).
 *
 * MPK = MPK_custodians + MPK_court, so that the court's share is needed by algebra. Both halves
 * carry a proof of possession; the statement is signed by every custodian and the court.
 */

import * as curve from "./curve.ts";
import { G1, G1_SIZE, G2, G2_SIZE } from "./curve.ts";
import * as ed25519 from "./ed25519.ts";
import { bigEndian, equalBytes, Reader, tagged, u8, u16, u32, utf8 } from "./encoding.ts";
import { CharterRefused, Malformed } from "./errors.ts";
import { type Held, nameCheck } from "./held.ts";
import { DEPLOYMENT_SIZE, type DeploymentId } from "./identifiers.ts";
import * as limits from "./limits.ts";
import { lagrange } from "./polynomial.ts";

const TAG = "doublelock/v1/key-epoch";
const POSSESSION_TAG = "doublelock/v1/key-epoch/possession";
const POSSESSION_DST = utf8("DOUBLELOCK-V1-POSSESSION-BLS12381G1_XMD:SHA-256_SSWU_RO_");
const HASH_SIZE = 32;

/** Whose half of the master public key. */
export const Role = { CUSTODIANS: 1, COURT: 2 } as const;
export type Role = (typeof Role)[keyof typeof Role];

/** Which month of which committee of which deployment. */
export interface EpochId {
  readonly deployment: DeploymentId;
  readonly committee: number;
  readonly keyEpoch: number;
}

/** Whether two name the same key epoch. */
export function sameEpoch(one: EpochId, other: EpochId): boolean {
  return (
    equalBytes(one.deployment, other.deployment) &&
    one.committee === other.committee &&
    one.keyEpoch === other.keyEpoch
  );
}

/**
 * One half of the MPK: key, proof of possession, quorum and each holder's verification share.
 *
 * A court with a single key has threshold 1 and that key as its only share.
 */
export interface HalfKey {
  readonly publicKey: G2;
  readonly possession: G1;
  readonly threshold: number;
  readonly shares: readonly G2[];
}

/** What every custodian and the court sign. `transcriptHash` (32) is the custodians'. */
export interface KeyEpochStatement {
  readonly epoch: EpochId;
  readonly shareVersion: number;
  readonly transcriptHash: Uint8Array;
  readonly custodians: HalfKey;
  readonly court: HalfKey;
  readonly masterKey: G2;
}

/** When points are decoded, which costs: at once, or when they are first used. */
const NOW = { g1: G1.decode, g2: G2.decode };
export const LATER: typeof NOW = { g1: G1.later, g2: G2.later };

/** The statement of its bytes, points checked, meaning not. Throws Malformed. */
export function decodeStatement(data: Uint8Array, points = NOW): KeyEpochStatement {
  if (data.length > limits.KEY_EPOCH) throw new Malformed("size", "key epoch too large");
  const reader = new Reader(data);
  if (!equalBytes(reader.field(TAG.length), utf8(TAG))) {
    throw new Malformed("form", "not a key epoch");
  }
  const deployment = sized(reader, DEPLOYMENT_SIZE);
  const committee = Number(bigEndian(sized(reader, 2)));
  const keyEpoch = Number(bigEndian(sized(reader, 2)));
  const shareVersion = Number(bigEndian(sized(reader, 4)));
  const transcriptHash = sized(reader, HASH_SIZE);
  const custodians = decodeHalf(reader, points);
  const court = decodeHalf(reader, points);
  const masterKey = points.g2(sized(reader, G2_SIZE));
  reader.end();
  const epoch = { deployment, committee, keyEpoch };
  return { epoch, shareVersion, transcriptHash, custodians, court, masterKey };
}

function sized(reader: Reader, size: number): Uint8Array {
  const data = reader.field(size);
  if (data.length !== size) {
    throw new Malformed("size", `field of ${data.length} bytes, not ${size}`);
  }
  return data;
}

function decodeHalf(reader: Reader, points: typeof NOW): HalfKey {
  const publicKey = points.g2(sized(reader, G2_SIZE));
  const possession = points.g1(sized(reader, G1_SIZE));
  const threshold = Number(bigEndian(sized(reader, 2)));
  const encoded = reader.field(limits.CUSTODIANS * G2_SIZE);
  const count = encoded.length / G2_SIZE;
  if (!Number.isInteger(count) || threshold < 1 || threshold > count) {
    throw new Malformed("form", "verification shares and quorum do not fit");
  }
  const shares = Array.from({ length: count }, (_, at) =>
    points.g2(encoded.subarray(at * G2_SIZE, (at + 1) * G2_SIZE)),
  );
  return { publicKey, possession, threshold, shares };
}

/** A statement's bytes, each custodian's Ed25519 signature over them, and the court's. */
export interface SignedKeyEpoch {
  readonly statement: Uint8Array;
  readonly signatures: readonly Uint8Array[];
  readonly courtSignature: Uint8Array;
}

/** The parts of a signed key epoch, not yet checked. Throws Malformed. */
export function decodeSigned(data: Uint8Array): SignedKeyEpoch {
  const reader = new Reader(data);
  const statement = reader.longField(limits.KEY_EPOCH);
  const count = reader.u16();
  if (count > limits.CUSTODIANS) throw new Malformed("size", "too many signatures");
  const signatures = Array.from({ length: count }, () => reader.take(ed25519.SIGNATURE_SIZE));
  const courtSignature = reader.take(ed25519.SIGNATURE_SIZE);
  reader.end();
  return { statement, signatures, courtSignature };
}

declare const verified: unique symbol;

/**
 * A key epoch to which messages may be sealed, once it stands in a cosigned checkpoint.
 *
 * `masterKey` is the MPK; the pair (shareVersion, transcriptHash) is the generation of the
 * custodians' shares.
 */
export interface VerifiedKeyEpoch extends KeyEpochStatement {
  readonly [verified]: true;
}

/**
 * The key epoch that all custodians (charter's order) and the court signed.
 *
 * Keys are 32 bytes each; `epoch` and `threshold` are what the charter and the calendar demand. What
 * `held` is not checked again, and its points are decoded when they are used. Throws Malformed;
 * CharterRefused(key-epoch-statement, key-epoch-signatures, proof-of-possession) (spec K-13).
 */
export function verifyKeyEpoch(
  signed: SignedKeyEpoch,
  custodianKeys: readonly Uint8Array[],
  courtKey: Uint8Array,
  epoch: EpochId,
  threshold: number,
  held?: Held,
): VerifiedKeyEpoch {
  const name = held && nameKeyEpoch(signed, [...custodianKeys, courtKey], { epoch, threshold });
  if (name !== undefined && held?.has(name)) {
    return decodeStatement(signed.statement, LATER) as VerifiedKeyEpoch;
  }
  const statement = verifySigners(signed, custodianKeys, courtKey, epoch, threshold, NOW);
  const { custodians, court } = statement;
  if (!curve.g2Sum([custodians.publicKey, court.publicKey]).equals(statement.masterKey)) {
    throw new CharterRefused("key-epoch-statement", "the master key is not the sum");
  }
  checkHalf(epoch, Role.CUSTODIANS, custodians);
  checkHalf(epoch, Role.COURT, court);
  if (name !== undefined) held?.add(name);
  return statement as VerifiedKeyEpoch;
}

/**
 * The statement that all custodians and the court signed: its form and its signers, and nothing of
 * its points, which costs far more. Arguments and errors are those of `verifyKeyEpoch`.
 */
export function verifySigners(
  signed: SignedKeyEpoch,
  custodianKeys: readonly Uint8Array[],
  courtKey: Uint8Array,
  epoch: EpochId,
  threshold: number,
  points = LATER,
): KeyEpochStatement {
  const statement = decodeStatement(signed.statement, points);
  const { custodians } = statement;
  if (!sameEpoch(statement.epoch, epoch)) {
    throw new CharterRefused("key-epoch-statement", "another committee or month");
  }
  if (custodians.threshold !== threshold || custodians.shares.length !== custodianKeys.length) {
    throw new CharterRefused("key-epoch-statement", "not the charter's quorum");
  }
  if (signed.signatures.length !== custodianKeys.length) {
    throw new CharterRefused("key-epoch-signatures", "not one of each custodian");
  }
  const signatures = [...signed.signatures, signed.courtSignature];
  [...custodianKeys, courtKey].forEach((key, at) => {
    try {
      ed25519.verify(key, signatures[at] ?? new Uint8Array(), signed.statement);
    } catch (problem) {
      if (!(problem instanceof Malformed)) throw problem;
      throw new CharterRefused("key-epoch-signatures", curve.shortName(key));
    }
  });
  return statement;
}

/** Names all that a key epoch's verification depends on: every argument but `held`. */
function nameKeyEpoch(
  { statement, signatures, courtSignature }: SignedKeyEpoch,
  keys: readonly Uint8Array[],
  wanted: { readonly epoch: EpochId; readonly threshold: number },
): string {
  const { deployment, committee, keyEpoch } = wanted.epoch;
  const numbers = [committee, keyEpoch, wanted.threshold, keys.length].map(u16);
  const given = [statement, ...signatures, courtSignature];
  return nameCheck("key-epoch", deployment, ...numbers, ...keys, ...given);
}

/** The point whose multiple by the secret proves it; a DST of its own, so no label's key (K-14). */
function possessionPoint(epoch: EpochId, role: Role, publicKey: G2): G1 {
  const message = tagged(
    POSSESSION_TAG,
    epoch.deployment,
    u16(epoch.committee),
    u16(epoch.keyEpoch),
    u8(role),
    publicKey.encoded,
  );
  return curve.hashToG1(message, POSSESSION_DST);
}

function checkHalf(epoch: EpochId, role: Role, half: HalfKey): void {
  const point = possessionPoint(epoch, role, half.publicKey);
  const holds = curve.pairingsMatch(
    [[half.possession, curve.G2_GENERATOR]],
    [[point, half.publicKey]],
  );
  if (!holds) {
    throw new CharterRefused("proof-of-possession", role === Role.COURT ? "court" : "custodians");
  }
  // All verification shares lie on one polynomial of degree t-1 with the key at 0.
  const base = half.shares.slice(0, half.threshold);
  const indices = base.map((_, at) => at + 1);
  const others = half.shares.slice(half.threshold).map((share, at) => ({
    at: half.threshold + at + 1,
    expected: share,
  }));
  for (const { at, expected } of [{ at: 0, expected: half.publicKey }, ...others]) {
    if (!curve.g2Sum(base, lagrange(indices, curve.ORDER, at)).equals(expected)) {
      throw new CharterRefused("key-epoch-statement", "verification shares do not fit the key");
    }
  }
}

function sameHalf(one: HalfKey, other: HalfKey): boolean {
  return (
    one.publicKey.equals(other.publicKey) &&
    one.possession.equals(other.possession) &&
    one.threshold === other.threshold &&
    one.shares.length === other.shares.length &&
    one.shares.every((share, at) => other.shares[at]?.equals(share))
  );
}

/**
 * Throws CharterRefused(key-epoch-changed) unless `now` is `old`, or a later resharing of it.
 *
 * A resharing keeps epoch, both public keys and the court's half, and raises the share version.
 */
export function refuseChangedKey(old: KeyEpochStatement, now: KeyEpochStatement): void {
  const kept =
    sameEpoch(old.epoch, now.epoch) &&
    old.custodians.publicKey.equals(now.custodians.publicKey) &&
    sameHalf(old.court, now.court) &&
    old.masterKey.equals(now.masterKey);
  const same =
    kept &&
    old.shareVersion === now.shareVersion &&
    equalBytes(old.transcriptHash, now.transcriptHash) &&
    sameHalf(old.custodians, now.custodians);
  if (!kept || (!same && now.shareVersion <= old.shareVersion)) {
    throw new CharterRefused("key-epoch-changed");
  }
}

/** The statement's tagged fields again, as they were read. */
export function encodeStatement(statement: KeyEpochStatement): Uint8Array {
  const half = (key: HalfKey) => [
    key.publicKey.encoded,
    key.possession.encoded,
    u16(key.threshold),
    Uint8Array.from(key.shares.flatMap((share) => [...share.encoded])),
  ];
  return tagged(
    TAG,
    statement.epoch.deployment,
    u16(statement.epoch.committee),
    u16(statement.epoch.keyEpoch),
    u32(statement.shareVersion),
    statement.transcriptHash,
    ...half(statement.custodians),
    ...half(statement.court),
    statement.masterKey.encoded,
  );
}
