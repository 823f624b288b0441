/** MLS messages, trees and stored states as bytes; everything that is read must end where it ends. */

import {
  decodeMlsMessage,
  encodeMlsMessage,
  type GroupInfo,
  type KeyPackage,
  type MLSMessage,
  type MlsMessageContent,
} from "ts-mls";
import { decodeRatchetTree, encodeRatchetTree, type RatchetTree } from "ts-mls/ratchetTree.js";
import { asFailure, MlsError } from "./failure.ts";
import { atMost, MAX_MESSAGE, MAX_TREE } from "./limits.ts";

/** Reads bytes from an offset: the value and how many bytes it took, or undefined. */
export type Decoder<T> = (data: Uint8Array, offset: number) => readonly [T, number] | undefined;

/** The value that the whole of `data` encodes. Throws MlsError(malformed). */
export function decodeWhole<T>(decoder: Decoder<T>, data: Uint8Array): T {
  let found: readonly [T, number] | undefined;
  try {
    // A copy of its own: the library keeps views, and the caller may reuse its buffer.
    found = decoder(data.slice(), 0);
  } catch (problem) {
    throw asFailure(problem);
  }
  if (found === undefined || found[1] !== data.length) {
    throw new MlsError("malformed", "these bytes are not in MLS form");
  }
  return found[0];
}

/** One MLSMessage of this protocol's one version. Throws MlsError(malformed, too-large). */
export function decodeMessage(data: Uint8Array): MLSMessage {
  atMost("message", data.length, MAX_MESSAGE);
  const message = decodeWhole(decodeMlsMessage, data);
  if (message.version !== "mls10") throw new MlsError("malformed", "another version of MLS");
  return message;
}

/** The bytes of an MLSMessage. */
export function encodeMessage(content: MlsMessageContent): Uint8Array {
  return encodeMlsMessage({ version: "mls10", ...content });
}

/** A ratchet tree. Throws MlsError(malformed, too-large). */
export function decodeTree(data: Uint8Array): RatchetTree {
  atMost("ratchet tree", data.length, MAX_TREE);
  return decodeWhole(decodeRatchetTree, data);
}

/** The bytes of a ratchet tree. */
export function encodeTree(tree: RatchetTree): Uint8Array {
  return encodeRatchetTree(tree);
}

/** The key package in an MLSMessage. Throws MlsError. */
export function decodeKeyPackage(data: Uint8Array): KeyPackage {
  const message = decodeMessage(data);
  if (message.wireformat !== "mls_key_package") throw unexpected("a key package");
  return message.keyPackage;
}

/** The GroupInfo in an MLSMessage. Throws MlsError. */
export function decodeGroupInfo(data: Uint8Array): GroupInfo {
  const message = decodeMessage(data);
  if (message.wireformat !== "mls_group_info") throw unexpected("a group info");
  return message.groupInfo;
}

/** What to throw for a message of another kind. */
export function unexpected(wanted: string): MlsError {
  return new MlsError("unexpected-message", `this is not ${wanted}`);
}
