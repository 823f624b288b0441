/** Files: sealed in chunks, put into the blob store, read back and checked (spec V-17, W-35). */

import type { MessengerEvent, Outgoing } from "../messenger.ts";
import { unhex, utf8 } from "../protocol/encoding.ts";
import { type AnyRecord, decodeRecord, display, type RecordOf } from "../protocol/record.ts";
import { getBlob, putBlob } from "./blobs.ts";
import type { Core } from "./core.ts";

const NOTHING = new Uint8Array();
const NO_SIZE = { width: 0, height: 0 } as const;
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
    const target = file.replyTo === null ? NOTHING : unhex(file.replyTo);
    const reference = await putBlob(this.#core, new Uint8Array(await file.blob.arrayBuffer()));
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

  read(data: Uint8Array | undefined): AnyRecord | undefined {
    return data === undefined ? undefined : decodeRecord(data);
  }

  /** The whole file, decrypted and checked. Throws WireRefused, EnvelopeRefused(attachment-damaged). */
  async open(record: FileRecord, conversation: string, message: string): Promise<Blob> {
    const cancel = new AbortController();
    this.#cancels.set(message, cancel);
    const tell = (done: number, total: number) =>
      this.#tell({ kind: "transfer", conversation, message, direction: "down", done, total });
    try {
      const plain = await getBlob(this.#core, record, tell, cancel.signal);
      return new Blob(plain as BlobPart[], { type: display(record.mediaType) });
    } finally {
      this.#cancels.delete(message);
      tell(record.size, record.size);
    }
  }

  cancel(message: string): void {
    this.#cancels.get(message)?.abort();
  }
}
