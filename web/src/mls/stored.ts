/** A group's state as the vault keeps it; all of it is secret. */

import { x25519 } from "@noble/curves/ed25519.js";
import {
  type ClientConfig,
  type ClientState,
  decodeGroupState,
  type EpochReceiverData,
  encodeGroupState,
  type SecretTreeNode,
} from "ts-mls";
import * as repairedState from "ts-mls/clientState.js";
import { decodeGroupStateWithoutTree, encodeGroupStateWithoutTree } from "ts-mls/clientState.js";
import { encode } from "ts-mls/codec/tlsEncoder.js";
import { decodeEpochReceiverData, epochReceiverDataEncoder } from "ts-mls/epochReceiverData.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { concat, equalBytes, Reader, u8, u32 } from "../protocol/encoding.ts";
import { decodeWhole } from "./codec.ts";
import { MlsError } from "./failure.ts";
import { atMost, MAX_STATE } from "./limits.ts";

if (!("repaired" in repairedState)) {
  throw new Error("ts-mls without its repairs: build with Vite, by this folder's configuration");
}

const VERSION = 1;
const NOTHING = new Uint8Array();
const USED_UP = { secret: NOTHING, generation: 0, unusedGenerations: {} };
const NO_RATCHETS: SecretTreeNode = { handshake: USED_UP, application: USED_UP };
const encodeReceiverData = encode(epochReceiverDataEncoder);

/** A commit of one's own that the server has not yet taken, and the state after it. */
export interface Pending {
  readonly message: Uint8Array;
  readonly next: ClientState;
}

/** What of a group is stored, its tree and past epochs aside. */
export interface Stored {
  readonly state: ClientState;
  readonly pending: Pending | undefined;
  readonly removed: boolean;
}

/**
 * A state without the ratchets that nothing ever uses.
 *
 * The library derives some for inner nodes as well, and for handshakes, which travel unencrypted.
 */
function slim(state: ClientState): ClientState {
  const secretTree = state.secretTree.map((node, at) =>
    at % 2 === 0 ? { ...node, handshake: USED_UP } : NO_RATCHETS,
  );
  return { ...state, secretTree };
}

/**
 * A state whose own keys are those that its tree shows; keys of nodes that are blank go.
 *
 * RFC 9420 §7.5, §12.4.2: who gets a path secret makes sure that it leads to the path's public keys,
 * so that no member can split the group by a path of two minds. Throws MlsError(refused).
 */
export function settle(state: ClientState): ClientState {
  const privateKeys: Record<number, Uint8Array> = {};
  for (const [at, secret] of Object.entries(state.privatePath.privateKeys)) {
    const index = Number(at);
    const node = state.ratchetTree[index];
    if (node === undefined) continue;
    const shown = node.nodeType === "leaf" ? node.leaf.hpkePublicKey : node.parent.hpkePublicKey;
    if (!equalBytes(x25519.getPublicKey(secret), shown)) {
      throw new MlsError("refused", "a path secret does not lead to the path's keys");
    }
    privateKeys[index] = secret;
  }
  return slim({ ...state, privatePath: { ...state.privatePath, privateKeys } });
}

const without = (state: ClientState): ClientState => ({
  ...state,
  historicalReceiverData: new Map(),
});

function long(data: Uint8Array): Uint8Array {
  return concat(u32(data.length), data);
}

/** The bytes of a stored state: version ‖ removed ‖ pending ‖ state [‖ message ‖ next state]. */
export function encodeStored({ state, pending, removed }: Stored): Uint8Array {
  const head = [u8(VERSION), u8(removed ? 1 : 0), u8(pending === undefined ? 0 : 1)];
  const own = long(encodeGroupStateWithoutTree(without(state)));
  if (pending === undefined) return concat(...head, own);
  return concat(...head, own, long(pending.message), long(encodeGroupState(without(pending.next))));
}

/** The stored state with its tree and past epochs. Throws MlsError(malformed). */
export function decodeStored(
  data: Uint8Array,
  tree: RatchetTree,
  epochs: readonly (readonly [number, Uint8Array])[],
  clientConfig: ClientConfig,
): Stored {
  atMost("state", data.length, MAX_STATE);
  const reader = new Reader(data);
  if (reader.u8() !== VERSION) throw new MlsError("malformed", "the state is of another version");
  const removed = reader.u8() === 1;
  const isPending = reader.u8() === 1;
  const state = decodeWhole(decodeGroupStateWithoutTree(tree), reader.longField(MAX_STATE));
  const historicalReceiverData = new Map(
    epochs.map(([epoch, bytes]) => [BigInt(epoch), decodeEpoch(bytes)]),
  );
  let pending: Pending | undefined;
  if (isPending) {
    const message = reader.longField(MAX_STATE);
    const next = decodeWhole(decodeGroupState, reader.longField(MAX_STATE));
    pending = { message, next: { ...next, clientConfig } };
  }
  reader.end();
  return { state: { ...state, historicalReceiverData, clientConfig }, pending, removed };
}

/** The bytes of a past epoch. */
export function encodeEpoch(data: EpochReceiverData): Uint8Array {
  return encodeReceiverData(data);
}

function decodeEpoch(data: Uint8Array): EpochReceiverData {
  return decodeWhole(decodeEpochReceiverData, data);
}
