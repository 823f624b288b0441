/**
 * Records: what a message says, as small typed structures in msgpack arrays (spec V-3, V-4).
 *
 * Text is bytes, kept byte for byte as it was sent, whatever its charset; `display` is the one rule
 * for showing it.
 */

import { equalBytes } from "./encoding.ts";
import { Malformed } from "./errors.ts";
import * as limits from "./limits.ts";
import {
  bytes,
  decodeValue,
  encodeValue,
  type OneOf,
  oneOf,
  structure,
  truth,
  whole,
  wholeOr0,
} from "./msgpack.ts";

const id16 = bytes(16);
const id32 = bytes(32);
const content = bytes(0, limits.RECORD);
const shortName = bytes(0, 255);

const thumbnail = bytes(0, limits.THUMBNAIL, new Uint8Array());
const file = {
  blob: id32,
  key: id32,
  size: whole(limits.BLOB),
  digest: id32,
  name: shortName,
  mediaType: shortName,
  caption: bytes(0, 16 * 1024, new Uint8Array()),
} as const;

const KINDS = {
  /** A message's text, any bytes; UTF-8 unless it is not. */
  Text: [1, structure({ content })],
  /** A text in answer to another message (its id, 16 bytes). */
  Reply: [2, structure({ target: id16, content })],
  /** A new text in place of an own message's; both stay in evidence. */
  Edit: [3, structure({ target: id16, content })],
  /** A wish that an own message be shown no more. */
  Delete: [4, structure({ target: id16 })],
  /** A short mark on a message, or its withdrawal when `mark` is empty; at most 32 bytes. */
  Reaction: [5, structure({ target: id16, mark: bytes(0, 32) })],
  /**
   * A file: where its encrypted bytes lie and all that is needed to read and check them.
   *
   * `blob` is its 32-byte name in the blob store, `key` 32 bytes (secret), `size` the plaintext's
   * bytes, `digest` SHA-256 over the ciphertext. `caption` is shown as a text is.
   */
  Attachment: [6, structure(file)],
  /** From here on, messages disappear after so many seconds; 0 for never. */
  Timer: [7, structure({ seconds: whole(0xffffffff) })],
  /** Who was added (1), removed (2) or left (3): words beside the group's own record. */
  MembershipNotice: [8, structure({ change: whole(3, 1), account: id32 })],
  /** What a conversation is called and looks like; it counts from an admin alone (spec V-16). */
  Details: [9, structure({ name: bytes(0, limits.CONVERSATION_NAME), picture: thumbnail })],
  /** An attachment that can be shown or played, or answers a message (spec V-17). */
  Media: [
    10,
    structure({
      ...file,
      width: wholeOr0(0xffff),
      height: wholeOr0(0xffff),
      durationMs: wholeOr0(0xffffffff),
      thumbnail,
      target: bytes(0, 16, new Uint8Array()),
    }),
  ],
  /** The sender is typing, or has stopped. */
  Typing: [32, structure({ active: truth })],
  /** The sender has read the conversation up to and including a sequence number. */
  ReadMark: [33, structure({ through: whole() })],
  /** The sender is away (0), here (1) or busy (2). */
  Presence: [34, structure({ state: whole(2) })],
  /** The sender's device has the conversation up to a sequence; `asks` for others' marks. */
  DeliveryMark: [35, structure({ through: whole(), asks: truth })],
} as const;

/** Any record; `kind` tells which. */
export type AnyRecord = OneOf<typeof KINDS>;
export type RecordKind = AnyRecord["kind"];
/** A record of one kind. */
export type RecordOf<K extends RecordKind> = Extract<AnyRecord, { readonly kind: K }>;
/** What points to a file. */
export type Attachment = RecordOf<"Attachment">;

const EPHEMERAL: ReadonlySet<RecordKind> = new Set([
  "Typing",
  "ReadMark",
  "Presence",
  "DeliveryMark",
]);
const codec = oneOf(KINDS);

/** Whether a kind is never stored. */
export function isEphemeral(record: AnyRecord): boolean {
  return EPHEMERAL.has(record.kind);
}

/** A record's bytes. Throws Malformed(size) over 64 KiB. */
export function encodeRecord(record: AnyRecord): Uint8Array {
  const data = encodeValue(codec.write(record));
  if (data.length > limits.RECORD) throw tooLarge(data);
  return data;
}

/** The record of at most 64 KiB. Throws Malformed(size, form, not-canonical). */
export function decodeRecord(data: Uint8Array): AnyRecord {
  if (data.length > limits.RECORD) throw tooLarge(data);
  const record = codec.read(decodeValue(data));
  // msgpack can say one thing in several ways
  if (!equalBytes(encodeValue(codec.write(record)), data)) {
    throw new Malformed("not-canonical", "record is not in its shortest form");
  }
  if (record.kind === "Media" && ![0, 16].includes(record.target.length)) {
    throw new Malformed("form", "what a file answers");
  }
  return record;
}

function tooLarge(data: Uint8Array): Malformed {
  return new Malformed("size", `record of ${data.length} bytes, at most ${limits.RECORD}`);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// Windows-1252 without the five bytes that it lacks, from 0x80 on; 0 where Latin-1 stands in.
const WINDOWS_1252 = [
  0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152,
  0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161,
  0x203a, 0x0153, 0, 0x017e, 0x0178,
];

/**
 * What to show for a text's bytes (spec V-4); for eyes only, never encoded back.
 *
 * UTF-8, else Windows-1252, else Latin-1 for what that lacks; control characters become their
 * pictures (U+2400...), directional controls U+FFFD: a text cannot dress up what stands around it.
 */
export function display(data: Uint8Array): string {
  let text: string;
  try {
    text = utf8.decode(data);
  } catch {
    text = Array.from(data, (byte) => String.fromCharCode(WINDOWS_1252[byte - 0x80] || byte)).join(
      "",
    );
  }
  return Array.from(text, (letter) => shown(letter.codePointAt(0) ?? 0)).join("");
}

function shown(code: number): string {
  if (code < 0x20 && code !== 0x09 && code !== 0x0a) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  if (code >= 0x80 && code < 0xa0) return "\ufffd";
  if ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)) return "\ufffd";
  if (code === 0x061c || code === 0x200e || code === 0x200f) return "\ufffd";
  if (code === 0x2028 || code === 0x2029) return "\n";
  return String.fromCodePoint(code);
}
