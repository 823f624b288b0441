/** Taking in what the server delivers: in order, once, and by the receive rule (spec G-10, V-11). */

import type { Line } from "../messenger.ts";
import { MlsError } from "../mls/failure.ts";
import type { Application, Commit, Event } from "../mls/views.ts";
import { equalBytes, hex } from "../protocol/encoding.ts";
import {
  DoublelockError,
  EnvelopeRefused,
  GroupRefused,
  Malformed,
  Refusal,
} from "../protocol/errors.ts";
import { type FromServerOf, ItemKind } from "../protocol/frames.ts";
import { decodeHeader } from "../protocol/header.ts";
import {
  type AcceptedReceipt,
  acceptReceipt,
  describeItem,
  joinChain,
  type Receipt,
  type VerifiedReceipt,
  verifyReceipt,
} from "../protocol/receipt.ts";
import { type Arrival, type Received, receive, receiveEphemeral } from "../protocol/receive.ts";
import { type AnyRecord, decodeRecord } from "../protocol/record.ts";
import type { Alarms } from "./alarms.ts";
import type { Chronicle } from "./chronicle.ts";
import type { Core } from "./core.ts";
import { asRefusal, readMember, rosterOf } from "./groups.ts";
import type { Outbox, Outgoing } from "./outbox.ts";
import type { People } from "./people.ts";
import type { Room } from "./room.ts";
import { put } from "./vault.ts";

/** Refusals that may only mean that a log has moved on since it was last read. */
const LAGGING: ReadonlySet<string> = new Set(["ghost-member", "sender-mismatch", "epoch-mismatch"]);

/** How often one asks for an item that does not come. */
const PATIENCE = 3;
/** Refusals of somebody who is not in the key log. */
const GHOSTS: ReadonlySet<string> = new Set(["ghost-member", "ghost-device"]);

type Item = FromServerOf<"Item">;

/** A handshake could not be judged for want of the logs. */
class Unjudged extends DoublelockError {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

export class Sync {
  readonly #core: Core;
  readonly #chronicle: Chronicle;
  readonly #people: People;
  readonly #outbox: Outbox;
  readonly #alarms: Alarms;

  constructor(core: Core, chronicle: Chronicle, people: People, outbox: Outbox, alarms: Alarms) {
    this.#core = core;
    this.#chronicle = chronicle;
    this.#people = people;
    this.#outbox = outbox;
    this.#alarms = alarms;
  }

  /** Takes one item of a room's timeline; false when it does not follow. The caller flushes. */
  async take(room: Room, item: Item): Promise<boolean> {
    if (item.sequence <= room.sequence || room.status !== "member") return true;
    if (item.sequence !== room.sequence + 1) return false;
    if (!(await this.#core.isUsable(room))) return true;
    await this.#core.monitor.knowLaw(item.timeMs);
    let receipt: AcceptedReceipt;
    try {
      receipt = this.#accept(room, receiptOf(item));
    } catch (problem) {
      // Nothing behind a broken receipt can be relied on: stay here (spec G-10).
      await this.stop(room, item.sequence, item.timeMs, asRefusal(problem));
      return true;
    }
    if (item.item === ItemKind.MESSAGE) await this.#message(room, item, receipt);
    else if (item.item === ItemKind.COMMIT) await this.#handshake(room, item);
    else if (item.item === ItemKind.ERASED) await this.#chronicle.erased(room.name, item.sequence);
    room.sequence = item.sequence;
    room.vain = 0;
    room.dirty = true;
    return true;
  }

  /**
   * The server says that there is more than it gave: true while it may be asked again.
   *
   * A gap that stays open after asking is an item that the server keeps back (spec G-10).
   */
  async mayAsk(room: Room, timeMs: number): Promise<boolean> {
    room.vain += 1;
    if (room.vain <= PATIENCE) return true;
    const missing = new EnvelopeRefused("receipt-chain", `item ${room.sequence + 1} is kept back`);
    await this.stop(room, room.sequence + 0.5, timeMs, missing);
    return false;
  }

  /** The server has an own message: follows the chain with its receipt. Throws EnvelopeRefused. */
  async takeAccepted(room: Room, frame: FromServerOf<"Accepted">, sent: Outgoing): Promise<void> {
    await this.#core.monitor.knowLaw(frame.timeMs);
    const place = {
      conversation: room.conversation,
      sequence: frame.sequence,
      previous: frame.previous,
      timeMs: frame.timeMs,
      account: this.#core.account,
      device: this.#core.device,
    };
    const fields = describeItem(place, sent.header, sent.body, sent.mls);
    const { index, size, path, signature } = frame;
    const receipt = { fields, index, size, path, signature };
    if (frame.sequence === room.sequence + 1) {
      this.#accept(room, receipt);
      room.sequence = frame.sequence;
    } else {
      this.#verify(receipt);
    }
    await this.keepOwn(room, sent, frame.sequence, frame.timeMs);
    room.dirty = true;
  }

  /** Moves an own message from the outbox into history, once. */
  async keepOwn(room: Room, sent: Outgoing, sequence: number, timeMs: number): Promise<void> {
    this.#core.write(put(["own", hex(sent.id)], sequence));
    this.#outbox.settle(sent);
    await this.#chronicle.take(room, {
      sequence,
      timeMs,
      account: this.#core.account,
      messageId: sent.id,
      record: decodeRecord(sent.record),
      recordBytes: sent.record,
    });
  }

  /** Takes an ephemeral message; undefined when it breaks the rule. */
  async takeWhisper(
    frame: FromServerOf<"Whispered">,
  ): Promise<{ room: Room; account: string; record: AnyRecord } | undefined> {
    try {
      const room = this.#core.room(hex(decodeHeader(frame.header).conversation));
      if (room.status !== "member") return undefined;
      const group = await this.#core.group(room);
      const event = await group.process(frame.mls, Math.floor(frame.timeMs / 1000));
      if (event.kind !== "application") return undefined;
      room.dirty = true;
      const arrival = arrivalOf(room, event, frame.header, frame.body);
      const context = this.#core.receiveContext();
      const { message } = receiveEphemeral(arrival, context);
      return { room, account: hex(arrival.account), record: message.record };
    } catch (problem) {
      asRefusal(problem);
      return undefined;
    }
  }

  // --- messages ----------------------------------------------------------------------------

  /** A receipt that the key of its time signed (C-13). */
  #verify(receipt: Receipt): VerifiedReceipt {
    const { deployment, roots } = this.#core;
    const key = this.#core.receiptKey(receipt.fields.timeMs);
    return verifyReceipt(receipt, deployment, key, roots);
  }

  #accept(room: Room, receipt: Receipt): AcceptedReceipt {
    const { clock, skewMs } = this.#core;
    const verified = this.#verify(receipt);
    if (room.chain === undefined) {
      const { fields } = verified;
      if (fields.timeMs > clock() + skewMs) {
        throw new EnvelopeRefused("receipt-time", `at sequence ${fields.sequence}`);
      }
      room.chain = joinChain(verified);
      return { fields, hash: verified.hash, chain: room.chain } as AcceptedReceipt;
    }
    const accepted = acceptReceipt(room.chain, verified, clock(), skewMs);
    room.chain = accepted.chain;
    return accepted;
  }

  async #message(room: Room, item: Item, receipt: AcceptedReceipt): Promise<void> {
    if (equalBytes(item.device, this.#core.device)) {
      await this.#own(room, item);
      return;
    }
    try {
      const { message } = await this.#open(room, item, receipt);
      await this.#learn([hex(message.header.account)]);
      await this.#chronicle.take(room, {
        sequence: item.sequence,
        timeMs: item.timeMs,
        account: message.header.account,
        messageId: message.header.messageId,
        record: message.record,
        recordBytes: message.recordBytes,
      });
    } catch (problem) {
      const why = asRefusal(problem);
      await this.#chronicle.refused(room, item.sequence, item.timeMs, item.account, why);
      this.#suspect(room, why);
    }
  }

  async #open(room: Room, item: Item, receipt: AcceptedReceipt): Promise<Received> {
    const core = this.#core;
    const group = await core.group(room);
    let event: Event;
    try {
      event = await group.process(item.mls, Math.floor(item.timeMs / 1000));
    } catch (problem) {
      throw asRefusal(problem);
    }
    if (event.kind !== "application") {
      throw new EnvelopeRefused("sender-mismatch", "not a present member's message");
    }
    const arrival = arrivalOf(room, event, item.header, item.body);
    let received: Received;
    try {
      received = receive(arrival, item.mls, receipt, core.receiveContext(), core.seen);
    } catch (problem) {
      if (!(problem instanceof EnvelopeRefused) || !LAGGING.has(problem.code)) throw problem;
      try {
        await core.monitor.syncLaw();
        await core.monitor.syncKeys();
      } catch (trouble) {
        // The message's key is used up and the message not judged: only the vault can go back.
        throw core.fail(asRefusal(trouble));
      }
      received = receive(arrival, item.mls, receipt, core.receiveContext(), core.seen);
    }
    if (received.newlySeen !== undefined) core.seen.add(received.newlySeen);
    return received;
  }

  /** One's own message in the timeline: it was accepted while the answer was lost. */
  async #own(room: Room, item: Item): Promise<void> {
    const { messageId } = decodeHeader(item.header);
    const known = await this.#core.vault.find<number>(["own", hex(messageId)]);
    if (known === item.sequence) return;
    const waiting = this.#outbox.find(hex(messageId));
    if (waiting !== undefined && known === undefined) {
      await this.keepOwn(room, waiting, item.sequence, item.timeMs);
      return;
    }
    // The vault forgot that it sent this: it was restored. No key of its state is safe to use.
    const why = new GroupRefused("vault-damaged", "a message that this vault does not know");
    room.status = "broken";
    await this.#chronicle.refused(room, item.sequence, item.timeMs, this.#core.account, why);
  }

  // --- handshakes --------------------------------------------------------------------------

  async #handshake(room: Room, item: Item): Promise<void> {
    let event: Event;
    try {
      event = await this.#process(room, item);
    } catch (problem) {
      if (problem instanceof Unjudged) throw problem.refusal;
      if (problem instanceof MlsError) {
        // Valid for the server and not for us: come back by a resync (spec G-11).
        room.status = "broken";
        const why = asRefusal(problem);
        await this.#chronicle.refused(room, item.sequence, item.timeMs, item.account, why);
        return;
      }
      await this.stop(room, item.sequence, item.timeMs, asRefusal(problem));
      return;
    }
    if (event.kind === "commit") {
      room.wish = false;
      room.unchecked = !equalBytes(item.device, this.#core.device);
      await this.#committed(room, item, event);
    } else {
      room.wish = event.kind === "proposal" && !equalBytes(item.device, this.#core.device);
    }
  }

  /** Processes a handshake by its receipt's time; once more with the newest key log. */
  async #process(room: Room, item: Item): Promise<Event> {
    const group = await this.#core.group(room);
    const process = () =>
      this.#core.groups.at(item.timeMs, () =>
        group.process(item.mls, Math.floor(item.timeMs / 1000)),
      );
    try {
      return await process();
    } catch (problem) {
      if (!(problem instanceof Refusal) || !LAGGING.has(problem.code)) throw problem;
      try {
        await this.#core.monitor.syncKeys();
      } catch (trouble) {
        // Not judged, and the group is as it was: it comes again with the next connection.
        throw new Unjudged(asRefusal(trouble));
      }
      return process();
    }
  }

  async #committed(room: Room, item: Item, commit: Commit): Promise<void> {
    const group = await this.#core.group(room);
    room.forgetContext();
    // The item names its sender by the server's word; the commit itself by a signature.
    const committer =
      commit.committer === undefined
        ? this.#core.account
        : commit.selfRemoved
          ? item.account
          : readMember(group.member(commit.committer)).account;
    const by = hex(committer);
    if (commit.selfRemoved) {
      room.status = "left";
      room.group = undefined;
      await this.#core.dropGroup(room);
      const own = this.#core.identity.handle;
      await this.#learn([by]);
      const wished = this.#core.groups
        .leaversOf(room.name, commit.epoch)
        .includes(hex(this.#core.account));
      const line: Line = wished
        ? { kind: "left", by: own }
        : { kind: "removed", by: this.#people.name(by), names: [own] };
      await this.#chronicle.line(room.name, item.sequence, item.timeMs, line);
      return;
    }
    const now = rosterOf(group).map((leaf) => hex(leaf.account));
    const added = commit.added.map((member) => hex(readMember(member).account));
    const removed = commit.removed.map((member) => hex(readMember(member).account));
    const { members, admins, addPolicy } = this.#chronicle.views.of(room.name);
    const before = new Set(members);
    const came = [...new Set(added)].filter((account) => !before.has(account));
    const gone = [...new Set(removed)].filter((account) => !now.includes(account));
    const leavers = this.#core.groups.leaversOf(room.name, commit.epoch);
    const left = gone.filter((account) => leavers.includes(account));
    const went = gone.filter((account) => !leavers.includes(account));
    await this.#learn([by, ...came, ...gone]);
    this.#chronicle.views.describe(room, group);
    const names = (accounts: readonly string[]) => accounts.map((one) => this.#people.name(one));
    const say = (offset: number, line: Line) =>
      this.#chronicle.line(room.name, item.sequence + offset, item.timeMs, line);
    const byName = this.#people.name(by);
    if (came.length > 0) await say(0, { kind: "added", by: byName, names: names(came) });
    if (went.length > 0) await say(0.25, { kind: "removed", by: byName, names: names(went) });
    for (const [at, account] of left.entries()) {
      await say(0.3 + at / 10_000, { kind: "left", by: this.#people.name(account) });
    }
    if (!commit.contextChanged) return;
    const after = this.#chronicle.views.of(room.name);
    const changed = [
      ...after.admins.filter((one) => !admins.includes(one)).map((one) => [one, "admin"] as const),
      ...admins
        .filter((one) => !after.admins.includes(one) && now.includes(one))
        .map((one) => [one, "member"] as const),
    ];
    for (const [at, [account, role]] of changed.entries()) {
      const name = this.#people.name(account);
      await say(0.5 + at / 10_000, { kind: "role", by: byName, name, role });
    }
    if (after.addPolicy !== addPolicy) await say(0.7, { kind: "settings", by: byName });
  }

  /** Ends a conversation for what the server is to answer for, and says so; the caller flushes. */
  async stop(room: Room, at: number, timeMs: number, refusal: Refusal): Promise<void> {
    this.#core.stop(room, refusal);
    const { code, detail } = refusal;
    const line: Line = { kind: "stopped", refusal: { code, detail } };
    await this.#chronicle.line(room.name, at, timeMs, line);
    this.#chronicle.views.tell(room.name);
    if (!this.#suspect(room, refusal)) {
      this.#alarms.raise({ kind: "server-deceived", refusal: { code, detail } });
    }
  }

  /** Raises the alarm where somebody whom the key log does not know was to come in. */
  #suspect(room: Room, refusal: Refusal): boolean {
    const { code, detail } = refusal;
    if (!GHOSTS.has(code)) return false;
    const { name } = this.#chronicle.views.conversation(room.name);
    const cause = { conversation: room.name, name, refusal: { code, detail } };
    this.#alarms.raise({ kind: "ghost", ...cause });
    return true;
  }

  /** Names are for showing: without the server they come later. */
  async #learn(accounts: readonly string[]): Promise<void> {
    try {
      await this.#people.learn(accounts);
    } catch (problem) {
      asRefusal(problem);
    }
  }
}

function arrivalOf(room: Room, event: Application, header: Uint8Array, body: Uint8Array): Arrival {
  const { account, device } = readMember(event.sender);
  return {
    conversation: room.conversation,
    account,
    device,
    header,
    body,
    authenticatedData: event.authenticatedData,
    plaintext: event.plaintext,
  };
}

function receiptOf(item: Item): Receipt {
  const { conversation, sequence, previous, timeMs, account, device } = item;
  const { index, size, path, signature, header, body, mls } = item;
  const place = { conversation, sequence, previous, timeMs, account, device };
  if (item.item !== ItemKind.ERASED) {
    return { fields: describeItem(place, header, body, mls), index, size, path, signature };
  }
  if ([header, body, mls].some((hash) => hash.length !== 32)) {
    throw new Malformed("size", "erased item");
  }
  const fields = { ...place, headerHash: header, bodyHash: body, mlsHash: mls };
  return { fields, index, size, path, signature };
}
