/**
 * Strict JSON documents: one form in, typed values out; bytes are base64url (spec C-1).
 *
 * A reader of our own, because `JSON.parse` takes a member that occurs twice, and two readers could
 * then see two documents under one signature; and because an entry inside a document is hashed as
 * the very bytes that came.
 */

import { Malformed } from "./errors.ts";

/** A JSON value with the bytes that it was read from. */
export type Json = { readonly raw: Uint8Array } & (
  | { readonly type: "null" | "fraction" }
  | { readonly type: "truth"; readonly value: boolean }
  | { readonly type: "whole"; readonly value: bigint }
  | { readonly type: "text"; readonly value: string }
  | { readonly type: "array"; readonly items: readonly Json[] }
  | { readonly type: "object"; readonly members: ReadonlyMap<string, Json> }
);

const DEPTH = 64;
const WHITE = new Set([0x20, 0x09, 0x0a, 0x0d]);
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function broken(): Malformed {
  return new Malformed("form", "not a JSON document");
}

/** The JSON value in `data`: RFC 8259, no member twice, no lone surrogate. Throws Malformed(form). */
export function parseJson(data: Uint8Array): Json {
  const parser = new Parser(data);
  const value = parser.value(0);
  parser.finish();
  return value;
}

class Parser {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  finish(): void {
    this.#white();
    if (this.#at !== this.#data.length) throw broken();
  }

  #white(): void {
    while (WHITE.has(this.#data[this.#at] ?? 0)) this.#at += 1;
  }

  #next(): string {
    const byte = this.#data[this.#at];
    if (byte === undefined) throw broken();
    return String.fromCharCode(byte);
  }

  #eat(text: string): boolean {
    for (let at = 0; at < text.length; at++) {
      if (this.#data[this.#at + at] !== text.charCodeAt(at)) return false;
    }
    this.#at += text.length;
    return true;
  }

  #must(text: string): void {
    if (!this.#eat(text)) throw broken();
  }

  value(depth: number): Json {
    if (depth > DEPTH) throw broken();
    this.#white();
    const start = this.#at;
    const raw = () => this.#data.slice(start, this.#at);
    switch (this.#next()) {
      case "{": {
        const members = this.#object(depth);
        return { type: "object", members, raw: raw() };
      }
      case "[": {
        const items = this.#array(depth);
        return { type: "array", items, raw: raw() };
      }
      case '"': {
        const value = this.#text();
        return { type: "text", value, raw: raw() };
      }
      case "t":
        this.#must("true");
        return { type: "truth", value: true, raw: raw() };
      case "f":
        this.#must("false");
        return { type: "truth", value: false, raw: raw() };
      case "n":
        this.#must("null");
        return { type: "null", raw: raw() };
      default:
        return this.#number();
    }
  }

  #object(depth: number): Map<string, Json> {
    const members = new Map<string, Json>();
    this.#must("{");
    this.#white();
    if (this.#eat("}")) return members;
    do {
      this.#white();
      const name = this.#text();
      if (members.has(name)) throw broken();
      this.#white();
      this.#must(":");
      members.set(name, this.value(depth + 1));
      this.#white();
    } while (this.#eat(","));
    this.#must("}");
    return members;
  }

  #array(depth: number): Json[] {
    const items: Json[] = [];
    this.#must("[");
    this.#white();
    if (this.#eat("]")) return items;
    do {
      items.push(this.value(depth + 1));
      this.#white();
    } while (this.#eat(","));
    this.#must("]");
    return items;
  }

  #text(): string {
    this.#must('"');
    let out = "";
    let start = this.#at;
    const plain = () => {
      try {
        out += strictUtf8.decode(this.#data.subarray(start, this.#at));
      } catch {
        throw broken();
      }
    };
    for (;;) {
      const byte = this.#data[this.#at];
      if (byte === undefined || byte < 0x20) throw broken();
      if (byte === 0x22) {
        plain();
        this.#at += 1;
        break;
      }
      if (byte === 0x5c) {
        plain();
        this.#at += 1;
        out += this.#escape();
        start = this.#at;
      } else {
        this.#at += 1;
      }
    }
    if (/\p{Surrogate}/u.test(out)) throw broken();
    return out;
  }

  #escape(): string {
    const letter = this.#next();
    this.#at += 1;
    if (letter !== "u") {
      const meant = ESCAPES[letter];
      if (meant === undefined) throw broken();
      return meant;
    }
    const digits = String.fromCharCode(...this.#data.subarray(this.#at, this.#at + 4));
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw broken();
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  #number(): Json {
    const start = this.#at;
    while (/[-+.0-9eE]/.test(String.fromCharCode(this.#data[this.#at] ?? 0))) this.#at += 1;
    const raw = this.#data.slice(start, this.#at);
    const text = String.fromCharCode(...raw);
    const match = /^-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$/.exec(text);
    if (match === null || text.length > 400) throw broken();
    const whole = match[1] === undefined && match[2] === undefined;
    return whole ? { type: "whole", value: BigInt(text), raw } : { type: "fraction", raw };
  }
}

/** How a JSON value becomes a typed one; throws Malformed(form). */
export type Read<T> = (value: Json) => T;

/** The type that a reader gives. */
export type Of<R> = R extends Read<infer T> ? T : never;

function wrong(what: string): Malformed {
  // The document's own words could hold a name, so they are not quoted.
  return new Malformed("form", what);
}

/** A whole number from `least` to `most`, at most 2^53 - 1. */
export function whole(most = Number.MAX_SAFE_INTEGER, least = 0): Read<number> {
  return (value) => {
    if (value.type !== "whole") throw wrong("number");
    const number = Number(value.value);
    if (!Number.isSafeInteger(number) || number < least || number > most) throw wrong("number");
    return number === 0 ? 0 : number; // not -0
  };
}

/** A text of `least` to `most` code points, of a pattern if given. */
export function text(least: number, most: number, pattern?: RegExp): Read<string> {
  return (value) => {
    if (value.type !== "text") throw wrong("text");
    const size = [...value.value].length;
    if (size < least || size > most || (pattern !== undefined && !pattern.test(value.value))) {
      throw wrong("text");
    }
    return value.value;
  };
}

/** Bytes as unpadded base64url. */
export function bytes(least: number, most = least): Read<Uint8Array> {
  return (value) => {
    if (value.type !== "text") throw wrong("base64url");
    const data = decodeBase64url(value.value);
    if (data.length < least || data.length > most) throw wrong("bytes");
    return data;
  };
}

/** True or false. */
export const truth: Read<boolean> = (value) => {
  if (value.type !== "truth") throw wrong("truth value");
  return value.value;
};

/** One of some texts. */
export function oneOf<const T extends string>(...texts: readonly T[]): Read<T> {
  return (value) => {
    const found = texts.find((each) => value.type === "text" && value.value === each);
    if (found === undefined) throw wrong("word");
    return found;
  };
}

/** Exactly a number: a version. */
export function exactly<const T extends number>(number: T): Read<T> {
  return (value) => {
    if (value.type !== "whole" || value.value !== BigInt(number)) throw wrong("version");
    return number;
  };
}

/** An array of at most `most` elements. */
export function arrayOf<T>(read: Read<T>, most = Number.POSITIVE_INFINITY): Read<readonly T[]> {
  return (value) => {
    if (value.type !== "array" || value.items.length > most) throw wrong("array");
    return value.items.map(read);
  };
}

/** A pair in an array of two. */
export function pair<A, B>(first: Read<A>, second: Read<B>): Read<readonly [A, B]> {
  return (value) => {
    if (value.type !== "array" || value.items.length !== 2) throw wrong("pair");
    const [one, two] = value.items;
    if (one === undefined || two === undefined) throw wrong("pair");
    return [first(one), second(two)];
  };
}

/** A value, or undefined for null. */
export function nullable<T>(read: Read<T>): Read<T | undefined> {
  return (value) => (value.type === "null" ? undefined : read(value));
}

/** The bytes of a value, whatever it is: an entry that is hashed as it came. */
export const raw: Read<Uint8Array> = (value) => value.raw;

type Members = Readonly<Record<string, Read<unknown>>>;
type Typed<M extends Members> = { readonly [K in keyof M]: Of<M[K]> };

/**
 * An object of exactly these members; those in `defaults` may be left out.
 *
 * Member names are in camel case here and in snake case in the document.
 */
export function object<M extends Members>(
  members: M,
  defaults: Partial<Typed<M>> = {},
): Read<Typed<M>> {
  const byName = new Map(Object.keys(members).map((name) => [snake(name), name]));
  return (value) => {
    if (value.type !== "object") throw wrong("object");
    const out: Record<string, unknown> = { ...defaults };
    for (const [given, member] of value.members) {
      const name = byName.get(given);
      const read = name === undefined ? undefined : members[name];
      if (name === undefined || read === undefined) throw wrong("unknown member");
      out[name] = read(member);
    }
    for (const [given, name] of byName) {
      if (!value.members.has(given) && !(name in defaults)) throw wrong("missing member");
    }
    return out as Typed<M>;
  };
}

/** One of several objects, told apart by their member `type`, which becomes `type` here too. */
export function tagged<K extends Readonly<Record<string, Read<object>>>>(
  kinds: K,
): Read<{ [N in keyof K]: { readonly type: N } & Of<K[N]> }[keyof K]> {
  return (value) => {
    if (value.type !== "object") throw wrong("object");
    const tag = value.members.get("type");
    if (tag?.type !== "text" || !Object.hasOwn(kinds, tag.value)) throw wrong("type");
    const members = new Map(value.members);
    members.delete("type");
    const read = kinds[tag.value] as Read<object>;
    const body = read({ type: "object", members, raw: value.raw });
    return { type: tag.value, ...body } as never;
  };
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The document in at most `limit` bytes. Throws Malformed(size, form). */
export function decode<T>(data: Uint8Array, read: Read<T>, limit: number): T {
  if (data.length > limit) {
    throw new Malformed("size", `document of ${data.length} bytes, at most ${limit}`);
  }
  return read(parseJson(data));
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const VALUES = new Map([...ALPHABET].map((letter, value) => [letter, value]));

/** Unpadded base64url (RFC 4648 §5). */
export function encodeBase64url(data: Uint8Array): string {
  let out = "";
  for (let at = 0; at < data.length; at += 3) {
    const left = data.length - at;
    const [one = 0, two = 0, three = 0] = data.subarray(at, at + 3);
    const word = (one << 16) | (two << 8) | three;
    for (let sextet = 0; sextet < Math.min(left, 3) + 1; sextet++) {
      out += ALPHABET[(word >> (18 - 6 * sextet)) & 63];
    }
  }
  return out;
}

/** The bytes of unpadded base64url, canonical only. Throws Malformed(form). */
export function decodeBase64url(given: string): Uint8Array {
  if (given.length % 4 === 1) throw wrong("base64url");
  const out = new Uint8Array(Math.floor((given.length * 3) / 4));
  let word = 0;
  let bits = 0;
  let at = 0;
  for (const letter of given) {
    const value = VALUES.get(letter);
    if (value === undefined) throw wrong("base64url");
    word = ((word << 6) | value) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = word >> bits;
    }
  }
  if ((word & ((1 << bits) - 1)) !== 0) throw wrong("base64url is not canonical");
  return out;
}

/** A time or a span in milliseconds that JSON numbers carry exactly. */
export const millis = whole();
export const count = whole();
/** A day since 1970-01-01, up to the end of year 9996. */
export const day = whole(2_932_000);
export const committeeNumber = whole(0xffff);
export const keyEpoch = whole(0xffff);
export const name = text(1, 128);
/** A lower-case term such as an offence class. */
export const word = text(1, 64, /^[a-z0-9][a-z0-9-]{0,63}$/);
/** Bytes of any kind, at most 512 KiB. */
export const opaque = bytes(0, 512 * 1024);
export const bytes32 = bytes(32);
export const bytes64 = bytes(64);
