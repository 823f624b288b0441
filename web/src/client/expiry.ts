/** The moment at which the next message disappears, kept by one alarm clock for all. */

import type { Chronicle } from "./chronicle.ts";
import type { Core } from "./core.ts";
import { asRefusal } from "./groups.ts";

const LONGEST_MS = 3_600_000;

export class Expiry {
  readonly #core: Core;
  readonly #chronicle: Chronicle;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(core: Core, chronicle: Chronicle) {
    this.#core = core;
    this.#chronicle = chronicle;
  }

  /** Something disappears at this time: looks then, if not before. */
  at(timeMs: number): void {
    if (timeMs >= this.#dueMs) return;
    this.stop();
    this.#dueMs = timeMs;
    const wait = Math.min(Math.max(0, timeMs - this.#core.clock()), LONGEST_MS);
    this.#timer = setTimeout(() => void this.#core.alone(() => this.#sweep()), wait);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  async #sweep(): Promise<void> {
    this.#dueMs = Number.POSITIVE_INFINITY;
    try {
      await this.#chronicle.sweep(this.#core.clock());
      await this.#core.flush();
    } catch (problem) {
      asRefusal(problem);
    }
  }
}
