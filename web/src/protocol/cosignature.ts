/**
 * Signatures on checkpoints, verified (C2SP tlog-cosignature, signed-note; spec L-9).
 *
 * A cosignature is timestamped, in POSIX seconds, and never relied on without its time. Ed25519
 * cosignatures cover the whole text, ML-DSA-44 ones the origin, size and root, and no extension
 * line.
 */

import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import {
  type Checkpoint,
  encodeCheckpoint,
  parseCheckpoint,
  type VerifiedCheckpoint,
} from "./checkpoint.ts";
import * as ed25519 from "./ed25519.ts";
import { bigEndian, concat, equalBytes, u8, u64, utf8 } from "./encoding.ts";
import { LogRefused, Malformed } from "./errors.ts";
import { EMPTY_ROOT } from "./merkle.ts";
import {
  type Note,
  type NoteSignature,
  SignatureType,
  signaturesBy,
  type VerifierKey,
} from "./note.ts";

const TIME_SIZE = 8;
const TIME_MAX = 2n ** 63n - 1n;
const MLDSA44_SIZE = 2420;
const SUBTREE_LABEL = "subtree/v1\n\u0000";

declare const verified: unique symbol;

/**
 * A cosignature that holds: `key` saw this checkpoint as the log's largest at `timeS`.
 *
 * `timeS` is in POSIX seconds; 0 where the cosigner states no time (ML-DSA-44 alone).
 */
export interface VerifiedCosignature {
  readonly [verified]: true;
  readonly key: VerifierKey;
  readonly timeS: bigint;
  readonly line: NoteSignature;
}

/**
 * Checks a signature line by a known key over a checkpoint (spec L-9).
 *
 * A plain Ed25519 signature counts with time 0. Throws LogRefused: log-unknown when the line is not
 * by that key, bad-signature when it does not hold.
 */
export function verifyCosignature(
  line: NoteSignature,
  key: VerifierKey,
  checkpoint: Checkpoint,
): VerifiedCosignature {
  if (line.name !== key.name || !equalBytes(line.keyId, key.keyId)) {
    throw new LogRefused("log-unknown", "signature by another key");
  }
  const timed = key.type !== SignatureType.ED25519;
  const timeS = timed ? bigEndian(line.signature.subarray(0, TIME_SIZE)) : 0n;
  const signature = timed ? line.signature.subarray(TIME_SIZE) : line.signature;
  if (!holds(key, signature, checkpoint, timeS)) {
    throw new LogRefused("bad-signature", `by ${key.name}`);
  }
  return { key, timeS, line } as VerifiedCosignature;
}

function holds(
  key: VerifierKey,
  signature: Uint8Array,
  checkpoint: Checkpoint,
  timeS: bigint,
): boolean {
  if (timeS > TIME_MAX) return false;
  const message = cosigned(key, checkpoint, timeS);
  try {
    if (key.type === SignatureType.COSIGNATURE_MLDSA44) {
      return signature.length === MLDSA44_SIZE && ml_dsa44.verify(signature, message, key.public);
    }
    ed25519.verify(key.public, signature, message);
    return true;
  } catch (problem) {
    if (problem instanceof Malformed || key.type === SignatureType.COSIGNATURE_MLDSA44)
      return false;
    throw problem;
  }
}

/**
 * The checkpoint of a note that one of its log's known keys signed (spec L-8, L-9).
 *
 * A key counts for the origin that is its name. One signature that says it is by a known key and
 * does not hold refuses the whole note. Throws Malformed, or LogRefused: log-unknown,
 * bad-signature, log-proof (an empty tree without the empty root).
 */
export function verifyLog(note: Note, keys: readonly VerifierKey[]): VerifiedCheckpoint {
  const checkpoint = parseCheckpoint(note.text);
  let signedBy: VerifierKey | undefined;
  for (const key of keys) {
    if (key.name !== checkpoint.origin) continue;
    for (const line of signaturesBy(note, key)) {
      verifyCosignature(line, key, checkpoint);
      if (key.type === SignatureType.COSIGNATURE_MLDSA44 && checkpoint.extensions.length > 0) {
        throw new LogRefused("form", "extension lines that this key's signature leaves out");
      }
      signedBy ??= key;
    }
  }
  if (signedBy === undefined) {
    throw new LogRefused("log-unknown", `no known key of ${checkpoint.origin.slice(0, 80)}`);
  }
  if (checkpoint.size === 0 && !equalBytes(checkpoint.root, EMPTY_ROOT)) {
    throw new LogRefused("log-proof", "empty tree without the empty root");
  }
  return { checkpoint, key: signedBy, note } as VerifiedCheckpoint;
}

/** What a key signs of a checkpoint at a time. */
function cosigned(key: VerifierKey, checkpoint: Checkpoint, timeS: bigint): Uint8Array {
  const text = encodeCheckpoint(checkpoint);
  if (key.type === SignatureType.ED25519) return utf8(text);
  if (key.type === SignatureType.COSIGNATURE_ED25519) {
    return utf8(`cosignature/v1\ntime ${timeS}\n${text}`);
  }
  const name = utf8(key.name);
  const origin = utf8(checkpoint.origin);
  return concat(
    utf8(SUBTREE_LABEL),
    u8(name.length),
    name,
    u64(timeS),
    u8(origin.length),
    origin,
    u64(0),
    u64(checkpoint.size),
    checkpoint.root,
  );
}
