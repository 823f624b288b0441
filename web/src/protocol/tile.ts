/**
 * Tiles and entry bundles: a log as files (C2SP tlog-tiles; spec L-13).
 *
 * A tile holds 256 hashes of 32 bytes of one level; a bundle 256 entries, each behind its u16
 * length. The last of a level may be partial, of `width` 1 to 255.
 */

import { Reader } from "./encoding.ts";
import { Malformed } from "./errors.ts";
import * as limits from "./limits.ts";
import { HASH_SIZE } from "./merkle.ts";

export const WIDTH = 256;

/** The name of a tile; `level` is undefined for a bundle of entries, `width` 1 to 256. */
export interface Tile {
  readonly level: number | undefined;
  readonly index: number;
  readonly width: number;
}

/** A tile's path under the log's prefix, such as `tile/0/x001/234.p/5`. */
export function tilePath(tile: Tile): string {
  const level = tile.level ?? "entries";
  const three = (part: number) => String(part % 1000).padStart(3, "0");
  let index = three(tile.index);
  for (let rest = Math.floor(tile.index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    index = `x${three(rest)}/${index}`;
  }
  return `tile/${level}/${index}${tile.width === WIDTH ? "" : `.p/${tile.width}`}`;
}

/**
 * The tile that holds hash or entry `index` of its level in a tree of a size.
 *
 * It is partial when the tree ends in it. Throws Malformed when the tree does not reach it.
 */
export function tileAt(level: number | undefined, index: number, size: number): Tile {
  const count = Math.floor(size / 2 ** (8 * (level ?? 0)));
  if (index < 0 || index >= count) throw new Malformed("size", "no such tile in the tree");
  const number = Math.floor(index / WIDTH);
  return { level, index: number, width: Math.min(WIDTH, count - number * WIDTH) };
}

/** The hashes of a tile of a width. Throws Malformed. */
export function decodeHashes(data: Uint8Array, width: number): Uint8Array[] {
  if (data.length !== width * HASH_SIZE || width < 1 || width > WIDTH) {
    throw new Malformed("size", `tile of ${data.length} bytes for ${width} hashes`);
  }
  return Array.from({ length: width }, (_, at) => data.slice(at * HASH_SIZE, (at + 1) * HASH_SIZE));
}

/** The entries of a bundle of a width. Throws Malformed. */
export function decodeBundle(data: Uint8Array, width: number): Uint8Array[] {
  if (data.length > WIDTH * (limits.TILE_ENTRY + 2)) {
    throw new Malformed("size", `bundle of ${data.length} bytes`);
  }
  const reader = new Reader(data);
  const entries = Array.from({ length: width }, () => reader.field());
  reader.end();
  return entries;
}
