/**
 * RFC 9180, base mode, one message: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, by
 * `@hpke/core`.
 *
 * The purpose and everything that a sealed message must be bound to go into `info` (RFC 9180 §8.1:
 * for one message, `info` and `aad` serve alike), as length-prefixed fields under a tag.
 */

import { Aes256Gcm, CipherSuite, HkdfSha256, HpkeError } from "@hpke/core";
import { DhkemX25519HkdfSha256, X25519 } from "@hpke/dhkem-x25519";
import { concat, tagged, utf8 } from "../protocol/encoding.ts";
import { Malformed } from "../protocol/errors.ts";

export const KEY_SIZE = 32;

const KEM = new DhkemX25519HkdfSha256();
const SUITE = new CipherSuite({ kem: KEM, kdf: new HkdfSha256(), aead: new Aes256Gcm() });
const CURVE = new X25519(new HkdfSha256());

/** The public key (32 bytes) of a secret of 32 random bytes. */
export async function publicKey(secret: Uint8Array): Promise<Uint8Array> {
  const key = await CURVE.derivePublicKey(await KEM.deserializePrivateKey(secret));
  return new Uint8Array(await KEM.serializePublicKey(key));
}

/**
 * `message` sealed for one purpose and context: 48 bytes longer.
 *
 * Throws Malformed(size) for a key of another size, Malformed(bad-point) for one of low order
 * (RFC 9180 §7.1.4).
 */
export async function seal(
  key: Uint8Array,
  purpose: string,
  context: readonly Uint8Array[],
  message: Uint8Array,
): Promise<Uint8Array> {
  if (key.length !== KEY_SIZE) throw new Malformed("size", `sealing key of ${key.length} bytes`);
  const recipientPublicKey = await KEM.deserializePublicKey(key);
  try {
    const info = infoOf(purpose, context);
    const { enc, ct } = await SUITE.seal({ recipientPublicKey, info }, message);
    return concat(new Uint8Array(enc), new Uint8Array(ct));
  } catch (problem) {
    if (!(problem instanceof HpkeError)) throw problem;
    throw new Malformed("bad-point", "sealing key of low order");
  }
}

/** The message of `seal` for the same purpose and context. Throws Malformed(seal-unreadable). */
export async function unseal(
  secret: Uint8Array,
  purpose: string,
  context: readonly Uint8Array[],
  sealed: Uint8Array,
): Promise<Uint8Array> {
  const recipientKey = await KEM.deserializePrivateKey(secret);
  try {
    const enc = sealed.slice(0, KEY_SIZE);
    const info = infoOf(purpose, context);
    const opened = await SUITE.open({ recipientKey, enc, info }, sealed.slice(KEY_SIZE));
    return new Uint8Array(opened);
  } catch (problem) {
    if (!(problem instanceof HpkeError)) throw problem;
    throw new Malformed("seal-unreadable", purpose);
  }
}

function infoOf(purpose: string, context: readonly Uint8Array[]): Uint8Array {
  return tagged("doublelock/v1/seal", utf8(purpose), ...context);
}
