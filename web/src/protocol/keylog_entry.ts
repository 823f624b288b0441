/**
 * Key-log entries and invitations, byte for byte; what they mean is in `keylog` (spec Y).
 *
 * Signed bytes never mix: each signature has its own tag, so a proof of possession cannot pass for
 * an author's signature, nor an invitation for an entry. Times and indices are 64 bits wide, and so
 * big integers.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import type { Signer } from "./ed25519.ts";
import { compareBytes, concat, equalBytes, Reader, tagged, u8, u16, u32, u64 } from "./encoding.ts";
import { Malformed } from "./errors.ts";
import {
  ACCOUNT_SIZE,
  type AccountId,
  DEVICE_SIZE,
  type DeploymentId,
  type DeviceId,
  nameDevice,
} from "./identifiers.ts";
import * as limits from "./limits.ts";

export const KEY_SIZE = 32;
export const SIGNATURE_SIZE = 64;
export const INVITATION_SIZE = 188;
export const NO_INDEX = 2n ** 64n - 1n;
export const NOBODY: AccountId = new Uint8Array(ACCOUNT_SIZE);
export const NO_DEVICE: DeviceId = new Uint8Array(DEVICE_SIZE);
const VERSION = 1;
const NOTHING = new Uint8Array();

const TAG_AUTHOR = "doublelock/v1/key-log/author";
const TAG_POSSESSION = "doublelock/v1/key-log/possession";
const TAG_INVITED = "doublelock/v1/key-log/invited";
const TAG_INVITATION = "doublelock/v1/key-log/invitation";
const TAG_HASH = "doublelock/v1/key-log/entry";

/** What an entry does to its account. */
export const Kind = { FIRST: 1, UPDATE: 2, RESET: 3 } as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** What an invitation is for. */
export const Purpose = { JOIN: 1, RESET: 2 } as const;
export type Purpose = (typeof Purpose)[keyof typeof Purpose];

/**
 * An inviter's signed word that the holder of `inviteKey` may make one entry (spec Y-4).
 *
 * `inviter` and `inviterDevice` are zeros for the operator's genesis invitations; `subject` is zeros
 * when any new account may use it, and names the account when it is for a reset.
 */
export interface Invitation {
  readonly purpose: Purpose;
  readonly inviter: AccountId;
  readonly inviterDevice: DeviceId;
  readonly subject: AccountId;
  readonly committee: number;
  readonly expiresMs: bigint;
  readonly inviteKey: Uint8Array;
  readonly signature: Uint8Array;
}

function unsignedInvitation(invitation: Omit<Invitation, "signature">): Uint8Array {
  return concat(
    u8(VERSION),
    u8(invitation.purpose),
    invitation.inviter,
    invitation.inviterDevice,
    invitation.subject,
    u16(invitation.committee),
    u64(invitation.expiresMs),
    invitation.inviteKey,
  );
}

/** The 188 bytes of an invitation. */
export function encodeInvitation(invitation: Invitation): Uint8Array {
  return concat(unsignedInvitation(invitation), invitation.signature);
}

/** What the inviter's device (or the genesis invite key) signs. */
export function invitationBytes(
  invitation: Omit<Invitation, "signature">,
  deployment: DeploymentId,
): Uint8Array {
  return tagged(TAG_INVITATION, deployment, unsignedInvitation(invitation));
}

/** Whether the charter's genesis invite key made it. */
export function byOperator(invitation: Invitation): boolean {
  return equalBytes(invitation.inviter, NOBODY);
}

/**
 * One key-log entry as decoded: its form is right, nothing is verified yet (spec Y-2).
 *
 * `author` and `authorSignature` are there for an update only; `invitation` and `inviteSignature`
 * for a first entry or a reset only. `proofs` holds one signature for each newly listed device key,
 * in the order of `keys`.
 */
export interface Entry {
  readonly kind: Kind;
  readonly account: AccountId;
  readonly number: number;
  readonly lineage: number;
  readonly previous: bigint;
  readonly timeMs: bigint;
  readonly committee: number;
  readonly keys: readonly Uint8Array[];
  readonly author: DeviceId;
  readonly authorSignature: Uint8Array;
  readonly invitation: Invitation | undefined;
  readonly inviteSignature: Uint8Array;
  readonly proofs: readonly Uint8Array[];
}

/** The part that every signature covers. */
export function entryBody(entry: Entry): Uint8Array {
  return concat(
    u8(VERSION),
    u8(entry.kind),
    entry.account,
    u32(entry.number),
    u32(entry.lineage),
    u64(entry.previous),
    u64(entry.timeMs),
    u16(entry.committee),
    u8(entry.keys.length),
    ...entry.keys,
    entry.invitation === undefined ? entry.author : encodeInvitation(entry.invitation),
  );
}

/** What the existing device that makes an update signs. */
export function authorBytes(entry: Entry, deployment: DeploymentId): Uint8Array {
  return tagged(TAG_AUTHOR, deployment, entryBody(entry));
}

/** What a newly listed device signs to show that it agrees and holds its key. */
export function possessionBytes(
  entry: Entry,
  deployment: DeploymentId,
  key: Uint8Array,
): Uint8Array {
  return tagged(TAG_POSSESSION, deployment, key, entryBody(entry));
}

/** What the invite key signs: the countersignature by the inviter's word. */
export function invitedBytes(entry: Entry, deployment: DeploymentId): Uint8Array {
  return tagged(TAG_INVITED, deployment, entryBody(entry));
}

/** The entry's bytes: the leaf of the key log. */
export function encodeEntry(entry: Entry): Uint8Array {
  const signature = entry.invitation === undefined ? entry.authorSignature : entry.inviteSignature;
  return concat(entryBody(entry), signature, u8(entry.proofs.length), ...entry.proofs);
}

/** The invitation in 188 bytes. Throws Malformed on any other size or form. */
export function decodeInvitation(data: Uint8Array): Invitation {
  const reader = new Reader(data);
  const invitation = readInvitation(reader);
  reader.end();
  return invitation;
}

function readInvitation(reader: Reader): Invitation {
  if (reader.u8() !== VERSION) throw new Malformed("form", "invitation version");
  const given = reader.u8();
  const purpose = Object.values(Purpose).find((each) => each === given);
  if (purpose === undefined) throw new Malformed("form", "invitation purpose");
  return {
    purpose,
    inviter: reader.take(ACCOUNT_SIZE),
    inviterDevice: reader.take(DEVICE_SIZE),
    subject: reader.take(ACCOUNT_SIZE),
    committee: reader.u16(),
    expiresMs: reader.u64(),
    inviteKey: reader.take(KEY_SIZE),
    signature: reader.take(SIGNATURE_SIZE),
  };
}

/**
 * The entry in `data`; only its form is checked.
 *
 * Throws Malformed: wrong size, unknown version or kind, keys that are not strictly ascending (one
 * list has one encoding), no device or more than `limits.DEVICES_PER_ACCOUNT`.
 */
export function decodeEntry(data: Uint8Array): Entry {
  if (data.length > limits.KEY_LOG_ENTRY) throw new Malformed("size", "key-log entry");
  const reader = new Reader(data);
  if (reader.u8() !== VERSION) throw new Malformed("form", "key-log entry version");
  const given = reader.u8();
  const kind = Object.values(Kind).find((each) => each === given);
  if (kind === undefined) throw new Malformed("form", "key-log entry kind");
  const account = reader.take(ACCOUNT_SIZE);
  const number = reader.u32();
  const lineage = reader.u32();
  const previous = reader.u64();
  const timeMs = reader.u64();
  const committee = reader.u16();
  const count = reader.u8();
  if (count < 1 || count > limits.DEVICES_PER_ACCOUNT) {
    throw new Malformed("size", `${count} devices`);
  }
  const keys = takeMany(reader, count, KEY_SIZE);
  keys.forEach((key, at) => {
    const before = keys[at - 1];
    if (before !== undefined && compareBytes(before, key) >= 0) {
      throw new Malformed("not-canonical", "device keys out of order");
    }
  });
  const update = kind === Kind.UPDATE;
  const author = update ? reader.take(DEVICE_SIZE) : NO_DEVICE;
  const invitation = update ? undefined : readInvitation(reader);
  const signature = reader.take(SIGNATURE_SIZE);
  const proofCount = reader.u8();
  if (proofCount > count) throw new Malformed("size", `${proofCount} proofs`);
  const proofs = takeMany(reader, proofCount, SIGNATURE_SIZE);
  reader.end();
  return {
    kind,
    account,
    number,
    lineage,
    previous,
    timeMs,
    committee,
    keys,
    author,
    authorSignature: update ? signature : NOTHING,
    invitation,
    inviteSignature: update ? NOTHING : signature,
    proofs,
  };
}

function takeMany(reader: Reader, count: number, size: number): Uint8Array[] {
  return Array.from({ length: count }, () => reader.take(size));
}

/** 32 bytes that name an entry, so that a client knows again what it made itself. */
export function hashEntry(data: Uint8Array): Uint8Array {
  return sha256(tagged(TAG_HASH, sha256(data)));
}

/** An invitation signed by `sign`: the inviter's device, or the genesis invite key. */
export function makeInvitation(
  deployment: DeploymentId,
  sign: Signer,
  terms: {
    readonly inviteKey: Uint8Array;
    readonly committee: number;
    readonly expiresMs: number | bigint;
    readonly inviter?: AccountId;
    readonly inviterDevice?: DeviceId;
    readonly resetOf?: AccountId;
  },
): Invitation {
  const draft = {
    purpose: terms.resetOf === undefined ? Purpose.JOIN : Purpose.RESET,
    inviter: terms.inviter ?? NOBODY,
    inviterDevice: terms.inviterDevice ?? NO_DEVICE,
    subject: terms.resetOf ?? NOBODY,
    committee: terms.committee,
    expiresMs: BigInt(terms.expiresMs),
    inviteKey: terms.inviteKey,
  };
  return { ...draft, signature: sign(invitationBytes(draft, deployment)) };
}

/** A device's Ed25519 public key with its signer. */
export type DeviceSigner = readonly [key: Uint8Array, sign: Signer];

function inOrder(devices: readonly DeviceSigner[]): DeviceSigner[] {
  return [...devices].sort(([left], [right]) => compareBytes(left, right));
}

/** A first entry (or, with `after`, a reset) fully signed; `signInvite` holds the invitation's key. */
export function makeInvitedEntry(
  deployment: DeploymentId,
  account: AccountId,
  invitation: Invitation,
  signInvite: Signer,
  devices: readonly DeviceSigner[],
  timeMs: number | bigint,
  after: { readonly number: number; readonly lineage: number; readonly previous: bigint } = {
    number: 1,
    lineage: 1,
    previous: NO_INDEX,
  },
): Entry {
  const ordered = inOrder(devices);
  const draft: Entry = {
    kind: invitation.purpose === Purpose.JOIN ? Kind.FIRST : Kind.RESET,
    account,
    ...after,
    timeMs: BigInt(timeMs),
    committee: invitation.committee,
    keys: ordered.map(([key]) => key),
    author: NO_DEVICE,
    authorSignature: NOTHING,
    invitation,
    inviteSignature: NOTHING,
    proofs: [],
  };
  return {
    ...draft,
    inviteSignature: signInvite(invitedBytes(draft, deployment)),
    proofs: ordered.map(([key, sign]) => sign(possessionBytes(draft, deployment, key))),
  };
}

/** An unsigned update that lists `keys`; each new device and the author then sign it. */
export function draftUpdate(
  account: AccountId,
  place: Pick<Entry, "number" | "lineage" | "previous" | "committee">,
  keys: readonly Uint8Array[],
  authorKey: Uint8Array,
  timeMs: number | bigint,
): Entry {
  return {
    kind: Kind.UPDATE,
    account,
    number: place.number,
    lineage: place.lineage,
    previous: place.previous,
    timeMs: BigInt(timeMs),
    committee: place.committee,
    keys: [...keys].sort(compareBytes),
    author: nameDevice(authorKey),
    authorSignature: NOTHING,
    invitation: undefined,
    inviteSignature: NOTHING,
    proofs: [],
  };
}

/** The update with its author's signature and the new devices' proofs. */
export function signUpdate(
  deployment: DeploymentId,
  draft: Entry,
  signAuthor: Signer,
  newDevices: readonly DeviceSigner[],
): Entry {
  return {
    ...draft,
    authorSignature: signAuthor(authorBytes(draft, deployment)),
    proofs: inOrder(newDevices).map(([key, sign]) => sign(possessionBytes(draft, deployment, key))),
  };
}
