/** Files: sealed in chunks, put into the blob store, read back and checked (spec V-17, W-35). */

import { sha256 } from "@noble/hashes/sha2.js";
import { type MessengerEvent, MessengerRefused, type Outgoing } from "../messenger.ts";
import { blob, startBlob } from "../protocol/api.ts";
import { openAttachment, SEALED_CHUNK, sealChunks, sealedSize } from "../protocol/attachment.ts";
import { concat, hex, utf8 } from "../protocol/encoding.ts";
import { type AnyRecord, decodeRecord, display, type RecordOf } from "../protocol/record.ts";
import type { Core } from "./core.ts";

const PIECE = 16 * SEALED_CHUNK;
type FileRecord = RecordOf<"Attachment"> | RecordOf<"Media">;
type OutgoingFile = Extract<Outgoing, { kind: "file" }>;

export class Files {
  readonly #core: Core;
  readonly #tell: (event: MessengerEvent) => void;
  readonly #cancels = new Map<string, AbortController>();

  constructor(core: Core, tell: (event: MessengerEvent) => void) {
    this.#core = core;
    this.#tell = tell;
  }

  /** Uploads a file; gives the record that refers to it. Needs the server now. */
  async put(file: OutgoingFile): Promise<AnyRecord> {
    if (file.replyTo !== null) {
      throw new MessengerRefused({ code: "not-allowed", detail: "a file cannot be a reply" });
    }
    const plain = new Uint8Array(await file.blob.arrayBuffer());
    const key = this.#core.random(32);
    const sealed = concat(...sealChunks(key, plain));
    const digest = sha256(sealed);
    const { http } = this.#core;
    const wish = { size: sealed.length, digest };
    const started = await http.ask("POST", "/v1/blobs", startBlob, wish, blob);
    const path = `/v1/blobs/${hex(started.blob)}`;
    for (let at = started.received; at < sealed.length; at += PIECE) {
      await http.send("PATCH", `${path}?offset=${at}`, sealed.subarray(at, at + PIECE));
    }
    const common = {
      blob: started.blob,
      key,
      size: plain.length,
      digest,
      name: utf8(file.name).slice(0, 255),
      mediaType: utf8(file.mediaType).slice(0, 255),
      caption: utf8(file.text),
    };
    if (file.picture !== null) {
      const { width, height, thumbnail } = file.picture;
      return { kind: "Media", ...common, width, height, durationMs: 0, thumbnail };
    }
    if (file.voice !== null) {
      const { durationMs, peaks: thumbnail } = file.voice;
      return { kind: "Media", ...common, width: 0, height: 0, durationMs, thumbnail };
    }
    return { kind: "Attachment", ...common };
  }

  read(data: Uint8Array | undefined): AnyRecord | undefined {
    return data === undefined ? undefined : decodeRecord(data);
  }

  /** The whole file, decrypted and checked. Throws WireRefused, EnvelopeRefused(attachment-damaged). */
  async open(record: FileRecord, conversation: string, message: string): Promise<Blob> {
    const cancel = new AbortController();
    this.#cancels.set(message, cancel);
    const total = sealedSize(record.size);
    const tell = (done: number) =>
      this.#tell({ kind: "transfer", conversation, message, direction: "down", done, total });
    try {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < total; at += PIECE) {
        tell(at);
        const end = Math.min(at + PIECE, total);
        const data = await this.#core.http.get(`/v1/blobs/${hex(record.blob)}`, {
          headers: { range: `bytes=${at}-${end - 1}` },
          limit: PIECE,
          signal: cancel.signal,
        });
        for (let from = 0; from < data.length; from += SEALED_CHUNK) {
          chunks.push(data.subarray(from, from + SEALED_CHUNK));
        }
      }
      const attachment: RecordOf<"Attachment"> = { ...record, kind: "Attachment" };
      const plain = [...openAttachment(attachment, chunks)];
      return new Blob(plain as BlobPart[], { type: display(record.mediaType) });
    } finally {
      this.#cancels.delete(message);
      tell(total);
    }
  }

  cancel(message: string): void {
    this.#cancels.get(message)?.abort();
  }
}
