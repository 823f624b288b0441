/**
 * The key log's meaning: a pure replay from entries to accounts, devices and committees (spec Y).
 *
 * Everybody replays the same entries by the same rules, so everybody refuses the same ghosts. An
 * entry that breaks a rule has no effect, whoever logged it: the replay goes on behind it (Y-9).
 */

import * as ed25519 from "./ed25519.ts";
import { equalBytes, hex } from "./encoding.ts";
import { KeyLogRefused } from "./errors.ts";
import { type AccountId, type DeploymentId, type DeviceId, nameDevice } from "./identifiers.ts";
import {
  authorBytes,
  byOperator,
  decodeEntry,
  type Entry,
  hashEntry,
  type Invitation,
  invitationBytes,
  invitedBytes,
  Kind,
  NO_INDEX,
  NOBODY,
  Purpose,
  possessionBytes,
} from "./keylog_entry.ts";

/**
 * An account from one entry until its next: what held from log `index` and `timeMs` on.
 *
 * `number` counts the account's entries from 1, `lineage` its fresh starts from 1; `keys` are the
 * Ed25519 keys (32 bytes each) of its devices, ascending; `inviter` is zeros for the operator.
 */
export interface AccountVersion {
  readonly account: AccountId;
  readonly index: number;
  readonly timeMs: bigint;
  readonly number: number;
  readonly lineage: number;
  readonly committee: number;
  readonly keys: readonly Uint8Array[];
  readonly inviter: AccountId;
}

/** A device over the whole log: valid for indices (and times) from added until removed. */
export interface DeviceRecord {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly key: Uint8Array;
  readonly lineage: number;
  readonly addedIndex: number;
  readonly addedMs: bigint;
  readonly removed: { readonly index: number; readonly ms: bigint } | undefined;
}

/** Whether a device was listed at a time, give or take the charter's skew. */
export function validAt(record: DeviceRecord, timeMs: number, skewMs = 0): boolean {
  if (BigInt(timeMs + skewMs) < record.addedMs) return false;
  return record.removed === undefined || BigInt(timeMs - skewMs) < record.removed.ms;
}

/** What one accepted entry changed; `author` is the device or inviter that vouched for it. */
export interface Applied {
  readonly index: number;
  readonly timeMs: bigint;
  readonly kind: Kind;
  readonly account: AccountId;
  readonly entryHash: Uint8Array;
  readonly version: AccountVersion;
  readonly added: readonly DeviceId[];
  readonly removed: readonly DeviceId[];
  readonly author: DeviceId;
}

/** Checks (public key, signature, message) as `ed25519.verify` does, or throws a Refusal. */
export type Verify = (key: Uint8Array, signature: Uint8Array, message: Uint8Array) => void;

/** A charter's skew in ms: one for all times, or by time where amendments change it (spec Y-8). */
export type Skew = number | ((timeMs: number) => number);

/** The skew that holds at a time, in ms. */
export function skewOf(skew: Skew, timeMs: number): number {
  return typeof skew === "number" ? skew : skew(timeMs);
}

/**
 * Every account as the log says, entry by entry; holds no secret and does no I/O.
 *
 * `genesisKey` is the charter's genesis invite key, `skewMs` how far an entry's own time may lie
 * behind the log's.
 */
export class KeyLog {
  readonly deployment: DeploymentId;
  readonly #genesisKey: Uint8Array;
  readonly #skewMs: Skew;
  readonly #verify: Verify;
  #size = 0;
  #timeMs = 0n;
  readonly #accounts = new Map<string, AccountVersion[]>();
  readonly #devices = new Map<string, DeviceRecord>();
  readonly #invites = new Set<string>();

  constructor(
    deployment: DeploymentId,
    genesisKey: Uint8Array,
    skewMs: Skew,
    verify: Verify = ed25519.verify,
  ) {
    this.deployment = deployment;
    this.#genesisKey = genesisKey;
    this.#skewMs = skewMs;
    this.#verify = verify;
  }

  /** How many entries have been replayed: the index that comes next. */
  get size(): number {
    return this.#size;
  }

  /** The log's time: the latest that any accepted entry stated; it never runs backwards. */
  get timeMs(): bigint {
    return this.#timeMs;
  }

  /** The account as it is now. Throws KeyLogRefused(unknown-account). */
  account(account: AccountId): AccountVersion {
    return this.accountAsOf(account, {});
  }

  /** Whether an accepted entry named the account. */
  hasAccount(account: AccountId): boolean {
    return this.#accounts.has(hex(account));
  }

  /**
   * The account as it was at a log index or time, both inclusive.
   *
   * Throws KeyLogRefused(unknown-account) when it did not exist then.
   */
  accountAsOf(
    account: AccountId,
    when: { readonly index?: number; readonly timeMs?: number },
  ): AccountVersion {
    const { index, timeMs } = when;
    const found = this.#accounts
      .get(hex(account))
      ?.findLast(
        (version) =>
          (index === undefined || version.index <= index) &&
          (timeMs === undefined || version.timeMs <= BigInt(timeMs)),
      );
    if (found === undefined) throw unknown(account);
    return found;
  }

  /** The committee that the account is bound to. Throws KeyLogRefused. */
  committee(account: AccountId): number {
    return this.account(account).committee;
  }

  /** A device's record, removed or not. Throws KeyLogRefused(ghost-device). */
  device(device: DeviceId): DeviceRecord {
    const record = this.#devices.get(hex(device));
    if (record === undefined) throw new KeyLogRefused("ghost-device", hex(device));
    return record;
  }

  /**
   * The record of a device that the account lists now.
   *
   * Throws KeyLogRefused: ghost-device when the log never listed it for the account,
   * device-removed when it no longer does.
   */
  currentDevice(account: AccountId, device: DeviceId): DeviceRecord {
    const record = this.device(device);
    if (!equalBytes(record.account, account)) {
      throw new KeyLogRefused("ghost-device", hex(device));
    }
    if (record.removed !== undefined) throw new KeyLogRefused("device-removed", hex(device));
    return record;
  }

  /** Every account as it is now, in the order in which they came. */
  accounts(): AccountVersion[] {
    return [...this.#accounts.values()].flatMap((versions) => versions.slice(-1));
  }

  /**
   * The entry if it would be accepted next; what one does before offering it to the server.
   *
   * Throws Malformed or KeyLogRefused, by name; nothing changes.
   */
  check(data: Uint8Array): Entry {
    const entry = decodeEntry(data);
    const skewMs = BigInt(skewOf(this.#skewMs, Number(this.#timeMs)));
    if (entry.timeMs < this.#timeMs - skewMs) {
      throw new KeyLogRefused("entry-time", "behind the log");
    }
    if (entry.kind === Kind.FIRST) this.#checkFirst(entry);
    else if (entry.kind === Kind.UPDATE) this.#checkUpdate(entry);
    else this.#checkReset(entry);
    return entry;
  }

  /**
   * Replays the entry at `index` and returns what it changed.
   *
   * Throws KeyLogRefused(log-gap) when `index` is not the next one. Throws Malformed or
   * KeyLogRefused when the entry breaks a rule: then it counts as replayed but has no effect, and
   * the caller sounds an alarm (spec Y-9).
   */
  apply(index: number, data: Uint8Array): Applied {
    if (index !== this.#size) {
      throw new KeyLogRefused("log-gap", `entry ${index}, expected ${this.#size}`);
    }
    this.#size += 1;
    const entry = this.check(data);
    if (entry.timeMs > this.#timeMs) this.#timeMs = entry.timeMs;
    const versions = this.#accounts.get(hex(entry.account)) ?? [];
    const before = versions.at(-1);
    const old = before?.keys ?? [];
    let inviter = before?.inviter ?? NOBODY;
    if (entry.kind === Kind.FIRST && entry.invitation !== undefined) {
      inviter = entry.invitation.inviter;
    }
    const version: AccountVersion = {
      account: entry.account,
      index,
      timeMs: this.#timeMs,
      number: entry.number,
      lineage: entry.lineage,
      committee: entry.committee,
      keys: entry.keys,
      inviter,
    };
    this.#accounts.set(hex(entry.account), [...versions, version]);
    const added = entry.keys.filter((key) => !includes(old, key));
    const gone = old.filter((key) => !includes(entry.keys, key));
    this.#record(version, added, gone);
    if (entry.invitation !== undefined) this.#invites.add(hex(entry.invitation.inviteKey));
    return {
      index,
      timeMs: this.#timeMs,
      kind: entry.kind,
      account: entry.account,
      entryHash: hashEntry(data),
      version,
      added: added.map(nameDevice),
      removed: gone.map(nameDevice),
      author: entry.invitation?.inviterDevice ?? entry.author,
    };
  }

  #record(
    version: AccountVersion,
    added: readonly Uint8Array[],
    gone: readonly Uint8Array[],
  ): void {
    for (const key of added) {
      const device = nameDevice(key);
      this.#devices.set(hex(device), {
        account: version.account,
        device,
        key,
        lineage: version.lineage,
        addedIndex: version.index,
        addedMs: version.timeMs,
        removed: undefined,
      });
    }
    for (const key of gone) {
      const was = this.device(nameDevice(key));
      const removed = { index: version.index, ms: version.timeMs };
      this.#devices.set(hex(was.device), { ...was, removed });
    }
  }

  /** Spec Y-3: a new account, invited, whose devices all prove their keys. */
  #checkFirst(entry: Entry): void {
    if (this.hasAccount(entry.account) || equalBytes(entry.account, NOBODY)) {
      throw new KeyLogRefused("account-exists", hex(entry.account).slice(0, 16));
    }
    if (entry.number !== 1 || entry.lineage !== 1 || entry.previous !== NO_INDEX) {
      throw new KeyLogRefused("entry-order", "first entry");
    }
    this.#checkInvitation(entry, Purpose.JOIN);
    this.#checkProofs(entry, entry.keys);
  }

  /** Spec Y-5: an existing device changes the list; the lineage stays. */
  #checkUpdate(entry: Entry): void {
    const now = this.#checkFollows(entry);
    if (entry.lineage !== now.lineage) {
      throw new KeyLogRefused("entry-order", "an update keeps the lineage");
    }
    const author = now.keys.find((key) => equalBytes(nameDevice(key), entry.author));
    if (author === undefined) {
      throw new KeyLogRefused("ghost-device", "the author is not a device of the account");
    }
    this.#verify(author, entry.authorSignature, authorBytes(entry, this.deployment));
    this.#checkProofs(
      entry,
      entry.keys.filter((key) => !includes(now.keys, key)),
    );
  }

  /** Spec Y-6: a new lineage with new devices only, on the word of the account's inviter. */
  #checkReset(entry: Entry): void {
    const now = this.#checkFollows(entry);
    if (entry.lineage !== now.lineage + 1) {
      throw new KeyLogRefused("entry-order", "a reset starts the next lineage");
    }
    const invitation = this.#checkInvitation(entry, Purpose.RESET);
    if (byOperator(invitation) || !equalBytes(invitation.inviter, now.inviter)) {
      throw new KeyLogRefused("invitation-refused", "only the account's inviter can reset it");
    }
    this.#checkProofs(entry, entry.keys);
  }

  /** Spec Y-5, Y-6: the account's next entry, and in the committee that it always had. */
  #checkFollows(entry: Entry): AccountVersion {
    const now = this.account(entry.account);
    if (entry.number !== now.number + 1 || entry.previous !== BigInt(now.index)) {
      throw new KeyLogRefused("entry-order", `entry ${entry.number} after ${now.number}`);
    }
    if (entry.committee !== now.committee) throw new KeyLogRefused("committee-changed");
    return now;
  }

  /** Spec Y-4: by a current device of the committee or the genesis key, fitting, unused. */
  #checkInvitation(entry: Entry, purpose: Purpose): Invitation {
    const { invitation } = entry;
    if (invitation?.purpose !== purpose) throw new KeyLogRefused("invitation-refused", "purpose");
    const forAnybody = purpose === Purpose.JOIN && equalBytes(invitation.subject, NOBODY);
    if (!forAnybody && !equalBytes(invitation.subject, entry.account)) {
      throw new KeyLogRefused("invitation-refused", "made for another account");
    }
    if (invitation.committee !== entry.committee) {
      throw new KeyLogRefused("committee-changed", "invitation");
    }
    if (entry.timeMs > invitation.expiresMs) throw new KeyLogRefused("invitation-expired");
    if (this.#invites.has(hex(invitation.inviteKey))) throw new KeyLogRefused("invitation-used");
    let signer = this.#genesisKey;
    if (!byOperator(invitation)) {
      signer = this.currentDevice(invitation.inviter, invitation.inviterDevice).key;
      if (invitation.committee !== this.committee(invitation.inviter)) {
        throw new KeyLogRefused("invitation-committee");
      }
    }
    this.#verify(signer, invitation.signature, invitationBytes(invitation, this.deployment));
    this.#verify(invitation.inviteKey, entry.inviteSignature, invitedBytes(entry, this.deployment));
    return invitation;
  }

  /** Spec Y-7: no device without a proof of its key, and no key ever twice. */
  #checkProofs(entry: Entry, added: readonly Uint8Array[]): void {
    if (entry.proofs.length !== added.length) {
      const counts = `${added.length} new devices, ${entry.proofs.length} proofs`;
      throw new KeyLogRefused("ghost-device", counts);
    }
    added.forEach((key, at) => {
      const device = hex(nameDevice(key));
      if (this.#devices.has(device)) throw new KeyLogRefused("device-taken", device);
      const proof = entry.proofs[at] ?? new Uint8Array();
      this.#verify(key, proof, possessionBytes(entry, this.deployment, key));
    });
  }
}

function includes(keys: readonly Uint8Array[], wanted: Uint8Array): boolean {
  return keys.some((key) => equalBytes(key, wanted));
}

function unknown(account: AccountId): KeyLogRefused {
  return new KeyLogRefused("unknown-account", hex(account).slice(0, 16));
}

/**
 * Whether an entry about `me` is not among those that this device made: an alarm (spec Y-10).
 *
 * `made` holds entry hashes (`hashEntry`) in hexadecimal.
 */
export function isAlarm(applied: Applied, me: AccountId, made: ReadonlySet<string>): boolean {
  return equalBytes(applied.account, me) && !made.has(hex(applied.entryHash));
}
