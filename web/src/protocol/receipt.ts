/**
 * Receipts: the server's word on order and time, one signature per write batch (spec V-8 to V-10).
 *
 * Every item of a conversation's timeline has one; each names the one before it, so that a server
 * which drops, reorders or rewrites contradicts its own signature.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import type { VerifyKey } from "./ed25519.ts";
import { concat, equalBytes, hex, tagged, u64 } from "./encoding.ts";
import { EnvelopeRefused, Refusal } from "./errors.ts";
import type { AccountId, ConversationId, DeploymentId, DeviceId } from "./identifiers.ts";
import * as limits from "./limits.ts";
import { leafHash, nodeHash } from "./merkle.ts";

export const HASH_SIZE = 32;
/** What the first item of a timeline names as its previous receipt. */
export const FIRST = new Uint8Array(HASH_SIZE);
const LEAF_TAG = "doublelock/v1/receipt";
const ROOT_TAG = "doublelock/v1/receipt-batch";

/**
 * What a receipt says of one item: its place, its time, its sender and its hashes (32 each).
 *
 * A commit has no header and no body: their hashes are SHA-256 of nothing.
 */
export interface ReceiptFields {
  readonly conversation: ConversationId;
  readonly sequence: number;
  readonly previous: Uint8Array;
  readonly timeMs: number;
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly headerHash: Uint8Array;
  readonly bodyHash: Uint8Array;
  readonly mlsHash: Uint8Array;
}

/** The bytes that are hashed into the batch's tree (spec V-8). */
export function receiptLeaf(fields: ReceiptFields, deployment: DeploymentId): Uint8Array {
  return tagged(
    LEAF_TAG,
    deployment,
    fields.conversation,
    u64(fields.sequence),
    fields.previous,
    u64(fields.timeMs),
    fields.account,
    fields.device,
    fields.headerHash,
    fields.bodyHash,
    fields.mlsHash,
  );
}

/** The receipt's hash, 32 bytes: the leaf hash of RFC 6962 §2.1. */
export function hashReceipt(fields: ReceiptFields, deployment: DeploymentId): Uint8Array {
  return leafHash(receiptLeaf(fields, deployment));
}

/** The receipt fields of an item from its bytes; header and body empty for a commit. */
export function describeItem(
  place: Omit<ReceiptFields, "headerHash" | "bodyHash" | "mlsHash">,
  header: Uint8Array,
  body: Uint8Array,
  mls: Uint8Array,
): ReceiptFields {
  return { ...place, headerHash: sha256(header), bodyHash: sha256(body), mlsHash: sha256(mls) };
}

/**
 * The fields with their proof: leaf `index` of `size`, path (32-byte hashes joined), signature.
 *
 * Anyone may make one; `verifyReceipt` says whether the server did.
 */
export interface Receipt {
  readonly fields: ReceiptFields;
  readonly index: number;
  readonly size: number;
  readonly path: Uint8Array;
  readonly signature: Uint8Array;
}

declare const verified: unique symbol;
declare const accepted: unique symbol;

/** A receipt that the deployment's receipt key signed; `hash` is what the next one must name. */
export interface VerifiedReceipt {
  readonly [verified]: true;
  readonly fields: ReceiptFields;
  readonly hash: Uint8Array;
}

/** Batch roots whose signature was checked already, so that it is checked once a batch. */
export class SeenRoots {
  readonly #roots = new Set<string>();
  readonly #limit: number;

  /** Holds at most `limit` of them; then it starts afresh. */
  constructor(limit = 4096) {
    this.#limit = limit;
  }

  has(entry: string): boolean {
    return this.#roots.has(entry);
  }

  /** Remembers a root that was verified. */
  add(entry: string): void {
    if (this.#roots.size >= this.#limit) this.#roots.clear();
    this.#roots.add(entry);
  }
}

/** The receipt as one that the key of the charter signed (V-9). Throws EnvelopeRefused(receipt-signature). */
export function verifyReceipt(
  receipt: Receipt,
  deployment: DeploymentId,
  key: VerifyKey,
  seen?: SeenRoots,
): VerifiedReceipt {
  const { fields, path, index, size } = receipt;
  const inRange =
    path.length % HASH_SIZE === 0 &&
    path.length <= limits.RECEIPT_PATH * HASH_SIZE &&
    index >= 0 &&
    index < size &&
    size <= 2 ** limits.RECEIPT_PATH &&
    Number.isSafeInteger(fields.sequence) &&
    fields.sequence > 0 &&
    Number.isSafeInteger(fields.timeMs) &&
    fields.timeMs >= 0;
  if (!inRange) throw new EnvelopeRefused("receipt-signature", "receipt out of range");
  const own = hashReceipt(fields, deployment);
  const root = rootOf(own, index, size, path);
  const entry = hex(concat(key.encoded, deployment, root, receipt.signature));
  if (!seen?.has(entry)) {
    try {
      key.verify(receipt.signature, tagged(ROOT_TAG, deployment, root));
    } catch (problem) {
      if (!(problem instanceof Refusal)) throw problem;
      throw new EnvelopeRefused("receipt-signature");
    }
    seen?.add(entry);
  }
  return { fields, hash: own } as VerifiedReceipt;
}

/** The root that a path leads to (RFC 9162 §2.1.3.2); the signature then judges it. */
function rootOf(leaf: Uint8Array, start: number, size: number, path: Uint8Array): Uint8Array {
  let node = leaf;
  let index = start;
  let last = size - 1;
  const up = () => {
    index = Math.floor(index / 2);
    last = Math.floor(last / 2);
  };
  for (let at = 0; at < path.length; at += HASH_SIZE) {
    const sibling = path.subarray(at, at + HASH_SIZE);
    if (last === 0) throw new EnvelopeRefused("receipt-signature", "path too long");
    if (index % 2 === 1 || index === last) {
      node = nodeHash(sibling, node);
      while (index % 2 === 0 && index !== 0) up();
    } else {
      node = nodeHash(node, sibling);
    }
    up();
  }
  if (last !== 0) throw new EnvelopeRefused("receipt-signature", "path too short");
  return node;
}

/** How far a conversation's timeline was followed: its last receipt's place, hash and time. */
export interface ReceiptChain {
  readonly conversation: ConversationId;
  readonly sequence: number;
  readonly hash: Uint8Array;
  readonly timeMs: number;
}

/** A verified receipt that follows the one before it; `chain` is where the timeline stands. */
export interface AcceptedReceipt {
  readonly [accepted]: true;
  readonly fields: ReceiptFields;
  readonly hash: Uint8Array;
  readonly chain: ReceiptChain;
}

/** The chain of a timeline before its first item. */
export function beginChain(conversation: ConversationId): ReceiptChain {
  return { conversation, sequence: 0, hash: FIRST, timeMs: 0 };
}

/** The chain of one who joins a running timeline: from this receipt on (spec V-10). */
export function joinChain(receipt: VerifiedReceipt): ReceiptChain {
  const { conversation, sequence, timeMs } = receipt.fields;
  return { conversation, sequence, hash: receipt.hash, timeMs };
}

/**
 * The receipt as the next of its conversation's timeline (spec V-10).
 *
 * Every item passes here, commits and refused messages too. Throws EnvelopeRefused: receipt-chain
 * unless it is the next and names the last; receipt-time when its time runs backwards, or ahead of
 * `nowMs` by more than the charter's skew.
 */
export function acceptReceipt(
  chain: ReceiptChain,
  receipt: VerifiedReceipt,
  nowMs: number,
  skewMs: number,
): AcceptedReceipt {
  const { fields } = receipt;
  const next = chain.sequence + 1;
  if (!equalBytes(fields.conversation, chain.conversation) || fields.sequence !== next) {
    throw new EnvelopeRefused("receipt-chain", `expected sequence ${next}`);
  }
  if (!equalBytes(fields.previous, chain.hash)) {
    throw new EnvelopeRefused("receipt-chain", `history changed before ${fields.sequence}`);
  }
  if (fields.timeMs < chain.timeMs || fields.timeMs > nowMs + skewMs) {
    throw new EnvelopeRefused("receipt-time", `at sequence ${fields.sequence}`);
  }
  return { fields, hash: receipt.hash, chain: joinChain(receipt) } as AcceptedReceipt;
}
