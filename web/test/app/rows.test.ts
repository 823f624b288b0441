import { describe, expect, it } from "vitest";
import { Layout } from "../../src/app/layout.ts";
import { findMentions, fitting, mentionBegun } from "../../src/app/mentions.ts";
import { readRoute, writeRoute } from "../../src/app/route.ts";
import { guessHeight, makeRows, NO_ROWS, type Row } from "../../src/app/rows.ts";
import { chooseCatalogue } from "../../src/app/words/words.ts";
import type { Message, Person } from "../../src/messenger.ts";
import { stream } from "./world.ts";

const NOON = new Date(2026, 2, 3, 12).getTime();

function message(
  at: number,
  minutes: number,
  author: string | null,
  more: Partial<Message> = {},
): Message {
  return {
    id: `m${at}`,
    conversation: "c",
    at,
    timeMs: NOON + minutes * 60_000,
    author,
    authorName: author ?? "",
    mine: author === "me",
    state: null,
    refusal: null,
    body: { kind: "text", text: "hello", mentions: [] },
    replyTo: null,
    edited: false,
    reactions: [],
    mentionsMe: false,
    expiresMs: null,
    ...more,
  };
}

const shape = (row: Row) =>
  row.kind === "message" ? `${row.key}${row.first ? "(" : ""}${row.last ? ")" : ""}` : row.kind;

describe("rows", () => {
  it("puts a divider before each day and groups one author's bubbles", () => {
    const { rows } = makeRows(
      [
        message(1, 0, "a"),
        message(2, 1, "a"),
        message(3, 2, "b"),
        message(4, 20, "b"),
        message(5, 1_440, "b"),
      ],
      null,
    );
    expect(rows.map(shape)).toEqual(["day", "m1(", "m2)", "m3()", "m4()", "day", "m5()"]);
  });

  it("puts the unread line before the first unread message of somebody else", () => {
    const { rows } = makeRows([message(1, 0, "a"), message(2, 1, "me"), message(3, 2, "a")], 1);
    expect(rows.map(shape)).toEqual(["day", "m1()", "m2()", "unread", "m3()"]);
  });

  it("breaks a run at a line of news", () => {
    const line = { kind: "line", line: { kind: "left", by: "b" } } as const;
    const { rows } = makeRows(
      [message(1, 0, "a"), message(2, 0, null, { body: line }), message(3, 0, "a")],
      null,
    );
    expect(rows.map(shape)).toEqual(["day", "m1()", "m2()", "m3()"]);
  });

  it("keeps the row of a message that did not change, as the same object", () => {
    const messages = [message(1, 0, "a"), message(2, 1, "b")];
    const before = makeRows(messages, null);
    const after = makeRows([...messages, message(3, 2, "c")], null, before);
    expect(after.rows[1]).toBe(before.rows[1]);
    expect(after.rows[2]).toBe(before.rows[2]);
  });

  it("finds rows by height, and believes what was measured", () => {
    const { rows } = makeRows(
      Array.from({ length: 1_000 }, (_, n) => message(n + 1, n / 100, n % 2 === 0 ? "a" : "b")),
      null,
    );
    const layout = new Layout();
    layout.set(rows, 800);
    const guessed = layout.total;
    expect(layout.measure("m1", 500)).toBe(true);
    expect(layout.total).toBeGreaterThan(guessed);
    const [first, last] = layout.range(layout.top(500), layout.top(510));
    expect(first).toBe(500);
    expect(last).toBeGreaterThanOrEqual(510);
    expect(last).toBeLessThan(514);
    expect(layout.at(layout.top(700) + 1)).toBe(700);
    expect(layout.find("m42")).toBe(rows.findIndex((row) => row.key === "m42"));
    expect(layout.measure("m1", 500)).toBe(false);
  });
});

/** What the next steps of a conversation may be, by a number from 0 to 1 each. */
function change(messages: readonly Message[], random: () => number): Message[] {
  const at = Math.floor(random() * messages.length);
  const some = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) =>
      message(
        from + n,
        (from + n) * 30 * random(),
        ["a", "b", "me"][Math.floor(random() * 3)] ?? "",
      ),
    );
  const [first, last] = [messages[0]?.at ?? 5_000, messages.at(-1)?.at ?? 5_000];
  const before = messages[at];
  switch (Math.floor(random() * 5)) {
    case 0:
      return [...some(first - 20, 20), ...messages];
    case 1:
      return [...messages, ...some(last + 1, 3)];
    case 2:
      return messages.toSpliced(at, 1);
    case 3:
      return before === undefined
        ? some(5_000, 5)
        : messages.with(at, { ...before, author: "b", mine: false });
    default:
      return messages.toSpliced(at, 2, ...some(before?.at ?? 5_000, 1));
  }
}

describe("rows that change", () => {
  it.each([1, 2, 3, 4, 5])("are what they would be if made anew, and stand there (%i)", (seed) => {
    const random = stream(seed);
    const layout = new Layout();
    const heights = new Map<string, number>();
    let messages: Message[] = [];
    let made = NO_ROWS;
    for (let step = 0; step < 120; step += 1) {
      messages = change(messages, random);
      // Two messages of one place have one name; in a conversation no two have.
      messages = messages.filter((one, n) => messages.findIndex(({ id }) => id === one.id) === n);
      const unreadFrom = random() < 0.3 ? null : 4_990 + Math.floor(step / 40) * 10;
      made = makeRows(messages, unreadFrom, made);
      const anew = makeRows(messages, unreadFrom);
      expect(made).toEqual(anew);
      layout.set(made.rows, 800);
      const row = made.rows[Math.floor(random() * made.rows.length)];
      if (row?.kind === "message") {
        heights.set(row.key, 30 + Math.floor(random() * 200));
        layout.measure(row.key, heights.get(row.key) ?? 0);
      }
      let top = 0;
      const tops = made.rows.map((each) => {
        const before = top;
        top += heights.get(each.key) ?? Math.round(guessHeight(each, 800));
        return before;
      });
      expect(made.rows.map((_, at) => Math.round(layout.top(at)))).toEqual(tops);
      expect(tops.map((each) => layout.at(each + 1))).toEqual(tops.map((_, at) => at));
      // A conversation whose clock jumps may have one day twice.
      const said = [...made.rows.entries()].filter(([, { kind }]) => kind === "message");
      expect(said.map(([, { key }]) => layout.find(key))).toEqual(said.map(([at]) => at));
      expect(layout.total).toBeCloseTo(top, 6);
      expect(layout.find("gone")).toBe(-1);
    }
  });
});

describe("mentions", () => {
  const person = (handle: string, name = handle): Person => ({
    account: `id-${handle}`,
    handle,
    name,
    picture: null,
    verification: "unverified",
    devices: 1,
    committee: 1,
    presence: "unknown",
    lastSeenMs: null,
    blocked: false,
  });
  const people = [person("ada.okafor", "Ada Okafor"), person("ada"), person("דנה")];

  it("offers names behind an @ at the cursor alone", () => {
    expect(mentionBegun("hello @ad", 9)).toEqual({ start: 6, begun: "ad" });
    expect(mentionBegun("mail@ad", 7)).toBeNull();
    expect(mentionBegun("@", 1)).toEqual({ start: 0, begun: "" });
    expect(fitting(people, "oka").map((each) => each.handle)).toEqual(["ada.okafor"]);
  });

  it("finds whole handles, and no full stop that ends a sentence", () => {
    expect(findMentions("@ada and @ada.okafor. Also @דנה, not x@ada", people)).toEqual([
      { start: 0, end: 4, account: "id-ada" },
      { start: 9, end: 20, account: "id-ada.okafor" },
      { start: 27, end: 31, account: "id-דנה" },
    ]);
  });
});

describe("routes", () => {
  it.each([
    "#/",
    "#/c/0a1b",
    "#/c/0a1b/info",
    "#/c/0a1b/m/ff00",
    "#/p/ac01",
    "#/settings",
    "#/trust",
  ])("reads back %s", (fragment) => {
    expect(writeRoute(readRoute(fragment))).toBe(fragment);
  });

  it.each(["#/c/../../x", "#/nothing", "#/c/<script>", ""])("takes %j for home", (fragment) => {
    expect(readRoute(fragment)).toEqual({ at: "home" });
  });
});

describe("languages", () => {
  it("follows the setting, else the browser, else English", () => {
    expect(chooseCatalogue("he", ["en"]).tag).toBe("he");
    expect(chooseCatalogue(null, ["fr-FR", "iw-IL", "en"]).tag).toBe("he");
    expect(chooseCatalogue(null, ["fr"]).tag).toBe("en");
  });
});
