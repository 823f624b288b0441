/** Days and key epochs as functions of time, in milliseconds since 1970-01-01 UTC (spec W-2). */

export const DAY_MS = 86_400_000;

/** The UTC day of a time: a count of days since 1970-01-01. */
export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS);
}

/** The key epoch of a day: a count of calendar months since January 1970. */
export function keyEpochOf(day: number): number {
  const when = new Date(day * DAY_MS);
  return (when.getUTCFullYear() - 1970) * 12 + when.getUTCMonth();
}

/** The first day of a key epoch. */
export function firstDay(keyEpoch: number): number {
  return dayOf(Date.UTC(1970 + Math.floor(keyEpoch / 12), keyEpoch % 12, 1));
}

/** The last day of a key epoch. */
export function lastDay(keyEpoch: number): number {
  return firstDay(keyEpoch + 1) - 1;
}

/** A time as RFC 3339 in UTC with milliseconds. */
export function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
