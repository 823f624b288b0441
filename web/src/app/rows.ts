/** The rows of a conversation: messages with what stands between them. Pure. */

import type { Message } from "../messenger.ts";

export type Row =
  | { readonly kind: "day"; readonly key: string; readonly timeMs: number }
  | { readonly kind: "unread"; readonly key: string }
  | {
      readonly kind: "message";
      readonly key: string;
      readonly message: Message;
      /** Whether it begins, and ends, a run of bubbles by one author. */
      readonly first: boolean;
      readonly last: boolean;
    };

const RUN_MS = 5 * 60_000;

/** The rows for messages in order; the line "new messages" stands before the first beyond `unreadFrom`. */
export function makeRows(
  messages: readonly Message[],
  unreadFrom: number | null,
  previous: ReadonlyMap<string, Row>,
): Row[] {
  const rows: Row[] = [];
  let day = "";
  let marked = unreadFrom === null;
  messages.forEach((message, index) => {
    const today = dayOf(message.timeMs);
    const fresh = today !== day;
    if (fresh) {
      day = today;
      rows.push({ kind: "day", key: `day-${today}`, timeMs: message.timeMs });
    }
    if (!marked && !message.mine && message.at > (unreadFrom ?? 0)) {
      marked = true;
      rows.push({ kind: "unread", key: "unread" });
    }
    const before = messages[index - 1];
    const after = messages[index + 1];
    const first = fresh || rows.at(-1)?.kind === "unread" || !sameRun(before, message);
    const last = !sameRun(message, after) || dayOf(after?.timeMs ?? 0) !== today;
    // The same object for the same row, so that only what changed is drawn again.
    const old = previous.get(message.id);
    const same =
      old?.kind === "message" &&
      old.message === message &&
      old.first === first &&
      old.last === last;
    rows.push(same ? old : { kind: "message", key: message.id, message, first, last });
  });
  return rows;
}

function sameRun(a: Message | undefined, b: Message | undefined): boolean {
  return (
    a !== undefined &&
    b !== undefined &&
    a.author !== null &&
    a.author === b.author &&
    isBubble(a) &&
    isBubble(b) &&
    b.timeMs - a.timeMs < RUN_MS
  );
}

/** Whether a message is shown as somebody's bubble, and not as a line or a card in the middle. */
export function isBubble(message: Message): boolean {
  return message.body.kind !== "line" && message.body.kind !== "notice";
}

/** Whether a message says anything of a conversation of two: who made it and who came is known. */
export function tellsBetweenTwo({ body }: Message): boolean {
  if (body.kind !== "line") return true;
  const { line } = body;
  if (line.kind === "joined") return line.missed > 0;
  return line.kind !== "created" && line.kind !== "added";
}

/** The local day, as a key that is cheap to make. */
function dayOf(timeMs: number): string {
  const date = new Date(timeMs);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** A guess of a row's height in px until it is measured; `width` is the timeline's. */
export function guessHeight(row: Row, width: number): number {
  if (row.kind !== "message") return row.kind === "day" ? 44 : 40;
  const { body } = row.message;
  const gap = (row.first ? 10 : 2) + (row.message.reactions.length > 0 ? 24 : 0);
  const perLine = Math.max(20, Math.min(width * 0.78, 560) / 7.6);
  const lines = (text: string) =>
    text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / perLine)), 0);
  switch (body.kind) {
    case "text":
      return gap + 34 + 21 * lines(body.text) + (row.message.replyTo === null ? 0 : 50);
    case "picture": {
      const shown = Math.min(320, width * 0.7, body.width);
      const tall = Math.min(380, (shown * body.height) / Math.max(1, body.width));
      return gap + 16 + tall + (body.text === "" ? 0 : 21 * lines(body.text));
    }
    case "notice":
      return 240;
    case "line":
      return body.line.kind === "amended" ? 240 + 50 * body.line.changes.length : 34;
    default:
      return gap + 72;
  }
}

/** Heights and places of rows: which are in view, without laying out the others. */
export class Layout {
  readonly #heights = new Map<string, number>();
  #guesses = new WeakMap<Row, number>();
  #offsets: number[] = [0];
  #rows: readonly Row[] = [];
  #index: ReadonlyMap<string, number> = new Map();

  /** Takes in rows; those measured before keep their heights. */
  set(rows: readonly Row[], width: number): void {
    this.#rows = rows;
    this.#index = new Map(rows.map((row, index) => [row.key, index]));
    this.#place(width);
  }

  /** Notes measured heights; whether any differs from what was known or guessed. */
  measure(sizes: ReadonlyMap<string, number>, width: number): boolean {
    let changed = false;
    for (const [key, height] of sizes) {
      if (this.#heights.get(key) === height) continue;
      this.#heights.set(key, height);
      changed = true;
    }
    if (changed) this.#place(width);
    return changed;
  }

  /** Forgets all heights: the width or the text size changed. */
  forget(): void {
    this.#heights.clear();
    this.#guesses = new WeakMap();
  }

  get total(): number {
    return this.#offsets.at(-1) ?? 0;
  }

  top(index: number): number {
    return this.#offsets[Math.max(0, Math.min(index, this.#rows.length))] ?? 0;
  }

  /** The place of a row, or -1. */
  find(key: string): number {
    return this.#index.get(key) ?? -1;
  }

  /** The row at a height from the top, by binary search. */
  at(y: number): number {
    let low = 0;
    let high = Math.max(0, this.#rows.length - 1);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#offsets[middle] ?? 0) <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** First and one-past-last row between two heights. */
  range(from: number, to: number): readonly [number, number] {
    if (this.#rows.length === 0) return [0, 0];
    return [this.at(Math.max(0, from)), Math.min(this.#rows.length, this.at(to) + 1)];
  }

  #guess(row: Row, width: number): number {
    let height = this.#guesses.get(row);
    if (height === undefined) {
      height = guessHeight(row, width);
      this.#guesses.set(row, height);
    }
    return height;
  }

  #place(width: number): void {
    const offsets = [0];
    let sum = 0;
    for (const row of this.#rows) {
      sum += this.#heights.get(row.key) ?? this.#guess(row, width);
      offsets.push(sum);
    }
    this.#offsets = offsets;
  }
}
