/**
 * Files: sealed in chunks, put into the blob store, read back and checked (spec V-17, W-35).
 *
 * What is sent waits in the vault until the server can take it; pictures and sounds that were opened
 * stay there, so that they can be seen without a network.
 */

import type { MessengerEvent, Outgoing as Wish } from "../messenger.ts";
import { concat, hex, unhex, utf8 } from "../protocol/encoding.ts";
import { Refusal, VaultRefused } from "../protocol/errors.ts";
import {
  type AnyRecord,
  decodeRecord,
  display,
  encodeRecord,
  type RecordOf,
} from "../protocol/record.ts";
import { type BlobReference, getBlob, putBlob } from "./blobs.ts";
import type { Core, Room } from "./core.ts";
import { asRefusal } from "./groups.ts";
import type { Outbox } from "./outbox.ts";
import { unpack } from "./pack.ts";
import type { Sending } from "./sending.ts";
import { put, type Write } from "./vault.ts";

const NOTHING = new Uint8Array();
const NO_SIZE = { width: 0, height: 0 } as const;
/** Larger files are uploaded before they count as sent. */
const LARGEST_WAITING = 64 * 1024 * 1024;
const LARGEST_KEPT = 8 * 1024 * 1024;
const KEPT = 256 * 1024 * 1024;
const AGAIN_MS = 5_000;
type FileRecord = RecordOf<"Attachment"> | RecordOf<"Media">;
type OutgoingFile = Extract<Wish, { kind: "file" }>;

export class Files {
  readonly #core: Core;
  readonly #outbox: Outbox;
  readonly #sending: Sending;
  readonly #cancels = new Map<string, AbortController>();
  readonly #carried = new Set<string>();

  constructor(core: Core, outbox: Outbox, sending: Sending) {
    this.#core = core;
    this.#outbox = outbox;
    this.#sending = sending;
    sending.carry = (id) => void this.#carry(id);
  }

  /** Puts a file on its way; gives its message id. A large one needs the server now. */
  async send(room: Room, file: OutgoingFile): Promise<string> {
    const core = this.#core;
    const plain = new Uint8Array(await file.blob.arrayBuffer());
    if (plain.length > LARGEST_WAITING) {
      const record = describe(file, await putBlob(core, plain));
      return core.alone(() => this.#sending.send(room, record));
    }
    const nowhere = { blob: new Uint8Array(32), key: new Uint8Array(32), size: plain.length };
    const record = describe(file, { ...nowhere, digest: new Uint8Array(32) });
    return core.alone(() => this.#sending.send(room, record, plain));
  }

  /** Uploads what waits, and lets its message go. */
  async #carry(id: string): Promise<void> {
    if (this.#carried.has(id)) return;
    this.#carried.add(id);
    const core = this.#core;
    try {
      const waiting = this.#outbox.find(id);
      if (!waiting?.upload || waiting.refusal !== null) return;
      const plain = await core.vault.read(["upload", id]);
      if (plain === undefined) throw new VaultRefused("vault-damaged", "a file to send");
      const reference = await putBlob(core, plain);
      await core.alone(async () => {
        const now = this.#outbox.find(id);
        if (now === undefined) return;
        const record = encodeRecord({ ...decodeRecord(now.record), ...reference } as AnyRecord);
        core.write(this.#outbox.keep({ ...now, record, upload: false }));
        core.write([["upload", id], undefined], ...keeping(reference, plain, core.clock()));
        await core.flush();
        await this.#sending.resume(core.room(now.conversation));
      });
    } catch (problem) {
      await this.#failed(id, asRefusal(problem));
    } finally {
      this.#carried.delete(id);
    }
  }

  async #failed(id: string, refusal: Refusal): Promise<void> {
    const core = this.#core;
    if (refusal.code === "server-unreachable") {
      setTimeout(() => void this.#carry(id).catch(() => undefined), AGAIN_MS);
      return;
    }
    await core.alone(async () => {
      const waiting = this.#outbox.find(id);
      if (waiting === undefined) return;
      await this.#sending.giveUp(waiting, refusal);
      await core.flush();
    });
  }

  /** The whole file, decrypted and checked. Throws WireRefused, EnvelopeRefused(attachment-damaged). */
  async open(record: FileRecord, conversation: string, message: string): Promise<Blob> {
    const core = this.#core;
    const type = display(record.mediaType);
    const here =
      (await core.vault.read(["upload", message])) ??
      (await core.vault.read(["file", hex(record.blob)]));
    if (here !== undefined) return new Blob([here as BlobPart], { type });
    const cancel = new AbortController();
    this.#cancels.set(message, cancel);
    const direction = "down";
    const tell = (done: number, total: number) => {
      const event: MessengerEvent = {
        kind: "transfer",
        conversation,
        message,
        direction,
        done,
        total,
      };
      core.tellNow(event);
    };
    try {
      const plain = await getBlob(core, record, tell, cancel.signal);
      if (record.kind === "Media") await this.#keep(record, concat(...plain));
      return new Blob(plain as BlobPart[], { type });
    } finally {
      this.#cancels.delete(message);
      tell(record.size, record.size);
    }
  }

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

function describe(file: OutgoingFile, reference: BlobReference): AnyRecord {
  const target = file.replyTo === null ? NOTHING : unhex(file.replyTo);
  const common = {
    ...reference,
    name: utf8(file.name).slice(0, 255),
    mediaType: utf8(file.mediaType).slice(0, 255),
    caption: utf8(file.text),
  };
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
