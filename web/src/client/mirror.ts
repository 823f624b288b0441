/**
 * A whole copy of one log, grown from cosigned checkpoints only (spec L-12, Y-12).
 *
 * Every entry is fetched, so the root over all of them is the proof: a log that rewrites, hides or
 * forks what was seen before cannot match.
 */

import { equalBytes } from "../protocol/encoding.ts";
import { LogRefused } from "../protocol/errors.ts";
import { GrowingTree } from "../protocol/merkle.ts";
import type { Note } from "../protocol/note.ts";
import type { CosignedCheckpoint, Policy } from "../protocol/policy.ts";
import { decodeBundle, type Tile, tileAt, tilePath, WIDTH } from "../protocol/tile.ts";

/** The file at a path under the log's prefix, such as `checkpoint`. */
export type Fetch = (path: string) => Promise<Uint8Array>;

/** A checkpoint as cosigned, given the entries that it brings; or it throws a Refusal. */
export type Judge = (fresh: readonly Uint8Array[], note: Note) => Promise<CosignedCheckpoint>;

/**
 * One log's entries up to the newest cosigned checkpoint; `entries` only ever grows.
 *
 * Begun over a tree that was kept, it has the entries that came after it alone.
 */
export class LogMirror {
  readonly #fetch: Fetch;
  #tree: GrowingTree;
  readonly entries: Uint8Array[] = [];
  checkpoint: CosignedCheckpoint | undefined;

  constructor(fetch: Fetch, entries: readonly Uint8Array[] = [], tree = new GrowingTree()) {
    this.#fetch = fetch;
    this.#tree = tree;
    for (const entry of entries) {
      this.#tree.append(entry);
      this.entries.push(entry);
    }
  }

  get size(): number {
    return this.#tree.size;
  }

  get root(): Uint8Array {
    return this.#tree.root;
  }

  /** The roots of the perfect subtrees: with `size`, what it takes to begin again from here. */
  get peaks(): readonly Uint8Array[] {
    return this.#tree.peaks;
  }

  /** Refuses a mirror whose history differs from a head seen before (log-fork, log-stale). */
  checkHead(size: number, root: Uint8Array): void {
    if (size > this.size) {
      throw new LogRefused("log-stale", `${this.size} entries, ${size} were there`);
    }
    const tree = new GrowingTree();
    for (const entry of this.entries.slice(0, size)) tree.append(entry);
    if (!equalBytes(tree.root, root)) throw new LogRefused("log-fork", `at size ${size}`);
  }

  /**
   * Fetches the newest checkpoint and what came since; gives the new entries.
   *
   * `signed` asks for the log's own signature alone; once the entries give the root, `judge` says if
   * those have cosigned it who must. Throws LogRefused: what either refuses, log-stale
   * (smaller than mirrored), log-fork (the root over everything does not match); Malformed. On any of
   * them the mirror is as it was.
   */
  async grow(signed: Policy, judge: Judge): Promise<Uint8Array[]> {
    const { checkpoint, note } = signed.verify(await this.#fetch("checkpoint"));
    const { size, root } = checkpoint;
    if (size < this.size) {
      throw new LogRefused("log-stale", `checkpoint of ${size}, ${this.size} are known`);
    }
    const tree = new GrowingTree(this.#tree.size, this.#tree.peaks);
    const fresh: Uint8Array[] = [];
    while (tree.size < size) {
      const tile = tileAt(undefined, tree.size, size);
      const bundle = await this.#bundle(tile);
      for (const entry of bundle.slice(tree.size - tile.index * WIDTH)) {
        tree.append(entry);
        fresh.push(entry);
      }
    }
    if (!equalBytes(tree.root, root)) throw new LogRefused("log-fork", `at size ${size}`);
    const cosigned = await judge(fresh, note);
    this.#tree = tree;
    this.entries.push(...fresh);
    this.checkpoint = cosigned;
    return fresh;
  }

  /**
   * A bundle's entries; of a partial one that is gone, the start of the full one.
   *
   * A log keeps no partial bundle once it is full (tlog-tiles), so one that grew past it since its
   * checkpoint was read is no fault.
   */
  async #bundle(tile: Tile): Promise<Uint8Array[]> {
    try {
      return decodeBundle(await this.#fetch(tilePath(tile)), tile.width);
    } catch (problem) {
      const gone = problem instanceof LogRefused && problem.code === "log-missing";
      if (!gone || tile.width === WIDTH) throw problem;
      const full = { ...tile, width: WIDTH };
      return decodeBundle(await this.#fetch(tilePath(full)), WIDTH).slice(0, tile.width);
    }
  }
}
