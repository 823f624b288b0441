/** How what the timeline keeps is shown: bodies, quotes, marks, mentions, previews. */

import type {
  Body,
  Mention,
  Message,
  Preview,
  Quote,
  RefusalFacts,
  SendState,
} from "../messenger.ts";
import { hex } from "../protocol/encoding.ts";
import { type AnyRecord, decodeRecord, display } from "../protocol/record.ts";
import type { Core } from "./core.ts";
import type { People } from "./people.ts";
import { blankEntry, type Entry, type Timeline } from "./timeline.ts";

const PREVIEW = 200;
const PEAKS = 64;
/** Unsent messages stand beyond every sequence. */
const BEYOND = 2 ** 50;

/** A message of one's own that is on its way, as far as it is shown. */
export interface Underway {
  readonly id: string;
  readonly order: number;
  readonly createdMs: number;
  readonly record: Uint8Array;
  readonly state: SendState;
  readonly refusal: RefusalFacts | null;
}

/** Shows entries; it has no state of its own. */
export class Showing {
  readonly #core: Core;
  readonly #people: People;
  readonly #timeline: Timeline;
  reached: (conversation: string, sequence: number) => SendState = () => "sent";

  constructor(core: Core, people: People, timeline: Timeline) {
    this.#core = core;
    this.#people = people;
    this.#timeline = timeline;
  }

  /** An own message that the server does not have yet; undefined for what shows as no message. */
  async underway(name: string, one: Underway): Promise<Message | undefined> {
    const record = decodeRecord(one.record);
    if (!["Text", "Reply", "Attachment", "Media"].includes(record.kind)) return undefined;
    const entry = {
      ...blankEntry(BEYOND + one.order, one.createdMs),
      id: one.id,
      account: hex(this.#core.account),
      record: one.record,
    };
    return { ...(await this.message(name, entry)), state: one.state, refusal: one.refusal };
  }

  /** A message as the interface shows it. */
  async message(name: string, entry: Entry): Promise<Message> {
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
    const at = await this.#timeline.place(name, id);
    const entry = at === undefined ? undefined : await this.#timeline.entry(name, at);
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

  /** The short form for the list. */
  preview(message: Message): Preview {
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
