/**
 * A key epoch's statement: its form, and who signed it (spec K-13); `keyepoch` checks its points.
 *
 * Whoever only has to know that a key lives reads this, and needs no curve.
 */

import * as ed25519 from "./ed25519.ts";
import { bigEndian, equalBytes, hex, Reader, tagged, u16, u32, utf8 } from "./encoding.ts";
import { CharterRefused, Malformed } from "./errors.ts";
import { DEPLOYMENT_SIZE, type DeploymentId } from "./identifiers.ts";
import * as limits from "./limits.ts";

const TAG = "doublelock/v1/key-epoch";
const HASH_SIZE = 32;
const G1_SIZE = 48;
const G2_SIZE = 96;

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

/** A point by its compressed bytes: 48 of G1, 96 of G2. */
interface EncodedPoint {
  readonly encoded: Uint8Array;
  equals(other: EncodedPoint): boolean;
}

/** How points are read. */
export interface Points<P1 extends EncodedPoint, P2 extends EncodedPoint> {
  readonly g1: (data: Uint8Array) => P1;
  readonly g2: (data: Uint8Array) => P2;
}

function readPoint(data: Uint8Array): EncodedPoint {
  const encoded = data.slice();
  return { encoded, equals: (other) => equalBytes(encoded, other.encoded) };
}

/** Points as their bytes alone, not checked. */
export const UNCHECKED: Points<EncodedPoint, EncodedPoint> = { g1: readPoint, g2: readPoint };

/**
 * One half of the MPK: key, proof of possession, quorum and each holder's verification share.
 *
 * A court with a single key has threshold 1 and that key as its only share.
 */
export interface HalfKey<P1 = EncodedPoint, P2 = EncodedPoint> {
  readonly publicKey: P2;
  readonly possession: P1;
  readonly threshold: number;
  readonly shares: readonly P2[];
}

/** What every custodian and the court sign. `transcriptHash` (32) is the custodians'. */
export interface KeyEpochStatement<P1 = EncodedPoint, P2 = EncodedPoint> {
  readonly epoch: EpochId;
  readonly shareVersion: number;
  readonly transcriptHash: Uint8Array;
  readonly custodians: HalfKey<P1, P2>;
  readonly court: HalfKey<P1, P2>;
  readonly masterKey: P2;
}

/** The statement of its bytes, points as `points` reads them, meaning not checked. Throws Malformed. */
export function readStatement<P1 extends EncodedPoint, P2 extends EncodedPoint>(
  data: Uint8Array,
  points: Points<P1, P2>,
): KeyEpochStatement<P1, P2> {
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

function decodeHalf<P1 extends EncodedPoint, P2 extends EncodedPoint>(
  reader: Reader,
  points: Points<P1, P2>,
): HalfKey<P1, P2> {
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

/**
 * The statement that all custodians and the court signed: its form and its signers, and nothing of
 * its points, which costs far more. Arguments and errors are those of `verifyKeyEpoch`.
 */
export function verifySigners<P1 extends EncodedPoint, P2 extends EncodedPoint>(
  signed: SignedKeyEpoch,
  custodianKeys: readonly Uint8Array[],
  courtKey: Uint8Array,
  epoch: EpochId,
  threshold: number,
  points: Points<P1, P2>,
): KeyEpochStatement<P1, P2> {
  const statement = readStatement(signed.statement, points);
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
      throw new CharterRefused("key-epoch-signatures", hex(key.subarray(0, 4)));
    }
  });
  return statement;
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
