/** How a device proves its key to the server (spec W-20, W-21). */

import * as ed25519 from "./ed25519.ts";
import { concat, tagged, u8, u64 } from "./encoding.ts";
import { Malformed } from "./errors.ts";
import {
  ACCOUNT_SIZE,
  type AccountId,
  DEVICE_SIZE,
  type DeploymentId,
  type DeviceId,
} from "./identifiers.ts";

export const TOKEN_SIZE = 32;
export const CHALLENGE_SIZE = 32;
export const PARTY_SIZE = 32;
const TAG = "doublelock/v1/session";

/** A device of an account as the key log lists it, or a party of the law by its key (32 bytes). */
export type Subject =
  | { readonly kind: "device"; readonly account: AccountId; readonly device: DeviceId }
  | { readonly kind: "party"; readonly key: Uint8Array };

/** Kind (1 byte) and name: account 32 and device 16, or the party's key 32. */
export function encodeSubject(subject: Subject): Uint8Array {
  return subject.kind === "device"
    ? concat(u8(1), subject.account, subject.device)
    : concat(u8(2), subject.key);
}

/** The subject of 33 or 49 bytes. Throws Malformed. */
export function decodeSubject(data: Uint8Array): Subject {
  if (data[0] === 1 && data.length === 1 + ACCOUNT_SIZE + DEVICE_SIZE) {
    return {
      kind: "device",
      account: data.slice(1, 1 + ACCOUNT_SIZE),
      device: data.slice(1 + ACCOUNT_SIZE),
    };
  }
  if (data[0] === 2 && data.length === 1 + PARTY_SIZE) return { kind: "party", key: data.slice(1) };
  throw new Malformed("form", "session subject");
}

/**
 * What the subject's Ed25519 key signs to open a session (spec W-20).
 *
 * The challenge is the server's 32 random bytes; `expiresMs` is the challenge's end as it said.
 */
export function sessionBytes(
  deployment: DeploymentId,
  challenge: Uint8Array,
  subject: Subject,
  expiresMs: number,
): Uint8Array {
  return tagged(TAG, deployment, challenge, encodeSubject(subject), u64(expiresMs));
}

/** Checks a session signature by the subject's key. Throws Malformed(bad-signature). */
export function verifySession(
  deployment: DeploymentId,
  challenge: Uint8Array,
  subject: Subject,
  expiresMs: number,
  key: Uint8Array,
  signature: Uint8Array,
): void {
  ed25519.verify(key, signature, sessionBytes(deployment, challenge, subject, expiresMs));
}
