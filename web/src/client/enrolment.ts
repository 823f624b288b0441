/** How a device comes into the key log: its identity, its first entry, its key packages (Y-3). */

import { appended, keyPackageCount, publishKeyPackages, register } from "../protocol/api.ts";
import { SigningKey } from "../protocol/ed25519.ts";
import { equalBytes, hex } from "../protocol/encoding.ts";
import { KeyLogRefused, Refusal, WireRefused } from "../protocol/errors.ts";
import { nameAccount, nameDevice } from "../protocol/identifiers.ts";
import type { Invite } from "../protocol/invite.ts";
import {
  encodeEntry,
  hashEntry,
  makeInvitedEntry,
  NO_INDEX,
  Purpose,
} from "../protocol/keylog_entry.ts";
import type { Core, Identity } from "./core.ts";
import type { Http } from "./http.ts";
import type { Monitor } from "./monitor.ts";

const PACKAGES = 20;
const FEW = 5;
const COSIGN_WAIT_MS = 60_000;
const POLL_MS = 200;

/** Draws the device's key and makes the entry that enters it; the vault gets both before the server. */
export function foundAccount(
  monitor: Monitor,
  invite: Invite,
  handle: string,
  deviceName: string,
): { readonly identity: Identity; readonly entry: Uint8Array } {
  const seed = crypto.getRandomValues(new Uint8Array(32));
  const key = new SigningKey(seed);
  const account = nameAccount(monitor.charter.terms.accountSalt, handle);
  let after = { number: 1, lineage: 1, previous: NO_INDEX };
  if (invite.invitation.purpose === Purpose.RESET) {
    const now = monitor.keyLog.account(account);
    after = { number: now.number + 1, lineage: now.lineage + 1, previous: BigInt(now.index) };
  }
  const entry = encodeEntry(
    makeInvitedEntry(
      invite.deployment,
      account,
      invite.invitation,
      new SigningKey(invite.seed).sign,
      [[key.public.encoded, key.sign]],
      monitor.clock(),
      after,
    ),
  );
  const { address, deployment } = invite;
  const made = [hex(hashEntry(entry))];
  return { identity: { address, deployment, handle, account, seed, made, deviceName }, entry };
}

/** Whether the key log lists this identity's device. */
export function isListed(monitor: Monitor, identity: Identity): boolean {
  const log = monitor.keyLog;
  if (!log.hasAccount(identity.account)) return false;
  const device = nameDevice(new SigningKey(identity.seed).public.encoded);
  return log.account(identity.account).keys.some((key) => equalBytes(nameDevice(key), device));
}

/** Whether the key log lists this identity's device, or listed it once. */
export function wasListed(monitor: Monitor, identity: Identity): boolean {
  try {
    monitor.keyLog.device(nameDevice(new SigningKey(identity.seed).public.encoded));
    return true;
  } catch (problem) {
    if (problem instanceof KeyLogRefused) return false;
    throw problem;
  }
}

/** Brings the first entry into the log and waits until the witnesses have seen it. */
export async function enter(
  http: Http,
  monitor: Monitor,
  identity: Identity,
  entry: Uint8Array,
  step: (step: "log" | "witnesses") => void,
): Promise<void> {
  step("log");
  const { handle } = identity;
  try {
    await http.ask("POST", "/v1/register", register, { handle, entry }, appended, {
      anyone: true,
    });
  } catch (problem) {
    if (!(problem instanceof WireRefused) || problem.code !== "account-exists") throw problem;
    // Ours, when a crash cut the answer off: then the log shows this device.
    await monitor.syncKeys();
    if (!isListed(monitor, identity)) throw problem;
  }
  step("witnesses");
  await waitFor(monitor, () => isListed(monitor, identity));
}

/** Reads the key log until it says so. Throws KeyLogRefused(log-quorum) when the time is over. */
export async function waitFor(monitor: Monitor, reached: () => boolean): Promise<void> {
  const end = Date.now() + COSIGN_WAIT_MS;
  while (!reached()) {
    if (Date.now() > end) throw new KeyLogRefused("log-quorum", "the witnesses do not cosign");
    await new Promise((done) => setTimeout(done, POLL_MS));
    try {
      await monitor.syncKeys();
    } catch (problem) {
      // The log is as it was; what is wrong with it shows when the time is over.
      if (!(problem instanceof Refusal)) throw problem;
    }
  }
}

/** Puts fresh key packages and a last resort where others can claim them. Runs alone. */
export async function publishPackages(core: Core): Promise<void> {
  const made = await core.groups.makePackages(PACKAGES + 1);
  const last = made[PACKAGES];
  if (last === undefined) return;
  core.write(...made.map((one) => [["package", hex(one.reference)], one.private] as const), [
    ["fact", "last-resort"],
    last.reference,
  ]);
  await core.flush();
  const packages = made.slice(0, PACKAGES).map((one) => one.message);
  const wish = { packages, lastResort: last.message };
  await core.http.ask("POST", "/v1/key-packages", publishKeyPackages, wish, keyPackageCount);
}

/** Publishes more when few are left. Runs alone. */
export async function refillPackages(core: Core): Promise<void> {
  const { left } = await core.http.ask(
    "GET",
    "/v1/key-packages",
    undefined,
    undefined,
    keyPackageCount,
  );
  if (left < FEW) await publishPackages(core);
}
