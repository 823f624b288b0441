/**
 * MLS suite 0x0001 and nothing else: X25519, AES-128-GCM, SHA-256, Ed25519 (RFC 9420 §17.1), with
 * HPKE in its base mode by `@hpke/core`. Curves come from JavaScript on every platform, so that no
 * browser's own choice of algorithms or of signature rules matters.
 */

import { Aes128Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { DhkemX25519HkdfSha256 } from "@hpke/dhkem-x25519";
import { gcm } from "@noble/ciphers/aes.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { CiphersuiteImpl, PrivateKey, PublicKey } from "ts-mls";
import { SigningKey, verifyKey } from "../protocol/ed25519.ts";
import { equalBytes } from "../protocol/encoding.ts";
import { Malformed } from "../protocol/errors.ts";
import { MlsError } from "./failure.ts";

const NAME = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519";
const NOTHING = new Uint8Array();

const KEM = new DhkemX25519HkdfSha256();
const HPKE = new CipherSuite({ kem: KEM, kdf: new HkdfSha256(), aead: new Aes128Gcm() });

// These keys are always of the kind that is asked for; the MLS library wants it in their type.
const asPrivate = (key: CryptoKey) => key as PrivateKey;
const asPublic = (key: CryptoKey) => key as PublicKey;
const pairOf = ({ privateKey, publicKey }: CryptoKeyPair) => ({
  privateKey: asPrivate(privateKey),
  publicKey: asPublic(publicKey),
});

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
    keyLength: HPKE.aead.keySize,
    nonceLength: HPKE.aead.nonceSize,
    seal: async (recipientPublicKey, plaintext, info, aad) => {
      const { enc, ct } = await HPKE.seal({ recipientPublicKey, info }, plaintext, aad);
      return { enc: new Uint8Array(enc), ct: new Uint8Array(ct) };
    },
    open: async (recipientKey, enc, ciphertext, info, aad) =>
      new Uint8Array(await HPKE.open({ recipientKey, enc, info }, ciphertext, aad)),
    exportSecret: async (recipientPublicKey, context, size, info) => {
      const sender = await HPKE.createSenderContext({ recipientPublicKey, info });
      const secret = new Uint8Array(await sender.export(context, size));
      return { enc: new Uint8Array(sender.enc), secret };
    },
    importSecret: async (recipientKey, context, enc, size, info) => {
      const recipient = await HPKE.createRecipientContext({ recipientKey, enc, info });
      return new Uint8Array(await recipient.export(context, size));
    },
    importPrivateKey: async (key) => asPrivate(await KEM.deserializePrivateKey(key)),
    importPublicKey: async (key) => asPublic(await KEM.deserializePublicKey(key)),
    exportPublicKey: async (key) => new Uint8Array(await KEM.serializePublicKey(key)),
    exportPrivateKey: async (key) => new Uint8Array(await KEM.serializePrivateKey(key)),
    encryptAead: async (key, nonce, aad, plain) => gcm(key, nonce, aad ?? NOTHING).encrypt(plain),
    decryptAead: async (key, nonce, aad, sealed) => {
      try {
        return gcm(key, nonce, aad ?? NOTHING).decrypt(sealed);
      } catch {
        throw new MlsError("decryption-failed", "a cryptographic check failed");
      }
    },
    deriveKeyPair: async (ikm) => pairOf(await KEM.deriveKeyPair(ikm)),
    generateKeyPair: async () => pairOf(await KEM.generateKeyPair()),
  },
};
