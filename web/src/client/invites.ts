/** What invites lead to: an account, a device, a group. */

import type { InviteFacts } from "../messenger.ts";
import { decodeDeviceInvite, isDeviceInvite } from "../protocol/device_invite.ts";
import { GroupRefused } from "../protocol/errors.ts";
import { decodeGroupLink, type GroupLink, isGroupLink } from "../protocol/group_link.ts";
import { decodeInvite, type Invite } from "../protocol/invite.ts";
import { byOperator } from "../protocol/keylog_entry.ts";
import { display } from "../protocol/record.ts";
import { Http } from "./http.ts";
import { Monitor } from "./monitor.ts";
import { readBundle, readTrust } from "./trust.ts";

/** A deployment as nobody's device sees it: its charter and both logs, verified from their beginning. */
export async function lookAt(
  origin: string,
  deployment: Uint8Array,
): Promise<{ monitor: Monitor; http: Http }> {
  const http = new Http(origin);
  const monitor = await Monitor.begin(http, deployment, () => Date.now());
  monitor.checkClock();
  await monitor.syncKeys();
  await monitor.syncLaw();
  return { monitor, http };
}

/**
 * What an invite leads to, with the charter that it pins, before anybody registers by it.
 *
 * Throws Malformed for what is no invite, and what the logs and the server refuse.
 */
export async function readInvite(origin: string, text: string): Promise<InviteFacts> {
  if (isDeviceInvite(text)) return readDeviceInvite(origin, text);
  if (isGroupLink(text)) return readGroupLink(origin, decodeGroupLink(text));
  const invite = decodeInvite(text);
  const { monitor, http } = await lookAt(origin, invite.deployment);
  const bundle = await readBundle(http, monitor);
  const { invitation } = invite;
  let inviter: string | null = null;
  if (!byOperator(invitation))
    monitor.keyLog.currentDevice(invitation.inviter, invitation.inviterDevice);
  else inviter = monitor.charter.terms.operator.name;
  return {
    purpose: "account",
    trust: readTrust(monitor, bundle, null),
    inviter,
    handle: null,
    group: null,
    registers: true,
    expiresMs: Number(invitation.expiresMs),
  };
}

async function readDeviceInvite(origin: string, text: string): Promise<InviteFacts> {
  const { deployment, handle } = decodeDeviceInvite(text);
  const { monitor, http } = await lookAt(origin, deployment);
  const trust = readTrust(monitor, await readBundle(http, monitor), null);
  return {
    purpose: "device",
    trust,
    inviter: null,
    handle,
    group: null,
    registers: true,
    expiresMs: null,
  };
}

async function readGroupLink(origin: string, link: GroupLink): Promise<InviteFacts> {
  const { monitor, http } = await lookAt(origin, link.deployment);
  monitor.keyLog.currentDevice(link.inviter, link.device);
  const bundle = await readBundle(http, monitor);
  return {
    purpose: "group",
    trust: readTrust(monitor, bundle, null),
    inviter: null,
    handle: null,
    group: { name: display(link.name) },
    registers: link.newcomer !== null,
    expiresMs: link.expiresMs,
  };
}

/** What a newcomer registers by. Throws GroupRefused(invitation-refused) where a link has no such. */
export function inviteOf(link: GroupLink): Invite {
  const { address, deployment, newcomer } = link;
  if (newcomer === null) throw new GroupRefused("invitation-refused", "a link for members only");
  return { address, deployment, ...newcomer };
}
