/** Changing conversations: make, add, remove, leave, and rebase (spec G-13). */

import { referenceOf } from "../mls/client.ts";
import type { CommitWish } from "../mls/commits.ts";
import type { Group } from "../mls/group.ts";
import type { PendingCommit } from "../mls/views.ts";
import {
  claimedKeyPackages,
  claimKeyPackages,
  conversationState,
  createConversation,
  type WelcomeFor,
} from "../protocol/api.ts";
import { compareBytes, concat, equalBytes, hex, u64 } from "../protocol/encoding.ts";
import { GroupRefused, WireRefused } from "../protocol/errors.ts";
import {
  type AddPolicy,
  type Context,
  ConversationKind,
  conversationOf,
  encodeContext,
  makeContext,
  NONCE_SIZE,
} from "../protocol/group_rules.ts";
import { type AccountId, type DeviceId, nameDevice } from "../protocol/identifiers.ts";
import * as limits from "../protocol/limits.ts";
import type { Chronicle } from "./chronicle.ts";
import type { Core } from "./core.ts";
import { asRefusal, readMember, rosterOf } from "./groups.ts";
import { type CatchUp, type Joining, LOST, sendCommit, TRIES } from "./joining.ts";
import { Room } from "./room.ts";

const WAIT_MS = 30_000;

/** A device of an account. */
export interface Name {
  readonly account: AccountId;
  readonly device: DeviceId;
}

/** A commit of one's own, and whose each key package reference in it is. */
interface Planned {
  readonly commit: PendingCommit;
  readonly names: ReadonlyMap<string, Name>;
}

/** Makes a commit for the group as it is now, or undefined when there is nothing to do. */
type Step = (group: Group, room: Room) => Promise<Planned | undefined>;

export class Changes {
  readonly #core: Core;
  readonly #chronicle: Chronicle;
  readonly #joining: Joining;
  readonly #catchUp: CatchUp;
  /** One commit at a time in each conversation. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(core: Core, chronicle: Chronicle, joining: Joining, catchUp: CatchUp) {
    this.#core = core;
    this.#chronicle = chronicle;
    this.#joining = joining;
    this.#catchUp = catchUp;
  }

  /** Makes a conversation of this account and others, all added by one commit. */
  async create(
    accounts: readonly AccountId[],
    kind: ConversationKind,
    addPolicy?: AddPolicy,
  ): Promise<Room> {
    const core = this.#core;
    await this.#know(accounts);
    const admins = kind === ConversationKind.DIRECT ? [core.account, ...accounts] : [core.account];
    const nonce = core.random(NONCE_SIZE);
    const context = makeContext({
      kind,
      deployment: core.deployment,
      creator: core.device,
      nonce,
      escrow: core.escrow,
      admins,
      ...(addPolicy === undefined ? {} : { addPolicy }),
    });
    const conversation = conversationOf(context);
    const now = Math.floor(core.clock() / 1000);
    const group = await core.groups.client.createGroup(conversation, now, encodeContext(context));
    const wish = {
      conversation,
      random: nonce,
      groupInfo: await group.groupInfo(),
      tree: group.ratchetTree(),
    };
    await core.http.ask("POST", "/v1/conversations", createConversation, wish, conversationState);
    const room = new Room(conversation);
    await core.alone(async () => {
      room.group = group;
      room.dirty = true;
      core.rooms.set(room.name, room);
      await this.#joining.entered(room, group);
      await this.#chronicle.line(room.name, 0, core.clock(), {
        kind: "created",
        by: core.identity.handle,
      });
      await core.flush();
    });
    this.#catchUp(room);
    await this.add(room, [...accounts, core.account]);
    return room;
  }

  /** Adds every device of accounts by one commit; one without a key package is left out. */
  async add(room: Room, accounts: readonly AccountId[]): Promise<void> {
    await this.#know(accounts);
    const wanted = accounts.flatMap((account) =>
      this.#core.monitor.keyLog
        .account(account)
        .keys.map((key) => ({ account, device: nameDevice(key) })),
    );
    await this.addDevices(room, wanted);
  }

  /** Adds those of these devices that are missing and have key packages, by one commit. */
  addDevices(room: Room, wanted: readonly Name[]): Promise<void> {
    const core = this.#core;
    return this.#change(room, async (group) => {
      const roster = rosterOf(group);
      const missing = wanted.filter(
        ({ device }) => !roster.some((leaf) => equalBytes(leaf.device, device)),
      );
      if (missing.length === 0) return undefined;
      const claimed = await this.#claim(missing);
      const reached = new Set(claimed.map(([name]) => hex(name.account)));
      const present = new Set(roster.map((leaf) => hex(leaf.account)));
      const lost = missing.some(({ account }) => {
        const name = hex(account);
        return !reached.has(name) && !present.has(name);
      });
      if (lost) throw new GroupRefused("not-a-member", "somebody has no key package");
      if (claimed.length === 0) return undefined;
      const commit = await this.#commit(group, { add: claimed.map(([, data]) => data) });
      const added = (core.groups.judged?.change.added ?? []).map((leaf) => hex(leaf.device));
      const asked = claimed.map(([name]) => hex(name.device));
      if (added.length !== asked.length || asked.some((device) => !added.includes(device))) {
        await group.clearPendingCommit();
        throw new GroupRefused("ghost-member", "the server gave another's key package");
      }
      const names = new Map<string, Name>();
      for (const [name, data] of claimed) names.set(hex(await referenceOf(data)), name);
      return { commit, names };
    });
  }

  /** Removes devices, and nobody's role. Throws GroupRefused(not-allowed). */
  removeDevices(room: Room, devices: readonly DeviceId[]): Promise<void> {
    return this.#change(room, async (group) => {
      const leaves = group
        .members()
        .filter((member) =>
          devices.some((device) => equalBytes(device, readMember(member).device)),
        );
      if (leaves.length === 0) return undefined;
      const remove = leaves.map((member) => member.leafIndex);
      return { commit: await this.#commit(group, { remove }), names: new Map() };
    });
  }

  /** Removes every device of accounts, and their role. Throws GroupRefused(not-allowed). */
  remove(room: Room, accounts: readonly AccountId[]): Promise<void> {
    const core = this.#core;
    const gone = (account: AccountId) => accounts.some((one) => equalBytes(one, account));
    return this.#change(room, async (group) => {
      const leaves = group.members().filter((member) => gone(readMember(member).account));
      if (leaves.length === 0) return undefined;
      const { context } = room;
      const admins = context.admins.filter((admin) => !gone(admin));
      const rules = admins.some((admin) => equalBytes(admin, core.account));
      const demotes = rules && admins.length < context.admins.length;
      const commit = await this.#commit(group, {
        remove: leaves.map((member) => member.leafIndex),
        ...(demotes ? { contextData: encodeContext({ ...context, admins }) } : {}),
      });
      return { commit, names: new Map() };
    });
  }

  /** Changes who rules a group, and who may add. */
  setRules(room: Room, change: (context: Context) => Context): Promise<void> {
    return this.#change(room, async (group) => {
      const { context } = room;
      const wished = change(context);
      const after = encodeContext({ ...wished, admins: [...wished.admins].sort(compareBytes) });
      if (equalBytes(after, encodeContext(context))) return undefined;
      return { commit: await this.#commit(group, { contextData: after }), names: new Map() };
    });
  }

  /** Commits the wishes to leave that are waiting, unless somebody else was faster. */
  grantWishes(room: Room): Promise<void> {
    return this.#change(room, async (group) =>
      group.commitRequired
        ? { commit: await this.#commit(group, {}), names: new Map() }
        : undefined,
    );
  }

  /** Renews this device's keys in an epoch; where the group has moved on, nothing is done. */
  renewIn(room: Room, epoch: number): Promise<void> {
    return this.#change(room, async (group) =>
      group.epoch === epoch
        ? { commit: await this.#commit(group, {}), names: new Map() }
        : undefined,
    );
  }

  /** Lays down one's role and asks to leave; over once another member commits it. */
  async leave(room: Room): Promise<void> {
    const core = this.#core;
    const group = await core.group(room);
    const { context } = room;
    const own = (account: AccountId) => equalBytes(account, core.account);
    const others = rosterOf(group).some((leaf) => !own(leaf.account));
    const isGroup = context.kind === ConversationKind.GROUP;
    if (others && isGroup && context.admins.length === 1 && context.admins.some(own)) {
      throw new GroupRefused("not-allowed", "name another admin first");
    }
    const siblings = rosterOf(group).filter(
      (leaf) => own(leaf.account) && !equalBytes(leaf.device, core.device),
    );
    if (siblings.length > 0) {
      await this.#change(room, async (now) => {
        const leaves = now.members().filter((member) => {
          const leaf = readMember(member);
          return own(leaf.account) && !equalBytes(leaf.device, core.device);
        });
        if (leaves.length === 0) return undefined;
        const commit = await this.#commit(now, { remove: leaves.map((one) => one.leafIndex) });
        return { commit, names: new Map() };
      });
    }
    if (isGroup && context.admins.length > 1 && context.admins.some(own)) {
      await this.setRules(room, (now) => ({
        ...now,
        admins: now.admins.filter((admin) => !own(admin)),
      }));
    }
    const proposal = await core.alone(async () => {
      const made = await (await core.group(room)).proposeSelfRemove();
      room.dirty = true;
      await core.flush();
      return made;
    });
    await sendCommit(core, room, { commit: proposal, welcomes: [], groupInfo: new Uint8Array() });
  }

  // --- committing --------------------------------------------------------------------------

  async #commit(group: Group, wish: Omit<CommitWish, "now">): Promise<PendingCommit> {
    try {
      return await group.commit({ ...wish, now: Math.floor(this.#core.clock() / 1000) });
    } catch (problem) {
      throw asRefusal(problem);
    }
  }

  /** Commits what `step` makes of the group as it is, again on top of whatever wins (G-13). */
  #change(room: Room, step: Step): Promise<void> {
    const run = (this.#turns.get(room.name) ?? Promise.resolve()).then(async () => {
      for (let attempt = 0; attempt < TRIES; attempt++) {
        await this.#until(room, () => room.usable);
        if (await this.#once(room, step)) return;
      }
      throw new GroupRefused("epoch-superseded", "others were faster every time");
    });
    this.#turns.set(
      room.name,
      run.catch(() => undefined),
    );
    return run;
  }

  /** Whether the group is now as `step` wants it; false when another was faster. */
  async #once(room: Room, step: Step): Promise<boolean> {
    const core = this.#core;
    const planned = await core.alone(async () => {
      if (!room.usable) return "later";
      const group = await core.group(room);
      if (group.hasPendingCommit) await group.clearPendingCommit();
      const made = await step(group, room);
      if (made === undefined) return undefined;
      // The vault has the commit before the server gets it.
      room.dirty = true;
      await core.flush();
      return made;
    });
    if (planned === "later") return false;
    if (planned === undefined) return true;
    let won = true;
    try {
      await this.#post(room, planned);
    } catch (problem) {
      if (!(problem instanceof WireRefused)) throw problem;
      if (!LOST.has(problem.code)) {
        if (problem.code !== "server-unreachable") await this.#clear(room);
        throw problem;
      }
      won = false;
    }
    await this.#until(room, () => (room.group?.epoch ?? -1) >= planned.commit.epoch);
    return won;
  }

  #clear(room: Room): Promise<void> {
    return this.#core.alone(async () => {
      await room.group?.clearPendingCommit();
      room.dirty = true;
      await this.#core.flush();
    });
  }

  #post(room: Room, { commit, names }: Planned) {
    const welcomes: WelcomeFor[] = commit.welcomes.map(([reference, welcome]) => {
      const name = names.get(hex(reference));
      if (name === undefined) throw new GroupRefused("commit-invalid", "a welcome for nobody");
      return { ...name, welcome: concat(u64(commit.epoch), welcome) };
    });
    const { message, groupInfo } = commit;
    return sendCommit(this.#core, room, { commit: message, welcomes, groupInfo });
  }

  async #until(room: Room, reached: () => boolean): Promise<void> {
    const gone = () => room.status === "left" || room.status === "stopped";
    if (!(await this.#core.until(() => gone() || reached(), WAIT_MS))) {
      throw new WireRefused("server-unreachable", "the timeline does not go on");
    }
    if (gone()) throw new GroupRefused("not-a-member", room.status);
  }

  // --- others' keys ------------------------------------------------------------------------

  /** Reads what the key log says now of these accounts' devices. Throws KeyLogRefused. */
  async #know(accounts: readonly AccountId[]): Promise<void> {
    const { monitor } = this.#core;
    await monitor.syncKeys();
    for (const account of accounts) monitor.keyLog.account(account);
  }

  /** Key packages of devices, without those that have none. */
  async #claim(names: readonly Name[]): Promise<(readonly [Name, Uint8Array])[]> {
    const { packages } = await this.#core.http.ask(
      "POST",
      "/v1/key-packages/claim",
      claimKeyPackages,
      { devices: names },
      claimedKeyPackages,
      { limit: names.length * (limits.MLS_KEY_PACKAGE + 16) + 64 },
    );
    if (packages.length !== names.length) throw new WireRefused("server-answer", "key packages");
    return names.flatMap((name, at) => {
      const data = packages[at];
      return data === undefined || data.length === 0 ? [] : [[name, data] as const];
    });
  }
}
