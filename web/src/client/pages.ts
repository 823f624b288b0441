/** Reading timelines: pages, single messages, search. */

import type { Message, Page, PageWanted } from "../messenger.ts";
import { hex } from "../protocol/encoding.ts";
import { WireRefused } from "../protocol/errors.ts";
import { type AnyRecord, decodeRecord } from "../protocol/record.ts";
import type { Core } from "./core.ts";
import type { Showing, Underway } from "./showing.ts";
import type { Entry, Timeline } from "./timeline.ts";

/** Reads and shows; it has no state of its own. */
export class Pages {
  readonly #core: Core;
  readonly #timeline: Timeline;
  readonly #showing: Showing;
  underway: (conversation: string) => readonly Underway[] = () => [];

  constructor(core: Core, timeline: Timeline, showing: Showing) {
    this.#core = core;
    this.#timeline = timeline;
    this.#showing = showing;
  }

  /** A page of a timeline. Throws WireRefused(not-found) for a message that is not here. */
  async page(name: string, wanted: PageWanted, limit: number): Promise<Page> {
    const read = (range: Parameters<Timeline["list"]>[1]) => this.#timeline.list(name, range);
    if (wanted.from === "around") {
      const at = await this.#timeline.place(name, wanted.id);
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
    const shown = await Promise.all(entries.map((entry) => this.#showing.message(name, entry)));
    if (!end) return shown;
    for (const one of this.underway(name)) {
      const message = await this.#showing.underway(name, one);
      if (message !== undefined) shown.push(message);
    }
    return shown;
  }

  /** The record of a message that is here, its author, and whether it was deleted. */
  async find(
    name: string,
    id: string,
  ): Promise<{ record: AnyRecord; account: string } | undefined> {
    const at = await this.#timeline.place(name, id);
    const entry = at === undefined ? undefined : await this.#timeline.entry(name, at);
    if (entry?.record == null || entry.account === null) return undefined;
    return { record: decodeRecord(entry.record), account: entry.account };
  }

  /** Every shown message of a conversation that holds a text, newest first. */
  async search(name: string, words: string, before: number | null, limit: number) {
    const wanted = words.toLocaleLowerCase();
    const found: { message: Message; ranges: [number, number][] }[] = [];
    for (const entry of (await this.#timeline.list(name)).reverse()) {
      if (found.length > limit) break;
      if (entry.record === null || (before !== null && entry.timeMs >= before)) continue;
      const message = await this.#showing.message(name, entry);
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

  /** Tells the newest own messages again: others have come further. */
  async tellReached(name: string): Promise<void> {
    const own = hex(this.#core.account);
    for (const entry of await this.#timeline.list(name, { limit: 30, last: true })) {
      if (entry.account !== own) continue;
      const message = await this.#showing.message(name, entry);
      this.#core.tellNow({ kind: "message", message, fresh: false });
    }
  }
}
