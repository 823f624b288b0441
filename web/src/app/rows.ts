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

/** The rows of some messages, with what it takes to make only what changes of them. */
export interface Rows {
  readonly messages: readonly Message[];
  readonly rows: readonly Row[];
  /** Where each message's rows begin; its own row is the last before the next message's. */
  readonly begins: readonly number[];
  /** Before which message the line "new messages" stands, or -1. */
  readonly mark: number;
}

export const NO_ROWS: Rows = { messages: [], rows: [], begins: [0], mark: -1 };

/**
 * The rows for messages in order; the line "new messages" stands before the first beyond `unreadFrom`.
 *
 * Only what differs from `before`, and what stands beside that, is made anew; a row that says the
 * same is the same object.
 */
export function makeRows(
  messages: readonly Message[],
  unreadFrom: number | null,
  before: Rows = NO_ROWS,
): Rows {
  const mark = findMark(messages, unreadFrom);
  const old = before.messages;
  const [head, tail] = common(old, messages);
  const grown = messages.length - old.length;
  const marked = (all: readonly Message[], at: number) => all[at]?.id;
  const moved = marked(old, before.mark) !== marked(messages, mark);
  const from = moved ? 0 : Math.max(0, head - 1);
  const to = moved ? messages.length : Math.min(messages.length, messages.length - tail + 1);

  const made: Row[] = [];
  const begins = before.begins.slice(0, from);
  const offset = before.begins[from] ?? 0;
  let day: Day | undefined = dayAt(messages[from - 1]?.timeMs);
  for (let index = from; index < to; index += 1) {
    const message = messages[index] as Message;
    begins.push(offset + made.length);
    const { timeMs } = message;
    const fresh = day === undefined || !isIn(day, timeMs);
    if (fresh) {
      day = dayAt(timeMs) as Day;
      made.push({ kind: "day", key: `day-${day.name}`, timeMs });
    }
    if (index === mark) made.push({ kind: "unread", key: "unread" });
    const after = messages[index + 1];
    const first = fresh || index === mark || !sameRun(messages[index - 1], message);
    const last = !sameRun(message, after) || !isIn(day as Day, after?.timeMs ?? 0);
    const place = index < head ? index : index >= messages.length - tail ? index - grown : -1;
    const known = place < 0 ? undefined : before.rows[(before.begins[place + 1] ?? 0) - 1];
    const same = known?.kind === "message" && known.first === first && known.last === last;
    made.push(same ? known : { kind: "message", key: message.id, message, first, last });
  }
  const rest = before.begins[to - grown] ?? before.rows.length;
  const shift = offset + made.length - rest;
  for (const begin of before.begins.slice(to - grown)) begins.push(begin + shift);
  const rows = before.rows.slice(0, offset).concat(made, before.rows.slice(rest));
  return { messages, rows, begins, mark };
}

/** How many items two arrays have in common at the beginning, and then at the end. */
export function common<T>(
  one: readonly T[],
  other: readonly T[],
): readonly [head: number, tail: number] {
  const shorter = Math.min(one.length, other.length);
  let head = 0;
  while (head < shorter && one[head] === other[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && one.at(-1 - tail) === other.at(-1 - tail)) tail += 1;
  return [head, tail];
}

/** The first message of somebody else beyond a place, or -1. */
function findMark(messages: readonly Message[], unreadFrom: number | null): number {
  if (unreadFrom === null) return -1;
  return messages.findIndex((each) => !each.mine && each.at > unreadFrom);
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

/** A local day, from `fromMs` until before `toMs`. */
interface Day {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

function dayAt(timeMs: number | undefined): Day | undefined {
  if (timeMs === undefined) return undefined;
  const date = new Date(timeMs);
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()];
  const fromMs = new Date(year, month, day).getTime();
  const toMs = new Date(year, month, day + 1).getTime();
  return { name: `${year}-${month + 1}-${day}`, fromMs, toMs };
}

function isIn(day: Day, timeMs: number): boolean {
  return timeMs >= day.fromMs && timeMs < day.toMs;
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
