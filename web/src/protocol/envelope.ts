/**
 * Envelopes: seal a record into header and body, and open it again (spec V-2, V-5 to V-7).
 *
 * body = AES-256-GCM of: device signature 64 ‖ franking key 32 ‖ record. Key and nonce come from
 * K_day and the header's hash, so a body fits its own header only.
 */

import { gcm } from "@noble/ciphers/aes.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { dayKey, SEED_SIZE } from "./capsule.ts";
import { SIGNATURE_SIZE, type SigningKey, type VerifyKey } from "./ed25519.ts";
import { concat, equalBytes, tagged, u8 } from "./encoding.ts";
import { EnvelopeRefused, Malformed, Refusal } from "./errors.ts";
import { decodeHeader, encodeHeader, Form, HASH_SIZE, type Header, hashHeader } from "./header.ts";
import type { DeploymentId, DeviceId, MessageId } from "./identifiers.ts";
import type { Label } from "./label.ts";
import * as limits from "./limits.ts";
import { type AnyRecord, decodeRecord, isEphemeral } from "./record.ts";

export const FRANKING_KEY_SIZE = 32;
const TAG_SIZE = 16;
const OVERHEAD = SIGNATURE_SIZE + FRANKING_KEY_SIZE + TAG_SIZE;
const SIGNATURE_TAG = "doublelock/v1/envelope";
const KEY_TAG = "doublelock/v1/k-msg";
const PAYLOAD_VERSION = 1;

/**
 * What goes out: header and body, and for the MLS layer its authenticated data and plaintext.
 *
 * `payload` (65 bytes, secret) is encrypted by MLS; `headerHash` (32) is its authenticated data.
 */
export interface SealedEnvelope {
  readonly header: Uint8Array;
  readonly body: Uint8Array;
  readonly headerHash: Uint8Array;
  readonly payload: Uint8Array;
}

/** A body that was decrypted under its header, signature and commitment still unchecked. */
export interface OpenedBody {
  readonly header: Header;
  readonly headerHash: Uint8Array;
  readonly signature: Uint8Array;
  readonly frankingKey: Uint8Array;
  readonly record: Uint8Array;
}

declare const verified: unique symbol;

/**
 * A record that its device signed and its header commits to.
 *
 * `signature` (64), `frankingKey` (32) and `recordBytes` prove it to anybody else.
 */
export interface VerifiedBody {
  readonly [verified]: true;
  readonly header: Header;
  readonly headerHash: Uint8Array;
  readonly signature: Uint8Array;
  readonly frankingKey: Uint8Array;
  readonly recordBytes: Uint8Array;
  readonly record: AnyRecord;
}

/** What MLS carries: the seed (32 bytes, secret) and the header's hash (32). */
export interface Payload {
  readonly seed: Uint8Array;
  readonly headerHash: Uint8Array;
}

/** The payload's 65 bytes (spec V-7). */
export function encodePayload(payload: Payload): Uint8Array {
  return concat(u8(PAYLOAD_VERSION), payload.seed, payload.headerHash);
}

/** The payload of 65 bytes. Throws Malformed(size, form). */
export function decodePayload(data: Uint8Array): Payload {
  if (data.length !== 1 + SEED_SIZE + HASH_SIZE) {
    throw new Malformed("size", `MLS payload of ${data.length} bytes`);
  }
  if (data[0] !== PAYLOAD_VERSION) {
    throw new Malformed("form", "MLS payload of an unknown version");
  }
  return { seed: data.slice(1, 1 + SEED_SIZE), headerHash: data.slice(1 + SEED_SIZE) };
}

/**
 * What a sender keeps for one (MLS epoch, day): label, capsule, seed and K_day.
 *
 * `capsule` is empty unless `form` is SEALED. A new one is drawn for each MLS epoch and each day.
 */
export interface SendKeys {
  readonly label: Label;
  readonly form: Form;
  readonly capsule: Uint8Array;
  readonly seed: Uint8Array;
  readonly dayKey: Uint8Array;
}

/** The keys for sending under a label; `capsule` from `capsule.seal`, else empty. */
export function makeSendKeys(
  seed: Uint8Array,
  capsule: Uint8Array,
  label: Label,
  form: Form,
): SendKeys {
  return { label, form, capsule, seed, dayKey: dayKey(seed, capsule, label, form) };
}

/** The commitment: HMAC-SHA-256(franking key, record), 32 bytes (spec V-5). */
export function commitRecord(frankingKey: Uint8Array, record: Uint8Array): Uint8Array {
  return hmac(sha256, frankingKey, record);
}

/**
 * Seals a record's bytes, with 32 fresh random bytes as franking key (spec V-5 to V-7).
 *
 * Throws Malformed(size) for a record over 64 KiB or a franking key of another size.
 */
export function sealEnvelope(
  keys: SendKeys,
  messageId: MessageId,
  device: DeviceId,
  signingKey: SigningKey,
  frankingKey: Uint8Array,
  record: Uint8Array,
): SealedEnvelope {
  if (record.length > limits.RECORD || frankingKey.length !== FRANKING_KEY_SIZE) {
    throw new Malformed("size", "record or franking key");
  }
  const { label } = keys;
  const header = encodeHeader({
    form: keys.form,
    conversation: label.conversation,
    messageId,
    account: label.account,
    device,
    committee: label.committee,
    keyEpoch: label.keyEpoch,
    day: label.day,
    capsule: keys.capsule,
    commitment: commitRecord(frankingKey, record),
  });
  const headerHash = hashHeader(header);
  const signature = signingKey.sign(tagged(SIGNATURE_TAG, label.deployment, headerHash));
  const body = messageCipher(keys.dayKey, headerHash).encrypt(
    concat(signature, frankingKey, record),
  );
  return { header, body, headerHash, payload: encodePayload({ seed: keys.seed, headerHash }) };
}

/**
 * Decrypts a body under K_day and its header's hash (spec V-6).
 *
 * Throws Malformed(size), EnvelopeRefused(body-unreadable).
 */
export function openBody(
  key: Uint8Array,
  header: Header,
  headerHash: Uint8Array,
  body: Uint8Array,
): OpenedBody {
  if (body.length <= OVERHEAD || body.length > limits.BODY) {
    throw new Malformed("size", `body of ${body.length} bytes`);
  }
  let plain: Uint8Array;
  try {
    plain = messageCipher(key, headerHash).decrypt(body);
  } catch {
    throw new EnvelopeRefused("body-unreadable");
  }
  const split = SIGNATURE_SIZE + FRANKING_KEY_SIZE;
  return {
    header,
    headerHash,
    signature: plain.slice(0, SIGNATURE_SIZE),
    frankingKey: plain.slice(SIGNATURE_SIZE, split),
    record: plain.slice(split),
  };
}

/**
 * The body as signed by its device, committed to by its header, and well-formed.
 *
 * `deviceKey` is the key log's for the header's account and device. Throws
 * EnvelopeRefused(bad-signature, commitment-mismatch, ephemeral-content), Malformed(size, form,
 * not-canonical) for the record.
 */
export function verifyBody(
  opened: OpenedBody,
  deviceKey: VerifyKey,
  deployment: DeploymentId,
): VerifiedBody {
  try {
    deviceKey.verify(opened.signature, tagged(SIGNATURE_TAG, deployment, opened.headerHash));
  } catch (problem) {
    if (!(problem instanceof Refusal)) throw problem;
    throw new EnvelopeRefused("bad-signature", "device signature");
  }
  const commitment = commitRecord(opened.frankingKey, opened.record);
  if (
    opened.frankingKey.length !== FRANKING_KEY_SIZE ||
    !equalBytes(commitment, opened.header.commitment)
  ) {
    throw new EnvelopeRefused("commitment-mismatch");
  }
  const record = decodeRecord(opened.record);
  if (isEphemeral(record) !== (opened.header.form === Form.EPHEMERAL)) {
    throw new EnvelopeRefused("ephemeral-content");
  }
  const { header, headerHash, signature, frankingKey } = opened;
  const body = { header, headerHash, signature, frankingKey, recordBytes: opened.record, record };
  return body as VerifiedBody;
}

/**
 * Verifies a message from its disclosed parts, without any key: in evidence, and in reports.
 *
 * Throws what `decodeHeader` and `verifyBody` throw.
 */
export function verifyDisclosure(
  header: Uint8Array,
  signature: Uint8Array,
  frankingKey: Uint8Array,
  record: Uint8Array,
  deviceKey: VerifyKey,
  deployment: DeploymentId,
): VerifiedBody {
  const headerHash = hashHeader(header);
  const opened = { header: decodeHeader(header), headerHash, signature, frankingKey, record };
  return verifyBody(opened, deviceKey, deployment);
}

/** K_msg: key (32) ‖ nonce (12) = HKDF-SHA-256(K_day, info tag ‖ hash) (spec V-6). */
export function deriveMessageKey(key: Uint8Array, headerHash: Uint8Array): Uint8Array {
  return hkdf(sha256, key, undefined, tagged(KEY_TAG, headerHash), 44);
}

function messageCipher(key: Uint8Array, headerHash: Uint8Array) {
  const derived = deriveMessageKey(key, headerHash);
  return gcm(derived.subarray(0, 32), derived.subarray(32), headerHash);
}
