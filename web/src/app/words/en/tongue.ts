/** English: its plurals, and what is counted on several screens. */

import { makeTongue } from "../tongue.ts";

export const { count, number, bytes, name, list, span } = makeTongue("en", {
  second: ["second", "seconds"],
  minute: ["minute", "minutes"],
  hour: ["hour", "hours"],
  day: ["day", "days"],
  week: ["week", "weeks"],
});

export const messages = (n: number) =>
  count(n, { one: "1 message", other: `${number(n)} messages` });
export const people = (n: number) => count(n, { one: "1 person", other: `${number(n)} people` });
export const members = (n: number) => count(n, { one: "1 member", other: `${number(n)} members` });
export const days = (n: number) => count(n, { one: "1 day", other: `${number(n)} days` });
