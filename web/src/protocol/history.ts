/**
 * An account's history as one of its devices hands it to another (spec D-5).
 *
 * What arrives is the other device's word: it verified each message when it came, and its receiver
 * cannot do so again. Everything here is read as hostile none the less.
 */

import { concat, field, Reader, u8, u16, u32, u64 } from "./encoding.ts";
import { Malformed } from "./errors.ts";
import { ConversationKind } from "./group_rules.ts";
import {
  ACCOUNT_SIZE,
  type AccountId,
  CONVERSATION_SIZE,
  type ConversationId,
  MESSAGE_ID_SIZE,
  type MessageId,
} from "./identifiers.ts";
import * as limits from "./limits.ts";
import { decodeRecord, encodeRecord, type RecordOf } from "./record.ts";

const VERSION = 1;
const DELETED = 1;
const EDITED = 2;
const MARK = 64;

/** The records that stand in a timeline by themselves; others change one of these. */
export type Kept = RecordOf<"Text" | "Reply" | "Attachment" | "Media">;

/**
 * A message as it stands: `record` is undefined where it was deleted, `edited` its newer text.
 * `marks` are reactions by account; `expiresMs` is 0 for never.
 */
export interface HistoryItem {
  readonly sequence: number;
  readonly timeMs: number;
  readonly account: AccountId;
  readonly messageId: MessageId;
  readonly record: Kept | undefined;
  readonly edited: Uint8Array | undefined;
  readonly marks: readonly (readonly [account: AccountId, mark: Uint8Array])[];
  readonly expiresMs: number;
}

/**
 * A conversation, or a part of it: who is in it, what it is called, its timer, its messages.
 * `details` stands at `detailsAt`; undefined where nobody named it. Items ascend by sequence.
 */
export interface HistoryPart {
  readonly conversation: ConversationId;
  readonly kind: ConversationKind;
  readonly members: readonly AccountId[];
  readonly timerSeconds: number;
  readonly details: RecordOf<"Details"> | undefined;
  readonly detailsAt: number;
  readonly items: readonly HistoryItem[];
}

/** Whom the account's person has verified: the digest of that side of the safety code (Y-11). */
export interface Contact {
  readonly account: AccountId;
  readonly digest: Uint8Array;
}

/** One piece of what is handed over: at most 16 MiB. */
export interface HistoryFile {
  readonly contacts: readonly Contact[];
  readonly parts: readonly HistoryPart[];
}

/** The file's bytes. */
export function encodeHistory(history: HistoryFile): Uint8Array {
  const pieces = [u8(VERSION), u16(history.contacts.length)];
  for (const { account, digest } of history.contacts) pieces.push(account, digest);
  pieces.push(u32(history.parts.length));
  for (const part of history.parts) {
    pieces.push(...headOf(part), u32(part.items.length));
    for (const item of part.items) pieces.push(encodeItem(item));
  }
  return join(pieces);
}

/** The history in a file. Throws Malformed: size, form, not-canonical. */
export function decodeHistory(data: Uint8Array): HistoryFile {
  if (data.length > limits.HISTORY_PIECE) throw new Malformed("size", "history");
  const reader = new Reader(data);
  if (reader.u8() !== VERSION) throw new Malformed("form", "history version");
  const contacts = times(reader.u16(), () => ({
    account: reader.take(ACCOUNT_SIZE),
    digest: reader.take(32),
  }));
  const parts = times(reader.u32(), () => readPart(reader));
  reader.end();
  return { contacts, parts };
}

/** Files of about `limit` bytes; a long conversation goes on in the next one. */
export function* splitHistory(
  contacts: readonly Contact[],
  parts: Iterable<HistoryPart>,
  limit: number,
): Generator<HistoryFile> {
  let known = contacts;
  let waiting: HistoryPart[] = [];
  let size = 0;
  for (const part of parts) {
    let items: HistoryItem[] = [];
    for (const item of part.items) {
      const { length } = encodeItem(item);
      if (size + length > limit && waiting.length + items.length > 0) {
        yield { contacts: known, parts: [...waiting, { ...part, items }] };
        [known, waiting, items, size] = [[], [], [], 0];
      }
      items.push(item);
      size += length;
    }
    waiting.push({ ...part, items });
    size += concat(...headOf(part)).length + 4;
  }
  yield { contacts: known, parts: waiting };
}

function headOf(part: HistoryPart): Uint8Array[] {
  const details = part.details === undefined ? new Uint8Array() : encodeRecord(part.details);
  return [
    part.conversation,
    u8(part.kind),
    u16(part.members.length),
    ...part.members,
    u32(part.timerSeconds),
    u64(part.detailsAt),
    u32(details.length),
    details,
  ];
}

function encodeItem(item: HistoryItem): Uint8Array {
  const record = item.record === undefined ? new Uint8Array() : encodeRecord(item.record);
  const edited = item.edited ?? new Uint8Array();
  const flags =
    (item.record === undefined ? DELETED : 0) | (item.edited === undefined ? 0 : EDITED);
  return concat(
    u64(item.sequence),
    u64(item.timeMs),
    item.account,
    item.messageId,
    u8(flags),
    u64(item.expiresMs),
    u32(record.length),
    record,
    u32(edited.length),
    edited,
    u16(item.marks.length),
    ...item.marks.flatMap(([account, mark]) => [account, field(mark)]),
  );
}

function readPart(reader: Reader): HistoryPart {
  const conversation = reader.take(CONVERSATION_SIZE);
  const given = reader.u8();
  const kind = Object.values(ConversationKind).find((each) => each === given);
  if (kind === undefined) throw new Malformed("form", "conversation kind");
  const count = reader.u16();
  if (count > limits.GROUP_MEMBERS) throw new Malformed("size", `${count} members`);
  const members = times(count, () => reader.take(ACCOUNT_SIZE));
  const timerSeconds = reader.u32();
  const detailsAt = safe(reader.u64());
  const data = reader.longField(limits.RECORD);
  const details = data.length === 0 ? undefined : decodeRecord(data);
  if (details !== undefined && details.kind !== "Details") {
    throw new Malformed("form", "details of a conversation");
  }
  let before = -1;
  const items = times(reader.u32(), () => {
    const item = readItem(reader);
    if (item.sequence <= before) throw new Malformed("not-canonical", "history out of order");
    before = item.sequence;
    return item;
  });
  return { conversation, kind, members, timerSeconds, details, detailsAt, items };
}

function readItem(reader: Reader): HistoryItem {
  const [sequence, timeMs] = [reader.u64(), reader.u64()];
  const account = reader.take(ACCOUNT_SIZE);
  const messageId = reader.take(MESSAGE_ID_SIZE);
  const flags = reader.u8();
  const expiresMs = reader.u64();
  const data = reader.longField(limits.RECORD);
  const edited = reader.longField(limits.RECORD);
  const marks = times(reader.u16(), () => [reader.take(ACCOUNT_SIZE), reader.field(MARK)] as const);
  const deleted = (flags & DELETED) !== 0;
  const isEdited = (flags & EDITED) !== 0;
  if (flags > (DELETED | EDITED) || deleted !== (data.length === 0)) throw oddItem();
  if (edited.length > 0 && !isEdited) throw oddItem();
  const record = deleted ? undefined : decodeRecord(data);
  return {
    sequence: safe(sequence),
    timeMs: safe(timeMs),
    account,
    messageId,
    record: record === undefined ? undefined : kept(record),
    edited: isEdited ? edited : undefined,
    marks,
    expiresMs: safe(expiresMs),
  };
}

function kept(record: ReturnType<typeof decodeRecord>): Kept {
  switch (record.kind) {
    case "Text":
    case "Reply":
    case "Attachment":
    case "Media":
      return record;
    default:
      throw new Malformed("form", "a record that stands for nothing by itself");
  }
}

function oddItem(): Malformed {
  return new Malformed("form", "item of a history");
}

/** Joins pieces of any count: a call takes only so many arguments. */
function join(pieces: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** Reads so many; the reader ends what states more than there is. */
function times<T>(count: number, read: () => T): T[] {
  const found: T[] = [];
  for (let at = 0; at < count; at++) found.push(read());
  return found;
}

function safe(value: bigint): number {
  if (value > Number.MAX_SAFE_INTEGER) throw new Malformed("form", "a number over 2^53");
  return Number(value);
}
