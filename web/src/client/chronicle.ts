/**
 * What conversations have shown: their lines in the list, their timelines, and what changed them.
 *
 * It believes what the receive rule passed. Nothing here writes at once: the caller flushes.
 */

import {
  type Body,
  type Conversation,
  type Draft,
  type Line,
  type Mention,
  type Message,
  type Notice,
  type Page,
  type PageWanted,
  type Preview,
  type Quote,
  type RefusalFacts,
  SERVICE,
  type SendState,
} from "../messenger.ts";
import type { Group } from "../mls/group.ts";
import type { Committee } from "../protocol/charter_terms.ts";
import { DAY_MS } from "../protocol/days.ts";
import { hex } from "../protocol/encoding.ts";
import { WireRefused } from "../protocol/errors.ts";
import { AddPolicy, ConversationKind, speaksFor } from "../protocol/group_rules.ts";
import { type AnyRecord, decodeRecord, display } from "../protocol/record.ts";
import type { Core } from "./core.ts";
import { forgetFile } from "./files.ts";
import { rosterOf } from "./groups.ts";
import { unpack } from "./pack.ts";
import type { People } from "./people.ts";
import type { Room } from "./room.ts";
import { put } from "./vault.ts";

const PREVIEW = 200;
const PEAKS = 64;
/** Unsent messages stand beyond every sequence. */
const BEYOND = 2 ** 50;
/** What the service says of itself stands this far behind what came by its mail. */
const AFTER = 2 ** -10;
const SWEPT_AT_ONCE = 200;

/** What the list shows of a conversation, as the vault keeps it. */
export interface View {
  readonly kind: "direct" | "group" | "service";
  readonly name: string;
  readonly nameAt: number;
  readonly picture: Uint8Array | null;
  readonly members: readonly string[];
  readonly admins: readonly string[];
  readonly addPolicy: "admins" | "members";
  readonly last: { readonly at: number; readonly id: string } | null;
  readonly preview: Preview | null;
  readonly timeMs: number;
  readonly unread: number;
  readonly mentioned: boolean;
  readonly readAt: number;
  readonly draft: Draft | null;
  readonly muted: boolean;
  readonly pinned: boolean;
  readonly timerSeconds: number;
}

const NEW_VIEW: View = {
  kind: "group",
  name: "",
  nameAt: -1,
  picture: null,
  members: [],
  admins: [],
  addPolicy: "admins",
  last: null,
  preview: null,
  timeMs: 0,
  unread: 0,
  mentioned: false,
  readAt: 0,
  draft: null,
  muted: false,
  pinned: false,
  timerSeconds: 0,
};

/** One thing of a timeline, as the vault keeps it. */
export interface Entry {
  readonly at: number;
  readonly id: string;
  readonly timeMs: number;
  readonly account: string | null;
  readonly record: Uint8Array | null;
  readonly line: Line | null;
  readonly notice: Notice | null;
  readonly refusal: RefusalFacts | null;
  readonly edited: Uint8Array | null;
  readonly deleted: boolean;
  readonly marks: Readonly<Record<string, string>>;
  readonly expiresMs: number | null;
}

/** A message of one's own that is on its way, as far as it is shown. */
export interface Underway {
  readonly id: string;
  readonly order: number;
  readonly createdMs: number;
  readonly record: Uint8Array;
  readonly state: SendState;
  readonly refusal: RefusalFacts | null;
}

/** What passed the receive rule, or one's own once the server has it. */
export interface Arrived {
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
  readonly #views = new Map<string, View>();
  /** What was written and is not flushed yet. */
  readonly #fresh = new Map<string, Entry>();
  readonly #places = new Map<string, number>();
  reached: (conversation: string, sequence: number) => SendState = () => "sent";
  underway: (conversation: string) => readonly Underway[] = () => [];
  /** How many ask to be let into a group. */
  asking: (conversation: string) => number = () => 0;
  /** Told when something of a timeline is to disappear. */
  expires: (timeMs: number) => void = () => undefined;

  constructor(core: Core, people: People) {
    this.#core = core;
    this.#people = people;
  }

  async load(): Promise<void> {
    for (const [row, value] of await this.#core.vault.list(["view"])) {
      this.#views.set(String(row[1]), unpack<View>(value));
    }
  }

  // --- the list ----------------------------------------------------------------------------

  conversations(): Conversation[] {
    return [...this.#views.keys()].map((name) => this.conversation(name));
  }

  has(name: string): boolean {
    return this.#views.has(name);
  }

  view(name: string): View {
    return this.#views.get(name) ?? NEW_VIEW;
  }

  /** Whether it is a conversation with somebody whom this person blocked. */
  isHidden(name: string): boolean {
    const { kind, members } = this.view(name);
    const own = hex(this.#core.account);
    return kind === "direct" && members.some((one) => one !== own && this.#people.isBlocked(one));
  }

  conversation(name: string): Conversation {
    const view = this.view(name);
    const room = this.#core.rooms.get(name);
    const own = hex(this.#core.account);
    const others = view.members.filter((account) => account !== own);
    const peer = view.kind === "direct" ? (others[0] ?? null) : null;
    const looks = others.map((account) => this.#people.verification(account));
    const weakest = looks.includes("changed")
      ? "changed"
      : looks.includes("unverified") || looks.length === 0
        ? "unverified"
        : "verified";
    const status = room?.status ?? "member";
    const hidden = this.isHidden(name);
    return {
      id: name,
      kind: view.kind,
      name: this.#nameOf(view, peer, others),
      picture: view.picture,
      peer,
      members: view.members.length,
      role: view.admins.includes(own) ? "admin" : "member",
      addPolicy: view.addPolicy,
      preview: view.preview,
      timeMs: view.timeMs,
      unread: hidden ? 0 : view.unread,
      mentioned: view.mentioned && !hidden,
      blocked: hidden,
      readAt: view.readAt,
      draft: view.draft,
      muted: view.muted,
      pinned: view.pinned,
      timerSeconds: view.timerSeconds,
      state: status === "broken" ? "member" : status,
      refusal: room?.refusal ?? null,
      verification: weakest,
      joinRequests: this.asking(name),
    };
  }

  #nameOf(view: View, peer: string | null, others: readonly string[]): string {
    if (peer !== null) return this.#people.name(peer);
    if (view.name !== "" || view.kind === "service") return view.name;
    const names = others.map((account) => this.#people.name(account));
    return names.slice(0, 4).join(", ") || this.#core.identity.handle;
  }

  change(name: string, change: Partial<View>): void {
    const view = { ...this.view(name), ...change };
    this.#views.set(name, view);
    this.#core.write(put(["view", name], view));
    this.tell(name);
  }

  tell(name: string): void {
    this.#core.tell({ kind: "conversation", conversation: this.conversation(name) });
  }

  /** Takes over who is in a group and who rules it. */
  describe(room: Room, group: Group): void {
    const { context } = room;
    this.change(room.name, {
      kind: context.kind === ConversationKind.DIRECT ? "direct" : "group",
      members: [...new Set(rosterOf(group).map((leaf) => hex(leaf.account)))],
      admins: context.admins.map(hex),
      addPolicy: context.addPolicy === AddPolicy.MEMBERS ? "members" : "admins",
    });
    this.#core.tell({ kind: "members", conversation: room.name });
  }

  async forget(name: string): Promise<void> {
    this.#views.delete(name);
    const history = await this.#core.vault.list(["history", name]);
    for (const [, value] of history) {
      this.#core.write(...forgetFile(unpack<Entry>(value).record));
    }
    const rows = [...history, ...(await this.#core.vault.list(["place", name]))].map(
      ([row]) => row,
    );
    this.#core.write([["view", name], undefined], ...rows.map((row) => [row, undefined] as const));
    this.#core.tell({ kind: "conversation-gone", conversation: name });
  }

  async markRead(name: string, at: number): Promise<boolean> {
    const view = this.view(name);
    const through = Math.min(at, view.last?.at ?? 0);
    if (through <= view.readAt && view.unread === 0) return false;
    const own = hex(this.#core.account);
    const rest = await this.#core.vault.list(["history", name], { after: through });
    const unread = rest
      .map(([, value]) => unpack<Entry>(value))
      .filter((entry) => entry.account !== own && (entry.line === null || name === SERVICE)).length;
    this.change(name, { readAt: Math.max(view.readAt, through), unread, mentioned: false });
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
        this.change(room.name, { timerSeconds: record.seconds });
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
        const { timerSeconds } = this.view(room.name);
        await this.#add(room.name, {
          ...this.#blank(arrived.sequence, arrived.timeMs),
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
      ...this.#blank(at, timeMs),
      account: hex(account),
      refusal: { code: why.code, detail: why.detail },
    });
  }

  async line(name: string, at: number, timeMs: number, line: Line): Promise<void> {
    await this.#add(name, { ...this.#blank(at, timeMs), line });
  }

  /** What the service itself says: a line. */
  async service(at: number, timeMs: number, line: Line): Promise<void> {
    if (!this.has(SERVICE)) this.change(SERVICE, { kind: "service" });
    await this.#add(SERVICE, { ...this.#blank(at, timeMs), line });
  }

  /** What this device says in the service's conversation, behind everything that is there. */
  async say(timeMs: number, line: Line): Promise<void> {
    await this.service((this.view(SERVICE).last?.at ?? 0) + AFTER, timeMs, line);
  }

  /** What the service itself says: a notice that was verified. */
  async notice(at: number, timeMs: number, notice: Notice): Promise<void> {
    if (!this.has(SERVICE)) this.change(SERVICE, { kind: "service" });
    await this.#add(SERVICE, { ...this.#blank(at, timeMs), notice });
  }

  /** The server keeps an item's hashes only: its time is over. The caller flushes. */
  async erased(name: string, at: number): Promise<void> {
    await this.#erase(name, [at]);
  }

  /**
   * Deletes what a conversation's timer or the charter's retention has ended; the caller flushes.
   *
   * Retention is the longest of any committee's, as at the server: a conversation may have members of
   * several. What the service told stays: it is the person's evidence.
   */
  async sweep(nowMs: number): Promise<void> {
    const days = Math.max(...this.#core.monitor.charter.terms.committees.map(retention));
    for (const [name] of this.#views) {
      if (name === SERVICE) continue;
      const due = [
        ...(await this.#outlived(name, nowMs - days * DAY_MS)),
        ...(await this.#expired(name, nowMs)),
      ];
      if (due.length > 0) await this.#erase(name, due);
    }
  }

  /** The places of everything older than a time. */
  async #outlived(name: string, beforeMs: number): Promise<number[]> {
    const found: number[] = [];
    let after = -1;
    for (;;) {
      const how = { after, limit: SWEPT_AT_ONCE };
      const rows = await this.#core.vault.list(["history", name], how);
      for (const [, value] of rows) {
        const { at, timeMs } = unpack<Entry>(value);
        if (timeMs >= beforeMs) return found;
        found.push(at);
        after = at;
      }
      if (rows.length < SWEPT_AT_ONCE) return found;
    }
  }

  /** The places of everything whose timer has ended; tells what ends next. */
  async #expired(name: string, nowMs: number): Promise<number[]> {
    const due = await this.#core.vault.find<number>(["expiry", name]);
    if (due === undefined) return [];
    if (due > nowMs) {
      this.expires(due);
      return [];
    }
    const found: number[] = [];
    let next: number | undefined;
    for (const [, value] of await this.#core.vault.list(["history", name])) {
      const { at, expiresMs } = unpack<Entry>(value);
      if (expiresMs === null) continue;
      if (expiresMs <= nowMs) found.push(at);
      else next = Math.min(next ?? expiresMs, expiresMs);
    }
    this.#core.write(
      next === undefined ? [["expiry", name], undefined] : put(["expiry", name], next),
    );
    if (next !== undefined) this.expires(next);
    return found;
  }

  /** Forgets entries with all that shows them: place, preview, count of unread. */
  async #erase(name: string, places: readonly number[]): Promise<void> {
    const gone = new Set(places);
    for (const at of gone) {
      const entry = await this.#entry(name, at);
      if (entry === undefined) continue;
      this.#fresh.delete(`${name}/${at}`);
      this.#core.write([["history", name, at], undefined], [["place", name, entry.id], undefined]);
      this.#core.write(...forgetFile(entry.record));
      this.#core.tell({ kind: "message-gone", conversation: name, id: entry.id });
    }
    const view = this.view(name);
    const own = hex(this.#core.account);
    const unread = (await this.#core.vault.list(["history", name], { after: view.readAt }))
      .map(([, value]) => unpack<Entry>(value))
      .filter((entry) => !gone.has(entry.at) && entry.account !== own && entry.line === null);
    const change = { unread: Math.min(view.unread, unread.length) };
    if (view.last === null || !gone.has(view.last.at)) {
      if (change.unread !== view.unread) this.change(name, change);
      return;
    }
    const rest = (await this.#core.vault.list(["history", name]))
      .map(([, value]) => unpack<Entry>(value))
      .filter((entry) => !gone.has(entry.at) && entry.line === null);
    const last = rest.at(-1);
    this.change(name, {
      ...change,
      last: last === undefined ? null : { at: last.at, id: last.id },
      preview: last === undefined ? null : this.#preview(await this.#show(name, last)),
    });
  }

  async #details(room: Room, arrived: Arrived, name: Uint8Array, picture: Uint8Array) {
    const account = hex(arrived.account);
    const view = this.view(room.name);
    if (!speaksFor(room.context, arrived.account) || arrived.sequence <= view.nameAt) return;
    const shown = display(name);
    this.change(room.name, {
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
    const at = await this.#place(room.name, id);
    const entry = at === undefined ? undefined : await this.#entry(room.name, at);
    if (entry === undefined || entry.line !== null || entry.refusal !== null) return;
    const next = change(entry);
    if (next === entry) return;
    this.#put(room.name, next);
    this.#core.tell({ kind: "message", message: await this.#show(room.name, next), fresh: false });
    const view = this.view(room.name);
    if (view.last?.id === id) {
      const preview = this.#preview(await this.#show(room.name, next));
      this.change(room.name, { preview });
    }
  }

  #blank(at: number, timeMs: number): Entry {
    return {
      at,
      id: `00000000${at.toString(16).padStart(24, "0")}`,
      timeMs,
      account: null,
      record: null,
      line: null,
      notice: null,
      refusal: null,
      edited: null,
      deleted: false,
      marks: {},
      expiresMs: null,
    };
  }

  #put(name: string, entry: Entry): void {
    this.#fresh.set(`${name}/${entry.at}`, entry);
    this.#places.set(`${name}/${entry.id}`, entry.at);
    this.#core.write(
      put(["history", name, entry.at], entry),
      put(["place", name, entry.id], entry.at),
    );
    if (entry.expiresMs === null) return;
    this.#core.write(put(["expiry", name], 0));
    this.expires(entry.expiresMs);
  }

  async #add(name: string, entry: Entry): Promise<void> {
    this.#put(name, entry);
    const message = await this.#show(name, entry);
    const view = this.view(name);
    const silent = entry.account !== null && this.#people.isBlocked(entry.account);
    const counts = !message.mine && !silent && (entry.line === null || name === SERVICE);
    const talks = entry.line === null || view.preview === null || name === SERVICE;
    this.change(name, {
      last: { at: entry.at, id: entry.id },
      timeMs: entry.timeMs,
      ...(talks ? { preview: this.#preview(message) } : {}),
      ...(counts
        ? { unread: view.unread + 1, mentioned: view.mentioned || message.mentionsMe }
        : {}),
    });
    this.#core.tell({ kind: "message", message, fresh: true });
  }

  async #entry(name: string, at: number): Promise<Entry | undefined> {
    return (
      this.#fresh.get(`${name}/${at}`) ??
      (await this.#core.vault.find<Entry>(["history", name, at]))
    );
  }

  /** Where a message stands, or undefined while it is not there. */
  place(name: string, id: string): Promise<number | undefined> {
    return this.#place(name, id);
  }

  async #place(name: string, id: string): Promise<number | undefined> {
    return (
      this.#places.get(`${name}/${id}`) ??
      (await this.#core.vault.find<number>(["place", name, id]))
    );
  }

  /** What was written is durable, and read from there. */
  flushed(): void {
    this.#fresh.clear();
    this.#places.clear();
  }

  /** Tells the newest own messages again: others have come further. */
  async tellReached(name: string): Promise<void> {
    const own = hex(this.#core.account);
    const rows = await this.#core.vault.list(["history", name], { limit: 30, last: true });
    for (const [, value] of rows) {
      const entry = unpack<Entry>(value);
      if (entry.account !== own) continue;
      const message = await this.#show(name, entry);
      this.#core.tellNow({ kind: "message", message, fresh: false });
    }
  }

  /** Puts in what another device of this account has kept, below all that is this device's own. */
  async takeOver(name: string, entries: readonly Entry[], line: Line, lineAt: number) {
    const newest = entries.at(-1);
    if (newest === undefined) return;
    for (const entry of entries) this.#put(name, entry);
    const said = { ...this.#blank(lineAt, newest.timeMs), line };
    this.#put(name, said);
    const view = this.view(name);
    const readAt = Math.max(view.readAt, newest.at);
    const isNewest = view.last === null || view.last.at < newest.at;
    const talks = isNewest || view.preview === null;
    const message = await this.#show(name, newest);
    this.change(name, {
      readAt,
      ...(isNewest ? { last: { at: lineAt, id: said.id }, timeMs: newest.timeMs } : {}),
      ...(talks ? { preview: this.#preview(message) } : {}),
    });
    this.#core.tell({ kind: "history", conversation: name });
  }

  // --- showing -----------------------------------------------------------------------------

  /** A page of a timeline. Throws WireRefused(not-found) for a message that is not here. */
  async page(name: string, wanted: PageWanted, limit: number): Promise<Page> {
    const prefix = ["history", name] as const;
    const { vault } = this.#core;
    const read = async (how: Parameters<typeof vault.list>[1]) =>
      (await vault.list(prefix, how)).map(([, value]) => unpack<Entry>(value));
    if (wanted.from === "around") {
      const at = await this.#place(name, wanted.id);
      if (at === undefined) throw new WireRefused("not-found");
      const half = Math.max(1, Math.floor(limit / 2));
      const before = await read({ before: at, limit: half + 1, last: true });
      const after = await read({ after: at - 1, limit: half + 1 });
      const older = before.length > half;
      const newer = after.length > half;
      const found = [...before.slice(older ? 1 : 0), ...after.slice(0, half)];
      return { messages: await this.#showAll(name, found, !newer), older, newer };
    }
    if (wanted.from === "after") {
      const found = await read({ after: wanted.at, limit: limit + 1 });
      const newer = found.length > limit;
      const some = found.slice(0, limit);
      return { messages: await this.#showAll(name, some, !newer), older: true, newer };
    }
    const how = wanted.from === "before" ? { before: wanted.at } : {};
    const found = await read({ ...how, limit: limit + 1, last: true });
    const older = found.length > limit;
    const messages = await this.#showAll(name, found.slice(older ? 1 : 0), wanted.from === "end");
    return { messages, older, newer: wanted.from === "before" };
  }

  async #showAll(name: string, entries: readonly Entry[], end: boolean): Promise<Message[]> {
    const shown = await Promise.all(entries.map((entry) => this.#show(name, entry)));
    if (!end) return shown;
    for (const one of this.underway(name)) {
      const message = await this.showUnderway(name, one);
      if (message !== undefined) shown.push(message);
    }
    return shown;
  }

  /** An own message that the server does not have yet; undefined for what shows as no message. */
  async showUnderway(name: string, one: Underway): Promise<Message | undefined> {
    const record = decodeRecord(one.record);
    if (!["Text", "Reply", "Attachment", "Media"].includes(record.kind)) return undefined;
    const entry = {
      ...this.#blank(BEYOND + one.order, one.createdMs),
      id: one.id,
      account: hex(this.#core.account),
      record: one.record,
    };
    return { ...(await this.#show(name, entry)), state: one.state, refusal: one.refusal };
  }

  /** The record of a message that is here, its author, and whether it was deleted. */
  async find(
    name: string,
    id: string,
  ): Promise<{ record: AnyRecord; account: string } | undefined> {
    const at = await this.#place(name, id);
    const entry = at === undefined ? undefined : await this.#entry(name, at);
    if (entry?.record == null || entry.account === null) return undefined;
    return { record: decodeRecord(entry.record), account: entry.account };
  }

  /** Every shown message of a conversation that holds a text, newest first. */
  async search(name: string, words: string, before: number | null, limit: number) {
    const wanted = words.toLocaleLowerCase();
    const found: { message: Message; ranges: [number, number][] }[] = [];
    const rows = await this.#core.vault.list(["history", name]);
    for (const [, value] of rows.reverse()) {
      if (found.length > limit) break;
      const entry = unpack<Entry>(value);
      if (entry.record === null || (before !== null && entry.timeMs >= before)) continue;
      const message = await this.#show(name, entry);
      if (!("text" in message.body)) continue;
      const text = message.body.text.toLocaleLowerCase();
      const ranges: [number, number][] = [];
      for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
        ranges.push([at, at + wanted.length]);
      }
      if (ranges.length > 0) found.push({ message, ranges });
    }
    return found;
  }

  async #show(name: string, entry: Entry): Promise<Message> {
    const mine = entry.account === hex(this.#core.account);
    const record = entry.record === null ? undefined : decodeRecord(entry.record);
    const body = this.#body(entry, record);
    return {
      id: entry.id,
      conversation: name,
      at: entry.at,
      timeMs: entry.timeMs,
      author: entry.account,
      authorName: entry.account === null ? "" : this.#people.name(entry.account),
      mine,
      state: mine && entry.refusal === null ? this.reached(name, entry.at) : null,
      refusal: entry.refusal,
      body,
      replyTo: await this.#answered(name, record),
      edited: entry.edited !== null,
      reactions: this.#reactions(entry.marks),
      mentionsMe:
        "mentions" in body && body.mentions.some((one) => one.account === hex(this.#core.account)),
      expiresMs: entry.expiresMs,
    };
  }

  #body(entry: Entry, record: AnyRecord | undefined): Body {
    if (entry.line !== null) return { kind: "line", line: entry.line };
    if (entry.notice !== null) return { kind: "notice", notice: entry.notice };
    if (entry.refusal !== null) return { kind: "refused", refusal: entry.refusal };
    if (entry.deleted || record === undefined) return { kind: "deleted" };
    const text = (data: Uint8Array) => {
      const shown = display(entry.edited ?? data);
      return { text: shown, mentions: this.#mentions(shown) };
    };
    switch (record.kind) {
      case "Text":
      case "Reply":
        return { kind: "text", ...text(record.content) };
      case "Attachment":
      case "Media": {
        const file = {
          name: display(record.name),
          mediaType: display(record.mediaType),
          size: record.size,
          local: false,
        };
        if (record.kind === "Media" && record.width > 0 && record.durationMs === 0) {
          const { width, height, thumbnail } = record;
          const small = thumbnail.length > 0 ? thumbnail : null;
          return {
            kind: "picture",
            file,
            width,
            height,
            thumbnail: small,
            ...text(record.caption),
          };
        }
        if (record.kind === "Media" && record.width === 0 && record.durationMs > 0) {
          return {
            kind: "voice",
            file,
            durationMs: record.durationMs,
            peaks: record.thumbnail.subarray(0, PEAKS),
          };
        }
        return { kind: "file", file, ...text(record.caption) };
      }
      default:
        return { kind: "deleted" };
    }
  }

  /** People are mentioned by an @ and their handle. */
  #mentions(text: string): Mention[] {
    const found: Mention[] = [];
    for (const match of text.matchAll(/@[^\s@]+/gu)) {
      const words = match[0].slice(1);
      const account = [hex(this.#core.account), ...this.#people.accounts].find((one) => {
        const name = this.#people.name(one);
        return words === name || words.replace(/[.,;:!?)]+$/u, "") === name;
      });
      if (account === undefined) continue;
      const end = match.index + 1 + this.#people.name(account).length;
      found.push({ start: match.index, end, account });
    }
    return found;
  }

  #reactions(marks: Readonly<Record<string, string>>): Message["reactions"] {
    const own = hex(this.#core.account);
    const byMark = new Map<string, string[]>();
    for (const [account, mark] of Object.entries(marks)) {
      byMark.set(mark, [...(byMark.get(mark) ?? []), account]);
    }
    return [...byMark].map(([mark, accounts]) => ({
      mark,
      names: accounts.map((account) => this.#people.name(account)),
      mine: accounts.includes(own),
    }));
  }

  async #answered(name: string, record: AnyRecord | undefined): Promise<Quote | null> {
    if (record?.kind !== "Reply" && record?.kind !== "Media") return null;
    return record.target.length === 0 ? null : this.#quote(name, record.target);
  }

  async #quote(name: string, target: Uint8Array): Promise<Quote> {
    const id = hex(target);
    const at = await this.#place(name, id);
    const entry = at === undefined ? undefined : await this.#entry(name, at);
    if (entry === undefined) {
      return { id, authorName: "", mine: false, kind: "missing", text: "" };
    }
    const record = entry.record === null ? undefined : decodeRecord(entry.record);
    const body = this.#body(entry, record);
    return {
      id,
      authorName: entry.account === null ? "" : this.#people.name(entry.account),
      mine: entry.account === hex(this.#core.account),
      kind: body.kind,
      text: "text" in body ? body.text.slice(0, PREVIEW) : "",
    };
  }

  #preview(message: Message): Preview {
    const { body } = message;
    return {
      author: message.author,
      authorName: message.authorName,
      mine: message.mine,
      kind: body.kind,
      text: "text" in body ? Array.from(body.text).slice(0, PREVIEW).join("") : "",
      state: message.state,
    };
  }
}

/** A committee's retention in days; where nothing is sealed to keys, 0 stands for no limit. */
function retention({ retentionDays }: Committee): number {
  return retentionDays === 0 ? Number.POSITIVE_INFINITY : retentionDays;
}
