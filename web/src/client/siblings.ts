/** What one device does with the others of its account: letters, the hand-over, groups in step. */

import { hex } from "../protocol/encoding.ts";
import type { FromServerOf } from "../protocol/frames.ts";
import type { DeviceId } from "../protocol/identifiers.ts";
import type { Alarms } from "./alarms.ts";
import type { Changes } from "./changes.ts";
import type { Chronicle } from "./chronicle.ts";
import type { Core } from "./core.ts";
import { Devices } from "./devices.ts";
import { asRefusal } from "./groups.ts";
import { HandOver } from "./hand_over.ts";
import { Letters } from "./letters.ts";
import type { People } from "./people.ts";
import { put } from "./vault.ts";

export class Siblings {
  readonly devices: Devices;
  readonly #core: Core;
  readonly #letters: Letters;
  readonly #handOver: HandOver;
  readonly #giving = new Set<string>();

  constructor(
    core: Core,
    parts: {
      readonly chronicle: Chronicle;
      readonly people: People;
      readonly changes: Changes;
      readonly alarms: Alarms;
    },
  ) {
    const { chronicle, people, changes, alarms } = parts;
    this.#core = core;
    this.devices = new Devices(core, people, changes);
    this.#letters = new Letters(core);
    this.#handOver = new HandOver(core, chronicle, people, alarms);
    this.devices.nameOf = (device) => this.#letters.nameOf(device);
  }

  load(): Promise<void> {
    return this.#letters.load();
  }

  /** The stream is up, or the key log has grown: greets who is new, and goes on with what waits. */
  follow(): void {
    this.#behind(async () => {
      const siblings = this.devices.siblings();
      await this.#letters.greet(siblings);
      for (const device of siblings) await this.#give(device).catch(asRefusal);
      await this.#takeIn();
    });
  }

  /** Takes a letter; the caller flushes. Throws Malformed, KeyLogRefused for a forged one. */
  async take(mail: FromServerOf<"Mail">): Promise<void> {
    const letter = await this.#letters.take(mail.payload);
    if (letter === undefined) return;
    const { device, piece } = letter;
    if (piece !== undefined) {
      this.#handOver.keep(piece, device);
      this.#behind(() => this.#takeIn());
      return;
    }
    this.devices.stir();
    this.#behind(async () => {
      await this.#letters.greet([device]);
      await this.#give(device);
    });
  }

  /** Lists a new device, and remembers what it is to be given. */
  async approve(text: string, history: boolean): Promise<void> {
    const device = await this.devices.approve(text);
    await this.#core.alone(async () => {
      this.#letters.owe(device, history ? "all" : "heads");
      this.#core.tell({ kind: "devices" });
      await this.#core.flush();
    });
    this.follow();
  }

  async revoke(device: string): Promise<void> {
    await this.devices.revoke(device);
    this.#core.tellNow({ kind: "devices" });
  }

  /** Calls this device otherwise, and tells its siblings. */
  async rename(name: string): Promise<void> {
    const core = this.#core;
    await core.alone(async () => {
      core.identity = { ...core.identity, deviceName: name };
      core.write(put(["fact", "identity"], core.identity));
      this.#letters.renamed();
      core.tell({ kind: "devices" });
      await core.flush();
    });
    this.follow();
  }

  async #give(device: DeviceId): Promise<void> {
    const owed = this.#letters.owes(device);
    const name = hex(device);
    if (owed === "nothing" || !this.#letters.knows(device) || this.#giving.has(name)) return;
    this.#giving.add(name);
    try {
      // What comes after this reaches the new device by the groups themselves.
      const rooms = [...this.#core.rooms.values()].filter((room) => room.usable);
      await Promise.allSettled(rooms.map((room) => this.devices.tidy(room)));
      await this.#handOver.give(owed === "all", (piece) => this.#letters.send(device, piece));
      await this.#core.alone(async () => {
        this.#letters.owe(device, "nothing");
        await this.#core.flush();
      });
    } finally {
      this.#giving.delete(name);
    }
  }

  async #takeIn(): Promise<void> {
    if (!(await this.#handOver.takeIn((device) => this.devices.name(device)))) return;
    await this.#core.alone(async () => {
      this.#letters.renewKey();
      await this.#core.flush();
    });
    await this.#letters.greet(this.devices.siblings());
  }

  /** Once what is under way is written; without the server it is tried again when that is back. */
  #behind(work: () => Promise<void>): void {
    void this.#core
      .alone(async () => undefined)
      .then(work)
      .catch(asRefusal);
  }
}
