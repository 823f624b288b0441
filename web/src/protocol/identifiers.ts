/** The names of things, as bytes of fixed size (spec W-2). */

import { sha256 } from "@noble/hashes/sha2.js";
import { bigEndian, tagged, utf8 } from "./encoding.ts";

declare const named: unique symbol;
type Named<Name extends string> = Uint8Array & { readonly [named]?: Name };

/** 32 bytes: the hash of the genesis charter. */
export type DeploymentId = Named<"deployment">;
/** 32 bytes: H(deployment salt, handle); the account's name in the key log. */
export type AccountId = Named<"account">;
/** 16 bytes: from the hash of the device's Ed25519 public key. */
export type DeviceId = Named<"device">;
/** 32 bytes: also the MLS group id. */
export type ConversationId = Named<"conversation">;
/** 16 bytes: a UUIDv7 (RFC 9562). */
export type MessageId = Named<"message">;

export const DEPLOYMENT_SIZE = 32;
export const ACCOUNT_SIZE = 32;
export const DEVICE_SIZE = 16;
export const CONVERSATION_SIZE = 32;
export const MESSAGE_ID_SIZE = 16;

/** The account id of a handle: SHA-256 over a tag, the salt and the handle. */
export function nameAccount(salt: Uint8Array, handle: string): AccountId {
  return sha256(tagged("doublelock/v1/account", salt, utf8(handle)));
}

/** The device id of an Ed25519 public key (32 bytes): SHA-256, first 16 bytes. */
export function nameDevice(publicKey: Uint8Array): DeviceId {
  return sha256(tagged("doublelock/v1/device", publicKey)).slice(0, DEVICE_SIZE);
}

/** A conversation id from its creator, 32 random bytes and the deployment (spec G-1). */
export function nameConversation(
  creator: DeviceId,
  random: Uint8Array,
  deployment: DeploymentId,
): ConversationId {
  return sha256(tagged("doublelock/v1/conversation", creator, random, deployment));
}

/** A UUIDv7 from a time in milliseconds and 10 random bytes (RFC 9562 §5.7). */
export function makeMessageId(timeMs: number, random: Uint8Array): MessageId {
  let value = (BigInt(timeMs) & 0xffffffffffffn) << 80n;
  value |= bigEndian(random.subarray(0, 10));
  value = (value & ~(0xfn << 76n)) | (0x7n << 76n);
  value = (value & ~(0x3n << 62n)) | (0x2n << 62n);
  const out = new Uint8Array(MESSAGE_ID_SIZE);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, value >> 64n);
  view.setBigUint64(8, BigInt.asUintN(64, value));
  return out;
}
