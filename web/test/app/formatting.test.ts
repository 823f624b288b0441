import { describe, expect, it } from "vitest";
import { isJustEmoji, parseText, plainText, type Span } from "../../src/app/formatting.ts";

const show = (span: Span): string =>
  "inner" in span
    ? `<${span.kind}>${span.inner.map(show).join("")}</>`
    : span.kind === "text"
      ? span.text
      : `<${span.kind} ${span.text}>`;
const parsed = (text: string) => parseText(text).map(show).join("");

describe("formatting", () => {
  it.each([
    ["*bold* and _italic_ and ~gone~", "<bold>bold</> and <italic>italic</> and <strike>gone</>"],
    ["*a _b_ c*", "<bold>a <italic>b</> c</>"],
    ["`*x*`", "<code *x*>"],
    ["```\na\n*b*\n```", "<code a\n*b*>"],
    ["2*3*4 snake_case_name", "2*3*4 snake_case_name"],
    ["* not bold *", "* not bold *"],
    ["*open", "*open"],
    ["*two\nlines*", "*two\nlines*"],
    ["**", "**"],
    ["(*in*)", "(<bold>in</>)"],
    ["*שלום*", "<bold>שלום</>"],
  ])("reads %j", (text, expected) => {
    expect(parsed(text)).toBe(expected);
  });

  it.each([
    ["see https://example.org/a_b_c?x=*1*.", "see <link https://example.org/a_b_c?x=*1*>."],
    ["HTTP://EXAMPLE.ORG", "<link HTTP://EXAMPLE.ORG>"],
    ["(https://example.org)", "(<link https://example.org>)"],
    ["javascript:alert(1)", "javascript:alert(1)"],
    ["https://bank.example@evil.example/", "https://bank.example@evil.example/"],
    ["data:text/html,x", "data:text/html,x"],
  ])("finds links in %j", (text, expected) => {
    expect(parsed(text)).toBe(expected);
  });

  it("says the true host of a link that looks like another", () => {
    const [link] = parseText("https://аpple.example/");
    expect(link).toMatchObject({ kind: "link", host: "xn--pple-43d.example" });
  });

  it("loses no letter, whatever is sent", () => {
    for (const text of [
      "*a*_b_~c~`d`",
      "*_~`*_~`",
      "```",
      "````",
      "`a\nb`",
      "https://",
      "*https://a.b*",
    ]) {
      const letters = (spans: readonly Span[]): number =>
        spans.reduce(
          (sum, each) => sum + ("inner" in each ? letters(each.inner) : each.text.length),
          0,
        );
      expect(letters(parseText(text))).toBeLessThanOrEqual(text.length);
      expect(plainText(text).replace(/[*_~`\s]/g, "")).toBe(text.replace(/[*_~`\s]/g, ""));
    }
  });

  it("takes only mentions that lie inside the text and do not overlap", () => {
    const mentions = [
      { start: 0, end: 4, account: "a" },
      { start: 2, end: 6, account: "b" },
      { start: 90, end: 95, account: "c" },
      { start: -1, end: 2, account: "d" },
    ];
    expect(parseText("@ada hello", mentions)).toEqual([
      { kind: "mention", text: "@ada", account: "a" },
      { kind: "text", text: " hello" },
    ]);
  });

  it("is quick with hostile text", () => {
    for (const piece of ["*a ", "_", "`", "https://", "*_~"]) {
      expect(plainText(piece.repeat(8_000)).length).toBeGreaterThan(0);
    }
  });

  it.each([
    ["👍", true],
    ["👩‍👩‍👧 🎉", true],
    ["❤️", true],
    ["1", false],
    ["👍 ok", false],
    ["", false],
  ])("knows whether %j is only emoji", (text, expected) => {
    expect(isJustEmoji(text)).toBe(expected);
  });
});
