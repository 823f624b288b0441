/**
 * The receive rule: every check between an arrived message and its text, in one place (spec V-11).
 *
 * Pure: what the rule needs to know is an argument. Every failure is a refusal by name, and a
 * refused message's text is never returned.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { dayKey, verifyCapsule } from "./capsule.ts";
import type { G2 } from "./curve.ts";
import { dayOf } from "./days.ts";
import type { VerifyKey } from "./ed25519.ts";
import { equalBytes, hex, tagged } from "./encoding.ts";
import {
  decodePayload,
  openBody,
  type Payload,
  type VerifiedBody,
  verifyBody,
} from "./envelope.ts";
import { CharterRefused, EnvelopeRefused, Malformed } from "./errors.ts";
import { decodeHeader, Form, type Header, hashHeader, labelOf } from "./header.ts";
import type { AccountId, ConversationId, DeploymentId, DeviceId } from "./identifiers.ts";
import type { Label } from "./label.ts";
import * as limits from "./limits.ts";
import type { AcceptedReceipt, ReceiptFields } from "./receipt.ts";

const SEEN_TAG = "doublelock/v1/seen-capsule";
const NOTHING = new Uint8Array();

/**
 * A key epoch that this party verified: its MPK, and the days for which it is in force.
 *
 * `lastDay` lies beyond the month's end where a missing epoch extended it (spec E-10).
 */
export interface EpochKey {
  readonly committee: number;
  readonly keyEpoch: number;
  readonly mpk: G2;
  readonly firstDay: number;
  readonly lastDay: number;
}

/** What the key log says of a sending device: its account's committee and its own key. */
export interface SenderEntry {
  readonly committee: number;
  readonly key: VerifyKey;
}

/**
 * What a receiver knows: deployment, the charter's skew, the clock, look-ups.
 *
 * `escrows` says whether a committee escrows on a day (C-6), or throws CharterRefused. `sender`
 * answers from the key log, `epochKey` for (committee, key epoch); each of these two returns
 * undefined for what it does not know, or throws a Refusal of its own.
 */
export interface ReceiveContext {
  readonly deployment: DeploymentId;
  readonly escrows: (committee: number, day: number) => boolean;
  readonly nowMs: number;
  readonly skewMs: number;
  readonly sender: (account: AccountId, device: DeviceId) => SenderEntry | undefined;
  readonly epochKey: (committee: number, keyEpoch: number) => EpochKey | undefined;
}

/**
 * A message as it came: the server's bytes, and what the MLS layer authenticated.
 *
 * `conversation` is the MLS group's id, `account` and `device` its authenticated sender's
 * credential, `plaintext` (secret) and `authenticatedData` the decrypted application message's.
 */
export interface Arrival {
  readonly conversation: ConversationId;
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly header: Uint8Array;
  readonly body: Uint8Array;
  readonly authenticatedData: Uint8Array;
  readonly plaintext: Uint8Array;
}

/** That a capsule was re-encapsulated: a hash over it, its label and its seed; not the seed. */
export interface SeenCapsule {
  readonly capsule: Uint8Array;
  readonly seedHash: Uint8Array;
  readonly day: number;
}

/** The capsules that were verified already, so that each costs its pairing once (spec V-12). */
export class SeenCapsules {
  readonly #days = new Map<number, Map<string, Uint8Array>>();

  /** Whether this very capsule, label and seed were added before. */
  holds(seen: SeenCapsule): boolean {
    const known = this.#days.get(seen.day)?.get(hex(seen.capsule));
    return known !== undefined && equalBytes(known, seen.seedHash);
  }

  /** Remembers a capsule that `receive` verified, or that was kept from an earlier run. */
  add(seen: SeenCapsule): void {
    const day = this.#days.get(seen.day) ?? new Map<string, Uint8Array>();
    day.set(hex(seen.capsule), seen.seedHash);
    this.#days.set(seen.day, day);
  }

  /** Forgets the capsules of earlier days. */
  forgetBefore(day: number): void {
    for (const known of [...this.#days.keys()]) if (known < day) this.#days.delete(known);
  }
}

declare const passed: unique symbol;

/**
 * A message that passed the whole rule.
 *
 * `newlySeen` is to be added to the `SeenCapsules` (and may be kept with the message); undefined
 * when the capsule was known. `receipt` is undefined for an ephemeral message.
 */
export interface Received {
  readonly [passed]: true;
  readonly message: VerifiedBody;
  readonly receipt: AcceptedReceipt | undefined;
  readonly newlySeen: SeenCapsule | undefined;
}

/**
 * A stored message that passed the receive rule; `mls` is its ciphertext (spec V-11).
 *
 * Throws EnvelopeRefused, or Malformed for bytes without form: size, form, not-canonical,
 * header-mismatch, sender-mismatch, receipt-mismatch, capsule-missing, ephemeral-content,
 * epoch-mismatch, day-mismatch, capsule-mismatch, body-unreadable, bad-signature,
 * commitment-mismatch. The receipt's own faults were named when it was accepted.
 */
export function receive(
  arrival: Arrival,
  mls: Uint8Array,
  receipt: AcceptedReceipt,
  context: ReceiveContext,
  seen: SeenCapsules,
): Received {
  const header = decodeHeader(arrival.header);
  const headerHash = hashHeader(arrival.header);
  const payload = checkBinding(arrival, header, headerHash);
  checkReceipt(receipt.fields, arrival.header, arrival.body, mls);
  checkForm(header, context);
  const entry = findSender(header, context);
  checkDay(header.day, receipt.fields.timeMs, context.skewMs);
  const label = labelOf(header, context.deployment);
  let newlySeen: SeenCapsule | undefined;
  if (header.form === Form.SEALED) {
    newlySeen = checkCapsule(header, payload.seed, label, findEpoch(header, context).mpk, seen);
  }
  const key = dayKey(payload.seed, header.capsule, label, header.form);
  const opened = openBody(key, header, headerHash, arrival.body);
  const message = verifyBody(opened, entry.key, context.deployment);
  return { message, receipt, newlySeen } as Received;
}

/**
 * An ephemeral message that passed the receive rule (spec V-13).
 *
 * It has no capsule and no receipt, its day is held against the own clock, and it may hold only the
 * bounded, textless kinds. Throws what `receive` throws.
 */
export function receiveEphemeral(arrival: Arrival, context: ReceiveContext): Received {
  if (arrival.body.length > limits.EPHEMERAL_BODY) throw new Malformed("size", "ephemeral body");
  const header = decodeHeader(arrival.header);
  const headerHash = hashHeader(arrival.header);
  const payload = checkBinding(arrival, header, headerHash);
  if (header.form !== Form.EPHEMERAL) {
    throw new EnvelopeRefused("ephemeral-content", "a message came without being stored");
  }
  const entry = findSender(header, context);
  checkDay(header.day, context.nowMs, context.skewMs);
  const key = dayKey(payload.seed, NOTHING, labelOf(header, context.deployment), header.form);
  const opened = openBody(key, header, headerHash, arrival.body);
  const message = verifyBody(opened, entry.key, context.deployment);
  return { message, receipt: undefined, newlySeen: undefined } as Received;
}

/**
 * Checks that a receipt is for these bytes and this sender; also for one's own messages.
 *
 * Throws EnvelopeRefused(receipt-mismatch), and what `decodeHeader` throws.
 */
export function checkReceipt(
  fields: ReceiptFields,
  header: Uint8Array,
  body: Uint8Array,
  mls: Uint8Array,
): void {
  const decoded = decodeHeader(header);
  const fits =
    equalBytes(fields.conversation, decoded.conversation) &&
    equalBytes(fields.account, decoded.account) &&
    equalBytes(fields.device, decoded.device) &&
    equalBytes(fields.headerHash, hashHeader(header)) &&
    equalBytes(fields.bodyHash, sha256(body)) &&
    equalBytes(fields.mlsHash, sha256(mls));
  if (!fits) throw new EnvelopeRefused("receipt-mismatch");
}

/** Checks that a day is that of a time, within the skew. Throws EnvelopeRefused(day-mismatch). */
export function checkDay(day: number, timeMs: number, skewMs: number): void {
  if (day < dayOf(timeMs - skewMs) || day > dayOf(timeMs + skewMs)) {
    throw new EnvelopeRefused("day-mismatch");
  }
}

/** Ties the MLS message to the header: group, sender, authenticated data and payload. */
function checkBinding(arrival: Arrival, header: Header, headerHash: Uint8Array): Payload {
  if (!equalBytes(header.conversation, arrival.conversation)) {
    throw new EnvelopeRefused("header-mismatch", "another conversation");
  }
  if (!equalBytes(header.account, arrival.account) || !equalBytes(header.device, arrival.device)) {
    throw new EnvelopeRefused("sender-mismatch");
  }
  const payload = decodePayload(arrival.plaintext);
  if (
    !equalBytes(arrival.authenticatedData, headerHash) ||
    !equalBytes(payload.headerHash, headerHash)
  ) {
    throw new EnvelopeRefused("header-mismatch");
  }
  return payload;
}

/** Holds the form against the header's committee; `findSender` holds that against the account. */
function checkForm(header: Header, context: ReceiveContext): void {
  if (header.form === Form.EPHEMERAL) {
    throw new EnvelopeRefused("ephemeral-content", "an ephemeral message was stored");
  }
  let escrows: boolean;
  try {
    escrows = context.escrows(header.committee, header.day);
  } catch (problem) {
    if (!(problem instanceof CharterRefused)) throw problem;
    throw new EnvelopeRefused("epoch-mismatch", "no committee of the charter");
  }
  if (escrows && header.form !== Form.SEALED) throw new EnvelopeRefused("capsule-missing");
  if (!escrows && header.form !== Form.UNESCROWED) {
    throw new EnvelopeRefused("epoch-mismatch", "the sender's committee has no escrow");
  }
}

function findSender(header: Header, context: ReceiveContext): SenderEntry {
  const entry = context.sender(header.account, header.device);
  if (entry === undefined) {
    throw new EnvelopeRefused("sender-mismatch", "device is not in the key log");
  }
  if (entry.committee !== header.committee) {
    throw new EnvelopeRefused("epoch-mismatch", "not the sender's committee");
  }
  return entry;
}

function findEpoch(header: Header, context: ReceiveContext): EpochKey {
  const epoch = context.epochKey(header.committee, header.keyEpoch);
  if (
    epoch === undefined ||
    epoch.committee !== header.committee ||
    epoch.keyEpoch !== header.keyEpoch ||
    header.day < epoch.firstDay ||
    header.day > epoch.lastDay
  ) {
    throw new EnvelopeRefused("epoch-mismatch", `key epoch ${header.keyEpoch}`);
  }
  return epoch;
}

/** Re-encapsulates once a capsule; what was seen is bound to its label, MPK and seed. */
function checkCapsule(
  header: Header,
  seed: Uint8Array,
  label: Label,
  mpk: G2,
  seen: SeenCapsules,
): SeenCapsule | undefined {
  const seedHash = sha256(tagged(SEEN_TAG, label.encode(), mpk.encoded, header.capsule, seed));
  const candidate = { capsule: header.capsule, seedHash, day: header.day };
  if (seen.holds(candidate)) return undefined;
  verifyCapsule(header.capsule, seed, label, mpk);
  return candidate;
}
