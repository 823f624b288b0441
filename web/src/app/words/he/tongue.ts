/** Hebrew: its plurals, and what is counted on several screens. */

import { makeTongue } from "../tongue.ts";

export const { count, number, bytes, name, list, span } = makeTongue("he", {
  second: ["שנייה", "שניות", "שתי שניות"],
  minute: ["דקה", "דקות", "שתי דקות"],
  hour: ["שעה", "שעות", "שעתיים"],
  day: ["יום", "ימים", "יומיים"],
  week: ["שבוע", "שבועות", "שבועיים"],
});

export const messages = (n: number) =>
  count(n, { one: "הודעה אחת", two: "שתי הודעות", other: `${number(n)} הודעות` });
export const people = (n: number) =>
  count(n, { one: "אדם אחד", two: "שני אנשים", other: `${number(n)} אנשים` });
export const members = (n: number) =>
  count(n, { one: "חבר אחד", two: "שני חברים", other: `${number(n)} חברים` });
export const days = (n: number) =>
  count(n, { one: "יום אחד", two: "יומיים", other: `${number(n)} ימים` });
export const devices = (n: number) =>
  count(n, { one: "מכשיר אחד", two: "שני מכשירים", other: `${number(n)} מכשירים` });
