/**
 * Checkpoints: what a log signs (C2SP tlog-checkpoint v1.0.0; spec L-8).
 *
 * `Checkpoint` is what a text says; `VerifiedCheckpoint` is one that a known log key has signed;
 * `policy.CosignedCheckpoint` is one that enough witnesses have cosigned, and the only kind on which
 * anything of ours relies (spec L-12).
 */

import { utf8 } from "./encoding.ts";
import { Malformed } from "./errors.ts";
import * as limits from "./limits.ts";
import { HASH_SIZE } from "./merkle.ts";
import { decodeBase64, decodeDecimal, encodeBase64, type Note, type VerifierKey } from "./note.ts";

/**
 * A tree head as a text states it: origin, size in entries, root of 32 bytes; unverified.
 *
 * `extensions` are opaque lines; we write none, and rely on none.
 */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly extensions: readonly string[];
}

/** The note text of a checkpoint. */
export function encodeCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root, extensions } = checkpoint;
  return [origin, String(size), encodeBase64(root), ...extensions, ""].join("\n");
}

declare const verified: unique symbol;

/**
 * A checkpoint that `key`, a known key of its log, has signed; `note` is as it came.
 *
 * No witness need have seen it: rely on it for nothing (spec L-12).
 */
export interface VerifiedCheckpoint {
  readonly [verified]: true;
  readonly checkpoint: Checkpoint;
  readonly key: VerifierKey;
  readonly note: Note;
}

/** The checkpoint that a note text states. Throws Malformed (spec L-8). */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split("\n");
  if (lines.length < 4 || lines.pop() !== "") {
    throw new Malformed("form", "checkpoint of under three lines");
  }
  const [origin = "", size = "", root = "", ...extensions] = lines;
  const checkpoint = {
    origin,
    size: decodeDecimal(size),
    root: decodeBase64(root, HASH_SIZE),
    extensions,
  };
  if ([origin, ...extensions].includes("")) {
    throw new Malformed("form", "checkpoint with an empty line");
  }
  if (utf8(origin).length > limits.KEY_NAME) throw new Malformed("size", "checkpoint's origin");
  return checkpoint;
}
