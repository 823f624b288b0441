/**
 * The way back: whether what the server holds for a rejoin is true, and putting it right (spec G-16).
 *
 * Only members can know the key in a GroupInfo to which whoever comes back seals; the server cannot.
 */

import { inspectMessage } from "../mls/client.ts";
import { WireRefused } from "../protocol/errors.ts";
import { isSameGroupInfo } from "../protocol/group_rules.ts";
import * as limits from "../protocol/limits.ts";
import { asRefusal } from "./groups.ts";
import type { Parts } from "./parts.ts";
import type { Room } from "./room.ts";

/** So many members look, about; in smaller groups everybody does. */
const LOOKING = 8;
/** Time a member by which looks and repairs of one group are spread. */
const SPREAD_MS = 100;
const LONGEST_MS = 20_000;

export class GroupInfoCheck {
  readonly #parts: Parts;
  readonly #looking = new Set<string>();
  #stopped = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Begins to look where a commit came since; one look at a time per conversation. */
  look(): void {
    const { core } = this.#parts;
    for (const room of core.rooms.values()) {
      if (!room.unchecked || !room.usable || this.#looking.has(room.name)) continue;
      room.unchecked = false;
      this.#looking.add(room.name);
      core.loose(this.#once(room));
    }
  }

  async #once(room: Room): Promise<void> {
    try {
      await this.#check(room);
    } catch (problem) {
      room.unchecked = true; // for when something comes again
      throw problem;
    } finally {
      this.#looking.delete(room.name);
    }
    if (!this.#stopped) this.look(); // a commit may have come meanwhile, and nothing after it
  }

  async #check(room: Room): Promise<void> {
    const { core, changes } = this.#parts;
    const group = await core.group(room);
    const members = group.members().length;
    if (Math.random() * members > LOOKING) return;
    await pause(Math.random() * members);
    const epoch = await this.#wrongEpoch(room);
    if (epoch === undefined) return;
    // One after the other: whoever comes second finds another epoch, and nothing to do.
    await pause(group.ownLeafIndex);
    if (!this.#stopped) await changes.renewIn(room, epoch);
  }

  /** The present epoch if the server's GroupInfo of it is wrong. */
  async #wrongEpoch(room: Room): Promise<number | undefined> {
    const { core } = this.#parts;
    room.unchecked = false; // this look is at whatever came before it
    const info = await this.#fetch(room);
    return core.alone(async () => {
      if (this.#stopped || !room.usable) return undefined;
      const group = await core.group(room);
      const there = epochOf(info);
      if (there !== undefined && there !== group.epoch) return undefined; // whoever takes that looks
      return isSameGroupInfo(info, await group.groupInfo()) ? undefined : group.epoch;
    });
  }

  async #fetch(room: Room): Promise<Uint8Array> {
    try {
      const path = `/v1/conversations/${room.name}/group-info`;
      return await this.#parts.core.http.get(path, { limit: limits.RATCHET_TREE });
    } catch (problem) {
      const refusal = asRefusal(problem);
      if (refusal instanceof WireRefused && refusal.code === "not-found") return new Uint8Array();
      throw refusal;
    }
  }
}

/** The epoch of a GroupInfo, or undefined for what is none. */
function epochOf(info: Uint8Array): number | undefined {
  try {
    return inspectMessage(info).epoch ?? undefined;
  } catch (problem) {
    asRefusal(problem);
    return undefined;
  }
}

function pause(members: number): Promise<void> {
  return new Promise((done) => setTimeout(done, Math.min(members * SPREAD_MS, LONGEST_MS)));
}
