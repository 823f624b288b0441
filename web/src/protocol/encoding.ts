/** Bytes with lengths in front: what is hashed or signed is built and read here (spec W-1). */

import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { Malformed } from "./errors.ts";

const UTF8 = new TextEncoder();

/** The bytes of an ASCII or UTF-8 text. */
export function utf8(text: string): Uint8Array {
  return UTF8.encode(text);
}

/** One byte. */
export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

/** Two bytes, big-endian. */
export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

/** Four bytes, big-endian. */
export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** Eight bytes, big-endian; a number must be a safe integer. */
export function u64(value: number | bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(value));
  return out;
}

/** The pieces, joined. */
export function concat(...pieces: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const piece of pieces) size += piece.length;
  const out = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** `data` with its u16 length in front. Throws Malformed over 65,535 bytes. */
export function field(data: Uint8Array): Uint8Array {
  if (data.length > 0xffff) throw new Malformed("size", "field over 65,535 bytes");
  return concat(u16(data.length), data);
}

/** The u16-length-prefixed fields under a tag: what is hashed, signed or sealed to. */
export function tagged(tag: string, ...fields: readonly Uint8Array[]): Uint8Array {
  return concat(field(utf8(tag)), ...fields.map(field));
}

/** Whether two byte strings are equal, in a time that does not depend on where they differ. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let at = 0; at < left.length; at++) difference |= (left[at] ?? 0) ^ (right[at] ?? 0);
  return difference === 0;
}

/** Negative, zero or positive as `left` sorts before, with or after `right`. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const common = Math.min(left.length, right.length);
  for (let at = 0; at < common; at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Lower-case hexadecimal: also the form in which byte strings are keys of maps. */
export function hex(data: Uint8Array): string {
  return bytesToHex(data);
}

/** The bytes of lower-case hexadecimal. Throws Malformed(form). */
export function unhex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) throw new Malformed("form", "not hex");
  return hexToBytes(text);
}

/** A big-endian number. */
export function bigEndian(data: Uint8Array): bigint {
  return data.length === 0 ? 0n : BigInt(`0x${hex(data)}`);
}

/**
 * Reads the encodings above, once, front to back; everything it gets is hostile.
 *
 * Each method throws Malformed(size) when the bytes end too early; `end` when some are left.
 */
export class Reader {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  /** The next `size` bytes (a copy). */
  take(size: number): Uint8Array {
    const end = this.#at + size;
    if (end > this.#data.length) throw new Malformed("size", "ends too early");
    const piece = this.#data.slice(this.#at, end);
    this.#at = end;
    return piece;
  }

  /** The next byte as a number. */
  u8(): number {
    return this.take(1)[0] ?? 0;
  }

  /** The next two bytes as a number. */
  u16(): number {
    const [high = 0, low = 0] = this.take(2);
    return high * 0x100 + low;
  }

  /** The next four bytes as a number. */
  u32(): number {
    return this.u16() * 0x10000 + this.u16();
  }

  /** The next eight bytes as a number. */
  u64(): bigint {
    return bigEndian(this.take(8));
  }

  /** A u16-length-prefixed field of at most `limit` bytes. */
  field(limit = 0xffff): Uint8Array {
    return this.#sized(this.u16(), limit);
  }

  /** A u32-length-prefixed field of at most `limit` bytes. */
  longField(limit: number): Uint8Array {
    return this.#sized(this.u32(), limit);
  }

  /** Everything that is left. */
  rest(): Uint8Array {
    return this.take(this.#data.length - this.#at);
  }

  /** Throws Malformed unless everything has been read. */
  end(): void {
    const left = this.#data.length - this.#at;
    if (left !== 0) throw new Malformed("size", `${left} bytes too many`);
  }

  #sized(size: number, limit: number): Uint8Array {
    if (size > limit) throw new Malformed("size", `field of ${size} bytes, at most ${limit}`);
    return this.take(size);
  }
}
