/**
 * What conversations have shown: their lines in the list, their timelines, and what changed them.
 *
 * It believes what the receive rule passed. Nothing here writes at once: the caller flushes.
 */

import { type Line, type Notice, type RefusalFacts, SERVICE } from "../messenger.ts";
import { retainedFrom } from "../protocol/charter_terms.ts";
import { hex } from "../protocol/encoding.ts";
import { speaksFor } from "../protocol/group_rules.ts";
import { type AnyRecord, display } from "../protocol/record.ts";
import type { Core } from "./core.ts";
import { forgetFile } from "./files.ts";
import { Pages } from "./pages.ts";
import type { People } from "./people.ts";
import type { Room } from "./room.ts";
import { Showing } from "./showing.ts";
import { blankEntry, type Entry, Timeline } from "./timeline.ts";
import { Views } from "./views.ts";

/** What the service says of itself stands this far behind what came by its mail. */
const AFTER = 2 ** -10;

/** What passed the receive rule, or one's own once the server has it. */
interface Arrived {
  readonly sequence: number;
  readonly timeMs: number;
  readonly account: Uint8Array;
  readonly messageId: Uint8Array;
  readonly record: AnyRecord;
  readonly recordBytes: Uint8Array;
}

export class Chronicle {
  readonly #core: Core;
  readonly #people: People;
  readonly views: Views;
  readonly timeline: Timeline;
  readonly showing: Showing;
  readonly pages: Pages;

  constructor(core: Core, people: People) {
    this.#core = core;
    this.#people = people;
    this.views = new Views(core, people);
    this.timeline = new Timeline(core);
    this.showing = new Showing(core, people, this.timeline);
    this.pages = new Pages(core, this.timeline, this.showing);
  }

  /** Forgets a conversation's history on this device; the caller flushes. */
  async forget(name: string): Promise<void> {
    this.views.drop(name);
    await this.timeline.forget(name);
    this.#core.tell({ kind: "conversation-gone", conversation: name });
  }

  async markRead(name: string, at: number): Promise<boolean> {
    const view = this.views.of(name);
    const through = Math.min(at, view.last?.at ?? 0);
    if (through <= view.readAt && view.unread === 0) return false;
    const own = hex(this.#core.account);
    const rest = await this.timeline.list(name, { after: through });
    const unread = rest.filter(
      (entry) => entry.account !== own && (entry.line === null || name === SERVICE),
    ).length;
    this.views.change(name, { readAt: Math.max(view.readAt, through), unread, mentioned: false });
    return true;
  }

  // --- what arrives ------------------------------------------------------------------------

  /** Takes a message that passed the receive rule, or an own one that the server took. */
  async take(room: Room, arrived: Arrived): Promise<void> {
    const { record } = arrived;
    const account = hex(arrived.account);
    switch (record.kind) {
      case "Edit":
        return this.#amend(room, record.target, (entry) =>
          entry.account === account && !entry.deleted
            ? { ...entry, edited: record.content }
            : entry,
        );
      case "Delete":
        return this.#amend(room, record.target, (entry) => {
          if (entry.account !== account) return entry;
          this.#core.write(...forgetFile(entry.record));
          return { ...entry, deleted: true, record: null, edited: null, marks: {} };
        });
      case "Reaction":
        return this.#amend(room, record.target, (entry) => {
          const { [account]: _, ...others } = entry.marks;
          const mark = display(record.mark);
          return { ...entry, marks: mark === "" ? others : { ...others, [account]: mark } };
        });
      case "Timer":
        if (!speaksFor(room.context, arrived.account)) return;
        this.views.change(room.name, { timerSeconds: record.seconds });
        return this.line(room.name, arrived.sequence, arrived.timeMs, {
          kind: "timer",
          by: this.#people.name(account),
          seconds: record.seconds,
        });
      case "Details":
        return this.#details(room, arrived, record.name, record.picture);
      case "MembershipNotice":
        return;
      default: {
        const { timerSeconds } = this.views.of(room.name);
        await this.#add(room.name, {
          ...blankEntry(arrived.sequence, arrived.timeMs),
          id: hex(arrived.messageId),
          account,
          record: arrived.recordBytes,
          expiresMs: timerSeconds > 0 ? arrived.timeMs + timerSeconds * 1000 : null,
        });
      }
    }
  }

  async refused(room: Room, at: number, timeMs: number, account: Uint8Array, why: RefusalFacts) {
    await this.#add(room.name, {
      ...blankEntry(at, timeMs),
      account: hex(account),
      refusal: { code: why.code, detail: why.detail },
    });
  }

  async line(name: string, at: number, timeMs: number, line: Line): Promise<void> {
    await this.#add(name, { ...blankEntry(at, timeMs), line });
  }

  /** What the service itself says: a line. */
  async service(at: number, timeMs: number, line: Line): Promise<void> {
    if (!this.views.has(SERVICE)) this.views.change(SERVICE, { kind: "service" });
    await this.#add(SERVICE, { ...blankEntry(at, timeMs), line });
  }

  /** What this device says in the service's conversation, behind everything that is there. */
  async say(timeMs: number, line: Line): Promise<void> {
    await this.service((this.views.of(SERVICE).last?.at ?? 0) + AFTER, timeMs, line);
  }

  /** What the service itself says: a notice that was verified. */
  async notice(at: number, timeMs: number, notice: Notice): Promise<void> {
    if (!this.views.has(SERVICE)) this.views.change(SERVICE, { kind: "service" });
    await this.#add(SERVICE, { ...blankEntry(at, timeMs), notice });
  }

  /** The server keeps an item's hashes only: its time is over. The caller flushes. */
  async erased(name: string, at: number): Promise<void> {
    await this.#erase(name, [at]);
  }

  /**
   * Deletes what a conversation's timer or the charter's retention has ended; the caller flushes.
   *
   * What the service told stays: it is the person's evidence.
   */
  async sweep(nowMs: number): Promise<void> {
    const keptFrom = retainedFrom(this.#core.monitor.charter.terms, nowMs);
    for (const name of this.views.names) {
      if (name === SERVICE) continue;
      const due = [
        ...(await this.timeline.outlived(name, keptFrom)),
        ...(await this.timeline.expired(name, nowMs)),
      ];
      if (due.length > 0) await this.#erase(name, due);
    }
  }

  /** Forgets entries with all that shows them: place, preview, count of unread. */
  async #erase(name: string, places: readonly number[]): Promise<void> {
    const gone = new Set(places);
    for (const at of gone) {
      const entry = await this.timeline.entry(name, at);
      if (entry === undefined) continue;
      this.timeline.remove(name, entry);
      this.#core.tell({ kind: "message-gone", conversation: name, id: entry.id });
    }
    const view = this.views.of(name);
    const own = hex(this.#core.account);
    const unread = (await this.timeline.list(name, { after: view.readAt })).filter(
      (entry) => !gone.has(entry.at) && entry.account !== own && entry.line === null,
    );
    const change = { unread: Math.min(view.unread, unread.length) };
    if (view.last === null || !gone.has(view.last.at)) {
      if (change.unread !== view.unread) this.views.change(name, change);
      return;
    }
    const rest = (await this.timeline.list(name)).filter(
      (entry) => !gone.has(entry.at) && entry.line === null,
    );
    const last = rest.at(-1);
    this.views.change(name, {
      ...change,
      last: last === undefined ? null : { at: last.at, id: last.id },
      preview:
        last === undefined ? null : this.showing.preview(await this.showing.message(name, last)),
    });
  }

  async #details(room: Room, arrived: Arrived, name: Uint8Array, picture: Uint8Array) {
    const account = hex(arrived.account);
    const view = this.views.of(room.name);
    if (!speaksFor(room.context, arrived.account) || arrived.sequence <= view.nameAt) return;
    const shown = display(name);
    this.views.change(room.name, {
      name: shown,
      nameAt: arrived.sequence,
      picture: picture.length > 0 ? picture : null,
    });
    const by = this.#people.name(account);
    const line: Line =
      shown === view.name ? { kind: "picture", by } : { kind: "renamed", by, name: shown };
    await this.line(room.name, arrived.sequence, arrived.timeMs, line);
  }

  async #amend(room: Room, target: Uint8Array, change: (entry: Entry) => Entry): Promise<void> {
    const id = hex(target);
    const at = await this.timeline.place(room.name, id);
    const entry = at === undefined ? undefined : await this.timeline.entry(room.name, at);
    if (entry === undefined || entry.line !== null || entry.refusal !== null) return;
    const next = change(entry);
    if (next === entry) return;
    this.timeline.put(room.name, next);
    this.#core.tell({
      kind: "message",
      message: await this.showing.message(room.name, next),
      fresh: false,
    });
    const view = this.views.of(room.name);
    if (view.last?.id === id) {
      const preview = this.showing.preview(await this.showing.message(room.name, next));
      this.views.change(room.name, { preview });
    }
  }

  async #add(name: string, entry: Entry): Promise<void> {
    this.timeline.put(name, entry);
    const message = await this.showing.message(name, entry);
    const view = this.views.of(name);
    const silent = entry.account !== null && this.#people.isBlocked(entry.account);
    const counts = !message.mine && !silent && (entry.line === null || name === SERVICE);
    const talks = entry.line === null || view.preview === null || name === SERVICE;
    this.views.change(name, {
      last: { at: entry.at, id: entry.id },
      timeMs: entry.timeMs,
      ...(talks ? { preview: this.showing.preview(message) } : {}),
      ...(counts
        ? { unread: view.unread + 1, mentioned: view.mentioned || message.mentionsMe }
        : {}),
    });
    this.#core.tell({ kind: "message", message, fresh: true });
  }

  /** Puts in what another device of this account has kept, below all that is this device's own. */
  async takeOver(name: string, entries: readonly Entry[], line: Line, lineAt: number) {
    const newest = entries.at(-1);
    if (newest === undefined) return;
    for (const entry of entries) this.timeline.put(name, entry);
    const said = { ...blankEntry(lineAt, newest.timeMs), line };
    this.timeline.put(name, said);
    const view = this.views.of(name);
    const readAt = Math.max(view.readAt, newest.at);
    const isNewest = view.last === null || view.last.at < newest.at;
    const talks = isNewest || view.preview === null;
    const message = await this.showing.message(name, newest);
    this.views.change(name, {
      readAt,
      ...(isNewest ? { last: { at: lineAt, id: said.id }, timeMs: newest.timeMs } : {}),
      ...(talks ? { preview: this.showing.preview(message) } : {}),
    });
    this.#core.tell({ kind: "history", conversation: name });
  }
}
