/**
 * Merkle trees: hashes, and the proofs that a client verifies (spec L-1 to L-4).
 *
 * RFC 6962 §2.1 and RFC 9162 §2.1. Hashes are 32 bytes (SHA-256). Sizes and indices are numbers
 * below 2^53, halved by division: JavaScript's shifts hold 32 bits only.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, u8 } from "./encoding.ts";
import { LogRefused } from "./errors.ts";
import * as limits from "./limits.ts";

export const HASH_SIZE = 32;
export const EMPTY_ROOT = sha256(new Uint8Array());

/** The hash of an entry as a leaf: 32 bytes (RFC 6962 §2.1, spec L-1). */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(concat(u8(0), entry));
}

/** The hash of an inner node: 32 bytes (RFC 6962 §2.1, spec L-1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concat(u8(1), left, right));
}

const half = (value: number): number => Math.floor(value / 2);
const odd = (value: number): boolean => value % 2 === 1;

/** Whether [start, end) is a subtree; an empty one counts (spec L-4). */
export function isSubtree(start: number, end: number): boolean {
  if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end))) return false;
  if (start < 0 || end < start || end > limits.TREE_SIZE) return false;
  if (start === end) return true;
  let power = 1;
  while (power < end - start) power *= 2;
  return start % power === 0;
}

/**
 * Checks that a leaf hash is entry `index` of the tree of a size (RFC 9162 §2.1.3.2, spec L-2).
 *
 * Throws LogRefused(log-proof) when it does not hold.
 */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
  root: Uint8Array,
): void {
  if (!isSubtree(0, size) || index < 0 || index >= size) {
    throw new LogRefused("log-proof", "entry outside the tree");
  }
  checkHashes([leaf, ...path]);
  let at = index;
  let last = size - 1;
  let found = leaf;
  for (const sibling of path) {
    if (last === 0) throw new LogRefused("log-proof", "inclusion path too long");
    if (odd(at) || at === last) {
      found = nodeHash(sibling, found);
      while (!odd(at) && at !== 0) {
        at = half(at);
        last = half(last);
      }
    } else {
      found = nodeHash(found, sibling);
    }
    at = half(at);
    last = half(last);
  }
  if (last !== 0 || !equalBytes(found, root)) throw new LogRefused("log-proof", "inclusion");
}

/**
 * Checks that a tree is a prefix of another; both hold entries (RFC 9162 §2.1.4.2, spec L-3).
 *
 * Throws LogRefused(log-proof) when it does not hold, and for an `old` of 0: `verifyGrowth` is the
 * rule for a holder who may have seen nothing yet.
 */
export function verifyConsistency(
  old: number,
  now: number,
  proof: readonly Uint8Array[],
  oldRoot: Uint8Array,
  newRoot: Uint8Array,
): void {
  if (old <= 0) throw new LogRefused("log-proof", "nothing is proved from an empty tree");
  verifySubtree(0, old, now, proof, oldRoot, newRoot);
}

/**
 * Checks consistency from what one has seen, be it nothing (tlog-witness, spec L-3).
 *
 * An empty tree is consistent with every tree, and its proof is empty. A new tree of size 0 must
 * have the empty root. Throws LogRefused(log-proof) when it does not hold.
 */
export function verifyGrowth(
  old: number,
  now: number,
  proof: readonly Uint8Array[],
  oldRoot: Uint8Array,
  newRoot: Uint8Array,
): void {
  if (old < 0 || now < old) throw new LogRefused("log-proof", "the tree shrank");
  if (old > 0) {
    verifySubtree(0, old, now, proof, oldRoot, newRoot);
  } else if (
    proof.length > 0 ||
    !equalBytes(oldRoot, EMPTY_ROOT) ||
    (now === 0 && !equalBytes(newRoot, EMPTY_ROOT))
  ) {
    throw new LogRefused("log-proof", "empty tree");
  }
}

/** Checks that the subtree [start, end) lies in the tree of a size (spec L-4). Throws LogRefused. */
export function verifySubtree(
  start: number,
  end: number,
  size: number,
  proof: readonly Uint8Array[],
  subtreeRoot: Uint8Array,
  root: Uint8Array,
): void {
  if (!isSubtree(start, end) || !isSubtree(0, size) || end > size) {
    throw new LogRefused("log-proof", "not a subtree of the tree");
  }
  checkHashes(proof);
  if (start === end) {
    if (proof.length > 0 || !equalBytes(subtreeRoot, EMPTY_ROOT)) {
      throw new LogRefused("log-proof", "empty subtree");
    }
    return;
  }
  let first = start;
  let last = end - 1;
  let total = size - 1;
  const up = () => {
    first = half(first);
    last = half(last);
    total = half(total);
  };
  while (first !== last && (last === total || odd(last))) up();
  let rest = proof;
  let small = subtreeRoot;
  let large = subtreeRoot;
  if (first !== last) {
    const [given, ...others] = proof;
    if (given === undefined) throw new LogRefused("log-proof", "consistency proof too short");
    small = given;
    large = given;
    rest = others;
  }
  for (const sibling of rest) {
    if (total === 0) throw new LogRefused("log-proof", "consistency proof too long");
    if (odd(last) || last === total) {
      if (first < last) small = nodeHash(sibling, small);
      large = nodeHash(sibling, large);
      while (!odd(last)) up();
    } else {
      large = nodeHash(large, sibling);
    }
    up();
  }
  if (total !== 0 || !equalBytes(small, subtreeRoot) || !equalBytes(large, root)) {
    throw new LogRefused("log-proof", "consistency");
  }
}

function checkHashes(hashes: readonly Uint8Array[]): void {
  // Roots are compared and never hashed; whoever reads one (a checkpoint) holds it to 32 bytes.
  if (hashes.length > limits.PROOF_HASHES + 1 || hashes.some((h) => h.length !== HASH_SIZE)) {
    throw new LogRefused("log-proof", "proof of a wrong size");
  }
}

/** A tree that grows by appending leaves: what a client keeps to know a log's root at each size. */
export class GrowingTree {
  readonly #peaks: Uint8Array[];
  #size: number;

  constructor(size = 0, peaks: readonly Uint8Array[] = []) {
    this.#size = size;
    this.#peaks = [...peaks];
  }

  /** How many leaves it has. */
  get size(): number {
    return this.#size;
  }

  /** The roots of its perfect subtrees, largest first; with `size`, all that need be kept. */
  get peaks(): readonly Uint8Array[] {
    return this.#peaks;
  }

  /** The Merkle root over all leaves so far (32 bytes). */
  get root(): Uint8Array {
    let root = this.#peaks.at(-1) ?? EMPTY_ROOT;
    for (const peak of this.#peaks.slice(0, -1).reverse()) root = nodeHash(peak, root);
    return root;
  }

  /** Appends one entry. */
  append(entry: Uint8Array): void {
    let node = leafHash(entry);
    for (let size = this.#size; odd(size); size = half(size)) {
      node = nodeHash(this.#peaks.pop() ?? EMPTY_ROOT, node);
    }
    this.#peaks.push(node);
    this.#size += 1;
  }
}
