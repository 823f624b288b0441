/** The watch that a device keeps over both public logs, whoever else says nothing. */

import { requiresCapsule } from "../protocol/charter_terms.ts";
import { dayOf, keyEpochOf } from "../protocol/days.ts";
import { refillPackages } from "./enrolment.ts";
import { asRefusal } from "./groups.ts";
import type { Parts } from "./parts.ts";

const WATCH_MS = 60_000;
const EPOCHS_READY = 3;

/** What a watch asks of the session. */
interface Watched {
  readonly up: boolean;
  lookAtKeys(): void;
  mend(): void;
}

export class Watch {
  readonly #parts: Parts;
  readonly #session: Watched;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(parts: Parts, session: Watched) {
    this.#parts = parts;
    this.#session = session;
  }

  start(): void {
    this.#parts.core.loose(this.#look());
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Reads both logs now and then: what they say of this account is news that nobody sends. */
  async #look(): Promise<void> {
    const { core, alarms, amendments, chronicle, files } = this.#parts;
    if (this.#stopped) return;
    for (const sync of [() => core.monitor.syncKeys(), () => core.monitor.syncLaw()]) {
      await sync().catch(asRefusal);
    }
    if (this.#stopped) return;
    await core
      .alone(async () => {
        core.keepLogs();
        alarms.look();
        this.#session.lookAtKeys();
        this.#parts.siblings.devices.stir();
        this.#checkEpochs();
        await amendments.look();
        await chronicle.sweep(core.clock());
        core.tell({ kind: "trust" });
        if (this.#session.up) await refillPackages(core).catch(asRefusal);
        if (this.#session.up) files.upload();
        await core.flush();
        this.#session.mend();
      })
      .catch(asRefusal);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => core.loose(this.#look()), WATCH_MS);
  }

  #checkEpochs(): void {
    const { core, alarms } = this.#parts;
    const number = core.monitor.keyLog.committee(core.account);
    if (!requiresCapsule(core.monitor.charter.committee(number))) return;
    const ready = core.monitor.epochsReady(number, keyEpochOf(dayOf(core.clock())));
    if (ready < EPOCHS_READY) alarms.raise({ kind: "epochs-low", committee: number, ready });
  }
}
