/** Sealed bytes into the blob store and back, checked (spec V-17, W-35). */

import { sha256 } from "@noble/hashes/sha2.js";
import { blob, startBlob } from "../protocol/api.ts";
import { openAttachment, SEALED_CHUNK, sealChunks, sealedSize } from "../protocol/attachment.ts";
import { concat, hex } from "../protocol/encoding.ts";
import type { Attachment } from "../protocol/record.ts";
import type { Core } from "./core.ts";

/** What goes up or comes down at once, bytes. */
export const PIECE = 16 * SEALED_CHUNK;

/** Where sealed bytes lie, and what opens and checks them; `key` is secret. */
export type BlobReference = Pick<Attachment, "blob" | "key" | "size" | "digest">;

/** Seals bytes under a fresh key and uploads them. Throws WireRefused. */
export async function putBlob(core: Core, plain: Uint8Array): Promise<BlobReference> {
  const key = core.random(32);
  const sealed = concat(...sealChunks(key, plain));
  const digest = sha256(sealed);
  const wish = { size: sealed.length, digest };
  const started = await core.http.ask("POST", "/v1/blobs", startBlob, wish, blob);
  const path = `/v1/blobs/${hex(started.blob)}`;
  for (let at = started.received; at < sealed.length; at += PIECE) {
    await core.http.send("PATCH", `${path}?offset=${at}`, sealed.subarray(at, at + PIECE));
  }
  return { blob: started.blob, key, size: plain.length, digest };
}

/** How a download is told of and stopped; `kept` are the pieces that are here, by their offset. */
export interface Download {
  readonly tell?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
  readonly kept?: ReadonlyMap<number, Uint8Array>;
}

/** The whole plaintext, in pieces. Throws WireRefused, EnvelopeRefused(attachment-damaged). */
export async function getBlob(
  core: Core,
  reference: BlobReference,
  { tell = () => undefined, signal, kept }: Download = {},
): Promise<Uint8Array[]> {
  const total = sealedSize(reference.size);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < total; at += PIECE) {
    tell(at, total);
    const end = Math.min(at + PIECE, total);
    const data =
      kept?.get(at) ??
      (await core.http.get(`/v1/blobs/${hex(reference.blob)}`, {
        headers: { range: `bytes=${at}-${end - 1}` },
        limit: PIECE,
        ...(signal === undefined ? {} : { signal }),
      }));
    for (let from = 0; from < data.length; from += SEALED_CHUNK) {
      chunks.push(data.subarray(from, from + SEALED_CHUNK));
    }
  }
  const nothing = new Uint8Array();
  const { blob: name, key, size, digest } = reference;
  const words = { name: nothing, mediaType: nothing, caption: nothing };
  return [
    ...openAttachment({ kind: "Attachment", blob: name, key, size, digest, ...words }, chunks),
  ];
}
