/** Times as people say them, in their language. Formatters are kept: making one is slow. */

const formatters = new Map<string, Intl.DateTimeFormat>();

function format(tag: string, timeMs: number, options: Intl.DateTimeFormatOptions): string {
  const key = tag + JSON.stringify(options);
  let made = formatters.get(key);
  if (made === undefined) {
    made = new Intl.DateTimeFormat(tag, options);
    formatters.set(key, made);
  }
  return made.format(timeMs);
}

/** 14:05 */
export function clockTime(tag: string, timeMs: number): string {
  return format(tag, timeMs, { hour: "numeric", minute: "2-digit" });
}

/** 3 March 2026, in the local zone. */
export function longDate(tag: string, timeMs: number): string {
  return format(tag, timeMs, { dateStyle: "long" });
}

/** 3 March 2026, 14:05 */
export function longTime(tag: string, timeMs: number): string {
  return format(tag, timeMs, { dateStyle: "long", timeStyle: "short" });
}

/** A UTC day, a count since 1970-01-01, whatever the local zone. */
export function utcDay(tag: string, day: number): string {
  return format(tag, day * 86_400_000, { dateStyle: "long", timeZone: "UTC" });
}

/** March 2026, by a UTC day in it. */
export function monthName(tag: string, day: number): string {
  const options = { month: "long", year: "numeric", timeZone: "UTC" } as const;
  return format(tag, day * 86_400_000, options);
}

/** How many local midnights lie between. */
function daysBetween(timeMs: number, nowMs: number): number {
  return Math.round((startOfDay(nowMs) - startOfDay(timeMs)) / 86_400_000);
}

function startOfDay(timeMs: number): number {
  return new Date(timeMs).setHours(0, 0, 0, 0);
}

interface NearWords {
  readonly today?: string;
  readonly yesterday: string;
}

/** For a list: the time today, "yesterday", the weekday this week, else a short date. */
export function shortTime(tag: string, timeMs: number, nowMs: number, words: NearWords): string {
  const days = daysBetween(timeMs, nowMs);
  if (days <= 0) return clockTime(tag, timeMs);
  if (days === 1) return words.yesterday;
  if (days < 7) return format(tag, timeMs, { weekday: "short" });
  const sameYear = new Date(timeMs).getFullYear() === new Date(nowMs).getFullYear();
  return format(tag, timeMs, {
    day: "numeric",
    month: sameYear ? "short" : "numeric",
    ...(sameYear ? {} : { year: "numeric" }),
  });
}

/** For a divider between days. */
export function dayName(
  tag: string,
  timeMs: number,
  nowMs: number,
  words: { readonly today: string; readonly yesterday: string },
): string {
  const days = daysBetween(timeMs, nowMs);
  if (days === 0) return words.today;
  if (days === 1) return words.yesterday;
  if (days > 0 && days < 7) return format(tag, timeMs, { weekday: "long" });
  return format(tag, timeMs, { day: "numeric", month: "long", year: "numeric" });
}

/** "today at 14:05", as a screen reader and "last seen" need it. */
export function nearTime(tag: string, timeMs: number, nowMs: number, words: NearWords): string {
  const days = daysBetween(timeMs, nowMs);
  if (days <= 0) return clockTime(tag, timeMs);
  return `${shortTime(tag, timeMs, nowMs, words)}, ${clockTime(tag, timeMs)}`;
}

/** 1:05 */
export function playTime(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
