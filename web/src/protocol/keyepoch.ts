/**
 * A key epoch: the public keys of one committee's month, proven, and signed by all (spec K-13).
 *
 * MPK = MPK_custodians + MPK_court, so that the court's share is needed by algebra. Both halves
 * carry a proof of possession; the statement is signed by every custodian and the court.
 */

import * as curve from "./curve.ts";
import { G1, G2 } from "./curve.ts";
import { tagged, u8, u16, utf8 } from "./encoding.ts";
import { CharterRefused } from "./errors.ts";
import { type Held, nameCheck } from "./held.ts";
import {
  type EpochId,
  type HalfKey,
  type KeyEpochStatement,
  type Points,
  Role,
  readStatement,
  type SignedKeyEpoch,
  verifySigners,
} from "./keystatement.ts";
import { lagrange } from "./polynomial.ts";

const POSSESSION_TAG = "doublelock/v1/key-epoch/possession";
const POSSESSION_DST = utf8("DOUBLELOCK-V1-POSSESSION-BLS12381G1_XMD:SHA-256_SSWU_RO_");

/** When points are decoded, which costs: at once, or when they are first used. */
const NOW: Points<G1, G2> = { g1: G1.decode, g2: G2.decode };
const LATER: Points<G1, G2> = { g1: G1.later, g2: G2.later };

declare const verified: unique symbol;

/**
 * A key epoch to which messages may be sealed, once it stands in a cosigned checkpoint.
 *
 * `masterKey` is the MPK; the pair (shareVersion, transcriptHash) is the generation of the
 * custodians' shares.
 */
export interface VerifiedKeyEpoch extends KeyEpochStatement<G1, G2> {
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
    return readStatement(signed.statement, LATER) as VerifiedKeyEpoch;
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

function checkHalf(epoch: EpochId, role: Role, half: HalfKey<G1, G2>): void {
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
