/**
 * Invites: one line of text that carries everything a newcomer needs to trust.
 *
 * `<address>/#<base64url>`: the fragment never reaches a server. It holds the deployment id, which
 * pins the genesis charter and so every log and witness key, and the invitation with its key's seed.
 */

import { decodeBase64url, encodeBase64url } from "./documents.ts";
import { SEED_SIZE, type Signer, SigningKey } from "./ed25519.ts";
import { concat, Reader, u8 } from "./encoding.ts";
import { Malformed } from "./errors.ts";
import {
  type AccountId,
  DEPLOYMENT_SIZE,
  type DeploymentId,
  type DeviceId,
} from "./identifiers.ts";
import {
  decodeInvitation,
  encodeInvitation,
  INVITATION_SIZE,
  type Invitation,
  makeInvitation,
} from "./keylog_entry.ts";

const VERSION = 1;
const ADDRESS = 512;

/** An invitation to one deployment with the secret that uses it (`seed`, 32 bytes, once). */
export interface Invite {
  readonly address: string;
  readonly deployment: DeploymentId;
  readonly invitation: Invitation;
  readonly seed: Uint8Array;
}

/** The invite's line; whoever has it can use it. */
export function encodeInvite(invite: Invite): string {
  const { address, deployment, seed, invitation } = invite;
  const data = concat(u8(VERSION), deployment, seed, encodeInvitation(invitation));
  return `${address}/#${encodeBase64url(data)}`;
}

/** The invite in a line of text. Throws Malformed. */
export function decodeInvite(text: string): Invite {
  const line = text.trim();
  const mark = line.indexOf("/#");
  const address = line.slice(0, Math.max(mark, 0));
  const fragment = line.slice(mark + 2);
  if (mark < 0 || [...address].length > ADDRESS || !/^https?:\/\//.test(address)) {
    throw new Malformed("form", "not an invite");
  }
  if (fragment.length > 2 * (INVITATION_SIZE + 128)) throw new Malformed("size", "invite");
  const reader = new Reader(decodeBase64url(fragment));
  if (reader.u8() !== VERSION) throw new Malformed("form", "invite version");
  const deployment = reader.take(DEPLOYMENT_SIZE);
  const seed = reader.take(SEED_SIZE);
  return { address, deployment, seed, invitation: decodeInvitation(reader.rest()) };
}

/** An invite signed by a member's device; `seed` is 32 fresh random bytes. */
export function makeInvite(
  address: string,
  deployment: DeploymentId,
  sign: Signer,
  seed: Uint8Array,
  terms: {
    readonly committee: number;
    readonly expiresMs: number;
    readonly inviter: AccountId;
    readonly inviterDevice: DeviceId;
    readonly resetOf?: AccountId;
  },
): Invite {
  const inviteKey = new SigningKey(seed).public.encoded;
  const invitation = makeInvitation(deployment, sign, { inviteKey, ...terms });
  return { address: address.replace(/\/+$/, ""), deployment, invitation, seed };
}
