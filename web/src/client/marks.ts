/**
 * Marks: what others may know of what this device has and its person has read (spec V-18, V-19).
 *
 * They are whispers; whoever is away when one goes out gets it by asking once back.
 */

import { hex } from "../protocol/encoding.ts";
import type { AnyRecord } from "../protocol/record.ts";
import type { Chronicle } from "./chronicle.ts";
import type { Core } from "./core.ts";
import { asRefusal } from "./groups.ts";
import type { People } from "./people.ts";
import type { Room } from "./room.ts";

const MOVED_MS = 1_000;
const ANSWER_MS = 2_000;
const ANSWERS_MS = 60_000;
const ASKING = 64;

/** How far another account has a conversation, and has read it. */
interface Reached {
  readonly delivered: number;
  readonly read: number;
}

export class Marks {
  receipts = true;
  typing = true;
  whisper: (room: Room, record: AnyRecord) => Promise<void> = async () => undefined;
  /** Told when an account has come further in a conversation. */
  changed: (conversation: string) => void = () => undefined;
  readonly #core: Core;
  readonly #chronicle: Chronicle;
  readonly #people: People;
  readonly #due = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #answered = new Map<string, number>();
  readonly #reached = new Map<string, Map<string, Reached>>();

  constructor(core: Core, chronicle: Chronicle, people: People) {
    this.#core = core;
    this.#chronicle = chronicle;
    this.#people = people;
  }

  /** A conversation went live: tells, and asks, where not too many would answer. Runs alone. */
  live(room: Room, size: number): void {
    if (this.receipts && size <= ASKING) this.#later(room, 0, true);
  }

  /** The timeline or the reader moved: tells it soon. */
  moved(room: Room): void {
    if (this.receipts) this.#later(room, MOVED_MS, false);
  }

  /** Takes another's whisper. */
  take(room: Room, account: string, record: AnyRecord): void {
    if (account === hex(this.#core.account)) return;
    if (record.kind === "Typing") {
      if (!this.typing) return;
      const name = this.#people.name(account);
      const { active } = record;
      this.#core.tell({ kind: "typing", conversation: room.name, account, name, active });
    } else if (record.kind === "DeliveryMark") {
      this.#note(room, account, { delivered: record.through, read: 0 });
      const last = this.#answered.get(room.name) ?? 0;
      if (record.asks && this.receipts && Date.now() - last > ANSWERS_MS) {
        this.#answered.set(room.name, Date.now());
        this.#later(room, ANSWER_MS * Math.random(), false);
      }
    } else if (record.kind === "ReadMark") {
      this.#note(room, account, { delivered: record.through, read: record.through });
    }
  }

  /** How far the others of a conversation are with a sequence. */
  state(conversation: string, sequence: number): "sent" | "delivered" | "read" {
    if (!this.receipts) return "sent";
    const own = hex(this.#core.account);
    const others = this.#chronicle.views.of(conversation).members.filter((one) => one !== own);
    if (others.length === 0) return "sent";
    const states = others.map((account) => this.stateOf(conversation, account, sequence));
    if (states.every((state) => state === "read")) return "read";
    return states.every((state) => state !== "sent") ? "delivered" : "sent";
  }

  stateOf(conversation: string, account: string, sequence: number): "sent" | "delivered" | "read" {
    const reached = this.#reached.get(conversation)?.get(account);
    if (reached === undefined) return "sent";
    if (reached.read >= sequence) return "read";
    return reached.delivered >= sequence ? "delivered" : "sent";
  }

  /** Tells others that this person types, or does not any more. */
  async type(room: Room, active: boolean): Promise<void> {
    if (!this.typing || this.#chronicle.views.isHidden(room.name)) return;
    await this.#core.alone(() => this.whisper(room, { kind: "Typing", active }));
  }

  stop(): void {
    for (const timer of this.#due.values()) clearTimeout(timer);
    this.#due.clear();
  }

  #note(room: Room, account: string, now: Reached): void {
    const all = this.#reached.get(room.name) ?? new Map<string, Reached>();
    const before = all.get(account) ?? { delivered: 0, read: 0 };
    all.set(account, {
      delivered: Math.max(before.delivered, now.delivered),
      read: Math.max(before.read, now.read),
    });
    this.#reached.set(room.name, all);
    this.changed(room.name);
  }

  #later(room: Room, waitMs: number, asks: boolean): void {
    if (this.#due.has(room.name)) return;
    const fire = async () => {
      this.#due.delete(room.name);
      if (!this.receipts || !room.usable || this.#chronicle.views.isHidden(room.name)) return;
      await this.whisper(room, { kind: "DeliveryMark", through: room.sequence, asks });
      const through = Math.floor(this.#chronicle.views.of(room.name).readAt);
      if (through > 0) await this.whisper(room, { kind: "ReadMark", through });
    };
    const timer = setTimeout(() => void this.#core.alone(fire).catch(asRefusal), waitMs);
    this.#due.set(room.name, timer);
  }
}
