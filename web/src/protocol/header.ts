/** The envelope's header: fixed-layout bytes that everything else is bound to (spec V-1). */

import { sha256 } from "@noble/hashes/sha2.js";
import { concat, Reader, u8, u16, u32 } from "./encoding.ts";
import { Malformed } from "./errors.ts";
import type {
  AccountId,
  ConversationId,
  DeploymentId,
  DeviceId,
  MessageId,
} from "./identifiers.ts";
import { Label } from "./label.ts";
import * as limits from "./limits.ts";

export const VERSION = 1;
export const CAPSULE_SIZE = 128;
export const COMMITMENT_SIZE = 32;
export const HASH_SIZE = 32;
export const SEALED_SIZE = 266;
export const BARE_SIZE = 138;

/** How a message stands to the escrow: fixed by the charter, or by the kind of its record. */
export const Form = {
  /** Sealed to the escrow: the header carries a capsule. */
  SEALED: 1,
  /** The charter knows no escrow: no capsule. */
  UNESCROWED: 2,
  /** Typing, presence and read marks: no capsule, never stored. */
  EPHEMERAL: 3,
} as const;
export type Form = (typeof Form)[keyof typeof Form];

/** Who, where, when, sealed to whom: 266 bytes with a capsule, 138 without. */
export interface Header {
  readonly form: Form;
  readonly conversation: ConversationId;
  readonly messageId: MessageId;
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly committee: number;
  readonly keyEpoch: number;
  readonly day: number;
  readonly capsule: Uint8Array;
  readonly commitment: Uint8Array;
}

/** The header's 266 or 138 bytes (spec V-1). */
export function encodeHeader(header: Header): Uint8Array {
  return concat(
    u8(VERSION),
    u8(header.form),
    header.conversation,
    header.messageId,
    header.account,
    header.device,
    u16(header.committee),
    u16(header.keyEpoch),
    u32(header.day),
    header.capsule,
    header.commitment,
  );
}

/** The header of 266 or 138 bytes. Throws Malformed(size, form). */
export function decodeHeader(data: Uint8Array): Header {
  if (data.length !== SEALED_SIZE && data.length !== BARE_SIZE) {
    throw new Malformed("size", `header of ${data.length} bytes`);
  }
  const reader = new Reader(data);
  const version = reader.u8();
  const form = readForm(reader.u8());
  const header: Omit<Header, "form"> = {
    conversation: reader.take(32),
    messageId: reader.take(16),
    account: reader.take(32),
    device: reader.take(16),
    committee: reader.u16(),
    keyEpoch: reader.u16(),
    day: reader.u32(),
    capsule: reader.take(data.length === SEALED_SIZE ? CAPSULE_SIZE : 0),
    commitment: reader.take(COMMITMENT_SIZE),
  };
  if (version !== VERSION || form === undefined) {
    throw new Malformed("form", "header of an unknown version or form");
  }
  if ((form === Form.SEALED) !== (data.length === SEALED_SIZE)) {
    throw new Malformed("size", "header's form and size disagree");
  }
  const { messageId } = header; // RFC 9562 §5.7
  if ((messageId[6] ?? 0) >> 4 !== 7 || (messageId[8] ?? 0) >> 6 !== 2) {
    throw new Malformed("form", "message id is not a UUIDv7");
  }
  if (header.day > limits.LAST_DAY) throw new Malformed("form", "day out of range");
  return { form, ...header };
}

function readForm(value: number): Form | undefined {
  return Object.values(Form).find((form) => form === value);
}

/** The label that this header's capsule is sealed to. */
export function labelOf(header: Header, deployment: DeploymentId): Label {
  return new Label(
    deployment,
    header.committee,
    header.keyEpoch,
    header.conversation,
    header.account,
    header.day,
  );
}

/** hash(header): SHA-256 of its exact bytes, 32 bytes (spec V-2). */
export function hashHeader(header: Uint8Array): Uint8Array {
  return sha256(header);
}
