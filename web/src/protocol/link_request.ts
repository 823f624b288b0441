/**
 * A new device's request to be listed by an account's existing device, as one line (spec Y-13).
 *
 * The request is public. It holds the new device's proof for every entry that could list it next:
 * one for each device that may sign as author. So one line, shown once, is all that is carried.
 */

import { sha512 } from "@noble/hashes/sha2.js";
import { decodeBase64url, encodeBase64url } from "./documents.ts";
import * as ed25519 from "./ed25519.ts";
import {
  bigEndian,
  compareBytes,
  concat,
  equalBytes,
  Reader,
  tagged,
  u8,
  u32,
  u64,
} from "./encoding.ts";
import { KeyLogRefused, Malformed } from "./errors.ts";
import { ACCOUNT_SIZE, type AccountId, DEPLOYMENT_SIZE, type DeploymentId } from "./identifiers.ts";
import type { AccountVersion } from "./keylog.ts";
import {
  authorBytes,
  draftUpdate,
  type Entry,
  KEY_SIZE,
  possessionBytes,
  SIGNATURE_SIZE,
} from "./keylog_entry.ts";
import * as limits from "./limits.ts";

const VERSION = 1;
const TAG_CODE = "doublelock/v1/link-request/code";
const SCHEME = "doublelock-link:";
const GROUPS = 4;
const TEXT = 2048;

/**
 * What a new device asks for, as decoded: nothing of it is verified yet.
 *
 * `number` and `previous` are those of the entry to be made, `key` the new device's Ed25519 key (32
 * bytes), `proofs` its signatures (64 bytes each) in the order of the account's device keys.
 */
export interface LinkRequest {
  readonly deployment: DeploymentId;
  readonly account: AccountId;
  readonly number: number;
  readonly previous: bigint;
  readonly timeMs: bigint;
  readonly key: Uint8Array;
  readonly proofs: readonly Uint8Array[];
}

/** The request's bytes: 118, and 64 for each proof. */
export function encodeLinkRequest(request: LinkRequest): Uint8Array {
  return concat(
    u8(VERSION),
    request.deployment,
    request.account,
    u32(request.number),
    u64(request.previous),
    u64(request.timeMs),
    request.key,
    u8(request.proofs.length),
    ...request.proofs,
  );
}

/** The request as the line to carry to an existing device. */
export function writeLinkRequest(request: LinkRequest): string {
  return SCHEME + encodeBase64url(encodeLinkRequest(request));
}

/** The code to compare on both devices: 4 groups of 5 digits (66 bits). */
export function linkCode(request: LinkRequest): string {
  const digest = sha512(tagged(TAG_CODE, encodeLinkRequest(request)));
  const groups = Array.from({ length: GROUPS }, (_, at) => {
    const value = bigEndian(digest.subarray(5 * at, 5 * at + 5)) % 100_000n;
    return value.toString().padStart(5, "0");
  });
  return groups.join(" ");
}

/**
 * The request of a new device (its 32-byte key and signer) to an account as it is now.
 *
 * Throws KeyLogRefused(not-allowed) when the account has as many devices as it can have.
 */
export function makeLinkRequest(
  deployment: DeploymentId,
  now: AccountVersion,
  key: Uint8Array,
  sign: ed25519.Signer,
  timeMs: number | bigint,
): LinkRequest {
  if (now.keys.length >= limits.DEVICES_PER_ACCOUNT) {
    throw new KeyLogRefused("not-allowed", `${now.keys.length} devices are the most`);
  }
  return {
    deployment,
    account: now.account,
    number: now.number + 1,
    previous: BigInt(now.index),
    timeMs: BigInt(timeMs),
    key,
    proofs: now.keys.map((author) =>
      sign(possessionBytes(draftFor(now, key, author, timeMs), deployment, key)),
    ),
  };
}

/** The request in a line of text; only its form is checked. Throws Malformed. */
export function decodeLinkRequest(text: string): LinkRequest {
  const line = text.trim();
  if (line.length > TEXT) throw new Malformed("size", "link request");
  if (!line.startsWith(SCHEME)) throw new Malformed("form", "not a link request");
  const reader = new Reader(decodeBase64url(line.slice(SCHEME.length)));
  if (reader.u8() !== VERSION) throw new Malformed("form", "link request version");
  const request = {
    deployment: reader.take(DEPLOYMENT_SIZE),
    account: reader.take(ACCOUNT_SIZE),
    number: reader.u32(),
    previous: reader.u64(),
    timeMs: reader.u64(),
    key: reader.take(KEY_SIZE),
    proofs: Array.from({ length: reader.u8() }, () => reader.take(SIGNATURE_SIZE)),
  };
  reader.end();
  return request;
}

/**
 * The entry that lists the new device, signed by an existing one as its author.
 *
 * The person has compared the codes before. Throws KeyLogRefused: unknown-account (another's
 * request), entry-order (the account has changed since: ask again); what Ed25519 refuses.
 */
export function signLinkRequest(
  request: LinkRequest,
  deployment: DeploymentId,
  now: AccountVersion,
  authorKey: Uint8Array,
  sign: ed25519.Signer,
): Entry {
  if (!equalBytes(request.deployment, deployment) || !equalBytes(request.account, now.account)) {
    throw new KeyLogRefused("unknown-account", "a request to another account");
  }
  if (request.number !== now.number + 1 || request.previous !== BigInt(now.index)) {
    throw new KeyLogRefused("entry-order", "the account has changed since the request");
  }
  const at = now.keys.findIndex((key) => equalBytes(key, authorKey));
  const proof = request.proofs[at];
  if (request.proofs.length !== now.keys.length || proof === undefined) {
    throw new KeyLogRefused("ghost-device", "no proof for this device's entry");
  }
  const draft = draftFor(now, request.key, authorKey, request.timeMs);
  ed25519.verify(request.key, proof, possessionBytes(draft, deployment, request.key));
  return { ...draft, authorSignature: sign(authorBytes(draft, deployment)), proofs: [proof] };
}

function draftFor(
  now: AccountVersion,
  key: Uint8Array,
  authorKey: Uint8Array,
  timeMs: number | bigint,
): Entry {
  const place = {
    number: now.number + 1,
    lineage: now.lineage,
    previous: BigInt(now.index),
    committee: now.committee,
  };
  return draftUpdate(now.account, place, [...now.keys, key].sort(compareBytes), authorKey, timeMs);
}
