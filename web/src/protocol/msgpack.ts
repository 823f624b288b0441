/**
 * The part of msgpack that our records and frames use: whole numbers, booleans, texts, bytes and
 * arrays; written in their shortest form, byte for byte as Python's side writes them.
 */

import { concat, u8, u16, u32, u64, utf8 } from "./encoding.ts";
import { Malformed } from "./errors.ts";

export type Value = number | bigint | boolean | null | string | Uint8Array | readonly Value[];

const DEPTH = 8;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The shortest msgpack of a value. */
export function encodeValue(value: Value): Uint8Array {
  if (value === null) return u8(0xc0);
  if (typeof value === "boolean") return u8(value ? 0xc3 : 0xc2);
  if (typeof value === "number" || typeof value === "bigint") return encodeWhole(BigInt(value));
  if (typeof value === "string") {
    const data = utf8(value);
    const size = data.length;
    if (size < 32) return concat(u8(0xa0 | size), data);
    return concat(sized(size, 0xd9, 0xda, 0xdb), data);
  }
  if (value instanceof Uint8Array) return concat(sized(value.length, 0xc4, 0xc5, 0xc6), value);
  const head =
    value.length < 16 ? u8(0x90 | value.length) : sized(value.length, undefined, 0xdc, 0xdd);
  return concat(head, ...value.map(encodeValue));
}

function sized(size: number, one: number | undefined, two: number, four: number): Uint8Array {
  if (one !== undefined && size <= 0xff) return Uint8Array.of(one, size);
  return size <= 0xffff ? concat(u8(two), u16(size)) : concat(u8(four), u32(size));
}

function encodeWhole(value: bigint): Uint8Array {
  if (value < 0n) throw new RangeError("only whole numbers from 0 travel");
  if (value <= 0x7fn) return u8(Number(value));
  if (value <= 0xffn) return Uint8Array.of(0xcc, Number(value));
  if (value <= 0xffffn) return concat(u8(0xcd), u16(Number(value)));
  if (value <= 0xffffffffn) return concat(u8(0xce), u32(Number(value)));
  return concat(u8(0xcf), u64(value));
}

/** The one value in `data`, whichever of msgpack's forms it uses. Throws Malformed(form). */
export function decodeValue(data: Uint8Array): Value {
  const cursor = new Cursor(data);
  const value = cursor.value(0);
  if (!cursor.atEnd) throw broken();
  return value;
}

function broken(): Malformed {
  return new Malformed("form", "not msgpack");
}

class Cursor {
  readonly #data: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  get atEnd(): boolean {
    return this.#at === this.#data.length;
  }

  #skip(size: number): number {
    const start = this.#at;
    if (start + size > this.#data.length) throw broken();
    this.#at += size;
    return start;
  }

  #unsigned(size: 1 | 2 | 4): number {
    const at = this.#skip(size);
    if (size === 1) return this.#view.getUint8(at);
    return size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #bytes(size: number): Uint8Array {
    const at = this.#skip(size);
    return this.#data.slice(at, at + size);
  }

  #text(size: number): string {
    try {
      return strictUtf8.decode(this.#bytes(size));
    } catch {
      throw broken();
    }
  }

  #array(size: number, depth: number): Value[] {
    if (depth >= DEPTH || size > this.#data.length - this.#at) throw broken();
    const out: Value[] = [];
    for (let count = 0; count < size; count++) out.push(this.value(depth + 1));
    return out;
  }

  value(depth: number): Value {
    const head = this.#unsigned(1);
    if (head <= 0x7f) return head;
    if (head >= 0xe0) return head - 0x100;
    if (head >= 0xa0 && head <= 0xbf) return this.#text(head & 0x1f);
    if (head >= 0x90 && head <= 0x9f) return this.#array(head & 0x0f, depth);
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.#bytes(this.#unsigned(1));
      case 0xc5:
        return this.#bytes(this.#unsigned(2));
      case 0xc6:
        return this.#bytes(this.#unsigned(4));
      case 0xcc:
        return this.#unsigned(1);
      case 0xcd:
        return this.#unsigned(2);
      case 0xce:
        return this.#unsigned(4);
      case 0xcf:
        return narrow(this.#view.getBigUint64(this.#skip(8)));
      case 0xd0:
        return this.#view.getInt8(this.#skip(1));
      case 0xd1:
        return this.#view.getInt16(this.#skip(2));
      case 0xd2:
        return this.#view.getInt32(this.#skip(4));
      case 0xd3:
        return narrow(this.#view.getBigInt64(this.#skip(8)));
      case 0xd9:
        return this.#text(this.#unsigned(1));
      case 0xda:
        return this.#text(this.#unsigned(2));
      case 0xdb:
        return this.#text(this.#unsigned(4));
      case 0xdc:
        return this.#array(this.#unsigned(2), depth);
      case 0xdd:
        return this.#array(this.#unsigned(4), depth);
      default: // maps, extensions and fractions: no structure of ours has one
        throw broken();
    }
  }
}

function narrow(value: bigint): number | bigint {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

/** How one member of a structure is written and read; `read` throws Malformed(form). */
export interface Codec<T> {
  write(value: T): Value;
  read(value: Value): T;
  /** What stands for a member that a shorter array leaves out at its end. */
  readonly absent?: T;
}

function wrong(what: string): Malformed {
  return new Malformed("form", what);
}

/** A whole number from `least` to `most`, at most 2^53 - 1: what JavaScript's numbers hold. */
export function whole(most: number = Number.MAX_SAFE_INTEGER, least = 0): Codec<number> {
  return {
    write: (value) => value,
    read(value) {
      if (typeof value !== "number" || value < least || value > most) throw wrong("number");
      return value;
    },
  };
}

/** Bytes of a size from `least` to `most`. */
export function bytes(least: number, most = least, absent?: Uint8Array): Codec<Uint8Array> {
  const codec: Codec<Uint8Array> = {
    write: (value) => value,
    read(value) {
      if (!(value instanceof Uint8Array) || value.length < least || value.length > most) {
        throw wrong("bytes");
      }
      return value;
    },
  };
  return absent === undefined ? codec : { ...codec, absent };
}

/** A text of at most `most` code points. */
export function text(most: number): Codec<string> {
  return {
    write: (value) => value,
    read(value) {
      if (typeof value !== "string" || [...value].length > most) throw wrong("text");
      return value;
    },
  };
}

/** True or false. */
export const truth: Codec<boolean> = {
  write: (value) => value,
  read(value) {
    if (typeof value !== "boolean") throw wrong("truth value");
    return value;
  },
};

/** An array of at most `most` elements. */
export function arrayOf<T>(
  element: Codec<T>,
  most = Number.POSITIVE_INFINITY,
): Codec<readonly T[]> {
  return {
    write: (value) => value.map((each) => element.write(each)),
    read(value) {
      if (!Array.isArray(value) || value.length > most) throw wrong("array");
      return value.map((each: Value) => element.read(each));
    },
  };
}

type Members = readonly (readonly [string, Codec<unknown>])[];
type Typed<M> = { readonly [K in keyof M]: M[K] extends Codec<infer T> ? T : never };

/** A structure as an array of its members in their order. */
export function structure<M extends Readonly<Record<string, Codec<unknown>>>>(
  members: { readonly [K in keyof M]: M[K] },
): Codec<Typed<M>> {
  const listed = Object.entries(members) as unknown as Members;
  const least = listed.filter(([, codec]) => codec.absent === undefined).length;
  return {
    write: (value) => listed.map(([name, codec]) => codec.write(value[name as keyof M])),
    read(value) {
      if (!Array.isArray(value) || value.length < least || value.length > listed.length) {
        throw wrong("structure");
      }
      const given: readonly Value[] = value;
      return Object.fromEntries(
        listed.map(([name, codec], at) => {
          const member = given[at];
          return [name, member === undefined ? codec.absent : codec.read(member)];
        }),
      ) as Typed<M>;
    },
  };
}

/** The type that a codec reads. */
export type Of<C> = C extends Codec<infer T> ? T : never;

type Kinds = Readonly<Record<string, readonly [tag: number, body: Codec<unknown>]>>;

/** One of several structures, each under a number that comes first; `kind` is its name. */
export type OneOf<K extends Kinds> = {
  readonly [N in keyof K]: { readonly kind: N } & Of<K[N][1]>;
}[keyof K];

/** The codec of `OneOf`. */
export function oneOf<K extends Kinds>(kinds: K): Codec<OneOf<K>> {
  const byTag = new Map(Object.entries(kinds).map(([name, [tag, body]]) => [tag, { name, body }]));
  return {
    write(value) {
      const [tag, body] = kinds[value.kind as string] ?? [undefined, undefined];
      if (tag === undefined || body === undefined) throw new RangeError("unknown kind");
      return [tag, ...(body.write(value) as readonly Value[])];
    },
    read(value) {
      if (!Array.isArray(value)) throw wrong("no array");
      const [tag, ...members] = value as readonly Value[];
      const found = typeof tag === "number" ? byTag.get(tag) : undefined;
      if (found === undefined) throw wrong("unknown kind");
      return { kind: found.name, ...(found.body.read(members) as object) } as unknown as OneOf<K>;
    },
  };
}
