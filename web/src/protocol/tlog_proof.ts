/** Proofs that an entry is in a log, verified offline (C2SP tlog-proof; spec L-11). */

import { Malformed } from "./errors.ts";
import * as limits from "./limits.ts";
import { HASH_SIZE, leafHash, verifyInclusion } from "./merkle.ts";
import { decodeBase64, decodeDecimal, type Note, parseNote } from "./note.ts";
import type { CosignedCheckpoint, Policy } from "./policy.ts";

const HEADER = "c2sp.org/tlog-proof@v1";

/** A proof as parsed: nothing is verified. `path` has hashes of 32 bytes, leaf's sibling first. */
export interface TlogProof {
  readonly index: number;
  readonly path: readonly Uint8Array[];
  readonly note: Note;
  /** Opaque and not authenticated; we rely on none. */
  readonly extra: Uint8Array | undefined;
}

declare const verified: unique symbol;

/** An entry that is in a log at `index`, as a quorum of witnesses has seen (spec L-11, L-12). */
export interface VerifiedEntry {
  readonly [verified]: true;
  readonly index: number;
  readonly leaf: Uint8Array;
  readonly checkpoint: CosignedCheckpoint;
}

/** A proof from its bytes, nothing verified. Throws Malformed (spec L-11). */
export function parseProof(data: Uint8Array): TlogProof {
  if (data.length > limits.TLOG_PROOF) throw new Malformed("size", `proof of ${data.length} bytes`);
  const blank = data.findIndex((byte, at) => byte === 0x0a && data[at + 1] === 0x0a);
  const head = data.subarray(0, blank < 0 ? data.length : blank);
  if (head.some((byte) => byte > 0x7f)) throw new Malformed("form", "proof is not ASCII");
  const lines = new TextDecoder().decode(head).split("\n");
  if (blank < 0 || lines.shift() !== HEADER || lines.length === 0) {
    throw new Malformed("form", "not a tlog-proof");
  }
  const extra = lines[0]?.startsWith("extra ")
    ? decodeBase64((lines.shift() ?? "").slice("extra ".length))
    : undefined;
  const indexLine = lines.shift();
  if (!indexLine?.startsWith("index ")) throw new Malformed("form", "proof without an index");
  const index = decodeDecimal(indexLine.slice("index ".length));
  if (lines.length > limits.PROOF_HASHES) {
    throw new Malformed("size", `proof of ${lines.length} hashes`);
  }
  const path = lines.map((line) => decodeBase64(line, HASH_SIZE));
  return { index, path, note: parseNote(data.slice(blank + 2)), extra };
}

/**
 * The entry as a policy's logs and witnesses vouch for it; nothing is fetched.
 *
 * Throws Malformed, or LogRefused: what `Policy.verify` throws, and log-proof when this entry is not
 * at that place (spec L-11).
 */
export function verifyProof(
  proof: Uint8Array | TlogProof,
  entry: Uint8Array,
  policy: Policy,
): VerifiedEntry {
  const parsed = proof instanceof Uint8Array ? parseProof(proof) : proof;
  const checkpoint = policy.verify(parsed.note);
  const leaf = leafHash(entry);
  const { size, root } = checkpoint.checkpoint;
  verifyInclusion(leaf, parsed.index, size, parsed.path, root);
  return { index: parsed.index, leaf, checkpoint } as VerifiedEntry;
}
