/**
 * Who may add, remove, join and change a group: pure rules over small descriptions (spec G).
 *
 * Server and clients run these same rules on what the MLS layer shows them, so that a commit which
 * the server lets through is one that every member accepts, and a ghost is refused by both.
 */

import { compareBytes, concat, equalBytes, hex, Reader, u8, u16 } from "./encoding.ts";
import { GroupRefused, KeyLogRefused, Malformed } from "./errors.ts";
import {
  ACCOUNT_SIZE,
  type AccountId,
  CONVERSATION_SIZE,
  type ConversationId,
  DEPLOYMENT_SIZE,
  DEVICE_SIZE,
  type DeploymentId,
  type DeviceId,
  nameConversation,
  nameDevice,
} from "./identifiers.ts";
import { type DeviceRecord, type KeyLog, type Skew, skewOf, validAt } from "./keylog.ts";
import * as limits from "./limits.ts";

export const CREDENTIAL_SIZE = 1 + ACCOUNT_SIZE + DEVICE_SIZE;
export const NONCE_SIZE = 32;
const VERSION = 1;
const SIGNED = 4 + 2 + 64;

/** What a conversation is between. */
export const ConversationKind = { DIRECT: 1, GROUP: 2 } as const;
export type ConversationKind = (typeof ConversationKind)[keyof typeof ConversationKind];

/** Whose role permits to add other people. */
export const AddPolicy = { ADMINS: 1, MEMBERS: 2 } as const;
export type AddPolicy = (typeof AddPolicy)[keyof typeof AddPolicy];

/** One MLS leaf: an account's device and its Ed25519 key (32 bytes). */
export interface Leaf {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly key: Uint8Array;
}

/**
 * The group-context bytes: what a conversation is, who rules it, and if escrow applies (G-2).
 *
 * `admins` is strictly ascending; in a direct conversation it is its two accounts.
 */
export interface Context {
  readonly kind: ConversationKind;
  readonly deployment: DeploymentId;
  readonly creator: DeviceId;
  readonly nonce: Uint8Array;
  readonly escrow: boolean;
  readonly addPolicy: AddPolicy;
  readonly admins: readonly AccountId[];
}

/**
 * A commit as the MLS layer shows it, before it takes effect.
 *
 * `left` are leaves that go by their own signed wish, `removed` those that the committer removes.
 * `contextAfter` is undefined where the context stays. `roster` gives the leaves before the commit.
 */
export interface Change {
  readonly committer: Leaf;
  readonly external: boolean;
  readonly added: readonly Leaf[];
  readonly removed: readonly Leaf[];
  readonly left: readonly Leaf[];
  readonly contextBefore: Uint8Array | undefined;
  readonly contextAfter: Uint8Array | undefined;
  readonly roster: () => readonly Leaf[];
  readonly timeMs: number;
}

declare const allowed: unique symbol;

/** A commit that every rule accepts; `context` holds after it. */
export interface AcceptedChange {
  readonly [allowed]: true;
  readonly change: Change;
  readonly context: Context;
}

/** A group whose welcome every rule accepts; `stale` leaves should be removed by an admin. */
export interface JoinedGroup {
  readonly [allowed]: true;
  readonly context: Context;
  readonly stale: readonly Leaf[];
}

/** Whether two leaves are the same. */
export function sameLeaf(one: Leaf, other: Leaf): boolean {
  return (
    equalBytes(one.account, other.account) &&
    equalBytes(one.device, other.device) &&
    equalBytes(one.key, other.key)
  );
}

/** The bytes of the MLS group-context extension. */
export function encodeContext(context: Context): Uint8Array {
  return concat(
    u8(VERSION),
    u8(context.kind),
    context.deployment,
    context.creator,
    context.nonce,
    u8(context.escrow ? 1 : 0),
    u8(context.addPolicy),
    u16(context.admins.length),
    ...context.admins,
  );
}

/**
 * Whether what an account says of the conversation itself counts: its admins' word (G-14).
 *
 * That is its details and its timer; in a direct conversation both people are admins.
 */
export function speaksFor(context: Context, account: AccountId): boolean {
  return context.admins.some((admin) => equalBytes(admin, account));
}

/** The conversation id that a context proves (spec G-1). */
export function conversationOf(context: Context): ConversationId {
  return nameConversation(context.creator, context.nonce, context.deployment);
}

/** The 49 bytes of a device's MLS basic credential (spec G-3). */
export function encodeCredential(account: AccountId, device: DeviceId): Uint8Array {
  return concat(u8(VERSION), account, device);
}

/** Account and device of a credential. Throws Malformed on any other size or form. */
export function decodeCredential(data: Uint8Array): {
  readonly account: AccountId;
  readonly device: DeviceId;
} {
  if (data.length !== CREDENTIAL_SIZE || data[0] !== VERSION) {
    throw new Malformed("form", "credential");
  }
  return { account: data.slice(1, 1 + ACCOUNT_SIZE), device: data.slice(1 + ACCOUNT_SIZE) };
}

/**
 * The leaf of a credential and signature key, which must name each other.
 *
 * Throws Malformed; GroupRefused(ghost-member) when the device id is not the key's name.
 */
export function readLeaf(credential: Uint8Array, key: Uint8Array): Leaf {
  const { account, device } = decodeCredential(credential);
  if (!equalBytes(nameDevice(key), device)) {
    throw new GroupRefused("ghost-member", "the device id is not that of the key");
  }
  return { account, device, key };
}

/** The context in `data`. Throws Malformed on any other size or form. */
export function decodeContext(data: Uint8Array | undefined): Context {
  if (data === undefined) throw new Malformed("form", "no group context");
  const reader = new Reader(data);
  if (reader.u8() !== VERSION) throw new Malformed("form", "group context version");
  const kind = known(ConversationKind, reader.u8());
  const deployment = reader.take(DEPLOYMENT_SIZE);
  const creator = reader.take(DEVICE_SIZE);
  const nonce = reader.take(NONCE_SIZE);
  const escrow = reader.u8();
  const addPolicy = known(AddPolicy, reader.u8());
  const count = reader.u16();
  if (escrow > 1 || count < 1 || count > limits.GROUP_MEMBERS) {
    throw new Malformed("form", "group context");
  }
  const admins = Array.from({ length: count }, () => reader.take(ACCOUNT_SIZE));
  reader.end();
  admins.forEach((admin, at) => {
    const before = admins[at - 1];
    if (before !== undefined && compareBytes(before, admin) >= 0) {
      throw new Malformed("not-canonical", "admins out of order");
    }
  });
  if (kind === ConversationKind.DIRECT && count !== 2) {
    throw new Malformed("form", "a direct conversation has two accounts");
  }
  return { kind, deployment, creator, nonce, escrow: escrow === 1, addPolicy, admins };
}

function known<T extends number>(values: Readonly<Record<string, T>>, given: number): T {
  const found = Object.values(values).find((value) => value === given);
  if (found === undefined) throw new Malformed("form", "group context");
  return found;
}

/** A context with its admins in order. Throws Malformed where its form is not allowed. */
export function makeContext(
  terms: Omit<Context, "admins" | "addPolicy"> & {
    readonly admins: Iterable<AccountId>;
    readonly addPolicy?: AddPolicy;
  },
): Context {
  if (terms.nonce.length !== NONCE_SIZE) throw new Malformed("size", "nonce");
  const admins = new Map([...terms.admins].map((admin) => [hex(admin), admin]));
  const sorted = [...admins.values()].sort(compareBytes);
  const addPolicy = terms.addPolicy ?? AddPolicy.ADMINS;
  return decodeContext(encodeContext({ ...terms, addPolicy, admins: sorted }));
}

/**
 * Whether two GroupInfos of one epoch say the same: who signed is all that may differ.
 *
 * At the end of both: signer u32, and a signature of 64 bytes with its size (RFC 9420 §12.4.3; spec G-16).
 */
export function isSameGroupInfo(theirs: Uint8Array, own: Uint8Array): boolean {
  const same = equalBytes(theirs.subarray(0, -SIGNED), own.subarray(0, -SIGNED));
  return theirs.length === own.length && same;
}

/**
 * The rules of one deployment: its id, whether its charter escrows, and its key log.
 *
 * `escrow` is as the charter in force says; `earlier` holds what charters before it said: groups
 * that were made under them stay (G-2).
 */
export class Rules {
  readonly deployment: DeploymentId;
  readonly escrow: boolean;
  readonly keyLog: KeyLog;
  readonly #skewMs: Skew;
  readonly #escrows: ReadonlySet<boolean>;

  constructor(
    deployment: DeploymentId,
    escrow: boolean,
    keyLog: KeyLog,
    skewMs: Skew,
    earlier: Iterable<boolean> = [],
  ) {
    this.#escrows = new Set([escrow, ...earlier]);
    this.deployment = deployment;
    this.escrow = escrow;
    this.keyLog = keyLog;
    this.#skewMs = skewMs;
  }

  /**
   * The key log's record of a leaf (spec G-4).
   *
   * With a time, the device must have been listed then, give or take the skew, so that members who
   * read a commit later judge it alike. Without one, ever having been listed is enough: somebody
   * joining cannot help that a device was removed since. Throws GroupRefused(ghost-member).
   */
  checkLeaf(leaf: Leaf, timeMs: number | undefined): DeviceRecord {
    let record: DeviceRecord;
    try {
      record = this.keyLog.device(leaf.device);
    } catch (problem) {
      if (!(problem instanceof KeyLogRefused)) throw problem;
      throw new GroupRefused("ghost-member", `unknown device ${hex(leaf.device)}`);
    }
    if (!equalBytes(record.account, leaf.account) || !equalBytes(record.key, leaf.key)) {
      throw new GroupRefused("ghost-member", `another's device ${hex(leaf.device)}`);
    }
    if (timeMs !== undefined && !this.#wasListed(record, timeMs)) {
      throw new GroupRefused("ghost-member", `removed device ${hex(leaf.device)}`);
    }
    return record;
  }

  /** A group's context, which must prove the id and fit the charter (G-1, G-2). */
  checkContext(conversation: Uint8Array, data: Uint8Array | undefined): Context {
    const context = decodeContext(data);
    if (!equalBytes(context.deployment, this.deployment) || !this.#escrows.has(context.escrow)) {
      throw new GroupRefused("group-context", "made for another deployment");
    }
    if (
      conversation.length !== CONVERSATION_SIZE ||
      !equalBytes(conversationOf(context), conversation)
    ) {
      throw new GroupRefused("group-id");
    }
    return context;
  }

  /** The context of a new group, whose one leaf is its creator (spec G-5). */
  checkCreated(
    conversation: Uint8Array,
    data: Uint8Array | undefined,
    roster: readonly Leaf[],
  ): Context {
    const context = this.checkContext(conversation, data);
    if (context.escrow !== this.escrow) {
      throw new GroupRefused("group-context", "made under another charter");
    }
    const [only, ...others] = roster;
    if (only === undefined || others.length > 0 || !equalBytes(only.device, context.creator)) {
      throw new GroupRefused("group-id", "not its creator's");
    }
    if (!includes(context.admins, only.account)) {
      throw new GroupRefused("group-context", "the creator is no admin");
    }
    return context;
  }

  /**
   * The group that a welcome leads into, or a refusal of it whole (spec G-9).
   *
   * `known` says that this client already is in a conversation of that id.
   */
  checkJoined(
    conversation: Uint8Array,
    data: Uint8Array | undefined,
    roster: readonly Leaf[],
    how: {
      readonly adder: Leaf;
      readonly me: Leaf;
      readonly known: boolean;
      readonly timeMs: number;
    },
  ): JoinedGroup {
    if (how.known) throw new GroupRefused("group-duplicate");
    const context = this.checkContext(conversation, data);
    if (roster.length > limits.GROUP_MEMBERS) throw new GroupRefused("group-full");
    const present = (leaf: Leaf) => roster.some((each) => sameLeaf(each, leaf));
    if (!present(how.me) || !present(how.adder)) throw new GroupRefused("not-a-member");
    this.#checkMayAdd(context, how.adder, [how.me]);
    const stale: Leaf[] = [];
    for (const leaf of roster) {
      const record = this.checkLeaf(leaf, undefined);
      if (!this.#wasListed(record, how.timeMs)) stale.push(leaf);
      if (context.kind === ConversationKind.DIRECT && !includes(context.admins, leaf.account)) {
        throw new GroupRefused("ghost-member", "a third account");
      }
    }
    return { context, stale } as unknown as JoinedGroup;
  }

  /**
   * A commit that every rule accepts; throws GroupRefused or Malformed (G-6 to G-8).
   *
   * The MLS layer has verified that the committer is a leaf of the group (or is the newcomer of an
   * external commit) and that no leaf and no credential is there twice.
   */
  checkChange(conversation: Uint8Array, change: Change): AcceptedChange {
    let context = this.checkContext(conversation, change.contextBefore);
    this.checkLeaf(change.committer, change.timeMs);
    if (change.external) {
      checkResync(change);
      return { change, context } as AcceptedChange;
    }
    for (const leaf of change.added) this.checkLeaf(leaf, change.timeMs);
    if (change.added.length > 0) {
      this.#checkMayAdd(context, change.committer, change.added);
      const gone = change.removed.length + change.left.length;
      if (change.roster().length + change.added.length - gone > limits.GROUP_MEMBERS) {
        throw new GroupRefused("group-full");
      }
    }
    for (const leaf of change.removed) this.#checkMayRemove(context, change, leaf);
    if (change.contextAfter !== undefined) context = checkNewContext(context, change);
    return { change, context } as AcceptedChange;
  }

  /** Spec G-6: admins add anybody, members too where the policy says so, all their own. */
  #checkMayAdd(context: Context, adder: Leaf, added: readonly Leaf[]): void {
    if (context.kind === ConversationKind.DIRECT) {
      if (added.some((leaf) => !includes(context.admins, leaf.account))) {
        throw new GroupRefused("not-allowed", "a direct conversation has two accounts");
      }
      return;
    }
    if (includes(context.admins, adder.account) || context.addPolicy === AddPolicy.MEMBERS) return;
    if (added.some((leaf) => !equalBytes(leaf.account, adder.account))) {
      throw new GroupRefused("not-allowed", "only admins add people");
    }
  }

  #wasListed(record: DeviceRecord, timeMs: number): boolean {
    return validAt(record, timeMs, skewOf(this.#skewMs, timeMs));
  }

  /**
   * Whether the log had dropped a device by a time, in whoever's favour the clocks differ.
   *
   * A removal harms nobody whom the log drops a moment later; waiting would leave a lost device
   * reading.
   */
  #wasDropped(record: DeviceRecord, timeMs: number): boolean {
    if (record.removed === undefined) return false;
    return record.removed.ms <= BigInt(timeMs + skewOf(this.#skewMs, timeMs));
  }

  /** Spec G-6: admins remove anybody; members their own devices and what is stale. */
  #checkMayRemove(context: Context, change: Change, leaf: Leaf): void {
    const { account } = change.committer;
    if (equalBytes(leaf.account, account)) return;
    if (context.kind === ConversationKind.GROUP && includes(context.admins, account)) return;
    if (!this.#wasDropped(this.keyLog.device(leaf.device), change.timeMs)) {
      throw new GroupRefused("not-allowed", "only admins remove people");
    }
  }
}

function includes(accounts: readonly AccountId[], wanted: AccountId): boolean {
  return accounts.some((account) => equalBytes(account, wanted));
}

/** Spec G-7: from outside, only a device that replaces its own leaf, and nothing else. */
function checkResync(change: Change): void {
  const [old, ...others] = change.removed;
  const alone =
    change.added.length === 0 && change.left.length === 0 && change.contextAfter === undefined;
  if (!alone || old === undefined || others.length > 0 || !sameLeaf(old, change.committer)) {
    throw new GroupRefused("external-join");
  }
}

/** Spec G-8: admins change admins and policy; nothing else ever changes. */
function checkNewContext(before: Context, change: Change): Context {
  const after = decodeContext(change.contextAfter);
  if (!includes(before.admins, change.committer.account)) {
    throw new GroupRefused("not-allowed", "only admins change the conversation");
  }
  if (before.kind === ConversationKind.DIRECT) {
    throw new GroupRefused("group-context", "a direct conversation has no settings");
  }
  const fixed = { ...after, admins: before.admins, addPolicy: before.addPolicy };
  if (!equalBytes(encodeContext(fixed), encodeContext(before))) {
    throw new GroupRefused("group-context", "what a conversation is does not change");
  }
  const gone = new Set([...change.removed, ...change.left].map((leaf) => hex(leaf.device)));
  const staying = change.roster().filter((leaf) => !gone.has(hex(leaf.device)));
  const accounts = [...staying, ...change.added].map((leaf) => leaf.account);
  if (!after.admins.every((admin) => includes(accounts, admin))) {
    throw new GroupRefused("group-context", "an admin must be a member");
  }
  return after;
}
