/** The timelines of conversations in the vault: entries by place, places by message id. */

import type { Line, Notice, RefusalFacts } from "../messenger.ts";
import type { Core } from "./core.ts";
import { forgetFile } from "./files.ts";
import { unpack } from "./pack.ts";
import { put } from "./vault.ts";

const SWEPT_AT_ONCE = 200;

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

/** An entry of nothing yet; its id is made from its place. */
export function blankEntry(at: number, timeMs: number): Entry {
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

/** Which entries: above, below, so many, and whether from the end. */
type Range = Parameters<Core["vault"]["list"]>[1];

/** Owns the entries. Nothing here writes at once: the caller flushes. */
export class Timeline {
  readonly #core: Core;
  /** What was written and is not flushed yet. */
  readonly #fresh = new Map<string, Entry>();
  readonly #places = new Map<string, number>();
  /** Told when something of a timeline is to disappear. */
  expires: (timeMs: number) => void = () => undefined;

  constructor(core: Core) {
    this.#core = core;
  }

  /** The entries that are durable, in ascending order of their places. */
  async list(name: string, range?: Range): Promise<Entry[]> {
    const rows = await this.#core.vault.list(["history", name], range);
    return rows.map(([, value]) => unpack<Entry>(value));
  }

  /** What stands at a place, or undefined. */
  async entry(name: string, at: number): Promise<Entry | undefined> {
    return (
      this.#fresh.get(`${name}/${at}`) ??
      (await this.#core.vault.find<Entry>(["history", name, at]))
    );
  }

  /** Where a message stands, or undefined while it is not there. */
  async place(name: string, id: string): Promise<number | undefined> {
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

  /** Keeps an entry at its place. */
  put(name: string, entry: Entry): void {
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

  /** Takes away an entry, its place and its file. */
  remove(name: string, entry: Entry): void {
    this.#fresh.delete(`${name}/${entry.at}`);
    this.#core.write(
      [["history", name, entry.at], undefined],
      [["place", name, entry.id], undefined],
    );
    this.#core.write(...forgetFile(entry.record));
  }

  /** Takes away a whole timeline. */
  async forget(name: string): Promise<void> {
    const history = await this.#core.vault.list(["history", name]);
    for (const [, value] of history) {
      this.#core.write(...forgetFile(unpack<Entry>(value).record));
    }
    const places = await this.#core.vault.list(["place", name]);
    this.#core.write(...[...history, ...places].map(([row]) => [row, undefined] as const));
  }

  /** The places of everything older than a time. */
  async outlived(name: string, beforeMs: number): Promise<number[]> {
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
  async expired(name: string, nowMs: number): Promise<number[]> {
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
}
