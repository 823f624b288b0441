/** The public logs in the vault: what a device has read of them, and need not read again. */

import { VaultRefused } from "../protocol/errors.ts";
import type { KnownLogs, Monitor } from "./monitor.ts";
import type { Vault, Write } from "./vault.ts";

/** Knows how much of both logs the vault has; their heads are the entries themselves. */
export class KeptLogs {
  readonly #monitor: Monitor;
  #keys = 0;
  #law = 0;
  #verified = 0;

  constructor(monitor: Monitor) {
    this.#monitor = monitor;
  }

  /** Says that the vault already holds everything that the monitor has. */
  areKept(): void {
    const { keys, laws, verified } = this.#monitor;
    this.#verified = verified.rows;
    this.#keys = keys.size;
    this.#law = laws.size;
  }

  /** The writes that keep what came since they were last taken. */
  takeFresh(): Write[] {
    const { keys, laws, documents, verified } = this.#monitor;
    const writes: Write[] = [];
    for (const [at, entry] of keys.entries.entries()) {
      if (at >= this.#keys) writes.push([["log-key", at], entry]);
    }
    for (const [at, entry] of laws.entries.entries()) {
      if (at >= this.#law) writes.push([["log-law", at], entry]);
    }
    if (laws.size > this.#law || this.#law === 0) {
      writes.push(...documents.map((data, at) => [["charter", at], data] as const));
    }
    this.#keys = keys.size;
    this.#law = laws.size;
    const fresh = verified.takeFresh();
    if (fresh !== undefined) writes.push([["verified", this.#verified++], fresh]);
    return writes;
  }
}

/** What the vault holds of both logs. Throws VaultRefused(vault-damaged) for one with a gap. */
export async function readLogs(vault: Vault): Promise<KnownLogs> {
  const rows = async (table: string) =>
    (await vault.list([table])).map(([row, value], at) => {
      // A row may be taken away by whoever writes to the disk: a log with a gap is none.
      if (row[1] !== at) throw new VaultRefused("vault-damaged", table);
      return value;
    });
  const [charters, key, law, verified] = await Promise.all([
    rows("charter"),
    rows("log-key"),
    rows("log-law"),
    rows("verified"),
  ]);
  return { charters, key, law, verified };
}
