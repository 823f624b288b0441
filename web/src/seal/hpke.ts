/**
 * RFC 9180, base mode, one message: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
 *
 * The purpose and everything that a sealed message must be bound to go into `info` (RFC 9180 §8.1:
 * for one message, `info` and `aad` serve alike), as length-prefixed fields under a tag.
 */

import { gcm } from "@noble/ciphers/aes.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { concat, tagged, utf8 } from "../protocol/encoding.ts";
import { Malformed } from "../protocol/errors.ts";
import { AES_256, schedule, sharedSecret } from "./key_schedule.ts";

export const KEY_SIZE = 32;

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
  const cipher = cipherOf(shared, enc, key, infoOf(purpose, context));
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
    const cipher = cipherOf(shared, enc, publicKey(secret), infoOf(purpose, context));
    return cipher.decrypt(sealed.slice(KEY_SIZE));
  } catch {
    throw new Malformed("seal-unreadable", purpose);
  }
}

function infoOf(purpose: string, context: readonly Uint8Array[]): Uint8Array {
  return tagged("doublelock/v1/seal", utf8(purpose), ...context);
}

function cipherOf(dh: Uint8Array, enc: Uint8Array, key: Uint8Array, info: Uint8Array) {
  const { key: secret, nonce } = schedule(AES_256, sharedSecret(dh, enc, key), info);
  return gcm(secret, nonce);
}
