/** Where rows stand: their heights, measured or guessed, summed so that a change costs little. Pure. */

import { common, guessHeight, type Row } from "./rows.ts";

/** Two ways to measure one height differ by less than this, in px. */
const SAME = 1 / 32;

/** Heights and places of rows: which are in view, without laying out the others. */
export class Layout {
  #rows: readonly Row[] = [];
  #width = 0;
  #heights: number[] = [];
  /** Sums of heights: the n-th, from 1, over as many rows before it as its lowest set bit says. */
  #sums: number[] = [0];
  /** What was measured, by key: it holds for a row that changes, or comes back. */
  readonly #measured = new Map<string, number>();
  /** Places of rows by key, counted from `#origin`: rows put in front move that alone. */
  readonly #places = new Map<string, number>();
  #origin = 0;

  /** Takes in rows for a timeline of `width` px; those measured before keep their heights. */
  set(rows: readonly Row[], width: number): void {
    const old = this.#rows;
    if (width !== this.#width) this.forget();
    this.#width = width;
    const [head, tail] = common(old, rows);
    const end = rows.length - tail;
    for (const row of old.slice(head, old.length - tail)) this.#places.delete(row.key);
    if (tail > head) {
      this.#origin += old.length - rows.length;
      for (let at = 0; at < end; at += 1) this.#place(rows, at);
    } else {
      for (let at = head; at < rows.length; at += 1) this.#place(rows, at);
    }
    this.#rows = rows;
    const fresh = rows.slice(head, end).map((row) => this.#heightOf(row));
    const rest = this.#heights.slice(old.length - tail);
    this.#heights = this.#heights.slice(0, head).concat(fresh, rest);
    this.#sum();
  }

  /** Notes a row's measured height; whether it differs from what was known or guessed. */
  measure(key: string, height: number): boolean {
    const at = this.find(key);
    const known = this.#heights[at];
    this.#measured.set(key, height);
    if (known === undefined || Math.abs(known - height) < SAME) return false;
    this.#heights[at] = height;
    for (let n = at + 1; n < this.#sums.length; n += n & -n) {
      this.#sums[n] = (this.#sums[n] ?? 0) + height - known;
    }
    return true;
  }

  /** Forgets all heights: the width or the text size changed. */
  forget(): void {
    this.#measured.clear();
    this.#heights = this.#rows.map((row) => guessHeight(row, this.#width));
    this.#sum();
  }

  get total(): number {
    return this.top(this.#rows.length);
  }

  /** Where a row begins, in px from the first one's top. */
  top(index: number): number {
    let top = 0;
    let n = Math.max(0, Math.min(index, this.#rows.length));
    for (; n > 0; n -= n & -n) top += this.#sums[n] ?? 0;
    return top;
  }

  /** The place of a row, or -1. */
  find(key: string): number {
    const place = this.#places.get(key);
    return place === undefined ? -1 : place - this.#origin;
  }

  /** The row at a height from the top. */
  at(y: number): number {
    const count = this.#rows.length;
    let at = 0;
    let left = y;
    for (let step = 2 ** Math.floor(Math.log2(Math.max(1, count))); step >= 1; step /= 2) {
      const sum = this.#sums[at + step];
      if (sum === undefined || sum > left) continue;
      at += step;
      left -= sum;
    }
    return Math.max(0, Math.min(at, count - 1));
  }

  /** First and one-past-last row between two heights. */
  range(from: number, to: number): readonly [number, number] {
    if (this.#rows.length === 0) return [0, 0];
    return [this.at(Math.max(0, from)), Math.min(this.#rows.length, this.at(to) + 1)];
  }

  #place(rows: readonly Row[], at: number): void {
    const row = rows[at];
    if (row !== undefined) this.#places.set(row.key, at + this.#origin);
  }

  #heightOf(row: Row): number {
    return this.#measured.get(row.key) ?? guessHeight(row, this.#width);
  }

  #sum(): void {
    const sums = [0, ...this.#heights];
    for (let n = 1; n < sums.length; n += 1) {
      const over = n + (n & -n);
      if (over < sums.length) sums[over] = (sums[over] ?? 0) + (sums[n] ?? 0);
    }
    this.#sums = sums;
  }
}
