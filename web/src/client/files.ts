/**
 * Files: sealed in chunks, kept in the vault until the server has them, read back and checked
 * (spec V-17, W-35). Pictures and sounds that were opened stay in the vault, so that they can be seen
 * without a network.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import type { MessengerEvent, Outgoing as Wish } from "../messenger.ts";
import { blob, startBlob } from "../protocol/api.ts";
import { sealChunks } from "../protocol/attachment.ts";
import { concat, hex, unhex, utf8 } from "../protocol/encoding.ts";
import { DoublelockError, Refusal, WireRefused } from "../protocol/errors.ts";
import type { RecordOf } from "../protocol/record.ts";
import { type AnyRecord, decodeRecord, display, encodeRecord } from "../protocol/record.ts";
import { type BlobReference, getBlob, PIECE } from "./blobs.ts";
import type { Core } from "./core.ts";
import { asRefusal } from "./groups.ts";
import type { Outbox, Outgoing } from "./outbox.ts";
import { unpack } from "./pack.ts";
import type { Sending } from "./sending.ts";
import { put, type Write } from "./vault.ts";

const NOTHING = new Uint8Array();
const AGAIN_MS = 5_000;
const LARGEST_KEPT = 8 * 1024 * 1024;
const KEPT = 256 * 1024 * 1024;
const NO_SIZE = { width: 0, height: 0 } as const;
type FileRecord = RecordOf<"Attachment"> | RecordOf<"Media">;
type FileWish = Extract<Wish, { kind: "file" }>;

/** A file as it is stored: its ciphertext, and the record that will refer to it. */
export interface SealedFile {
  readonly record: FileRecord;
  readonly sealed: Uint8Array;
  readonly digest: Uint8Array;
}

/** The writes that keep a sealed file in the vault until it is uploaded. */
export function pieceWrites(message: string, sealed: Uint8Array): Write[] {
  const writes: Write[] = [];
  for (let at = 0; at < sealed.length; at += PIECE) {
    writes.push([["piece", message, at], sealed.slice(at, at + PIECE)]);
  }
  return writes;
}

export class Files {
  readonly #core: Core;
  readonly #outbox: Outbox;
  readonly #sending: Sending;
  readonly #cancels = new Map<string, AbortController>();
  #uploading = false;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(core: Core, outbox: Outbox, sending: Sending) {
    this.#core = core;
    this.#outbox = outbox;
    this.#sending = sending;
  }

  /** Seals a file under a key of its own; needs no server. */
  async seal(file: FileWish): Promise<SealedFile> {
    const plain = new Uint8Array(await file.blob.arrayBuffer());
    const { random } = this.#core;
    const key = random(32);
    const sealed = concat(...sealChunks(key, plain));
    const digest = sha256(sealed);
    return { record: recordOf(file, random(32), key, plain.length, digest), sealed, digest };
  }

  /** Uploads what waits, one file after the other, while there is a connection. */
  upload(): void {
    if (this.#uploading) return;
    this.#uploading = true;
    const work = async () => {
      for (;;) {
        const [next] = this.#outbox.uploads();
        if (next === undefined) return;
        if (!(await this.#uploadOne(next))) {
          // The stream may outlive what kept the upload from the server: no news will come of it.
          this.#again = setTimeout(() => this.upload(), AGAIN_MS);
          return;
        }
      }
    };
    clearTimeout(this.#again);
    this.#core.loose(
      work().finally(() => {
        this.#uploading = false;
      }),
    );
  }

  /** Ends what waits to be tried again. */
  stop(): void {
    clearTimeout(this.#again);
  }

  /** Whether the server could be reached. */
  async #uploadOne(outgoing: Outgoing): Promise<boolean> {
    const core = this.#core;
    const id = hex(outgoing.id);
    try {
      const name = await this.#push(outgoing);
      await core.alone(async () => {
        const waiting = this.#outbox.find(id);
        if (waiting === undefined) return;
        const record = { ...this.#file(waiting.record), blob: name };
        core.write(this.#outbox.keep({ ...waiting, record: encodeRecord(record), upload: null }));
        await this.drop(id);
        await core.flush();
        await this.#sending.resume(core.room(waiting.conversation));
      });
      return true;
    } catch (problem) {
      if (!(problem instanceof DoublelockError)) throw problem;
      const refusal = asRefusal(problem);
      if (refusal instanceof WireRefused && refusal.code === "server-unreachable") return false;
      await core.alone(async () => {
        const waiting = this.#outbox.find(id);
        if (waiting !== undefined) await this.#sending.giveUp(waiting, refusal);
        await core.flush();
      });
      return true;
    }
  }

  /** Gives the server what it lacks of one file; gives the blob's name. */
  async #push(outgoing: Outgoing): Promise<Uint8Array> {
    const { http, vault } = this.#core;
    const message = hex(outgoing.id);
    const { upload, conversation } = outgoing;
    if (upload === null) throw new WireRefused("not-found");
    const cancel = new AbortController();
    this.#cancels.set(message, cancel);
    const total = upload.size;
    const tell = (done: number) =>
      this.#tell({ kind: "transfer", conversation, message, direction: "up", done, total });
    try {
      const wish = { size: upload.size, digest: upload.digest };
      const started = await http.ask("POST", "/v1/blobs", startBlob, wish, blob);
      const path = `/v1/blobs/${hex(started.blob)}`;
      for (let at = 0; at < total; at += PIECE) {
        // What an earlier connection brought there may end within a piece.
        const from = Math.max(at, started.received);
        if (from >= Math.min(at + PIECE, total)) continue;
        tell(at);
        const piece = await vault.read(["piece", message, at]);
        if (piece === undefined) throw new WireRefused("not-found");
        const rest = piece.subarray(from - at);
        await http.send("PATCH", `${path}?offset=${from}`, rest, { signal: cancel.signal });
      }
      return started.blob;
    } catch (problem) {
      if (cancel.signal.aborted) {
        throw new WireRefused("not-allowed", "stopped");
      }
      throw problem;
    } finally {
      this.#cancels.delete(message);
      tell(total);
    }
  }

  /** Forgets the pieces of a file in the vault; the caller flushes. */
  async drop(message: string): Promise<void> {
    const rows = await this.#core.vault.list(["piece", message]);
    this.#core.write(...rows.map(([row]) => [row, undefined] as const));
  }

  /** The whole file, decrypted and checked. Throws WireRefused, EnvelopeRefused(attachment-damaged). */
  async open(record: FileRecord, conversation: string, message: string): Promise<Blob> {
    const type = display(record.mediaType);
    const here = await this.#core.vault.read(["file", hex(record.blob)]);
    if (here !== undefined) return new Blob([here as BlobPart], { type });
    const cancel = new AbortController();
    this.#cancels.set(message, cancel);
    const tell = (done: number, total: number) =>
      this.#tell({ kind: "transfer", conversation, message, direction: "down", done, total });
    try {
      const rows = await this.#core.vault.list(["piece", message]);
      const kept = new Map(rows.map(([row, piece]) => [Number(row[2]), piece]));
      const plain = await getBlob(this.#core, record, { tell, signal: cancel.signal, kept });
      // What is still to be uploaded has no name yet to be kept by.
      if (record.kind === "Media" && rows.length === 0) await this.#keep(record, concat(...plain));
      return new Blob(plain as BlobPart[], { type });
    } finally {
      this.#cancels.delete(message);
      tell(record.size, record.size);
    }
  }

  /** Stops a transfer; what was to be sent stays, to be tried again or discarded. */
  cancel(message: string): void {
    this.#cancels.get(message)?.abort();
  }

  /** Keeps what was opened, and as much of the others as there is room for. */
  async #keep(reference: BlobReference, plain: Uint8Array): Promise<void> {
    const { vault, clock } = this.#core;
    try {
      await vault.write(keeping(reference, plain, clock()));
      const kept = (await vault.list(["kept"])).map(([row, value]) => ({
        name: String(row[1]),
        ...unpack<Kept>(value),
      }));
      let size = kept.reduce((sum, one) => sum + one.size, 0);
      for (const one of kept.sort((a, b) => a.atMs - b.atMs)) {
        if (size <= KEPT) return;
        size -= one.size;
        await vault.write(forgetting(one.name));
      }
    } catch (problem) {
      // A full disk is no reason not to show it.
      if (!(problem instanceof Refusal)) throw problem;
    }
  }

  read(data: Uint8Array | undefined): AnyRecord | undefined {
    return data === undefined ? undefined : decodeRecord(data);
  }

  #file(data: Uint8Array): FileRecord {
    const record = decodeRecord(data);
    if (record.kind !== "Attachment" && record.kind !== "Media") throw new WireRefused("not-found");
    return record;
  }

  #tell(event: MessengerEvent): void {
    this.#core.tellNow(event);
  }
}

interface Kept {
  readonly size: number;
  readonly atMs: number;
}

function keeping(reference: BlobReference, plain: Uint8Array, atMs: number): Write[] {
  if (plain.length > LARGEST_KEPT) return [];
  const name = hex(reference.blob);
  return [
    [["file", name], plain],
    put(["kept", name], { size: plain.length, atMs } satisfies Kept),
  ];
}

function forgetting(name: string): Write[] {
  return [
    [["file", name], undefined],
    [["kept", name], undefined],
  ];
}

/** The writes that forget what a record's file left here. */
export function forgetFile(record: Uint8Array | null): Write[] {
  const decoded = record === null ? undefined : decodeRecord(record);
  if (decoded?.kind !== "Media" && decoded?.kind !== "Attachment") return [];
  return forgetting(hex(decoded.blob));
}

/** The record of a file; `blob` is anything until the server has named it. */
function recordOf(
  file: FileWish,
  blob: Uint8Array,
  key: Uint8Array,
  size: number,
  digest: Uint8Array,
): FileRecord {
  const common = {
    blob,
    key,
    size,
    digest,
    name: utf8(file.name).slice(0, 255),
    mediaType: utf8(file.mediaType).slice(0, 255),
    caption: utf8(file.text),
  };
  const target = file.replyTo === null ? NOTHING : unhex(file.replyTo);
  if (file.picture !== null) {
    const { width, height, thumbnail } = file.picture;
    return { kind: "Media", ...common, width, height, durationMs: 0, thumbnail, target };
  }
  if (file.voice !== null) {
    const { durationMs, peaks: thumbnail } = file.voice;
    return { kind: "Media", ...common, ...NO_SIZE, durationMs, thumbnail, target };
  }
  if (target.length > 0) {
    return { kind: "Media", ...common, ...NO_SIZE, durationMs: 0, thumbnail: NOTHING, target };
  }
  return { kind: "Attachment", ...common };
}
