/**
 * Letters between the devices of one account, which the server carries unread (spec D-1 to D-4).
 *
 * A device tells its siblings a key of its own to seal to; what is sealed to it then is a name or a
 * piece of the account's history. The letters are signed by the key that the key log lists, so that
 * nobody else can slip one in, and are bound to both devices.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { SIGNATURE_SIZE, type Signer, verify } from "./ed25519.ts";
import { concat, field, Reader, tagged, u8, u16, u64 } from "./encoding.ts";
import { Malformed } from "./errors.ts";
import type { AccountId, DeploymentId, DeviceId } from "./identifiers.ts";
import * as limits from "./limits.ts";

const KEY_SIZE = 32;
const VERSION = 1;
const KEY = 1;
const SEALED = 2;
const NAME = 1;
const PIECE = 2;
const TAG = "doublelock/v1/letter";

/** From which device of an account to which other; every letter is bound to it. */
export interface Route {
  readonly deployment: DeploymentId;
  readonly account: AccountId;
  readonly sender: DeviceId;
  readonly receiver: DeviceId;
}

/**
 * The X25519 key (32 bytes) that its sender wants to be sealed to from `timeMs` on; `asks` says that
 * the receiver's own key is wanted in return.
 */
export interface KeyLetter {
  readonly kind: "key";
  readonly key: Uint8Array;
  readonly timeMs: number;
  readonly asks: boolean;
}

/** Bytes of HPKE that the holder of the receiver's `key` (32 bytes) can open. */
export interface SealedLetter {
  readonly kind: "sealed";
  readonly key: Uint8Array;
  readonly sealed: Uint8Array;
}

/** What a sealed letter's HPKE is bound to. */
export function contextOf(route: Route): Uint8Array[] {
  return [route.deployment, route.account, route.sender, route.receiver];
}

/** A letter's bytes, signed by its sender's device key. */
export function signLetter(
  route: Route,
  letter: KeyLetter | SealedLetter,
  sign: Signer,
): Uint8Array {
  const body =
    letter.kind === "key"
      ? concat(Uint8Array.of(VERSION, KEY), letter.key, u64(letter.timeMs), u8(letter.asks ? 1 : 0))
      : concat(Uint8Array.of(VERSION, SEALED), letter.key, letter.sealed);
  return concat(body, sign(signedBytes(route, body)));
}

/**
 * A letter that its sender signed for this receiver; `senderKey` is what the key log lists for the
 * sender now. Throws Malformed: size, form, bad-signature.
 */
export function openLetter(
  route: Route,
  data: Uint8Array,
  senderKey: Uint8Array,
): KeyLetter | SealedLetter {
  if (data.length > limits.OWN_MAIL) throw new Malformed("size", "letter");
  const body = data.slice(0, -SIGNATURE_SIZE);
  const reader = new Reader(body);
  if (reader.u8() !== VERSION) throw new Malformed("form", "letter version");
  const kind = reader.u8();
  const key = reader.take(KEY_SIZE);
  let letter: KeyLetter | SealedLetter;
  if (kind === KEY) {
    const timeMs = safe(reader.u64());
    const asks = reader.u8();
    reader.end();
    if (asks > 1) throw new Malformed("form", "letter");
    letter = { kind: "key", key, timeMs, asks: asks === 1 };
  } else if (kind === SEALED) {
    letter = { kind: "sealed", key, sealed: reader.rest() };
  } else throw new Malformed("form", "letter kind");
  verify(senderKey, data.slice(-SIGNATURE_SIZE), signedBytes(route, body));
  return letter;
}

function signedBytes(route: Route, body: Uint8Array): Uint8Array {
  return tagged(TAG, ...contextOf(route), sha256(body));
}

// --- what is sealed --------------------------------------------------------------------------

/** What the sender is called by its person from `timeMs` on: at most 255 bytes. */
export interface DeviceName {
  readonly kind: "name";
  readonly name: Uint8Array;
  readonly timeMs: number;
}

/**
 * One file of the account's history (spec D-5): `number` of `count`, from 0.
 *
 * `blob` (32 bytes) names it at the server, `fileKey` (32 bytes, secret) opens it, `size` is its
 * plaintext's bytes, `digest` (32 bytes) the SHA-256 of its ciphertext.
 */
export interface HistoryPiece {
  readonly kind: "piece";
  readonly number: number;
  readonly count: number;
  readonly blob: Uint8Array;
  readonly fileKey: Uint8Array;
  readonly size: number;
  readonly digest: Uint8Array;
}

/** What a sealed letter holds. */
export function encodeContent(content: DeviceName | HistoryPiece): Uint8Array {
  if (content.kind === "name") {
    return concat(u8(NAME), u64(content.timeMs), field(content.name));
  }
  const { number, count, blob, fileKey, size, digest } = content;
  return concat(u8(PIECE), u16(number), u16(count), blob, fileKey, u64(size), digest);
}

/** What a sealed letter holds. Throws Malformed: size, form. */
export function decodeContent(data: Uint8Array): DeviceName | HistoryPiece {
  const reader = new Reader(data);
  const kind = reader.u8();
  let content: DeviceName | HistoryPiece;
  if (kind === NAME) {
    const timeMs = safe(reader.u64());
    content = { kind: "name", name: reader.field(limits.DEVICE_NAME), timeMs };
  } else if (kind === PIECE) {
    const number = reader.u16();
    const count = reader.u16();
    const blob = reader.take(32);
    const fileKey = reader.take(KEY_SIZE);
    const size = safe(reader.u64());
    const digest = reader.take(32);
    if (number >= count || size > limits.HISTORY_PIECE) {
      throw new Malformed("size", `piece ${number} of ${count}, ${size} bytes`);
    }
    content = { kind: "piece", number, count, blob, fileKey, size, digest };
  } else throw new Malformed("form", "letter content");
  reader.end();
  return content;
}

function safe(value: bigint): number {
  if (value > Number.MAX_SAFE_INTEGER) throw new Malformed("form", "a number over 2^53");
  return Number(value);
}
