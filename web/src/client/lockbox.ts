/**
 * What opens the vault: its random key (32 bytes), wrapped by a passphrase or a passkey.
 *
 * Passphrase: PBKDF2-HMAC-SHA-256, 1,000,000 rounds, 16 random bytes of salt. Passkey: the PRF's 32
 * bytes through HKDF-SHA-256. Both wrap by AES-256-GCM with a random nonce.
 */

import type { Lock, Secret } from "../messenger.ts";
import { VaultRefused } from "../protocol/errors.ts";

const ROUNDS = 1_000_000;
const NONCE = 12;

/** What lies open beside the vault. */
export interface Lockbox {
  readonly lock: Lock;
  readonly salt: Uint8Array;
  readonly rounds: number;
  readonly nonce: Uint8Array;
  readonly wrapped: Uint8Array;
}

/** Wraps a vault's key. */
export async function closeBox(key: Uint8Array, secret: Secret): Promise<Lockbox> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE));
  const wrapping = await derive(secret, salt, ROUNDS);
  const wrapped = new Uint8Array(
    await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, wrapping, source(key)),
  );
  const lock: Lock =
    secret.kind === "passphrase"
      ? { kind: "passphrase" }
      : { kind: "passkey", credential: secret.credential, salt: secret.salt };
  return { lock, salt, rounds: ROUNDS, nonce, wrapped };
}

/** The vault's key. Throws VaultRefused(vault-wrong-key). */
export async function openBox(box: Lockbox, secret: Secret): Promise<Uint8Array> {
  if (secret.kind !== box.lock.kind) throw new VaultRefused("vault-wrong-key");
  const wrapping = await derive(secret, box.salt, box.rounds);
  try {
    const { nonce, wrapped } = box;
    return new Uint8Array(
      await crypto.subtle.decrypt(
        { name: "AES-GCM", iv: source(nonce) },
        wrapping,
        source(wrapped),
      ),
    );
  } catch {
    throw new VaultRefused("vault-wrong-key");
  }
}

async function derive(secret: Secret, salt: Uint8Array, rounds: number): Promise<CryptoKey> {
  const aes = { name: "AES-GCM", length: 256 } as const;
  const usages: KeyUsage[] = ["encrypt", "decrypt"];
  if (secret.kind === "passphrase") {
    const text = new TextEncoder().encode(secret.passphrase.normalize("NFKC"));
    const base = await crypto.subtle.importKey("raw", text, "PBKDF2", false, ["deriveKey"]);
    const how = { name: "PBKDF2", hash: "SHA-256", salt: source(salt), iterations: rounds };
    return crypto.subtle.deriveKey(how, base, aes, false, usages);
  }
  const base = await crypto.subtle.importKey("raw", source(secret.prf), "HKDF", false, [
    "deriveKey",
  ]);
  const info = new TextEncoder().encode("doublelock/v1/vault-passkey");
  const how = { name: "HKDF", hash: "SHA-256", salt: source(salt), info };
  return crypto.subtle.deriveKey(how, base, aes, false, usages);
}

/** The same bytes, as WebCrypto's types want them. */
export function source(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return data as Uint8Array<ArrayBuffer>;
}
