/** Changes of the charter: told by the service when they are logged, and when they take effect. */

import type { Chronicle } from "./chronicle.ts";
import type { Core } from "./core.ts";
import { readAmendment } from "./trust.ts";
import { put } from "./vault.ts";

const FACT = ["fact", "charters"] as const;

/** Up to which charter, by its sequence, this device has told of the log and of what is in force. */
interface Told {
  readonly logged: number;
  readonly inForce: number;
}

export class Amendments {
  readonly #core: Core;
  readonly #chronicle: Chronicle;
  #told: Told | undefined;

  constructor(core: Core, chronicle: Chronicle) {
    this.#core = core;
    this.#chronicle = chronicle;
  }

  /** Looks at the chain of charters as the law log has it; the caller flushes. */
  async look(): Promise<void> {
    const { monitor, vault, clock } = this.#core;
    const { charters } = monitor.law.facts;
    const now: Told = {
      logged: charters.at(-1)?.terms.sequence ?? 0,
      inForce: monitor.charter.terms.sequence,
    };
    this.#told ??= await vault.find<Told>(FACT);
    // Who joins a deployment is shown its charter as it is, not how it came to be.
    const before = this.#told ?? now;
    if (this.#told?.logged === now.logged && this.#told.inForce === now.inForce) return;
    for (const charter of charters) {
      const { sequence } = charter.terms;
      const inForce = sequence <= now.inForce;
      const news = inForce ? sequence > before.inForce : sequence > before.logged;
      if (!news) continue;
      const amendment = readAmendment(charters, charter);
      await this.#chronicle.say(clock(), { kind: "amended", inForce, ...amendment });
    }
    this.#told = now;
    this.#core.write(put(FACT, now));
  }
}
