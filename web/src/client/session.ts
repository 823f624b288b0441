/** One device's life on the stream: connect, catch up, take what comes, come back (W-11, W-12). */

import type { RefusalFacts } from "../messenger.ts";
import { requiresCapsule } from "../protocol/charter_terms.ts";
import { dayOf, keyEpochOf } from "../protocol/days.ts";
import { equalBytes, hex, u64 } from "../protocol/encoding.ts";
import {
  DoublelockError,
  EnvelopeRefused,
  GroupRefused,
  type Refusal,
  VaultRefused,
  WireRefused,
} from "../protocol/errors.ts";
import { type FromServer, type FromServerOf, ItemKind, MailKind } from "../protocol/frames.ts";
import type { Alarms } from "./alarms.ts";
import type { Amendments } from "./amendments.ts";
import type { Changes } from "./changes.ts";
import type { Chronicle } from "./chronicle.ts";
import type { Core } from "./core.ts";
import { refillPackages } from "./enrolment.ts";
import type { Files } from "./files.ts";
import { asRefusal, rosterOf } from "./groups.ts";
import { readCode } from "./http.ts";
import type { Joining } from "./joining.ts";
import type { Links } from "./links.ts";
import type { Marks } from "./marks.ts";
import type { Notices } from "./notices.ts";
import type { Outbox } from "./outbox.ts";
import type { Presence } from "./presence.ts";
import type { Room } from "./room.ts";
import type { Sending } from "./sending.ts";
import type { Siblings } from "./siblings.ts";
import { Stream } from "./stream.ts";
import type { Sync } from "./sync.ts";

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 20_000;
const WATCH_MS = 60_000;
const EPOCHS_READY = 3;
/** How long after connecting a conversation may be neither listed nor ended. */
const HIDDEN_MS = 4_000;
const WISH_WAIT_MS = 2_000;
const WISH_STEP_MS = 200;
/** Refusals after which a connection does not come back by itself. */
const FATAL: ReadonlySet<string> = new Set([
  "connection-replaced",
  "device-removed",
  "not-permitted",
]);

/** What one connection needs of the client. */
export interface Parts {
  readonly core: Core;
  readonly chronicle: Chronicle;
  readonly outbox: Outbox;
  readonly sync: Sync;
  readonly sending: Sending;
  readonly joining: Joining;
  readonly changes: Changes;
  readonly marks: Marks;
  readonly presence: Presence;
  readonly notices: Notices;
  readonly links: Links;
  readonly alarms: Alarms;
  readonly siblings: Siblings;
  readonly amendments: Amendments;
  readonly files: Files;
}

export class Session {
  readonly #parts: Parts;
  #stream: Stream | undefined;
  #closed = false;
  #up = false;
  #refusal: RefusalFacts | null = null;
  #mailbox = 0;
  #seen = 0;
  #held: FromServerOf<"Mail">[] = [];
  readonly #mending = new Set<string>();
  /** How much of the key log was looked at for news of devices. */
  #looked = 0;
  #wake: (() => void) | undefined;
  #looking: ReturnType<typeof setTimeout> | undefined;
  #watching: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get up(): boolean {
    return this.#up;
  }

  get refusal(): RefusalFacts | null {
    return this.#refusal;
  }

  /** Connects after a while, for what went wrong before, and goes on until `close`. */
  async start(waitMs = 0, refusal: RefusalFacts | null = null): Promise<void> {
    const { core } = this.#parts;
    this.#refusal = refusal;
    const kept = await this.#parts.core.vault.read(["fact", "mailbox"]);
    this.#mailbox = kept === undefined ? 0 : Number(new DataView(kept.buffer).getBigUint64(0));
    core.loose(this.#run(waitMs));
    core.loose(this.#watch());
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#watching);
    clearTimeout(this.#looking);
    this.#stream?.close();
    this.#wake?.();
    await this.#parts.core.alone(async () => undefined).catch(asRefusal);
  }

  /** The network is back, or gone: does not wait for the next try. */
  hurry(online: boolean): void {
    if (!online) this.#stream?.close();
    this.#wake?.();
  }

  push(frames: Parameters<Stream["push"]>[0]): boolean {
    return this.#stream?.push(frames) ?? false;
  }

  catchUp(room: Room): void {
    room.catching = true;
    this.push([{ kind: "CatchUp", conversation: room.conversation, after: room.sequence }]);
  }

  tellConnection(): void {
    const { core, outbox } = this.#parts;
    const connection = { up: this.#up, refusal: this.#refusal, queued: outbox.size };
    core.tell({ kind: "connection", connection });
  }

  // --- the connection ----------------------------------------------------------------------

  async #run(waitMs: number): Promise<void> {
    const { core } = this.#parts;
    let wait = FIRST_WAIT_MS;
    if (waitMs > 0) await this.#pause(waitMs);
    while (!this.#closed) {
      try {
        await this.#connect();
        for (;;) {
          const frames = await (this.#stream as Stream).receive();
          await core.alone(() => this.#takeAll(frames));
          if (this.#up) wait = FIRST_WAIT_MS;
        }
      } catch (problem) {
        this.#stream?.close();
        this.#stream = undefined;
        this.#up = false;
        // What is wrong with the vault or with the program is not the connection's matter.
        if (problem instanceof VaultRefused) core.fail(problem);
        if (!(problem instanceof DoublelockError)) throw problem;
        if (this.#closed || core.failure !== undefined) return;
        const refusal = asRefusal(problem);
        await core.alone(() => this.#disconnected(refusal)).catch(asRefusal);
        if (FATAL.has(refusal.code)) return;
      }
      await this.#pause(wait * (0.5 + Math.random()));
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  }

  /** Waits, unless there is reason to hurry. */
  async #pause(waitMs: number): Promise<void> {
    await new Promise<void>((done) => {
      const timer = setTimeout(done, waitMs);
      this.#wake = () => {
        clearTimeout(timer);
        done();
      };
    });
    this.#wake = undefined;
  }

  async #connect(): Promise<void> {
    const { core } = this.#parts;
    const where = await core.http.where();
    if (!equalBytes(where.deployment, core.deployment)) {
      throw new WireRefused("server-answer", "another deployment");
    }
    const token = await core.http.session();
    const stream = await Stream.connect(where.stream);
    this.#stream = stream;
    const cursors = [...core.rooms.values()]
      .filter((room) => room.status === "member")
      .map((room) => ({ conversation: room.conversation, after: room.sequence }));
    stream.push([{ kind: "Hello", token, cursors, mailbox: this.#mailbox }]);
  }

  async #disconnected(refusal: Refusal): Promise<void> {
    const { core, sending, alarms } = this.#parts;
    this.#up = false;
    this.#refusal = { code: refusal.code, detail: refusal.detail };
    this.#held = [];
    core.http.forgetSession();
    for (const room of core.rooms.values()) {
      room.live = false;
      room.catching = false;
    }
    await sending.disconnected();
    if (refusal.code === "device-removed" || this.#parts.siblings.devices.isRemoved()) {
      alarms.raise({ kind: "device-removed" });
    }
    this.tellConnection();
    await core.flush();
  }

  // --- frames ------------------------------------------------------------------------------

  async #takeAll(frames: readonly FromServer[]): Promise<void> {
    for (const frame of frames) await this.#take(frame);
    this.#lookAtKeys();
    await this.#parts.core.flush();
    this.#mend();
  }

  async #take(frame: FromServer): Promise<void> {
    const { core, sync, sending, marks } = this.#parts;
    switch (frame.kind) {
      case "Welcome":
        return this.#welcomed(frame);
      case "Item": {
        const room = core.rooms.get(hex(frame.conversation));
        if (room === undefined) return;
        if (!(await sync.take(room, frame))) {
          if (!room.catching) this.catchUp(room);
        } else if (room.status !== "member") {
          await this.#takeHeld(room);
        } else if (room.usable) {
          if (frame.item === ItemKind.COMMIT) {
            await core.flush();
            await sending.resume(room);
          }
          marks.moved(room);
        }
        return;
      }
      case "Accepted":
        try {
          const behind = await sending.accepted(frame);
          if (behind !== undefined && !behind.catching) this.catchUp(behind);
        } catch (problem) {
          if (!(problem instanceof EnvelopeRefused)) throw problem;
          const room = core.room(hex(frame.conversation));
          await sync.stop(room, room.sequence + 0.5, core.clock(), problem);
        }
        this.tellConnection();
        return;
      case "Refused":
        return sending.refused(frame);
      case "Live":
        return this.#live(frame);
      case "Mail":
        return this.#mail(frame);
      case "Whispered": {
        const found = await sync.takeWhisper(frame);
        if (found === undefined) return;
        marks.take(found.room, found.account, found.record);
        this.#parts.presence.take(found.room, found.account, found.record);
        return;
      }
      case "Bye":
        throw new WireRefused(readCode(frame.code), frame.detail);
      default:
        return;
    }
  }

  async #welcomed(frame: FromServerOf<"Welcome">): Promise<void> {
    const { core, alarms, files } = this.#parts;
    const offsetMs = frame.timeMs - core.clock();
    if (Math.abs(offsetMs) > core.skewMs) {
      // By a wrong clock every receipt would be judged wrongly, and conversations be stopped.
      alarms.raise({ kind: "clock", offsetMs });
      await core.flush();
      throw new WireRefused("receipt-time", "this device's clock");
    }
    alarms.dismiss("clock");
    const heads = new Set(frame.heads.map((cursor) => hex(cursor.conversation)));
    // A conversation that the server does not list stands still, and nothing is sent to it.
    for (const room of core.rooms.values()) room.catching = heads.has(room.name);
    clearTimeout(this.#looking);
    this.#looking = setTimeout(() => core.loose(this.#lookForHidden(heads)), HIDDEN_MS);
    this.#up = true;
    this.#refusal = null;
    files.upload();
    this.tellConnection();
    this.#parts.siblings.follow();
  }

  /** Says which conversations the server does not list, though no commit took this device out. */
  async #lookForHidden(heads: ReadonlySet<string>): Promise<void> {
    const { core, chronicle, alarms } = this.#parts;
    await core.alone(async () => {
      for (const room of core.rooms.values()) {
        const gone = room.status !== "member" || room.live || room.catching;
        if (gone || heads.has(room.name) || this.#closed || !this.#up) continue;
        const { name } = chronicle.conversation(room.name);
        const refusal = { code: "not-a-member", detail: `not listed any more: ${name}` };
        alarms.raise({ kind: "server-deceived", refusal });
      }
      await core.flush();
    });
  }

  async #live(frame: FromServerOf<"Live">): Promise<void> {
    const { core, sync, sending, marks } = this.#parts;
    const room = core.rooms.get(hex(frame.conversation));
    if (room === undefined) return;
    room.catching = false;
    if ((await core.isUsable(room)) && frame.sequence > room.sequence) {
      if (await sync.mayAsk(room, core.clock())) this.catchUp(room);
      return;
    }
    room.live = true;
    await core.flush();
    if (room.status === "member") {
      this.#parts.siblings.devices.touch(room);
      await sending.resume(room);
      marks.live(room, rosterOf(await core.group(room)).length);
      await this.#parts.presence.live(room);
    }
    await this.#takeHeld(room);
  }

  /** Takes the mail that waited for what a room has now. */
  async #takeHeld(room: Room): Promise<void> {
    const held = this.#held.filter((mail) => hex(mail.conversation) === room.name);
    this.#held = this.#held.filter((mail) => !held.includes(mail));
    for (const mail of held) await this.#mail(mail);
  }

  async #mail(mail: FromServerOf<"Mail">): Promise<void> {
    const { core, joining, notices, links, alarms } = this.#parts;
    if (mail.mail === MailKind.WELCOME) {
      try {
        if (!(await joining.takeWelcome(mail))) {
          this.#held.push(mail);
          return;
        }
      } catch (problem) {
        const refusal = asRefusal(problem);
        if (refusal instanceof WireRefused) throw refusal;
        const { code, detail } = refusal;
        alarms.raise({ kind: "server-deceived", refusal: { code, detail } });
      }
    } else if (mail.mail === MailKind.DEPARTURE) {
      const room = core.rooms.get(hex(mail.conversation));
      if (room?.status === "member" && room.sequence < mail.at) {
        // Only the commit itself says who took this device out: it comes first.
        this.#held.push(mail);
        if (!room.catching) this.catchUp(room);
        return;
      }
    } else if (mail.mail === MailKind.NOTICE && mail.sequence > this.#mailbox) {
      await notices.take(mail);
    } else if (mail.mail === MailKind.OWN && mail.sequence > this.#mailbox) {
      await this.#letter(mail);
    } else if (mail.mail === MailKind.OTHERS && mail.sequence > this.#mailbox) {
      await links.take(mail);
    }
    this.#seen = Math.max(this.#seen, mail.sequence);
    // The mark never passes what is held: a new connection brings that again.
    if (this.#held.length === 0 && this.#seen > this.#mailbox) {
      this.#mailbox = this.#seen;
      core.write([["fact", "mailbox"], u64(this.#mailbox)]);
    }
    await core.flush();
    if (this.#held.length === 0) this.push([{ kind: "MailboxDone", through: this.#mailbox }]);
  }

  async #letter(mail: FromServerOf<"Mail">): Promise<void> {
    try {
      await this.#parts.siblings.take(mail);
    } catch (problem) {
      const refusal = asRefusal(problem);
      if (refusal instanceof WireRefused) throw refusal;
      const { code, detail } = refusal;
      this.#parts.alarms.raise({ kind: "server-deceived", refusal: { code, detail } });
    }
  }

  /** News of devices in the key log: an alarm is not put off, and groups follow. */
  #lookAtKeys(): void {
    const { core, alarms, siblings } = this.#parts;
    const { size } = core.monitor.keyLog;
    if (size === this.#looked) return;
    this.#looked = size;
    core.keepLogs();
    if (siblings.devices.isRemoved()) {
      // The log says so, whatever the server still serves: nothing more is sent or taken.
      alarms.raise({ kind: "device-removed" });
      this.#stream?.close();
      this.#closed = true;
      this.#up = false;
      this.#refusal = { code: "device-removed", detail: "" };
      this.tellConnection();
      return;
    }
    alarms.look();
    siblings.devices.stir();
    siblings.follow();
    core.tell({ kind: "devices" });
  }

  // --- mending and watching ----------------------------------------------------------------

  /** Rejoins what is broken, commits wishes to leave; one task at a time per conversation. */
  #mend(): void {
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
    while (room.status === "broken" && !this.#closed) {
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
            chronicle.tell(room.name);
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

  /** Reads both logs now and then: what they say of this account is news that nobody sends. */
  async #watch(): Promise<void> {
    const { core, alarms, amendments, chronicle, files } = this.#parts;
    if (this.#closed) return;
    for (const sync of [() => core.monitor.syncKeys(), () => core.monitor.syncLaw()]) {
      await sync().catch(asRefusal);
    }
    if (this.#closed) return;
    await core
      .alone(async () => {
        core.keepLogs();
        alarms.look();
        this.#lookAtKeys();
        this.#parts.siblings.devices.stir();
        this.#checkEpochs();
        await amendments.look();
        await chronicle.sweep(core.clock());
        core.tell({ kind: "trust" });
        if (this.#up) await refillPackages(core).catch(asRefusal);
        if (this.#up) files.upload();
        await core.flush();
        this.#mend();
      })
      .catch(asRefusal);
    if (this.#closed) return;
    this.#watching = setTimeout(() => core.loose(this.#watch()), WATCH_MS);
  }

  #checkEpochs(): void {
    const { core, alarms } = this.#parts;
    const number = core.monitor.keyLog.committee(core.account);
    if (!requiresCapsule(core.monitor.charter.committee(number))) return;
    const ready = core.monitor.epochsReady(number, keyEpochOf(dayOf(core.clock())));
    if (ready < EPOCHS_READY) alarms.raise({ kind: "epochs-low", committee: number, ready });
  }
}
