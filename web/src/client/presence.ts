/**
 * Who is here: told by whispers between two people, where both wish so (spec V-20).
 *
 * Off until it is turned on; then nothing of it is sent and nothing that comes is shown.
 */

import { hex } from "../protocol/encoding.ts";
import type { AnyRecord } from "../protocol/record.ts";
import type { Chronicle } from "./chronicle.ts";
import type { Core } from "./core.ts";
import { asRefusal } from "./groups.ts";
import { unpack } from "./pack.ts";
import type { People } from "./people.ts";
import type { Room } from "./room.ts";
import { put } from "./vault.ts";

const AWAY = 0;
const HERE = 1;
/** Somebody whose connection broke is not here for ever. */
const LASTS_MS = 300_000;
const AGAIN_MS = 240_000;
/** So many conversations are told, the latest. */
const TOLD = 32;

/** When somebody was seen last, and until when they count as here. */
interface Seen {
  readonly atMs: number;
  readonly untilMs: number;
}

export class Presence {
  whisper: (room: Room, record: AnyRecord) => Promise<void> = async () => undefined;
  readonly #core: Core;
  readonly #chronicle: Chronicle;
  readonly #people: People;
  readonly #seen = new Map<string, Seen>();
  readonly #ends = new Map<string, ReturnType<typeof setTimeout>>();
  #on = false;
  #here = false;
  #again: ReturnType<typeof setInterval> | undefined;

  constructor(core: Core, chronicle: Chronicle, people: People) {
    this.#core = core;
    this.#chronicle = chronicle;
    this.#people = people;
    people.seen = (account) => this.#shown(account);
  }

  async load(): Promise<void> {
    for (const [row, value] of await this.#core.vault.list(["seen"])) {
      this.#seen.set(String(row[1]), { atMs: unpack<number>(value), untilMs: 0 });
    }
  }

  /** Turns it on or off; whoever turns it off is away for the others at once. */
  async turn(on: boolean): Promise<void> {
    if (on === this.#on) return;
    if (!on && this.#here) await this.#tellAll(AWAY);
    this.#on = on;
    if (on && this.#here) await this.#tellAll(HERE);
    for (const account of this.#seen.keys()) this.#people.tell(account);
    await this.#core.alone(() => this.#core.flush());
  }

  /** The person looks at this device, or does not any more. */
  async set(here: boolean): Promise<void> {
    if (here === this.#here) return;
    this.#here = here;
    clearInterval(this.#again);
    if (here) this.#again = setInterval(() => void this.#tellAll(HERE), AGAIN_MS);
    await this.#tellAll(here ? HERE : AWAY);
  }

  /** A conversation went live. Runs alone. */
  async live(room: Room): Promise<void> {
    if (this.#on && this.#here && this.#direct(room.name)) {
      await this.whisper(room, { kind: "Presence", state: HERE });
    }
  }

  /** Takes another's whisper; the caller flushes. */
  take(room: Room, account: string, record: AnyRecord): void {
    const own = account === hex(this.#core.account);
    if (record.kind !== "Presence" || own || !this.#on || !this.#direct(room.name)) return;
    const atMs = this.#core.clock();
    const here = record.state !== AWAY;
    const before = this.#shown(account);
    this.#seen.set(account, { atMs, untilMs: here ? atMs + LASTS_MS : 0 });
    this.#core.write(put(["seen", account], atMs));
    this.#people.tell(account);
    clearTimeout(this.#ends.get(account));
    if (!here) return;
    const end = () => this.#people.tellNow(account);
    this.#ends.set(account, setTimeout(end, LASTS_MS + 1));
    // Who comes hears of who is there already.
    if (before.presence !== "here" && this.#here) {
      void this.#core
        .alone(() => this.whisper(room, { kind: "Presence", state: HERE }))
        .catch(asRefusal);
    }
  }

  /** The person is away: the last thing before the connection ends. */
  async stop(): Promise<void> {
    clearInterval(this.#again);
    for (const timer of this.#ends.values()) clearTimeout(timer);
    if (this.#here) await this.#tellAll(AWAY);
    this.#here = false;
  }

  #shown(account: string): { presence: "here" | "away" | "unknown"; lastSeenMs: number | null } {
    const seen = this.#on ? this.#seen.get(account) : undefined;
    if (seen === undefined) return { presence: "unknown", lastSeenMs: null };
    const here = seen.untilMs > this.#core.clock();
    return { presence: here ? "here" : "away", lastSeenMs: seen.atMs };
  }

  async #tellAll(state: number): Promise<void> {
    if (!this.#on) return;
    const rooms = [...this.#core.rooms.values()]
      .filter((room) => room.usable && this.#direct(room.name))
      .sort(
        (a, b) => this.#chronicle.views.of(b.name).timeMs - this.#chronicle.views.of(a.name).timeMs,
      )
      .slice(0, TOLD);
    try {
      await this.#core.alone(async () => {
        for (const room of rooms) await this.whisper(room, { kind: "Presence", state });
      });
    } catch (problem) {
      asRefusal(problem);
    }
  }

  #direct(name: string): boolean {
    return (
      this.#chronicle.views.of(name).kind === "direct" && !this.#chronicle.views.isHidden(name)
    );
  }
}
