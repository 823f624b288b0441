/**
 * Ed25519 with one strict rule on every platform (RFC 8032 §5.1; spec K-3).
 *
 * Libraries differ on small-order keys, torsion and non-canonical bytes, so two honest verifiers
 * could disagree about one signature. Our rule leaves no room: A and R are canonical encodings of
 * points of the prime-order subgroup other than the identity, S is below the group's order, and
 * [S]B = R + [k]A. The library's own `verify` multiplies by the cofactor and so would let a torsion
 * part of R pass; here R is computed, and its bytes are compared. With a torsion-free A, a computed
 * R is canonical and torsion-free by itself, so only R = identity is left to refuse.
 */

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, hex } from "./encoding.ts";
import { Malformed } from "./errors.ts";

const Point = ed25519.Point;
type Point = InstanceType<typeof Point>;

export const KEY_SIZE = 32;
export const SEED_SIZE = 32;
export const SIGNATURE_SIZE = 64;
const ORDER = Point.Fn.ORDER;
const IDENTITY = Uint8Array.of(1, ...new Uint8Array(31));
const CACHED = 8192;

/** Signs bytes with an Ed25519 key that it holds: bytes in, 64 bytes out. */
export type Signer = (message: Uint8Array) => Uint8Array;

function littleEndian(data: Uint8Array): bigint {
  return BigInt(`0x${hex(data.slice().reverse())}`);
}

/** A public key that was checked when it was made; `encoded` is 32 bytes. */
export class VerifyKey {
  readonly encoded: Uint8Array;
  readonly #minus: Point;

  /** Throws Malformed(bad-point) unless `data` is canonical, of prime order and no identity. */
  constructor(data: Uint8Array) {
    if (data.length !== KEY_SIZE) {
      throw new Malformed("bad-point", `Ed25519 key of ${data.length} bytes, not ${KEY_SIZE}`);
    }
    let point: Point;
    try {
      point = Point.fromBytes(data, false); // false: RFC 8032's decoding, not ZIP 215's
      if (point.is0() || !point.isTorsionFree()) throw new Error("order");
      if (!equalBytes(point.toBytes(), data)) throw new Error("canonical");
    } catch {
      throw new Malformed("bad-point", "Ed25519 key is not of prime order or not canonical");
    }
    this.encoded = data.slice();
    this.#minus = point.negate();
  }

  /**
   * Throws Malformed(bad-signature) unless the 64 bytes sign `message` by the strict rule.
   *
   * `message` is always built by `encoding.tagged`, so that no signature serves two purposes.
   */
  verify(signature: Uint8Array, message: Uint8Array): void {
    const r = signature.subarray(0, 32);
    if (signature.length !== SIGNATURE_SIZE || equalBytes(r, IDENTITY)) {
      throw new Malformed("bad-signature");
    }
    const s = littleEndian(signature.subarray(32));
    if (s >= ORDER) throw new Malformed("bad-signature");
    const k = littleEndian(sha512(concat(r, this.encoded, message))) % ORDER;
    const expected = Point.BASE.multiplyUnsafe(s).add(this.#minus.multiplyUnsafe(k));
    if (!equalBytes(expected.toBytes(), r)) throw new Malformed("bad-signature");
  }
}

const known = new Map<string, VerifyKey>();

/** The checked public key of 32 bytes; the latest ones are remembered. Throws Malformed(bad-point). */
export function verifyKey(data: Uint8Array): VerifyKey {
  const name = hex(data);
  const found = known.get(name);
  if (found !== undefined) return found;
  const made = new VerifyKey(data);
  if (known.size >= CACHED) known.clear();
  known.set(name, made);
  return made;
}

/** Checks a signature (64) by a key (32). Throws Malformed(bad-point, bad-signature). */
export function verify(key: Uint8Array, signature: Uint8Array, message: Uint8Array): void {
  verifyKey(key).verify(signature, message);
}

/** A private key from its 32-byte seed; it never shows the seed. */
export class SigningKey {
  readonly public: VerifyKey;
  readonly #seed: Uint8Array;

  /** Throws Malformed(bad-scalar) unless `seed` is 32 bytes. */
  constructor(seed: Uint8Array) {
    if (seed.length !== SEED_SIZE) {
      throw new Malformed("bad-scalar", `Ed25519 seed of ${seed.length} bytes, not ${SEED_SIZE}`);
    }
    this.#seed = seed.slice();
    this.public = new VerifyKey(ed25519.getPublicKey(this.#seed));
  }

  /** The 64-byte signature of a message built by `encoding.tagged`. */
  readonly sign: Signer = (message) => ed25519.sign(message, this.#seed);
}
