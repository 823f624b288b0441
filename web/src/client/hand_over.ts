/**
 * The encrypted hand-over of an account's history from one of its devices to another (spec D-5).
 *
 * Whoever gives has verified each message when it came; whoever takes cannot do so again, and says
 * so where the messages stand. What it has itself always stays.
 */

import { concat, hex, unhex, utf8 } from "../protocol/encoding.ts";
import { Refusal, WireRefused } from "../protocol/errors.ts";
import { ConversationKind } from "../protocol/group_rules.ts";
import {
  decodeHistory,
  encodeHistory,
  type HistoryFile,
  type HistoryItem,
  type HistoryPart,
  type Kept,
  splitHistory,
} from "../protocol/history.ts";
import type { DeviceId } from "../protocol/identifiers.ts";
import type { HistoryPiece } from "../protocol/letter.ts";
import { type AnyRecord, decodeRecord, display, encodeRecord } from "../protocol/record.ts";
import type { Alarms } from "./alarms.ts";
import { getBlob, putBlob } from "./blobs.ts";
import type { Chronicle } from "./chronicle.ts";
import type { Core } from "./core.ts";
import { asRefusal } from "./groups.ts";
import { unpack } from "./pack.ts";
import type { People } from "./people.ts";
import { Room } from "./room.ts";
import type { Entry } from "./timeline.ts";
import { put } from "./vault.ts";

/** Bytes of a file, about: small enough to be made and read without a stutter. */
const FILE = 4 * 1024 * 1024;
/** As many may wait for a device at the server, and a few letters more. */
const FILES = 48;

/** A piece that is known of and not taken in yet, as the vault keeps it. */
interface Waiting {
  readonly piece: HistoryPiece;
  readonly from: Uint8Array;
}

export class HandOver {
  readonly #core: Core;
  readonly #chronicle: Chronicle;
  readonly #people: People;
  readonly #alarms: Alarms;
  #taking = false;

  constructor(core: Core, chronicle: Chronicle, people: People, alarms: Alarms) {
    this.#core = core;
    this.#chronicle = chronicle;
    this.#people = people;
    this.#alarms = alarms;
  }

  // --- giving ------------------------------------------------------------------------------

  /**
   * Gives what conversations are called and whom its person has verified, and `all` the messages.
   * `send` carries one piece to the other device. Throws WireRefused; it may be repeated.
   */
  async give(all: boolean, send: (piece: HistoryPiece) => Promise<void>): Promise<void> {
    const parts: HistoryPart[] = [];
    for (const { id, kind } of this.#chronicle.views.all()) {
      if (kind !== "service") parts.push(await this.#core.alone(() => this.#part(id, all)));
    }
    const contacts = this.#people.verifiedSides();
    let limit = FILE;
    let files = [...splitHistory(contacts, parts, limit)];
    while (files.length > FILES) {
      limit *= 2;
      files = [...splitHistory(contacts, parts, limit)];
    }
    for (const [number, file] of files.entries()) {
      this.#progress((number + 0.5) / files.length);
      const { blob, key, size, digest } = await putBlob(this.#core, encodeHistory(file));
      const count = files.length;
      await send({ kind: "piece", number, count, blob, fileKey: key, size, digest });
    }
    this.#progress(1);
  }

  async #part(name: string, all: boolean): Promise<HistoryPart> {
    const view = this.#chronicle.views.of(name);
    const rows = all ? await this.#core.vault.list(["history", name]) : [];
    const now = this.#core.clock();
    return {
      conversation: unhex(name),
      kind: view.kind === "direct" ? ConversationKind.DIRECT : ConversationKind.GROUP,
      members: view.members.map(unhex),
      timerSeconds: view.timerSeconds,
      details:
        view.nameAt < 0
          ? undefined
          : { kind: "Details", name: utf8(view.name), picture: view.picture ?? new Uint8Array() },
      detailsAt: Math.max(0, view.nameAt),
      items: rows.flatMap(([, value]) => {
        const item = itemOf(unpack<Entry>(value));
        const over = item !== undefined && item.expiresMs > 0 && item.expiresMs <= now;
        return item === undefined || over ? [] : [item];
      }),
    };
  }

  // --- taking ------------------------------------------------------------------------------

  /** Keeps a piece until it is taken in; the caller flushes. */
  keep(piece: HistoryPiece, from: DeviceId): void {
    this.#core.write(put(["piece", hex(from), piece.number], { piece, from }));
  }

  /**
   * Fetches and takes in what waits; `nameOf` says what a device is called. True once the last of
   * all pieces is in. Pieces stay while the server is away.
   */
  async takeIn(nameOf: (device: DeviceId) => string): Promise<boolean> {
    if (this.#taking) return false;
    this.#taking = true;
    let last = false;
    try {
      for (;;) {
        const [found] = await this.#core.vault.list(["piece"], { limit: 1 });
        if (found === undefined) break;
        const [row, value] = found;
        const { piece, from } = unpack<Waiting>(value);
        try {
          this.#progress(piece.number / piece.count);
          const file = await this.#fetch(piece);
          await this.#core.alone(async () => {
            await this.#takeFile(file, nameOf(from));
            this.#core.write([row, undefined]);
            await this.#core.flush();
          });
          last ||= piece.number === piece.count - 1;
        } catch (problem) {
          const refusal = asRefusal(problem);
          const gone = refusal.code === "not-found";
          if (refusal instanceof WireRefused && !gone) break;
          await this.#drop(row, refusal);
        }
      }
    } finally {
      this.#taking = false;
    }
    if (last) this.#progress(1);
    return last;
  }

  async #fetch(piece: HistoryPiece): Promise<HistoryFile> {
    const { blob, fileKey, size, digest } = piece;
    const plain = await getBlob(this.#core, { blob, key: fileKey, size, digest });
    return decodeHistory(concat(...plain));
  }

  /** A piece that is damaged, or not what was agreed on, is told and not kept. */
  #drop(row: Parameters<Core["vault"]["read"]>[0], refusal: Refusal): Promise<void> {
    return this.#core.alone(async () => {
      const { code, detail } = refusal;
      this.#alarms.raise({ kind: "server-deceived", refusal: { code, detail } });
      this.#core.write([row, undefined]);
      await this.#core.flush();
    });
  }

  async #takeFile(file: HistoryFile, device: string): Promise<void> {
    const accounts = new Set(file.contacts.map((contact) => hex(contact.account)));
    for (const part of file.parts) {
      for (const member of part.members) accounts.add(hex(member));
      for (const item of part.items) accounts.add(hex(item.account));
    }
    await this.#people.learn(accounts).catch((problem: unknown) => {
      if (!(problem instanceof Refusal)) throw problem;
    });
    for (const { account, digest } of file.contacts) {
      this.#people.takeVerified(hex(account), digest);
    }
    for (const part of file.parts) await this.#takePart(part, device);
  }

  async #takePart(part: HistoryPart, device: string): Promise<void> {
    const core = this.#core;
    const name = hex(part.conversation);
    this.#describe(part, name);
    const { vault } = core;
    const there = new Set((await vault.list(["history", name])).map(([row]) => row[2]));
    const known = new Set((await vault.list(["place", name])).map(([row]) => row[2]));
    const now = core.clock();
    const entries = part.items
      .map(entryOf)
      .filter(
        (entry) =>
          !there.has(entry.at) &&
          !known.has(entry.id) &&
          (entry.expiresMs === null || entry.expiresMs > now),
      );
    const newest = entries.at(-1);
    if (newest === undefined) return;
    const before = await vault.find<{ at: number; count: number }>(["handed", name]);
    const at = Math.max(newest.at + 0.5, before?.at ?? 0);
    if (before !== undefined) {
      core.write([["history", name, before.at], undefined]);
    }
    const count = entries.length + (before?.count ?? 0);
    core.write(put(["handed", name], { at, count }));
    await this.#chronicle.takeOver(name, entries, { kind: "handed-over", device, count }, at);
  }

  /** What a conversation is called and who was in it, where this device does not know better. */
  #describe(part: HistoryPart, name: string): void {
    const core = this.#core;
    if (!core.rooms.has(name)) {
      // Until this device is brought in, it can be read and not written to.
      const room = new Room(part.conversation);
      room.status = "left";
      room.dirty = true;
      core.rooms.set(name, room);
      this.#chronicle.views.change(name, {
        kind: part.kind === ConversationKind.DIRECT ? "direct" : "group",
        members: part.members.map(hex),
      });
    }
    const view = this.#chronicle.views.of(name);
    const { details, detailsAt, timerSeconds } = part;
    if (details !== undefined && detailsAt > view.nameAt) {
      const picture = details.picture.length > 0 ? details.picture : null;
      this.#chronicle.views.change(name, {
        name: display(details.name),
        nameAt: detailsAt,
        picture,
      });
    }
    if (view.timerSeconds === 0 && timerSeconds > 0) {
      this.#chronicle.views.change(name, { timerSeconds });
    }
  }

  #progress(share: number): void {
    const step = share === 1 ? "done" : "history";
    this.#core.tellNow({ kind: "progress", task: "hand-over", step, share });
  }
}

/** A message as it is handed over; undefined for what is none, or was refused. */
function itemOf(entry: Entry): HistoryItem | undefined {
  if (entry.account === null || entry.line !== null || entry.notice !== null) return undefined;
  if (entry.refusal !== null || !Number.isInteger(entry.at)) return undefined;
  const record = entry.record === null ? undefined : kept(decodeRecord(entry.record));
  if (record === undefined && !entry.deleted) return undefined;
  return {
    sequence: entry.at,
    timeMs: entry.timeMs,
    account: unhex(entry.account),
    messageId: unhex(entry.id),
    record,
    edited: entry.edited ?? undefined,
    marks: Object.entries(entry.marks).map(([account, mark]) => [unhex(account), utf8(mark)]),
    expiresMs: entry.expiresMs ?? 0,
  };
}

function kept(record: AnyRecord): Kept | undefined {
  switch (record.kind) {
    case "Text":
    case "Reply":
    case "Attachment":
    case "Media":
      return record;
    default:
      return undefined;
  }
}

function entryOf(item: HistoryItem): Entry {
  return {
    at: item.sequence,
    id: hex(item.messageId),
    timeMs: item.timeMs,
    account: hex(item.account),
    record: item.record === undefined ? null : encodeRecord(item.record),
    line: null,
    notice: null,
    refusal: null,
    edited: item.edited ?? null,
    deleted: item.record === undefined,
    marks: Object.fromEntries(item.marks.map(([who, mark]) => [hex(who), display(mark)])),
    expiresMs: item.expiresMs === 0 ? null : item.expiresMs,
  };
}
