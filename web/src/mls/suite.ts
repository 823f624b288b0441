/**
 * MLS suite 0x0001 and nothing else: X25519, AES-128-GCM, SHA-256, Ed25519 (RFC 9420 §17.1), with
 * HPKE in its base mode (RFC 9180 §5). Over the same library on every platform, so that no browser's
 * own choice of algorithms or of signature rules matters.
 */

import { gcm } from "@noble/ciphers/aes.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { CiphersuiteImpl, PrivateKey, PublicKey } from "ts-mls";
import { SigningKey, verifyKey } from "../protocol/ed25519.ts";
import { equalBytes } from "../protocol/encoding.ts";
import { Malformed } from "../protocol/errors.ts";
import {
  AES_128,
  KEM,
  labeledExpand,
  labeledExtract,
  NONCE_SIZE,
  schedule,
  sharedSecret,
} from "../seal/key_schedule.ts";
import { MlsError } from "./failure.ts";

const NAME = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519";
const NOTHING = new Uint8Array();
const KEY_SIZE = 32;

interface Pair {
  readonly secret: Uint8Array;
  readonly public: Uint8Array;
}

function pairOf(secret: Uint8Array): Pair {
  return { secret, public: x25519.getPublicKey(secret) };
}

function agree(secret: Uint8Array, other: Uint8Array): Uint8Array {
  try {
    return x25519.getSharedSecret(secret, other);
  } catch {
    // A public key of small order gives zeros, which the library refuses (RFC 9180 §7.1.4).
    throw new MlsError("decryption-failed", "a public key is not valid");
  }
}

function send(recipient: Uint8Array, info: Uint8Array) {
  const ephemeral = pairOf(crypto.getRandomValues(new Uint8Array(KEY_SIZE)));
  const dh = agree(ephemeral.secret, recipient);
  const shared = sharedSecret(dh, ephemeral.public, recipient);
  return { enc: ephemeral.public, ...schedule(AES_128, shared, info) };
}

function take(own: Pair, enc: Uint8Array, info: Uint8Array) {
  if (enc.length !== KEY_SIZE) throw new MlsError("malformed", "not a public key");
  return schedule(AES_128, sharedSecret(agree(own.secret, enc), enc, own.public), info);
}

function encrypt(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plain: Uint8Array) {
  return gcm(key, nonce, aad).encrypt(plain);
}

function decrypt(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array) {
  try {
    return gcm(key, nonce, aad).decrypt(sealed);
  } catch {
    throw new MlsError("decryption-failed", "a cryptographic check failed");
  }
}

// The library passes keys through without looking into them; only its types speak of CryptoKey.
const asPrivate = (pair: Pair) => pair as unknown as PrivateKey;
const asPublic = (key: Uint8Array) => key as unknown as PublicKey;
const ofPrivate = (key: PrivateKey) => key as unknown as Pair;
const ofPublic = (key: PublicKey) => key as unknown as Uint8Array;

function checkSize(key: Uint8Array): Uint8Array {
  if (key.length !== KEY_SIZE) throw new MlsError("malformed", "not an X25519 key");
  return key;
}

/** Raw X25519 key pair from its secret, as the library wants it. */
function keyPair(secret: Uint8Array) {
  const pair = pairOf(secret);
  return { privateKey: asPrivate(pair), publicKey: asPublic(pair.public) };
}

/** The suite's operations. */
export const SUITE: CiphersuiteImpl = {
  name: NAME,
  rng: { randomBytes: (size) => crypto.getRandomValues(new Uint8Array(size)) },
  kdf: {
    size: 32,
    extract: async (salt, ikm) => extract(sha256, ikm, salt),
    expand: async (prk, info, size) => expand(sha256, prk, info, size),
  },
  hash: {
    digest: async (data) => sha256(data),
    mac: async (key, data) => hmac(sha256, key, data),
    verifyMac: async (key, mac, data) => equalBytes(hmac(sha256, key, data), mac),
  },
  signature: {
    sign: async (seed, message) => new SigningKey(seed).sign(message),
    verify: async (key, message, signature) => {
      try {
        verifyKey(key).verify(signature, message);
        return true;
      } catch (problem) {
        if (problem instanceof Malformed) return false;
        throw problem;
      }
    },
    keygen: async () => {
      throw new MlsError("internal", "signature keys come from the vault");
    },
  },
  hpke: {
    keyLength: AES_128.keySize,
    nonceLength: NONCE_SIZE,
    seal: async (recipient, plaintext, info, aad) => {
      const { enc, key, nonce } = send(ofPublic(recipient), info);
      return { enc, ct: encrypt(key, nonce, aad ?? NOTHING, plaintext) };
    },
    open: async (own, enc, ciphertext, info, aad) => {
      const { key, nonce } = take(ofPrivate(own), enc, info);
      return decrypt(key, nonce, aad ?? NOTHING, ciphertext);
    },
    exportSecret: async (recipient, context, size, info) => {
      const { enc, exporter } = send(ofPublic(recipient), info);
      return { enc, secret: labeledExpand(AES_128.id, exporter, "sec", context, size) };
    },
    importSecret: async (own, context, enc, size, info) => {
      const { exporter } = take(ofPrivate(own), enc, info);
      return labeledExpand(AES_128.id, exporter, "sec", context, size);
    },
    importPrivateKey: async (key) => asPrivate(pairOf(checkSize(key))),
    importPublicKey: async (key) => asPublic(checkSize(key)),
    exportPublicKey: async (key) => ofPublic(key),
    exportPrivateKey: async (key) => ofPrivate(key).secret,
    encryptAead: async (key, nonce, aad, plain) => encrypt(key, nonce, aad ?? NOTHING, plain),
    decryptAead: async (key, nonce, aad, sealed) => decrypt(key, nonce, aad ?? NOTHING, sealed),
    deriveKeyPair: async (ikm) => {
      const prk = labeledExtract(KEM, NOTHING, "dkp_prk", ikm);
      return keyPair(labeledExpand(KEM, prk, "sk", NOTHING, KEY_SIZE));
    },
    generateKeyPair: async () => keyPair(crypto.getRandomValues(new Uint8Array(KEY_SIZE))),
  },
};
