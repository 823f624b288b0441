/** What a device does for its conversations unasked: rejoins, lets go who wishes to, keeps in step. */

import { equalBytes } from "../protocol/encoding.ts";
import { GroupRefused } from "../protocol/errors.ts";
import { asRefusal } from "./groups.ts";
import type { Parts } from "./parts.ts";
import type { Room } from "./room.ts";

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 20_000;
const WISH_WAIT_MS = 2_000;
const WISH_STEP_MS = 200;

export class Mending {
  readonly #parts: Parts;
  readonly #mending = new Set<string>();
  #stopped = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Rejoins what is broken, commits wishes to leave; one task at a time per conversation. */
  mend(): void {
    const { core, siblings } = this.#parts;
    for (const room of core.rooms.values()) {
      if (this.#mending.has(room.name)) continue;
      const work =
        room.status === "broken"
          ? () => this.#rejoin(room)
          : room.usable && room.wish
            ? () => this.#grant(room)
            : room.usable && siblings.devices.isDue(room)
              ? () => siblings.devices.tidy(room)
              : undefined;
      if (work === undefined) continue;
      this.#mending.add(room.name);
      core.loose(work().finally(() => this.#mending.delete(room.name)));
    }
  }

  async #rejoin(room: Room): Promise<void> {
    const { core, joining, chronicle } = this.#parts;
    let wait = FIRST_WAIT_MS;
    while (room.status === "broken" && !this.#stopped) {
      try {
        await core.alone(() => joining.rejoin(room));
      } catch (problem) {
        const refusal = asRefusal(problem);
        const left = refusal.code === "not-a-member" || refusal.code === "not-permitted";
        if (left || (refusal instanceof GroupRefused && refusal.code !== "epoch-superseded")) {
          await core.alone(async () => {
            if (left) {
              room.status = "left";
              room.group = undefined;
              await core.dropGroup(room);
              const line = { kind: "left", by: core.identity.handle } as const;
              await chronicle.line(room.name, room.sequence + 0.75, core.clock(), line);
            } else core.stop(room, refusal);
            room.dirty = true;
            chronicle.views.tell(room.name);
            await core.flush();
          });
          return;
        }
        await new Promise((done) => setTimeout(done, wait * (0.5 + Math.random())));
        wait = Math.min(wait * 2, LONGEST_WAIT_MS);
      }
    }
  }

  /** Admins first, then one after the other: whoever comes second has nothing to do. */
  async #grant(room: Room): Promise<void> {
    const { core, changes } = this.#parts;
    const group = await core.group(room);
    if (!room.context.admins.some((admin) => equalBytes(admin, core.account))) {
      const turn = WISH_WAIT_MS + group.ownLeafIndex * WISH_STEP_MS;
      await new Promise((done) => setTimeout(done, Math.min(turn, LONGEST_WAIT_MS)));
    }
    if (!room.wish || room.status !== "member") return;
    room.wish = false;
    await changes.grantWishes(room);
  }
}
