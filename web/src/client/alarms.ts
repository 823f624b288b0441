/** What interrupts: kept until the person has seen it, and told again when its cause comes back. */

import type { Alarm, AlarmCause } from "../messenger.ts";
import type { Code } from "../protocol/codes.ts";
import { equalBytes, hex } from "../protocol/encoding.ts";
import type { LogName } from "../protocol/handover.ts";
import type { Core } from "./core.ts";
import { unpack } from "./pack.ts";
import type { People } from "./people.ts";
import { put } from "./vault.ts";

export class Alarms {
  readonly #core: Core;
  readonly #people: People;
  readonly #open = new Map<string, Alarm>();
  /** Those that stand in memory alone. */
  readonly #fleeting = new Set<string>();
  /** What each log's alarm was last about: it stands once, and again only after the log was good. */
  readonly #told = new Map<LogName, Code>();
  /** Up to which entry of the key log was looked at. */
  #looked = 0;
  /** The same of the law log. */
  #lookedAtLaw = 0;
  /** What a device of this account is called. */
  nameOf: (device: Uint8Array) => string = (device) => hex(device).slice(0, 8);

  constructor(core: Core, people: People) {
    this.#core = core;
    this.#people = people;
  }

  async load(): Promise<void> {
    for (const [, value] of await this.#core.vault.list(["alarm"])) {
      const alarm = unpack<Alarm>(value);
      this.#open.set(alarm.id, alarm);
    }
    this.#looked = (await this.#core.vault.find<number>(["fact", "looked"])) ?? 0;
    this.#lookedAtLaw = (await this.#core.vault.find<number>(["fact", "looked-law"])) ?? 0;
  }

  all(): Alarm[] {
    return [...this.#open.values()].sort((a, b) => a.timeMs - b.timeMs);
  }

  find(id: string): Alarm | undefined {
    return this.#open.get(id);
  }

  /** Shows at once an alarm that the vault cannot keep. */
  show(cause: AlarmCause): void {
    const alarm: Alarm = { id: nameOf(cause), timeMs: this.#core.clock(), cause };
    this.#open.set(alarm.id, alarm);
    this.#fleeting.add(alarm.id);
    this.#core.tellNow({ kind: "alarm", alarm });
  }

  /** Raises an alarm; the caller flushes. One cause stands once. */
  raise(cause: AlarmCause): void {
    const id = nameOf(cause);
    const before = this.#open.get(id);
    if (before !== undefined && JSON.stringify(before.cause) === JSON.stringify(cause)) return;
    const alarm: Alarm = { id, timeMs: this.#core.clock(), cause };
    this.#open.set(id, alarm);
    this.#core.write(put(["alarm", id], alarm));
    this.#core.tell({ kind: "alarm", alarm });
  }

  /** Asks whether to go on with somebody whose keys changed; the caller flushes. */
  askAbout(account: string): void {
    if (this.#open.has(`code-changed-${account}`)) return;
    const last = this.#core.monitor.applied.findLast((one) => hex(one.account) === account);
    this.raise({
      kind: "code-changed",
      account,
      name: this.#people.name(account),
      reason: last?.kind === 3 ? "lineage" : "devices",
      wasVerified: this.#people.wasVerified(account),
    });
  }

  /** The caller flushes. */
  dismiss(id: string): void {
    if (!this.#open.delete(id)) return;
    if (!this.#fleeting.delete(id)) this.#core.write([["alarm", id], undefined]);
    this.#core.tell({ kind: "alarm-gone", id });
  }

  /** Looks at what both logs brought since; the caller flushes. */
  look(): void {
    const { monitor, account, identity } = this.#core;
    const known = new Set(this.#people.accounts);
    for (const applied of monitor.applied) {
      if (applied.index < this.#looked) continue;
      if (equalBytes(applied.account, account)) {
        if (identity.made.includes(hex(applied.entryHash))) continue;
        const device = (id: Uint8Array) => ({ id: hex(id), name: this.nameOf(id) });
        this.raise({
          kind: "own-entry",
          index: applied.index,
          added: applied.added.map(device),
          removed: applied.removed.map(device),
        });
      } else if (known.has(hex(applied.account)) && applied.kind !== 1) {
        const name = hex(applied.account);
        if (this.#people.verification(name) !== "changed") continue;
        this.askAbout(name);
        this.#core.tell({ kind: "person", person: this.#people.person(name) });
      }
    }
    if (monitor.keyLog.size > this.#looked) {
      this.#looked = monitor.keyLog.size;
      this.#core.write(put(["fact", "looked"], this.#looked));
    }
    this.#lookAtLaw();
    for (const log of ["key", "law"] as const) {
      const trouble = monitor.trouble[log];
      if (trouble === undefined) this.#told.delete(log);
      if (trouble?.code !== "log-fork" && trouble?.code !== "log-stale") continue;
      // A look that was under way while the person read it says the same once more.
      if (this.#told.get(log) === trouble.code) continue;
      this.#told.set(log, trouble.code);
      const refusal = { code: trouble.code, detail: trouble.detail };
      this.raise({ kind: "log-fork", log, refusal });
    }
  }

  /** A charter or a key that lacks its holders' signatures has no effect; it is said all the same. */
  #lookAtLaw(): void {
    const { monitor } = this.#core;
    for (const { log, index, refusal } of monitor.refused) {
      if (log !== "law" || index < this.#lookedAtLaw) continue;
      const what = ALONE.get(refusal.code);
      if (what === undefined) continue;
      const { code, detail } = refusal;
      this.raise({ kind: "law-alone", what, index, refusal: { code, detail } });
    }
    if (monitor.law.size > this.#lookedAtLaw) {
      this.#lookedAtLaw = monitor.law.size;
      this.#core.write(put(["fact", "looked-law"], this.#lookedAtLaw));
    }
  }
}

/** What an honest server never logs: why a charter or a month's key has no effect. */
const ALONE: ReadonlyMap<Code, "charter" | "key"> = new Map([
  ["charter-fixed", "charter"],
  ["charter-sequence", "charter"],
  ["charter-signatures", "charter"],
  ["charter-terms", "charter"],
  ["unknown-signer", "charter"],
  ["key-epoch-changed", "key"],
  ["key-epoch-signatures", "key"],
  ["key-epoch-statement", "key"],
  ["proof-of-possession", "key"],
]);

function nameOf(cause: AlarmCause): string {
  switch (cause.kind) {
    case "code-changed":
      return `${cause.kind}-${cause.account}`;
    case "own-entry":
      return `${cause.kind}-${cause.index}`;
    case "law-alone":
      return `${cause.kind}-${cause.index}`;
    case "log-fork":
      return `${cause.kind}-${cause.log}`;
    case "ghost":
      return `${cause.kind}-${cause.conversation}`;
    default:
      return cause.kind;
  }
}
