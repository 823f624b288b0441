/** What this device has verified by itself, as its vault keeps it: unlocking does not do it again. */

import { concat, hex, unhex } from "../protocol/encoding.ts";
import { VaultRefused } from "../protocol/errors.ts";
import type { Held } from "../protocol/held.ts";

/** The bytes of one check's name (SHA-256). */
const NAME = 32;

export class Verified implements Held {
  readonly #names = new Set<string>();
  /** How many pieces were kept before. */
  readonly rows: number;
  #fresh: string[] = [];

  /** `kept`: what `takeFresh` gave before. Throws VaultRefused(vault-damaged). */
  constructor(kept: readonly Uint8Array[]) {
    this.rows = kept.length;
    for (const data of kept) {
      if (data.length % NAME !== 0) throw new VaultRefused("vault-damaged", "verified");
      for (let at = 0; at < data.length; at += NAME) {
        this.#names.add(hex(data.subarray(at, at + NAME)));
      }
    }
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  add(name: string): void {
    if (this.#names.has(name)) return;
    this.#names.add(name);
    this.#fresh.push(name);
  }

  /** What was added since; undefined for nothing. */
  takeFresh(): Uint8Array | undefined {
    if (this.#fresh.length === 0) return undefined;
    const fresh = concat(...this.#fresh.map(unhex));
    this.#fresh = [];
    return fresh;
  }
}
