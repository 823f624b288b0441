/** One device's life on the stream: connect, catch up, take what comes, come back (W-11, W-12). */

import type { Connection, RefusalFacts } from "../messenger.ts";
import { equalBytes, hex } from "../protocol/encoding.ts";
import {
  DoublelockError,
  EnvelopeRefused,
  type Refusal,
  VaultRefused,
  WireRefused,
} from "../protocol/errors.ts";
import { type FromServer, type FromServerOf, ItemKind } from "../protocol/frames.ts";
import { GroupInfoCheck } from "./group_info.ts";
import { asRefusal, rosterOf } from "./groups.ts";
import { readCode } from "./http.ts";
import { Mailbox } from "./mailbox.ts";
import { Mending } from "./mending.ts";
import type { Parts } from "./parts.ts";
import type { Room } from "./room.ts";
import { Stream } from "./stream.ts";
import { Watch } from "./watch.ts";

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 20_000;
/** How long after connecting a conversation may be neither listed nor ended. */
const HIDDEN_MS = 4_000;
/** Refusals after which a connection does not come back by itself. */
const FATAL: ReadonlySet<string> = new Set([
  "connection-replaced",
  "device-removed",
  "not-permitted",
]);

export class Session {
  readonly #parts: Parts;
  #stream: Stream | undefined;
  #closed = false;
  #up = false;
  #refusal: RefusalFacts | null = null;
  readonly #mailbox: Mailbox;
  readonly #mending: Mending;
  readonly #groupInfo: GroupInfoCheck;
  readonly #watch: Watch;
  /** How much of the key log was looked at for news of devices. */
  #looked = 0;
  #wake: (() => void) | undefined;
  #looking: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#mailbox = new Mailbox(parts, this);
    this.#mending = new Mending(parts);
    this.#groupInfo = new GroupInfoCheck(parts);
    this.#watch = new Watch(parts, this);
  }

  get up(): boolean {
    return this.#up;
  }

  get connection(): Connection {
    return { up: this.#up, refusal: this.#refusal, queued: this.#parts.outbox.size };
  }

  /** Connects after a while, for what went wrong before, and goes on until `close`. */
  async start(waitMs = 0, refusal: RefusalFacts | null = null): Promise<void> {
    const { core } = this.#parts;
    this.#refusal = refusal;
    await this.#mailbox.load();
    core.loose(this.#run(waitMs));
    this.#watch.start();
  }

  async close(): Promise<void> {
    this.#end();
    clearTimeout(this.#looking);
    this.#stream?.close();
    this.#wake?.();
    await this.#parts.core.alone(async () => undefined).catch(asRefusal);
  }

  /** Nothing is begun any more. */
  #end(): void {
    this.#closed = true;
    this.#watch.stop();
    this.#mending.stop();
    this.#groupInfo.stop();
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
    this.#parts.core.tell({ kind: "connection", connection: this.connection });
  }

  /** Tells at once how the connection stands and how much waits for it. */
  tellConnectionNow(): void {
    this.#parts.core.tellNow({ kind: "connection", connection: this.connection });
  }

  /** Mends what is broken, as soon as nothing else of it is under way. */
  mend(): void {
    this.#mending.mend();
    this.#groupInfo.look();
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
    stream.push([{ kind: "Hello", token, cursors, mailbox: this.#mailbox.through }]);
  }

  async #disconnected(refusal: Refusal): Promise<void> {
    const { core, sending, alarms } = this.#parts;
    this.#up = false;
    this.#refusal = { code: refusal.code, detail: refusal.detail };
    this.#mailbox.disconnected();
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
    this.lookAtKeys();
    await this.#parts.core.flush();
    this.mend();
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
          await this.#mailbox.takeHeld(room);
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
        return this.#mailbox.take(frame);
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
        const { name } = chronicle.views.conversation(room.name);
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
    await this.#mailbox.takeHeld(room);
  }

  /** News of devices in the key log: an alarm is not put off, and groups follow. */
  lookAtKeys(): void {
    const { core, alarms, siblings } = this.#parts;
    const { size } = core.monitor.keyLog;
    if (size === this.#looked) return;
    this.#looked = size;
    core.keepLogs();
    if (siblings.devices.isRemoved()) {
      // The log says so, whatever the server still serves: nothing more is sent or taken.
      alarms.raise({ kind: "device-removed" });
      this.#stream?.close();
      this.#end();
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
}
