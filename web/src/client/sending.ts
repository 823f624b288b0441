/** Sending: sealed at sending time, again when day or epoch moved on, stored once (spec G-12). */

import { seal } from "../protocol/capsule.ts";
import { dayOf, keyEpochOf } from "../protocol/days.ts";
import { hex } from "../protocol/encoding.ts";
import { makeSendKeys, type SealedEnvelope, sealEnvelope } from "../protocol/envelope.ts";
import { CharterRefused, GroupRefused, WireRefused } from "../protocol/errors.ts";
import type { FromDevice, FromServerOf } from "../protocol/frames.ts";
import { Form } from "../protocol/header.ts";
import { makeMessageId } from "../protocol/identifiers.ts";
import { Label } from "../protocol/label.ts";
import { type AnyRecord, encodeRecord } from "../protocol/record.ts";
import type { Core } from "./core.ts";
import { pieceWrites, type SealedFile } from "./files.ts";
import { asRefusal } from "./groups.ts";
import { readCode } from "./http.ts";
import type { Outbox, Outgoing } from "./outbox.ts";
import type { Room } from "./room.ts";
import type { Sync } from "./sync.ts";
import { put, type Write } from "./vault.ts";

const SEAL_AGAIN: ReadonlySet<string> = new Set(["epoch-superseded", "day-mismatch"]);
const LATER: ReadonlySet<string> = new Set(["too-fast", "storage", "stopping"]);
const PAUSE_MS = 200;
const TRIES = 20;
const NOTHING = new Uint8Array();

/** Sends frames now; false when there is no connection. */
export type Push = (frames: readonly FromDevice[]) => boolean;

export class Sending {
  readonly #core: Core;
  readonly #sync: Sync;
  readonly #outbox: Outbox;
  readonly #push: Push;
  readonly #tries = new Map<string, number>();
  #request = 1;
  /** Whether a member's keys are others than this person has seen: nothing goes there till then. */
  isHeld: (room: Room) => boolean = () => false;

  constructor(core: Core, sync: Sync, outbox: Outbox, push: Push) {
    this.#core = core;
    this.#sync = sync;
    this.#outbox = outbox;
    this.#push = push;
  }

  /** Puts a record into the outbox and on its way; gives its message id in hex. */
  async send(room: Room, record: AnyRecord, file?: SealedFile): Promise<string> {
    if (room.status === "left" || room.status === "stopped") {
      throw new GroupRefused("not-a-member", room.status);
    }
    if (this.isHeld(room)) {
      await this.#core.flush();
      throw new GroupRefused("safety-code-changed");
    }
    const data = encodeRecord(record);
    const now = this.#core.clock();
    const outgoing: Outgoing = {
      conversation: room.name,
      id: makeMessageId(now, this.#core.random(10)),
      order: this.#outbox.order(),
      record: data,
      createdMs: now,
      header: NOTHING,
      body: NOTHING,
      mls: NOTHING,
      epoch: -1,
      day: -1,
      upload: file === undefined ? null : { size: file.sealed.length, digest: file.digest },
      refusal: null,
    };
    this.#core.write(this.#outbox.keep(outgoing));
    if (file !== undefined) this.#core.write(...pieceWrites(hex(outgoing.id), file.sealed));
    await this.#outbox.tell(outgoing, true);
    await this.#core.flush();
    void this.#core.alone(() => this.resume(room)).catch(() => undefined);
    return hex(outgoing.id);
  }

  /** Sends what was held until its person had answered for a changed safety code. Runs alone. */
  async resumeAll(): Promise<void> {
    for (const room of this.#core.rooms.values()) await this.resume(room);
  }

  /** Sends what waits for a room, as it was sealed where it can be. Runs alone. */
  async resume(room: Room): Promise<void> {
    const waiting = this.#outbox
      .of(room.name)
      .filter((one) => one.refusal === null && one.upload === null && !this.#outbox.isAloft(one));
    if (waiting.length === 0 || !room.usable || this.isHeld(room)) return;
    await this.#knowEpoch();
    const group = await this.#core.group(room);
    if (group.commitRequired) return;
    const going: Outgoing[] = [];
    const writes: Write[] = [];
    for (const outgoing of waiting) {
      try {
        if (this.#isFresh(outgoing, group.epoch)) {
          going.push(outgoing);
          continue;
        }
        const [sealed, following] = await this.#seal(room, outgoing);
        writes.push(this.#outbox.keep(sealed), put(["sent", room.name], following));
        going.push(sealed);
      } catch (problem) {
        await this.giveUp(outgoing, asRefusal(problem));
      }
    }
    // Before its bytes leave, the vault knows that the keys were used.
    await this.#core.keep(writes);
    const frames: FromDevice[] = going.map((outgoing) => {
      const request = this.#request++;
      this.#outbox.flying.set(request, hex(outgoing.id));
      const { header, body, mls } = outgoing;
      return { kind: "Send", request, header, body, mls };
    });
    if (frames.length > 0 && !this.#push(frames)) this.#outbox.flying.clear();
    for (const outgoing of going) await this.#outbox.tell(outgoing, false);
    await this.#core.flush();
  }

  /** Sends an ephemeral record to who is online now; dropped without a connection. Runs alone. */
  async whisper(room: Room, record: AnyRecord): Promise<void> {
    const core = this.#core;
    if (!room.usable || this.isHeld(room)) return;
    const group = await core.group(room);
    if (group.commitRequired) return;
    const now = core.clock();
    const keys = makeSendKeys(
      core.random(32),
      NOTHING,
      this.#label(room, dayOf(now)),
      Form.EPHEMERAL,
    );
    const envelope = sealEnvelope(
      keys,
      makeMessageId(now, core.random(10)),
      core.device,
      core.key,
      core.random(32),
      encodeRecord(record),
    );
    const { ciphertext, epoch, generation } = await group.encrypt(
      envelope.payload,
      envelope.headerHash,
    );
    await core.keep([put(["sent", room.name], [epoch, generation + 1])]);
    this.#push([
      { kind: "Whisper", header: envelope.header, body: envelope.body, mls: ciphertext },
    ]);
  }

  /** The server's acceptance; the caller flushes. Gives a room to catch up, or undefined. */
  async accepted(frame: FromServerOf<"Accepted">): Promise<Room | undefined> {
    const outgoing = this.#land(frame.request);
    if (outgoing === undefined) return undefined;
    const room = this.#core.room(outgoing.conversation);
    const behind = frame.sequence > room.sequence + 1;
    await this.#sync.takeAccepted(room, frame, outgoing);
    this.#tries.delete(hex(outgoing.id));
    return behind ? room : undefined;
  }

  /** The server's refusal of one message: seal again, try later, or give it up. */
  async refused(frame: FromServerOf<"Refused">): Promise<void> {
    const outgoing = this.#land(frame.request);
    if (outgoing === undefined) return;
    const id = hex(outgoing.id);
    const tries = (this.#tries.get(id) ?? 0) + 1;
    this.#tries.set(id, tries);
    const { code } = frame;
    if (tries > TRIES || (!SEAL_AGAIN.has(code) && !LATER.has(code))) {
      await this.giveUp(outgoing, new WireRefused(readCode(code), frame.detail));
      return;
    }
    const room = this.#core.room(outgoing.conversation);
    // The commit that superseded a fresh one is still to come, and resumes it.
    const waits = code === "epoch-superseded" && this.#isFresh(outgoing, room.group?.epoch ?? -1);
    if (code === "day-mismatch") this.#core.write(this.#outbox.keep({ ...outgoing, mls: NOTHING }));
    if (waits) return;
    setTimeout(() => {
      void this.#core.alone(() => this.resume(room)).catch(() => undefined);
    }, PAUSE_MS * tries);
  }

  /** Nothing is in flight any more; the caller flushes. */
  async disconnected(): Promise<void> {
    const ids = [...this.#outbox.flying.values()];
    this.#outbox.flying.clear();
    for (const id of ids) {
      const outgoing = this.#outbox.find(id);
      if (outgoing !== undefined) await this.#outbox.tell(outgoing, false);
    }
  }

  /** Says why a message will not be taken; it stays until `retry` or `discard`. */
  async giveUp(outgoing: Outgoing, why: { code: string; detail: string }): Promise<void> {
    const refusal = { code: why.code, detail: why.detail };
    const failed = { ...outgoing, refusal };
    this.#core.write(this.#outbox.keep(failed));
    await this.#outbox.tell(failed, false);
  }

  /** Tries a message again that was given up. */
  async retry(id: string): Promise<void> {
    const outgoing = this.#outbox.find(id);
    if (outgoing === undefined) throw new WireRefused("not-found");
    const fresh = { ...outgoing, refusal: null };
    this.#tries.delete(id);
    this.#core.write(this.#outbox.keep(fresh));
    await this.#outbox.tell(fresh, false);
    await this.#core.flush();
    const room = this.#core.room(outgoing.conversation);
    void this.#core.alone(() => this.resume(room)).catch(() => undefined);
  }

  #land(request: number): Outgoing | undefined {
    const id = this.#outbox.flying.get(request);
    this.#outbox.flying.delete(request);
    return id === undefined ? undefined : this.#outbox.find(id);
  }

  /** Looks for the day's key epoch in the law log when it is not known yet. */
  async #knowEpoch(): Promise<void> {
    const { monitor, account, clock } = this.#core;
    const day = dayOf(clock());
    const committee = monitor.keyLog.committee(account);
    try {
      if (this.#core.escrowsOn(committee, day)) {
        monitor.epochFor(committee, keyEpochOf(day), day);
      }
    } catch (problem) {
      if (!(problem instanceof CharterRefused)) throw problem;
      await monitor.syncLaw().catch(asRefusal);
    }
  }

  #isFresh(outgoing: Outgoing, epoch: number): boolean {
    const today = dayOf(this.#core.clock());
    return outgoing.mls.length > 0 && outgoing.epoch === epoch && outgoing.day === today;
  }

  /** Seals and encrypts; gives what the vault must have before it leaves. */
  async #seal(room: Room, outgoing: Outgoing): Promise<[Outgoing, readonly [number, number]]> {
    const group = await this.#core.group(room);
    const day = dayOf(this.#core.clock());
    const envelope = this.#envelope(room, outgoing, group.epoch, day);
    const encrypted = await group.encrypt(envelope.payload, envelope.headerHash);
    const sealed = {
      ...outgoing,
      header: envelope.header,
      body: envelope.body,
      mls: encrypted.ciphertext,
      epoch: encrypted.epoch,
      day,
    };
    return [sealed, [encrypted.epoch, encrypted.generation + 1]];
  }

  #envelope(room: Room, outgoing: Outgoing, epoch: number, day: number): SealedEnvelope {
    const core = this.#core;
    if (room.keys === undefined || room.keysEpoch !== epoch || room.keys.label.day !== day) {
      const seed = core.random(32);
      const label = this.#label(room, day);
      if (core.escrowsOn(label.committee, day)) {
        const { masterKey } = core.monitor.epoch(label.committee, label.keyEpoch);
        const { capsule } = seal(seed, label, masterKey);
        room.keys = makeSendKeys(seed, capsule, label, Form.SEALED);
      } else {
        room.keys = makeSendKeys(seed, NOTHING, label, Form.UNESCROWED);
      }
      room.keysEpoch = epoch;
    }
    const { keys } = room;
    const { id, record } = outgoing;
    return sealEnvelope(keys, id, core.device, core.key, core.random(32), record);
  }

  #label(room: Room, day: number): Label {
    const { monitor, account, deployment } = this.#core;
    const committee = monitor.keyLog.committee(account);
    const escrow = this.#core.escrowsOn(committee, day);
    const month = keyEpochOf(day);
    const keyEpoch = escrow ? monitor.epochFor(committee, month, day).epoch.keyEpoch : month;
    return new Label(deployment, committee, keyEpoch, room.conversation, account, day);
  }
}
