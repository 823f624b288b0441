/** Application messages: opening one, and what the own ratchet has used up. */

import type { ClientState, PrivateMessage } from "ts-mls";
import { unprotectPrivateMessage } from "ts-mls/messageProtection.js";
import { decryptSenderData } from "ts-mls/privateMessage.js";
import { ratchetUntil } from "ts-mls/secretTree.js";
import { equalBytes } from "../protocol/encoding.ts";
import { unexpected } from "./codec.ts";
import { MlsError } from "./failure.ts";
import { MAX_GENERATION_SKIP } from "./limits.ts";
import { SUITE } from "./suite.ts";
import { type Application, leafAt, memberAt } from "./views.ts";

/** An opened message, the state after it, and the past epoch whose keys it used up, if any. */
export interface Opened {
  readonly application: Application;
  readonly state: ClientState;
  readonly past: bigint | undefined;
}

/** Opens an application message of the current or a past epoch. Throws MlsError. */
export async function openApplication(
  state: ClientState,
  message: PrivateMessage,
): Promise<Opened> {
  if (message.contentType !== "application") {
    throw new MlsError("encrypted-handshake", "commits and proposals travel unencrypted here");
  }
  const { groupContext, historicalReceiverData, keySchedule, clientConfig } = state;
  if (message.epoch > groupContext.epoch) {
    throw new MlsError("wrong-epoch", "the message is of a later epoch");
  }
  const past = historicalReceiverData.get(message.epoch);
  const current = message.epoch === groupContext.epoch;
  const source = current ? { ...state, senderDataSecret: keySchedule.senderDataSecret } : past;
  if (source === undefined) {
    throw new MlsError("epoch-gone", "the message is of too old an epoch");
  }
  const senderData = await decryptSenderData(message, source.senderDataSecret, SUITE);
  if (current && senderData?.leafIndex === state.privatePath.leafIndex) {
    throw new MlsError("own-message", "of this device");
  }
  const opened = await unprotectPrivateMessage(
    source.senderDataSecret,
    message,
    source.secretTree,
    source.ratchetTree,
    source.groupContext,
    clientConfig.keyRetentionConfig,
    SUITE,
  );
  const { content } = opened.content;
  if (content.contentType !== "application" || content.sender.senderType !== "member") {
    throw unexpected("an application message");
  }
  const sender = memberAt(source.ratchetTree, content.sender.leafIndex);
  const now = leafAt(state.ratchetTree, sender.leafIndex);
  if (now === undefined || !equalBytes(now.signaturePublicKey, sender.signatureKey)) {
    throw new MlsError("member-not-found", "the sender is no member any more");
  }
  const application: Application = {
    kind: "application",
    sender,
    epoch: Number(message.epoch),
    plaintext: content.applicationData,
    authenticatedData: message.authenticatedData,
  };
  if (current || past === undefined) {
    return { application, state: { ...state, secretTree: opened.tree }, past: undefined };
  }
  const kept = new Map(historicalReceiverData);
  kept.set(message.epoch, { ...past, secretTree: opened.tree });
  const after = { ...state, historicalReceiverData: kept };
  return { application, state: after, past: message.epoch };
}

/** The ratchet with which this device encrypts. */
export function ownRatchet(state: ClientState) {
  const own = state.secretTree[2 * state.privatePath.leafIndex];
  if (own === undefined) throw new MlsError("internal", "no key to send with");
  return own.application;
}

/**
 * The state in which no generation below `next` of an epoch can be used again.
 *
 * Throws MlsError(state-behind) where the epoch is later than the state's, or the gap too wide.
 */
export async function burnGenerations(
  state: ClientState,
  epoch: number,
  next: number,
): Promise<ClientState> {
  const now = Number(state.groupContext.epoch);
  if (epoch > now) {
    const words = "a message was sent in a later epoch than this state knows; rejoin";
    throw new MlsError("state-behind", words);
  }
  const ratchet = ownRatchet(state);
  if (epoch < now || next <= ratchet.generation) return state;
  if (next - ratchet.generation > MAX_GENERATION_SKIP) {
    throw new MlsError("state-behind", "the state is too old; rejoin");
  }
  const config = {
    maximumForwardRatchetSteps: MAX_GENERATION_SKIP,
    retainKeysForGenerations: 0,
    retainKeysForEpochs: 0,
  };
  const [application] = await ratchetUntil(ratchet, next, config, SUITE.kdf);
  const secretTree = state.secretTree.map((node, at) =>
    at === 2 * state.privatePath.leafIndex ? { ...node, application } : node,
  );
  return { ...state, secretTree };
}
