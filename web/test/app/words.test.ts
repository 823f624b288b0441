import { describe, expect, it } from "vitest";
import { en } from "../../src/app/words/en.ts";
import { he } from "../../src/app/words/he.ts";
import { CATALOGUES } from "../../src/app/words/words.ts";
import { ADVICE } from "../../src/protocol/codes.ts";

/** Every text of a catalogue by its path; sentences with blanks are filled with plain values. */
function texts(value: unknown, path = ""): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value === "function") return [];
  return Object.entries(value as object).flatMap(([key, each]) => texts(each, `${path}/${key}`));
}

describe("catalogues", () => {
  it("leave nothing empty and nothing in English", () => {
    const english = new Map(texts(en));
    const same = texts(he).filter(([path, text]) => english.get(path) === text);
    expect(same.map(([path]) => path).filter((path) => !path.startsWith("/product"))).toEqual([]);
    expect(texts(he).filter(([, text]) => text.trim() === "")).toEqual([]);
  });

  it("follow the plural rules of their language", () => {
    expect([1, 2, 5].map(en.conversation.members)).toEqual(["1 member", "2 members", "5 members"]);
    expect([1, 2, 5].map(he.conversation.members)).toEqual(["חבר אחד", "שני חברים", "5 חברים"]);
    expect(en.span(3_600)).toBe("1 hour");
    expect(en.span(604_800)).toBe("1 week");
    expect(en.span(90)).toBe("90 seconds");
    expect(he.span(7_200)).toBe("שעתיים");
    expect(en.span(0)).toBe("0 seconds");
  });

  it("keep somebody's name from turning a sentence round", () => {
    expect(en.line.left("דנה")).toBe("\u2068דנה\u2069 left");
  });

  it("advise about codes that exist", () => {
    const codes = Object.keys(ADVICE);
    expect(Object.keys(he.refusal.advice).filter((code) => !codes.includes(code))).toEqual([]);
  });

  it("come under their own tags", async () => {
    for (const each of CATALOGUES) expect((await each.fetch()).language).toBe(each.name);
  });
});
