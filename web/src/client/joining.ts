/** Coming into conversations: by a welcome, or back by a resync (spec G-7, G-9, G-11). */

import { inspectMessage } from "../mls/client.ts";
import { MlsError } from "../mls/failure.ts";
import type { Group } from "../mls/group.ts";
import { type PostCommit, postCommit, postedCommit } from "../protocol/api.ts";
import { equalBytes, hex, Reader } from "../protocol/encoding.ts";
import { GroupRefused, WireRefused } from "../protocol/errors.ts";
import type { FromServerOf } from "../protocol/frames.ts";
import * as limits from "../protocol/limits.ts";
import type { Chronicle } from "./chronicle.ts";
import type { Core } from "./core.ts";
import { asRefusal, nameFailure, readMember, rosterOf } from "./groups.ts";
import type { People } from "./people.ts";
import { Room } from "./room.ts";

export const TRIES = 12;
const PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 2_000;
/** Refusals that say that another commit was first. */
export const LOST: ReadonlySet<string> = new Set(["epoch-superseded", "conflict"]);

/** Asks the stream for what comes after the room's last item. */
export type CatchUp = (room: Room) => void;

/** Gives the server a handshake. Throws WireRefused. */
export function sendCommit(core: Core, room: Room, body: PostCommit) {
  const path = `/v1/conversations/${room.name}/commits`;
  return core.http.ask("POST", path, postCommit, body, postedCommit);
}

export class Joining {
  readonly #core: Core;
  readonly #chronicle: Chronicle;
  readonly #people: People;
  readonly #catchUp: CatchUp;

  constructor(core: Core, chronicle: Chronicle, people: People, catchUp: CatchUp) {
    this.#core = core;
    this.#chronicle = chronicle;
    this.#people = people;
    this.#catchUp = catchUp;
  }

  /**
   * Joins the group that a welcome leads into; false when it must wait for a removal. Runs alone.
   *
   * Throws GroupRefused, Malformed for what the rules refuse, WireRefused without the server.
   */
  async takeWelcome(mail: FromServerOf<"Mail">): Promise<boolean> {
    const core = this.#core;
    const name = hex(mail.conversation);
    const old = core.rooms.get(name);
    const reader = new Reader(mail.payload);
    const epoch = Number(reader.u64());
    const welcome = reader.rest();
    const found = await this.#findPackage(welcome);
    if (found === undefined) return true; // used already: a repeated delivery
    if (old?.status === "member" && !old.live) return false;
    const tree = await core.http.get(`/v1/conversations/${name}/tree?epoch=${epoch}`, {
      limit: limits.RATCHET_TREE,
    });
    const { group, adder } = await this.#join(welcome, tree, found.private);
    if (!equalBytes(group.groupId, mail.conversation)) throw new GroupRefused("group-id");
    const known = old !== undefined && old.status !== "left";
    core.groups.checkJoined(group, adder, { known, timeMs: mail.timeMs });
    const room = new Room(mail.conversation);
    room.unchecked = true;
    room.sequence = mail.at;
    room.group = group;
    room.dirty = true;
    const lastResort = await core.vault.read(["fact", "last-resort"]);
    if (lastResort === undefined || !equalBytes(lastResort, found.reference)) {
      core.write([["package", hex(found.reference)], undefined]);
    }
    await core.dropGroup(room);
    core.rooms.set(name, room);
    const by = hex(readMember(group.member(adder)).account);
    await this.entered(room, group);
    await this.#chronicle.line(name, mail.at, mail.timeMs, {
      kind: "joined",
      by: this.#people.name(by),
      missed: 0,
    });
    await core.flush();
    this.#catchUp(room);
    return true;
  }

  /** Shows a group that this device is in now. */
  async entered(room: Room, group: Group): Promise<void> {
    const accounts = rosterOf(group).map((leaf) => hex(leaf.account));
    try {
      await this.#people.learn(accounts);
    } catch (problem) {
      asRefusal(problem);
    }
    this.#chronicle.views.describe(room, group);
  }

  /** Comes back with fresh keys; what was sent in between stays unreadable. Runs alone. */
  async rejoin(room: Room): Promise<void> {
    const core = this.#core;
    const path = `/v1/conversations/${room.name}`;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (attempt > 0) {
        const longest = Math.min(PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS);
        await new Promise((done) => setTimeout(done, longest * Math.random()));
      }
      const limit = limits.RATCHET_TREE;
      const info = await core.http.get(`${path}/group-info`, { limit });
      const tree = await core.http.get(`${path}/tree`, { limit });
      await core.monitor.syncKeys();
      try {
        const now = Math.floor(core.clock() / 1000);
        const { group, commit } = await core.groups.client.rejoin(info, tree, now);
        core.rules().checkContext(room.conversation, group.contextData);
        const groupInfo = await group.groupInfo();
        const posted = await sendCommit(core, room, { commit, welcomes: [], groupInfo });
        const missed = Math.max(0, posted.sequence - 1 - room.sequence);
        await core.dropGroup(room);
        room.group = group;
        room.forgetContext();
        room.status = "member";
        room.sequence = posted.sequence;
        room.chain = undefined;
        room.live = false;
        room.dirty = true;
        await this.entered(room, group);
        if (missed > 0) {
          const line = { kind: "missed", count: missed } as const;
          await this.#chronicle.line(room.name, posted.sequence, posted.timeMs, line);
        }
        await core.flush();
        this.#catchUp(room);
        return;
      } catch (problem) {
        if (problem instanceof MlsError) {
          if (problem.code === "not-a-member") throw nameFailure(problem);
          // Of no use, by whose fault ever: a member's next commit brings another.
          if (problem.code !== "tree-mismatch")
            throw new WireRefused("server-answer", "group info");
        } else if (!(problem instanceof WireRefused) || !LOST.has(problem.code)) throw problem;
      }
    }
    throw new GroupRefused("epoch-superseded", "others were faster every time");
  }

  async #findPackage(welcome: Uint8Array) {
    let references: readonly Uint8Array[];
    try {
      ({ references } = inspectMessage(welcome));
    } catch (problem) {
      throw asRefusal(problem);
    }
    for (const reference of references) {
      const kept = await this.#core.vault.read(["package", hex(reference)]);
      if (kept !== undefined) return { reference, private: kept };
    }
    return undefined;
  }

  async #join(welcome: Uint8Array, tree: Uint8Array, kept: Uint8Array) {
    const { client } = this.#core.groups;
    try {
      return await client.join(welcome, tree, kept);
    } catch (problem) {
      if (!(problem instanceof GroupRefused) || problem.code !== "ghost-member") {
        throw asRefusal(problem);
      }
      await this.#core.monitor.syncKeys();
      return client.join(welcome, tree, kept);
    }
  }
}
