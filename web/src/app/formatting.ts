/**
 * Formatting of texts: *bold*, _italic_, ~struck~, `code`, links, mentions. Text becomes a tree of
 * plain values, never markup: whatever does not parse stays the letters that it is.
 */

import type { Mention } from "../messenger.ts";

export type Span =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "bold" | "italic" | "strike"; readonly inner: readonly Span[] }
  | { readonly kind: "code"; readonly text: string; readonly block: boolean }
  | { readonly kind: "link"; readonly text: string; readonly href: string; readonly host: string }
  | { readonly kind: "mention"; readonly text: string; readonly account: string };

const MARKS = { "*": "bold", _: "italic", "~": "strike" } as const;
const DEPTH = 4;
const LINK = /https?:\/\/[^\s<>"'`]+/giu;
const LINK_HERE = new RegExp(LINK.source, "iuy");
// Nobody marks more than this at once, and a hostile text must not cost the square of its length.
const LONGEST_MARKED = 1_000;
const JUST_EMOJI =
  /^(?:(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f?|\p{RI}\p{RI})\p{EMod}?(?:\u200d\p{Extended_Pictographic}\ufe0f?\p{EMod}?)*\s?){1,3}$/u;
// What ends a sentence behind a link and not the link.
const TRAILING = /[.,;:!?…'")\]}»›]+$/u;

/** The spans of a text with its mentions, in order; joined they are the text without its marks. */
export function parseText(text: string, mentions: readonly Mention[] = []): readonly Span[] {
  const byStart = new Map(sound(text, mentions).map((each) => [each.start, each]));
  return parseRange(text, 0, text.length, byStart, 0);
}

/** Whether a text is nothing but a few emoji, to be shown large. */
export function isJustEmoji(text: string): boolean {
  return text.length <= 40 && JUST_EMOJI.test(text.trim());
}

/** A text without its marks, for a single line of preview. */
export function plainText(text: string): string {
  return parseText(text).map(lettersOf).join("").replace(/\s+/g, " ").trim();
}

function lettersOf(span: Span): string {
  return "inner" in span ? span.inner.map(lettersOf).join("") : span.text;
}

/** Mentions that lie inside the text and do not overlap, in order: others wrote the numbers. */
function sound(text: string, mentions: readonly Mention[]): readonly Mention[] {
  let last = 0;
  return [...mentions]
    .sort((a, b) => a.start - b.start)
    .filter(({ start, end }) => {
      const good = start >= last && end > start && end <= text.length;
      if (good) last = end;
      return good;
    });
}

function parseRange(
  text: string,
  from: number,
  to: number,
  mentions: ReadonlyMap<number, Mention>,
  depth: number,
): Span[] {
  const spans: Span[] = [];
  let plain = from;
  const flush = (until: number) => {
    if (until > plain) spans.push(...linksIn(text.slice(plain, until)));
  };
  let at = from;
  while (at < to) {
    const mention = mentions.get(at);
    if (mention !== undefined && mention.end <= to) {
      flush(at);
      spans.push({ kind: "mention", text: text.slice(at, mention.end), account: mention.account });
      at = plain = mention.end;
      continue;
    }
    const code = text[at] === "`" ? codeAt(text, at, to) : null;
    if (code !== null) {
      flush(at);
      spans.push(code.span);
      at = plain = code.end;
      continue;
    }
    const mark = MARKS[text[at] as keyof typeof MARKS];
    const end = mark !== undefined && depth < DEPTH ? closing(text, at, to) : -1;
    if (mark !== undefined && end > 0) {
      flush(at);
      spans.push({ kind: mark, inner: parseRange(text, at + 1, end, mentions, depth + 1) });
      at = plain = end + 1;
      continue;
    }
    at = skipLink(text, at, to);
  }
  flush(to);
  return spans;
}

/** One letter on, or past a whole link: what looks like a mark inside one is part of it. */
function skipLink(text: string, at: number, to: number): number {
  if (text[at] !== "h" && text[at] !== "H") return at + 1;
  LINK_HERE.lastIndex = at;
  const found = LINK_HERE.exec(text);
  if (found === null) return at + 1;
  return Math.min(to, at + found[0].replace(TRAILING, "").length);
}

function codeAt(text: string, at: number, to: number): { span: Span; end: number } | null {
  const fence = text.startsWith("```", at) ? "```" : "`";
  const start = at + fence.length;
  const end = text.indexOf(fence, start);
  if (end <= start || end + fence.length > to) return null;
  const inner = text.slice(start, end);
  const block = fence === "```";
  if (!block && inner.includes("\n")) return null;
  const letters = block ? inner.replace(/^\n|\n$/g, "") : inner;
  return { span: { kind: "code", text: letters, block }, end: end + fence.length };
}

/**
 * Where the mark that opens at `at` closes, or -1. It opens after a non-letter and before a
 * non-space, and closes the other way round, so that 2*3*4 and snake_case_names stay as they are.
 */
function closing(text: string, at: number, to: number): number {
  const mark = text[at] ?? "";
  if (isWord(text[at - 1]) || isSpace(text[at + 1]) || text[at + 1] === mark) return -1;
  for (let end = at + 2; end < Math.min(to, at + LONGEST_MARKED); end += 1) {
    if (text[end] === "\n") return -1;
    if (text[end] === mark && !isSpace(text[end - 1]) && !isWord(text[end + 1])) return end;
  }
  return -1;
}

function isWord(letter: string | undefined): boolean {
  return letter !== undefined && /[\p{L}\p{N}]/u.test(letter);
}

function isSpace(letter: string | undefined): boolean {
  return letter === undefined || /\s/u.test(letter);
}

function linksIn(text: string): Span[] {
  const spans: Span[] = [];
  let plain = 0;
  for (const found of text.matchAll(LINK)) {
    const letters = found[0].replace(TRAILING, "");
    const link = readLink(letters);
    if (link === null) continue;
    if (found.index > plain) spans.push({ kind: "text", text: text.slice(plain, found.index) });
    spans.push({ kind: "link", text: letters, href: link.href, host: link.host });
    plain = found.index + letters.length;
  }
  if (plain < text.length) spans.push({ kind: "text", text: text.slice(plain) });
  return spans;
}

/** Only http and https, without a user name in front of the host: that is there to deceive. */
function readLink(text: string): URL | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const good = (url.protocol === "https:" || url.protocol === "http:") && url.username === "";
  return good && url.password === "" ? url : null;
}
