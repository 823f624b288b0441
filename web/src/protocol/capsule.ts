/**
 * Capsules: a message seed sealed to a label by identity-based encryption (spec E-3 to E-7).
 *
 * Boneh-Franklin over BLS12-381 with a Fujisaki-Okamoto check, in the manner of SAKKE (RFC 6508).
 * The sealing is a function of the seed, so whoever knows the seed can make the capsule again and
 * compare. (Opening a capsule by a label's key is the agency's business, in Python alone.)
 */

import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import {
  expandMessageXmd,
  type G2,
  G2_GENERATOR,
  g1SecretMultiple,
  g2SecretMultiple,
  hashToScalar,
  pairing,
} from "./curve.ts";
import { concat, equalBytes, tagged, utf8 } from "./encoding.ts";
import { EnvelopeRefused, Malformed } from "./errors.ts";
import { Form } from "./header.ts";
import type { Label } from "./label.ts";

export const SEED_SIZE = 32;
export const KEY_SIZE = 32;
const SCALAR_DST = utf8("DOUBLELOCK-V1-CAPSULE-SCALAR-with-expander-XMD:SHA-256");
const MASK_DST = utf8("DOUBLELOCK-V1-CAPSULE-MASK-with-expander-XMD:SHA-256");
const SCALAR_TAG = "doublelock/v1/capsule-scalar";
const MASK_TAG = "doublelock/v1/capsule-mask";
const DAY_KEY_TAGS: Readonly<Record<Form, string>> = {
  [Form.SEALED]: "doublelock/v1/k-day",
  [Form.UNESCROWED]: "doublelock/v1/k-day-unescrowed",
  [Form.EPHEMERAL]: "doublelock/v1/k-day-ephemeral",
};

declare const verified: unique symbol;

/** A capsule that is the sealing of its seed (32 bytes, secret) to its label. */
export interface VerifiedCapsule {
  readonly [verified]: true;
  readonly capsule: Uint8Array;
  readonly label: Label;
  readonly seed: Uint8Array;
}

/** Seals a 32-byte seed to a label: capsule U ‖ V, 96 + 32 bytes (spec E-5). Throws Malformed(size). */
export function seal(seed: Uint8Array, label: Label, mpk: G2): VerifiedCapsule {
  if (seed.length !== SEED_SIZE) {
    throw new Malformed("size", `seed of ${seed.length} bytes, not ${SEED_SIZE}`);
  }
  const encoded = label.encode();
  // Zero, of chance 2^-255, is refused as a scalar (spec E-3).
  const r = hashToScalar(tagged(SCALAR_TAG, seed, mpk.encoded, encoded), SCALAR_DST);
  const u = g2SecretMultiple(G2_GENERATOR, r).encoded;
  // e(rQ, MPK) and not e(Q, MPK)^r: the secret scalar meets the multiplication alone.
  const shared = pairing(g1SecretMultiple(label.point(), r), mpk);
  const mask = expandMessageXmd(tagged(MASK_TAG, mpk.encoded, encoded, u, shared), MASK_DST, 32);
  const v = seed.map((byte, at) => byte ^ (mask[at] ?? 0));
  return { capsule: concat(u, v), label, seed } as VerifiedCapsule;
}

/**
 * The capsule as the sealing of a seed to a label: made again, byte for byte (spec E-6).
 *
 * Needs no decoding of the capsule's point: equal bytes are a valid point. Throws
 * EnvelopeRefused(capsule-mismatch), Malformed(size) for a seed of another size.
 */
export function verifyCapsule(
  capsule: Uint8Array,
  seed: Uint8Array,
  label: Label,
  mpk: G2,
): VerifiedCapsule {
  const again = seal(seed, label, mpk);
  if (!equalBytes(again.capsule, capsule)) throw new EnvelopeRefused("capsule-mismatch");
  return again;
}

/**
 * K_day, 32 bytes: HKDF-SHA-256 of the seed, salt SHA-256(capsule), info tag ‖ label (spec E-8).
 *
 * Without escrow, and for ephemeral messages, `capsule` is empty and the tag another.
 */
export function dayKey(
  seed: Uint8Array,
  capsule: Uint8Array,
  label: Label,
  form: Form = Form.SEALED,
): Uint8Array {
  const info = tagged(DAY_KEY_TAGS[form], label.encode());
  return hkdf(sha256, seed, sha256(capsule), info, KEY_SIZE);
}
