/**
 * Which costly checks held before, so that they need not be made again.
 *
 * A signature or a proof depends on its own bytes alone: what held once holds for ever. A check is
 * named by the hash of everything that it depends on, so nothing else passes in its place; one that
 * failed is never remembered and is made, and fails, each time. Only who verified it itself may say
 * what held: the client's vault, which nobody else can write (`client/verified.ts`).
 */

import { sha256 } from "@noble/hashes/sha2.js";
import * as ed25519 from "./ed25519.ts";
import { hex, tagged, u32 } from "./encoding.ts";

/** The names of checks that held; a `Set` is one. */
export interface Held {
  has(name: string): boolean;
  add(name: string): unknown;
}

/** The name of a check (SHA-256, in hexadecimal): what it is, and all that it depends on. */
export function nameCheck(what: string, ...parts: readonly Uint8Array[]): string {
  const hashes = parts.map((part) => sha256(part));
  return hex(sha256(tagged(`doublelock/v1/held/${what}`, u32(parts.length), ...hashes)));
}

/** `ed25519.verify` that knows what held; throws what that throws. */
export function verifierOf(held: Held | undefined): typeof ed25519.verify {
  if (held === undefined) return ed25519.verify;
  return (key, signature, message) => {
    const name = nameCheck("signature", key, signature, message);
    if (held.has(name)) return;
    ed25519.verify(key, signature, message);
    held.add(name);
  };
}

/** Checks that 32 bytes are an Ed25519 key, unless that held. Throws Malformed(bad-point). */
export function checkKey(key: Uint8Array, held: Held | undefined): void {
  if (held === undefined) {
    ed25519.verifyKey(key);
    return;
  }
  const name = nameCheck("key", key);
  if (held.has(name)) return;
  ed25519.verifyKey(key);
  held.add(name);
}
