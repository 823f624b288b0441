/**
 * Links into groups, and the requests of those who follow them (spec G-20 to G-24).
 *
 * A link's secret is made by one device of an administrator and stays with whoever has the link. A
 * request proves that its sender has it, says so by a signature, and tells the server nothing of
 * the group.
 */

import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { decodeBase64url, encodeBase64url } from "./documents.ts";
import { SEED_SIZE, type Signer, verify } from "./ed25519.ts";
import { concat, equalBytes, Reader, tagged, u8, u64 } from "./encoding.ts";
import { GroupRefused, Malformed } from "./errors.ts";
import {
  ACCOUNT_SIZE,
  type AccountId,
  CONVERSATION_SIZE,
  type ConversationId,
  DEPLOYMENT_SIZE,
  DEVICE_SIZE,
  type DeploymentId,
  type DeviceId,
} from "./identifiers.ts";
import { decodeInvitation, encodeInvitation, type Invitation } from "./keylog_entry.ts";
import * as limits from "./limits.ts";

export const SECRET_SIZE = 32;
const VERSION = 2;
const REQUEST_VERSION = 1;
const MAC_SIZE = 32;
const SIGNATURE_SIZE = 64;
const TAG_KEY = "doublelock/v1/group-link";
const TAG_MAC = "doublelock/v1/join-request/mac";
const TAG_REQUEST = "doublelock/v1/join-request";

/**
 * A way into a group: whose device answers, until when, and the secret (32 bytes).
 *
 * `name` is the group's as its maker said it, at most 128 bytes. With `newcomer` (its `seed` 32
 * bytes) one newcomer can register by it first.
 */
export interface GroupLink {
  readonly address: string;
  readonly deployment: DeploymentId;
  readonly conversation: ConversationId;
  readonly inviter: AccountId;
  readonly device: DeviceId;
  readonly expiresMs: number;
  readonly secret: Uint8Array;
  readonly name: Uint8Array;
  readonly newcomer: { readonly seed: Uint8Array; readonly invitation: Invitation } | null;
}

/** The link's line; whoever has it can ask. Throws Malformed(size). */
export function encodeGroupLink(link: GroupLink): string {
  if (link.name.length > limits.GROUP_LINK_NAME)
    throw new Malformed("size", "a group's name in a link");
  const { deployment, conversation, inviter, device, expiresMs, secret, name, newcomer } = link;
  const data = concat(
    u8(VERSION),
    deployment,
    conversation,
    inviter,
    device,
    u64(expiresMs),
    secret,
    u8(name.length),
    name,
    ...(newcomer === null ? [] : [newcomer.seed, encodeInvitation(newcomer.invitation)]),
  );
  return `${link.address}/#${encodeBase64url(data)}`;
}

/** The link in a line of text. Throws Malformed. */
export function decodeGroupLink(text: string): GroupLink {
  const line = text.trim();
  const mark = line.indexOf("/#");
  const address = line.slice(0, Math.max(mark, 0));
  const fragment = line.slice(mark + 2);
  if (
    mark < 0 ||
    [...address].length > limits.GROUP_LINK_ADDRESS ||
    !/^https?:\/\//.test(address)
  ) {
    throw new Malformed("form", "not a group's link");
  }
  if (fragment.length > limits.GROUP_LINK_FRAGMENT) throw new Malformed("size", "group link");
  const reader = new Reader(decodeBase64url(fragment));
  if (reader.u8() !== VERSION) throw new Malformed("form", "group link version");
  const deployment = reader.take(DEPLOYMENT_SIZE);
  const conversation = reader.take(CONVERSATION_SIZE);
  const inviter = reader.take(ACCOUNT_SIZE);
  const device = reader.take(DEVICE_SIZE);
  const expiresMs = Number(reader.u64());
  const secret = reader.take(SECRET_SIZE);
  const size = reader.u8();
  if (size > limits.GROUP_LINK_NAME) throw new Malformed("size", "a group's name in a link");
  const name = reader.take(size);
  const rest = reader.rest();
  let newcomer: GroupLink["newcomer"] = null;
  if (rest.length > 0) {
    const tail = new Reader(rest);
    const seed = tail.take(SEED_SIZE);
    newcomer = { seed, invitation: decodeInvitation(tail.rest()) };
  }
  const who = { deployment, conversation, inviter, device };
  return { address, ...who, expiresMs, secret, name, newcomer };
}

/** Whether a line of text is a group's link; what else it is, `decodeInvite` knows. */
export function isGroupLink(text: string): boolean {
  const fragment = text.trim().split("/#")[1] ?? "";
  try {
    return decodeBase64url(fragment.slice(0, 4))[0] === VERSION;
  } catch (problem) {
    if (problem instanceof Malformed) return false;
    throw problem;
  }
}

/** A request as decoded: nothing of it is verified yet. */
export interface JoinRequest {
  readonly timeMs: number;
  readonly mac: Uint8Array;
  readonly signature: Uint8Array;
}

/** The request's 105 bytes. */
export function encodeJoinRequest(request: JoinRequest): Uint8Array {
  const { timeMs, mac, signature } = request;
  return concat(u8(REQUEST_VERSION), u64(timeMs), mac, signature);
}

/** The request of 105 bytes; only its form is checked. Throws Malformed. */
export function decodeJoinRequest(data: Uint8Array): JoinRequest {
  const reader = new Reader(data);
  if (reader.u8() !== REQUEST_VERSION) throw new Malformed("form", "join request version");
  const timeMs = Number(reader.u64());
  const mac = reader.take(MAC_SIZE);
  const signature = reader.take(SIGNATURE_SIZE);
  reader.end();
  return { timeMs, mac, signature };
}

/** A device's request to be let into a link's group, signed by the device's key. */
export function makeJoinRequest(
  link: GroupLink,
  account: AccountId,
  device: DeviceId,
  sign: Signer,
  timeMs: number,
): JoinRequest {
  const mac = macOf(link, account, device, timeMs);
  return { timeMs, mac, signature: sign(signedBytes(link, account, device, timeMs, mac)) };
}

/** Whether a request was made with this link, by this device of this account. */
export function opensLink(
  request: JoinRequest,
  link: GroupLink,
  account: AccountId,
  device: DeviceId,
): boolean {
  return equalBytes(request.mac, macOf(link, account, device, request.timeMs));
}

/**
 * Refuses a request that does not count (spec G-22).
 *
 * `key` is the device's, which the key log lists for the account; `answeredMs` the time of the
 * account's last request that was answered for this group, 0 for none. Throws GroupRefused:
 * invitation-refused, invitation-expired, invitation-used; bad-signature by Ed25519.
 */
export function checkJoinRequest(
  request: JoinRequest,
  link: GroupLink,
  sender: { readonly account: AccountId; readonly device: DeviceId; readonly key: Uint8Array },
  times: { readonly answeredMs: number; readonly nowMs: number; readonly skewMs: number },
): void {
  const { account, device, key } = sender;
  if (!opensLink(request, link, account, device)) {
    throw new GroupRefused("invitation-refused", "another link's, or none's");
  }
  const signed = signedBytes(link, account, device, request.timeMs, request.mac);
  verify(key, request.signature, signed);
  if (request.timeMs > times.nowMs + times.skewMs) {
    throw new GroupRefused("invitation-refused", "made ahead of time");
  }
  if (Math.max(times.nowMs, request.timeMs) > link.expiresMs) {
    throw new GroupRefused("invitation-expired", "the group's link");
  }
  if (request.timeMs <= times.answeredMs) {
    throw new GroupRefused("invitation-used", "answered already");
  }
}

/** What proves the secret for one device's request (32 bytes, spec G-21). */
function macOf(link: GroupLink, account: AccountId, device: DeviceId, timeMs: number): Uint8Array {
  const info = tagged(
    TAG_KEY,
    link.deployment,
    link.conversation,
    link.inviter,
    link.device,
    u64(link.expiresMs),
  );
  const key = hkdf(sha256, link.secret, undefined, info, 32);
  return hmac(sha256, key, tagged(TAG_MAC, account, device, u64(timeMs)));
}

function signedBytes(
  link: GroupLink,
  account: AccountId,
  device: DeviceId,
  timeMs: number,
  mac: Uint8Array,
): Uint8Array {
  return tagged(
    TAG_REQUEST,
    link.deployment,
    link.inviter,
    link.device,
    account,
    device,
    u64(timeMs),
    mac,
  );
}
