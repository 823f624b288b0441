/**
 * BLS12-381: strict decoding, secret and public operations, pairing bytes (spec K-1, K-2).
 *
 * Operations on a secret scalar (`*SecretMultiple`) take the library's path that does not branch on
 * the scalar's bits; JavaScript's big integers give no promise on time beyond that. A `G1` or `G2`
 * is checked once, when it is made or (`later`) first used, and is never decoded again.
 */

import { expand_message_xmd } from "@noble/curves/abstract/hash-to-curve.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bigEndian, concat, equalBytes, hex, unhex } from "./encoding.ts";
import { Malformed } from "./errors.ts";

const Point1 = bls12_381.G1.Point;
const Point2 = bls12_381.G2.Point;
type Point1 = InstanceType<typeof Point1>;
type Point2 = InstanceType<typeof Point2>;

export const ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
export const G1_SIZE = 48;
export const G2_SIZE = 96;
export const GT_SIZE = 576;
export const SCALAR_SIZE = 32;

/** A point of the prime-order subgroup of G1, never the identity; `encoded` is 48 bytes. */
export class G1 {
  static readonly SIZE = G1_SIZE;
  readonly encoded: Uint8Array;
  #point: Point1 | undefined;

  private constructor(point: Point1 | undefined, encoded: Uint8Array) {
    if (point?.is0()) throw new Malformed("bad-point", "identity in G1");
    this.#point = point;
    this.encoded = encoded;
  }

  /** Only for this module: use `decode` or an operation below. */
  static of(point: Point1): G1 {
    return new G1(point, point.toBytes());
  }

  /** The same of bytes that were decoded before: checked when first used, as `decode` does. */
  static later(data: Uint8Array): G1 {
    if (data.length !== G1_SIZE) throw new Malformed("bad-point", `G1 of ${data.length} bytes`);
    return new G1(undefined, data.slice());
  }

  get point(): Point1 {
    this.#point ??= G1.decode(this.encoded).point;
    return this.#point;
  }

  /**
   * The point of 48 compressed bytes. Throws Malformed(bad-point) unless canonical, on the curve,
   * in the subgroup and not the identity (spec K-1; ZCash serialisation).
   */
  static decode(data: Uint8Array): G1 {
    if (data.length !== G1_SIZE) throw new Malformed("bad-point", `G1 of ${data.length} bytes`);
    return new G1(checked(Point1, data, "G1"), data.slice());
  }

  equals(other: G1): boolean {
    return equalBytes(this.encoded, other.encoded);
  }
}

/** A point of the prime-order subgroup of G2, never the identity; `encoded` is 96 bytes. */
export class G2 {
  static readonly SIZE = G2_SIZE;
  readonly encoded: Uint8Array;
  #point: Point2 | undefined;

  private constructor(point: Point2 | undefined, encoded: Uint8Array) {
    if (point?.is0()) throw new Malformed("bad-point", "identity in G2");
    this.#point = point;
    this.encoded = encoded;
  }

  /** Only for this module: use `decode` or an operation below. */
  static of(point: Point2): G2 {
    return new G2(point, point.toBytes());
  }

  /** The same of bytes that were decoded before: checked when first used, as `decode` does. */
  static later(data: Uint8Array): G2 {
    if (data.length !== G2_SIZE) throw new Malformed("bad-point", `G2 of ${data.length} bytes`);
    return new G2(undefined, data.slice());
  }

  get point(): Point2 {
    this.#point ??= G2.decode(this.encoded).point;
    return this.#point;
  }

  /** The point of 96 compressed bytes. Throws Malformed(bad-point) as `G1.decode` does. */
  static decode(data: Uint8Array): G2 {
    if (data.length !== G2_SIZE) throw new Malformed("bad-point", `G2 of ${data.length} bytes`);
    return new G2(checked(Point2, data, "G2"), data.slice());
  }

  equals(other: G2): boolean {
    return equalBytes(this.encoded, other.encoded);
  }
}

interface Decoded {
  assertValidity(): void;
  toBytes(compressed?: boolean): Uint8Array;
  isTorsionFree(): boolean;
}

function checked<P extends Decoded>(
  kind: { fromBytes(data: Uint8Array): P },
  data: Uint8Array,
  what: string,
): P {
  let point: P;
  let again: Uint8Array;
  try {
    point = kind.fromBytes(data);
    point.assertValidity(); // on the curve and in the subgroup
    again = point.toBytes();
  } catch {
    throw new Malformed("bad-point", `not a point of ${what}`);
  }
  if (!point.isTorsionFree()) throw new Malformed("bad-point", `outside the subgroup of ${what}`);
  if (!equalBytes(again, data)) throw new Malformed("bad-point", "not the canonical encoding");
  return point;
}

export const G1_GENERATOR = G1.of(Point1.BASE);
export const G2_GENERATOR = G2.of(Point2.BASE);

/** The scalar of 32 big-endian bytes, 0 < scalar < ORDER. Throws Malformed(bad-scalar). */
export function decodeScalar(data: Uint8Array): bigint {
  if (data.length !== SCALAR_SIZE) {
    throw new Malformed("bad-scalar", `scalar of ${data.length} bytes, not ${SCALAR_SIZE}`);
  }
  return secret(bigEndian(data));
}

function secret(scalar: bigint): bigint {
  if (scalar <= 0n || scalar >= ORDER) throw new Malformed("bad-scalar", "scalar out of range");
  return scalar;
}

/** The point of a message: BLS12381G1_XMD:SHA-256_SSWU_RO_ (RFC 9380 §8.8.1); DST 1 to 255 bytes. */
export function hashToG1(message: Uint8Array, dst: Uint8Array): G1 {
  checkDst(dst);
  const point = bls12_381.G1.hashToCurve(message, { DST: dst });
  return G1.of(Point1.fromAffine(point.toAffine()));
}

/** scalar·point, 0 < scalar < ORDER. Throws Malformed(bad-scalar). */
export function g1SecretMultiple(point: G1, scalar: bigint): G1 {
  return G1.of(point.point.multiply(secret(scalar)));
}

/** scalar·point, 0 < scalar < ORDER. Throws Malformed(bad-scalar). */
export function g2SecretMultiple(point: G2, scalar: bigint): G2 {
  return G2.of(point.point.multiply(secret(scalar)));
}

/**
 * The sum of points, each times its PUBLIC scalar if given.
 *
 * Throws Malformed(size) for none or unequal counts, (bad-point) when the sum is the identity.
 */
export function g2Sum(points: readonly G2[], scalars?: readonly bigint[]): G2 {
  if (points.length === 0 || (scalars !== undefined && scalars.length !== points.length)) {
    throw new Malformed("size", "a sum needs as many scalars as points, one at least");
  }
  let total = Point2.ZERO;
  points.forEach((each, at) => {
    const factor = scalars?.[at];
    const reduced = factor === undefined ? 1n : ((factor % ORDER) + ORDER) % ORDER;
    if (reduced === 1n) total = total.add(each.point);
    else if (reduced !== 0n) total = total.add(each.point.multiplyUnsafe(reduced));
  });
  return G2.of(total);
}

/**
 * e(left, right): 576 bytes, 12 coefficients of 48 big-endian, c0.c0.c0 first, then c0.c0.c1,
 * c0.c1.c0 … c1.c2.c1 of the tower 2-3-2 (spec K-2).
 */
export function pairing(left: G1, right: G2): Uint8Array {
  const value = bls12_381.pairing(left.point, right.point);
  const coefficients = [value.c0, value.c1].flatMap((six) =>
    [six.c0, six.c1, six.c2].flatMap((two) => [two.c0, two.c1]),
  );
  return concat(...coefficients.map((each) => unhex(each.toString(16).padStart(96, "0"))));
}

/** Whether the products of the pairings on both sides are equal, at one final step. */
export function pairingsMatch(
  left: readonly (readonly [G1, G2])[],
  right: readonly (readonly [G1, G2])[],
): boolean {
  const product = bls12_381.pairingBatch([
    ...left.map(([p, q]) => ({ g1: p.point, g2: q.point })),
    ...right.map(([p, q]) => ({ g1: p.point.negate(), g2: q.point })),
  ]);
  const { Fp12 } = bls12_381.fields;
  return Fp12.eql(product, Fp12.ONE);
}

/** `size` (1 to 8,160) uniform bytes from a message: SHA-256 (RFC 9380 §5.3.1); DST 1 to 255. */
export function expandMessageXmd(message: Uint8Array, dst: Uint8Array, size: number): Uint8Array {
  checkDst(dst);
  if (size < 1 || size > 255 * 32) throw new Malformed("size", "expand_message_xmd out of range");
  return expand_message_xmd(message, dst, size, sha256);
}

/** A scalar in [0, ORDER) from 48 expanded bytes (RFC 9380 §5.2, L = 48). */
export function hashToScalar(message: Uint8Array, dst: Uint8Array): bigint {
  return bigEndian(expandMessageXmd(message, dst, 48)) % ORDER;
}

function checkDst(dst: Uint8Array): void {
  if (dst.length === 0 || dst.length > 255) {
    throw new Malformed("size", "DST of 0 or over 255 bytes");
  }
}

/** 32 big-endian bytes of a scalar in [0, ORDER). */
export function encodeScalar(scalar: bigint): Uint8Array {
  return unhex(scalar.toString(16).padStart(64, "0"));
}

/** Four bytes of a key, to name it in a refusal. */
export function shortName(data: Uint8Array): string {
  return hex(data.subarray(0, 4));
}
