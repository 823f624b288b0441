/**
 * RFC 9180, base mode, one message: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
 *
 * The purpose and everything that a sealed message must be bound to go into `info` (RFC 9180 §8.1:
 * for one message, `info` and `aad` serve alike), as length-prefixed fields under a tag.
 */

import { gcm } from "@noble/ciphers/aes.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, tagged, u16, utf8 } from "../protocol/encoding.ts";
import { Malformed } from "../protocol/errors.ts";

export const KEY_SIZE = 32;
const KEM = concat(utf8("KEM"), u16(0x0020));
const SUITE = concat(utf8("HPKE"), u16(0x0020), u16(0x0001), u16(0x0002));
const NOTHING = new Uint8Array();

/** The public key (32 bytes) of a secret of 32 random bytes. */
export function publicKey(secret: Uint8Array): Uint8Array {
  return x25519.getPublicKey(secret);
}

/**
 * `message` sealed for one purpose and context: 48 bytes longer. `ephemeral` is 32 fresh random
 * bytes, used once. Throws Malformed(bad-point) for a key of low order (RFC 9180 §7.1.4).
 */
export function seal(
  key: Uint8Array,
  purpose: string,
  context: readonly Uint8Array[],
  message: Uint8Array,
  ephemeral: Uint8Array,
): Uint8Array {
  if (key.length !== KEY_SIZE) throw new Malformed("size", `sealing key of ${key.length} bytes`);
  const enc = publicKey(ephemeral);
  let shared: Uint8Array;
  try {
    shared = x25519.getSharedSecret(ephemeral, key);
  } catch {
    throw new Malformed("bad-point", "sealing key of low order");
  }
  const cipher = schedule(shared, enc, key, infoOf(purpose, context));
  return concat(enc, cipher.encrypt(message));
}

/** The message of `seal` for the same purpose and context. Throws Malformed(seal-unreadable). */
export function unseal(
  secret: Uint8Array,
  purpose: string,
  context: readonly Uint8Array[],
  sealed: Uint8Array,
): Uint8Array {
  try {
    const enc = sealed.slice(0, KEY_SIZE);
    const shared = x25519.getSharedSecret(secret, enc);
    const cipher = schedule(shared, enc, publicKey(secret), infoOf(purpose, context));
    return cipher.decrypt(sealed.slice(KEY_SIZE));
  } catch {
    throw new Malformed("seal-unreadable", purpose);
  }
}

function infoOf(purpose: string, context: readonly Uint8Array[]): Uint8Array {
  return tagged("doublelock/v1/seal", utf8(purpose), ...context);
}

function schedule(dh: Uint8Array, enc: Uint8Array, key: Uint8Array, info: Uint8Array) {
  const prk = labeledExtract(KEM, NOTHING, "eae_prk", dh);
  const shared = labeledExpand(KEM, prk, "shared_secret", concat(enc, key), 32);
  const context = concat(
    Uint8Array.of(0),
    labeledExtract(SUITE, NOTHING, "psk_id_hash", NOTHING),
    labeledExtract(SUITE, NOTHING, "info_hash", info),
  );
  const secret = labeledExtract(SUITE, shared, "secret", NOTHING);
  return gcm(
    labeledExpand(SUITE, secret, "key", context, 32),
    labeledExpand(SUITE, secret, "base_nonce", context, 12),
  );
}

function labeledExtract(suite: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array) {
  return extract(sha256, concat(utf8("HPKE-v1"), suite, utf8(label), ikm), salt);
}

function labeledExpand(
  suite: Uint8Array,
  prk: Uint8Array,
  label: string,
  info: Uint8Array,
  size: number,
): Uint8Array {
  return expand(sha256, prk, concat(u16(size), utf8("HPKE-v1"), suite, utf8(label), info), size);
}
