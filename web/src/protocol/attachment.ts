/**
 * Attachments: a file encrypted in chunks on the device, readable by range (spec V-15).
 *
 * Each attachment has a key of its own; a chunk's nonce holds its number and whether it is the last
 * (the STREAM construction), so chunks cannot be dropped, swapped, repeated or cut off.
 */

import { gcm } from "@noble/ciphers/aes.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, tagged, u8, u32 } from "./encoding.ts";
import { EnvelopeRefused, Malformed } from "./errors.ts";
import * as limits from "./limits.ts";
import type { Attachment } from "./record.ts";

export const KEY_SIZE = 32;
export const CHUNK = limits.BLOB_CHUNK;
export const TAG_SIZE = 16;
export const SEALED_CHUNK = CHUNK + TAG_SIZE;
const AAD = tagged("doublelock/v1/attachment");

/** How many chunks a plaintext of `size` bytes has: one at least. Throws Malformed(size). */
export function countChunks(size: number): number {
  if (!Number.isInteger(size) || size < 0 || size > limits.BLOB) {
    throw new Malformed("size", `attachment of ${size} bytes`);
  }
  return Math.max(1, Math.ceil(size / CHUNK));
}

/** The ciphertext's bytes for a plaintext's: 16 more a chunk. */
export function sealedSize(size: number): number {
  return size + countChunks(size) * TAG_SIZE;
}

/** Encrypts chunk `index` (64 KiB, the last one less) under a key used for this file alone. */
export function sealChunk(
  key: Uint8Array,
  index: number,
  last: boolean,
  plain: Uint8Array,
): Uint8Array {
  if (key.length !== KEY_SIZE || plain.length > CHUNK || (!last && plain.length !== CHUNK)) {
    throw new Malformed("size", `chunk ${index} of ${plain.length} bytes`);
  }
  return gcm(key, nonceOf(index, last), AAD).encrypt(plain);
}

/** The sealed chunks of a whole plaintext in memory. */
export function* sealChunks(key: Uint8Array, plain: Uint8Array): Generator<Uint8Array> {
  const last = countChunks(plain.length) - 1;
  for (let index = 0; index <= last; index++) {
    yield sealChunk(key, index, index === last, plain.subarray(index * CHUNK, (index + 1) * CHUNK));
  }
}

/**
 * Decrypts chunk `index` of the file that a record refers to.
 *
 * Throws Malformed(size) for an index or size that the reference does not allow,
 * EnvelopeRefused(attachment-damaged).
 */
export function openChunk(reference: Attachment, index: number, sealed: Uint8Array): Uint8Array {
  const last = countChunks(reference.size) - 1;
  if (!Number.isInteger(index) || index < 0 || index > last) {
    throw new Malformed("size", `chunk ${index} of ${last + 1}`);
  }
  const expected = index === last ? reference.size - last * CHUNK : CHUNK;
  if (sealed.length !== expected + TAG_SIZE) {
    throw new EnvelopeRefused("attachment-damaged", `chunk ${index} of ${sealed.length} bytes`);
  }
  try {
    return gcm(reference.key, nonceOf(index, index === last), AAD).decrypt(sealed);
  } catch {
    throw new EnvelopeRefused("attachment-damaged", `chunk ${index}`);
  }
}

/** Where the chunks that cover plaintext [start, end) lie in the ciphertext. Throws Malformed(size). */
export function locateRange(
  size: number,
  start: number,
  end: number,
): { readonly first: number; readonly start: number; readonly end: number } {
  if (start < 0 || start >= end || end > size) {
    throw new Malformed("size", `range ${start} to ${end} of ${size}`);
  }
  const first = Math.floor(start / CHUNK);
  const beyond = Math.ceil(end / CHUNK);
  return {
    first,
    start: first * SEALED_CHUNK,
    end: Math.min(beyond * SEALED_CHUNK, sealedSize(size)),
  };
}

/** Plaintext [start, end) from the ciphertext that `locateRange` names. */
export function openRange(
  reference: Attachment,
  start: number,
  end: number,
  sealed: Uint8Array,
): Uint8Array {
  const range = locateRange(reference.size, start, end);
  if (sealed.length !== range.end - range.start) {
    throw new EnvelopeRefused("attachment-damaged", "range of another size");
  }
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < sealed.length; at += SEALED_CHUNK) {
    const index = range.first + at / SEALED_CHUNK;
    pieces.push(openChunk(reference, index, sealed.subarray(at, at + SEALED_CHUNK)));
  }
  const plain = concat(...pieces);
  return plain.slice(start - range.first * CHUNK, end - range.first * CHUNK);
}

/**
 * A whole file's plaintext from its sealed chunks in order, checking size and digest.
 *
 * The digest is known at the end only: a caller keeps nothing when this throws. Throws
 * EnvelopeRefused(attachment-damaged), Malformed(size).
 */
export function* openAttachment(
  reference: Attachment,
  sealed: Iterable<Uint8Array>,
): Generator<Uint8Array> {
  const digest = sha256.create();
  let count = 0;
  for (const chunk of sealed) {
    digest.update(chunk);
    yield openChunk(reference, count, chunk);
    count += 1;
  }
  if (count !== countChunks(reference.size) || !equalBytes(digest.digest(), reference.digest)) {
    throw new EnvelopeRefused("attachment-damaged", "incomplete, or not what was referred to");
  }
}

/** 7 zero bytes, the chunk's number (u32), and 1 for the last; the key is used once. */
function nonceOf(index: number, last: boolean): Uint8Array {
  return concat(new Uint8Array(7), u32(index), u8(last ? 1 : 0));
}
