/** HPKE's base mode over DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-GCM (RFC 9180 §4, §5.1). */

import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, u16, utf8 } from "../protocol/encoding.ts";

const NOTHING = new Uint8Array();

/** The KEM's name in its labels. */
export const KEM = concat(utf8("KEM"), u16(0x0020));

/** A suite: its name in the labels, and the bytes of its AEAD's key. */
export interface Suite {
  readonly id: Uint8Array;
  readonly keySize: number;
}

export const AES_128: Suite = { id: suiteId(0x0001), keySize: 16 };
export const AES_256: Suite = { id: suiteId(0x0002), keySize: 32 };
export const NONCE_SIZE = 12;

function suiteId(aead: number): Uint8Array {
  return concat(utf8("HPKE"), u16(0x0020), u16(0x0001), u16(aead));
}

export function labeledExtract(
  suite: Uint8Array,
  salt: Uint8Array,
  label: string,
  ikm: Uint8Array,
): Uint8Array {
  return extract(sha256, concat(utf8("HPKE-v1"), suite, utf8(label), ikm), salt);
}

export function labeledExpand(
  suite: Uint8Array,
  prk: Uint8Array,
  label: string,
  info: Uint8Array,
  size: number,
): Uint8Array {
  return expand(sha256, prk, concat(u16(size), utf8("HPKE-v1"), suite, utf8(label), info), size);
}

/** The KEM's shared secret (32 bytes) of a Diffie-Hellman result and both public keys. */
export function sharedSecret(dh: Uint8Array, enc: Uint8Array, recipient: Uint8Array): Uint8Array {
  const prk = labeledExtract(KEM, NOTHING, "eae_prk", dh);
  return labeledExpand(KEM, prk, "shared_secret", concat(enc, recipient), 32);
}

/** The AEAD's key, base nonce (12 bytes) and the exporter secret (32 bytes). */
export function schedule({ id, keySize }: Suite, shared: Uint8Array, info: Uint8Array) {
  const pskIdHash = labeledExtract(id, NOTHING, "psk_id_hash", NOTHING);
  const infoHash = labeledExtract(id, NOTHING, "info_hash", info);
  const context = concat(Uint8Array.of(0), pskIdHash, infoHash);
  const secret = labeledExtract(id, shared, "secret", NOTHING);
  return {
    key: labeledExpand(id, secret, "key", context, keySize),
    nonce: labeledExpand(id, secret, "base_nonce", context, NONCE_SIZE),
    exporter: labeledExpand(id, secret, "exp", context, 32),
  };
}
