/**
 * The message stream's frames: what a device and the server say to each other (spec W-10 to W-19).
 *
 * One WebSocket binary message carries one or more frames, each with its u32 length in front. A
 * frame is a msgpack array whose first element is its number. Numbers are below 2^53 here.
 */

import { concat, u8, u32, u64 } from "./encoding.ts";
import { Malformed } from "./errors.ts";
import * as limits from "./limits.ts";
import {
  arrayOf,
  bytes,
  decodeValue,
  encodeValue,
  type OneOf,
  oneOf,
  structure,
  text,
  whole,
} from "./msgpack.ts";

const id16 = bytes(16);
const id32 = bytes(32);
const count = whole();
const u16 = whole(0xffff);
const header = bytes(138, 266);
const body = bytes(1, limits.BODY);
const ephemeralBody = bytes(1, limits.EPHEMERAL_BODY);
const mls = bytes(1, limits.MLS_APPLICATION);
const path = bytes(0, limits.RECEIPT_PATH * 32);
const signature = bytes(64);
const words = text(512);

/** What an `Item` holds. */
export const ItemKind = {
  MESSAGE: 1,
  COMMIT: 2,
  /** An item whose retention or timer has run out: header, body and mls are their SHA-256. */
  ERASED: 3,
} as const;

/** What a `Mail` holds. */
export const MailKind = {
  WELCOME: 1,
  NOTICE: 2,
  LAW: 3,
  OWN: 4,
  OTHERS: 5,
  DEPARTURE: 6,
} as const;

/** How far a device has a conversation: it wants what comes after `after`. */
const cursor = structure({ conversation: id32, after: count });

const FROM_DEVICE = {
  /** First frame of a connection: the session token, where to go on, the mailbox's last number. */
  Hello: [0, structure({ token: id32, cursors: arrayOf(cursor, limits.CURSORS), mailbox: count })],
  /** One sealed envelope; `request` is the device's own number for the answer (spec W-13). */
  Send: [1, structure({ request: count, header, body, mls })],
  /** An ephemeral envelope (header form 3) for who is online; never stored or answered. */
  Whisper: [2, structure({ header, body: ephemeralBody, mls })],
  /** The mailbox up to and including `through` is safe with the device; delete it. */
  MailboxDone: [3, structure({ through: count })],
  /** How far the device has, and its person has read, a conversation; kept per device. */
  /** Send what comes after `after` in a conversation, then go on live (spec W-15). */
  CatchUp: [5, cursor],
  /** Are you there; answered by `Pong`. */
  Ping: [6, structure({ request: count })],
} as const;

const FROM_SERVER = {
  /** The session holds; `timeMs` is the deployment's clock, `heads` each conversation's last. */
  Welcome: [32, structure({ timeMs: count, heads: arrayOf(cursor) })],
  /** A `Send` is durable, at `sequence`, with its receipt; it stands in place of the `Item`. */
  Accepted: [
    33,
    structure({
      request: count,
      conversation: id32,
      sequence: count,
      timeMs: count,
      previous: id32,
      index: count,
      size: count,
      path,
      signature,
    }),
  ],
  /** A frame was refused: `request` names it (0 when it has no number), `code` says why. */
  Refused: [34, structure({ request: count, code: words, detail: words })],
  /** One item of a conversation's timeline with its receipt; `item` is one of `ItemKind`. */
  Item: [
    35,
    structure({
      conversation: id32,
      sequence: count,
      timeMs: count,
      account: id32,
      device: id16,
      item: u16,
      header: bytes(0, 266),
      body: bytes(0, limits.BODY),
      mls: bytes(0, limits.MLS_COMMIT),
      previous: id32,
      index: count,
      size: count,
      path,
      signature,
    }),
  ],
  /** An ephemeral envelope from an authenticated device. */
  Whispered: [
    36,
    structure({ timeMs: count, account: id32, device: id16, header, body: ephemeralBody, mls }),
  ],
  /** One piece of the device's mailbox; `mail` is one of `MailKind`. */
  Mail: [
    37,
    structure({
      sequence: count,
      timeMs: count,
      mail: u16,
      conversation: id32,
      at: count,
      payload: bytes(0, limits.MLS_WELCOME),
    }),
  ],
  /** The device has everything of the conversation up to `sequence`; what follows comes live. */
  Live: [38, structure({ conversation: id32, sequence: count })],
  /** The answer to `Ping`, with the deployment's clock. */
  Pong: [39, structure({ request: count, timeMs: count })],
  /** A conversation's settings or the device's place in it changed (spec W-16). */
  Changed: [40, structure({ conversation: id32, member: u16, timerMs: count })],
  /** The server ends the connection; everything acknowledged is safe, come back with cursors. */
  Bye: [41, structure({ code: words, detail: words })],
} as const;

export type FromDevice = OneOf<typeof FROM_DEVICE>;
export type FromServer = OneOf<typeof FROM_SERVER>;
export type FromServerOf<K extends FromServer["kind"]> = Extract<FromServer, { readonly kind: K }>;
export type FromDeviceOf<K extends FromDevice["kind"]> = Extract<FromDevice, { readonly kind: K }>;

const fromDevice = oneOf(FROM_DEVICE);
const fromServer = oneOf(FROM_SERVER);

/** A device's frame with its u32 length in front; such pieces join into one stream message. */
export function encodeFromDevice(frame: FromDevice): Uint8Array {
  return prefixed(encodeValue(fromDevice.write(frame)));
}

/** A server's frame with its u32 length in front: for tests that play the server. */
export function encodeFromServer(frame: FromServer): Uint8Array {
  return prefixed(encodeValue(fromServer.write(frame)));
}

function prefixed(data: Uint8Array): Uint8Array {
  return concat(u32(data.length), data);
}

/**
 * The frames of one stream message, without their lengths (spec W-10).
 *
 * Throws Malformed(size) for an empty message, an empty frame, one over `limit`, or a cut one.
 */
export function split(message: Uint8Array, limit = limits.FRAME): Uint8Array[] {
  if (message.length === 0) throw new Malformed("size", "empty message");
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const frames: Uint8Array[] = [];
  let at = 0;
  while (at < message.length) {
    const start = at + 4;
    if (start > message.length) throw new Malformed("size", "cut length");
    const size = view.getUint32(at);
    at = start + size;
    if (size === 0 || size > limit || at > message.length) {
      throw new Malformed("size", `frame of ${size} bytes`);
    }
    frames.push(message.subarray(start, at));
  }
  return frames;
}

/** One frame that a device sent. Throws Malformed(form). */
export function decodeFromDevice(data: Uint8Array): FromDevice {
  return fromDevice.read(decodeValue(data));
}

/** One frame that the server sent. Throws Malformed(form). */
export function decodeFromServer(data: Uint8Array): FromServer {
  return fromServer.read(decodeValue(data));
}

/** Every frame of one stream message from the server. Throws Malformed. */
export function framesFromServer(message: Uint8Array): FromServer[] {
  return split(message).map(decodeFromServer);
}

/**
 * How every MLS application message of a group and epoch begins (RFC 9420 §6.3, §17.1).
 *
 * mls10, mls_private_message, the 32-byte group id, u64 epoch, application: 46 bytes.
 */
export function applicationPrefix(conversation: Uint8Array, epoch: number | bigint): Uint8Array {
  return concat(Uint8Array.of(0, 1, 0, 2, 0x20), conversation, u64(epoch), u8(1));
}
