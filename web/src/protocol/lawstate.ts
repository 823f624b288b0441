/**
 * The law log's meaning: a pure fold over its lines, the same for everybody (spec ).
 *
 * `LawState.apply` takes the lines in log order and never fails on one: what breaks a rule is void,
 * counted, and without effect.
 */

import { type Charter, charterAt } from "./charter.ts";
import type { Code } from "./codes.ts";
import { hex } from "./encoding.ts";
import { CharterRefused, LogRefused, Refusal } from "./errors.ts";
import type { Held } from "./held.ts";
import { MissingDocument } from "./lawkeys.ts";
import { verifyLine } from "./lawlog.ts";
import {
  type Documents,
  type LawFacts,
  NO_TALLY,
  overdueSubjects,
  type Tally,
  type WarrantRecord,
} from "./lawrecords.ts";
import { Step, voided } from "./lawrules.ts";
import { GrowingTree } from "./merkle.ts";

/**
 * The law log up to `size` lines: charters, warrants, requests, key epochs, what is owed.
 *
 * `void` counts lines without effect, `lastVoid` says why the latest was void.
 */
export class LawState {
  #facts: LawFacts;
  #tree = new GrowingTree();
  #roots: Uint8Array[] = [this.#tree.root];
  #void = 0;
  #lastVoid: Code | undefined;
  readonly #held: Held | undefined;

  /**
   * The state before the first line, under the genesis charter that one pinned.
   *
   * What `held` says is not checked again, and what is checked is added to it.
   */
  constructor(genesis: Charter, held?: Held) {
    this.#held = held;
    if (genesis.terms.sequence !== 0) {
      throw new CharterRefused("charter-genesis", "not the first charter");
    }
    this.#facts = {
      deployment: genesis.deployment,
      charters: [genesis],
      handovers: [],
      size: 0,
      timeMs: 0,
      founded: false,
      warrants: new Map(),
      requests: new Map(),
      recent: new Map(),
      epochs: new Map(),
      extensions: new Map(),
      releases: new Map(),
      tallies: new Map(),
      preserved: new Map(),
      bundles: new Map(),
    };
  }

  /** Everything the lines amount to. */
  get facts(): LawFacts {
    return this.#facts;
  }

  /** How many lines were folded: the index that comes next. */
  get size(): number {
    return this.#tree.size;
  }

  /** The Merkle root over all lines so far (32 bytes, RFC 6962). */
  get root(): Uint8Array {
    return this.#tree.root;
  }

  /** The root when the log had so many lines. Throws LogRefused(log-range). */
  rootAt(size: number): Uint8Array {
    const root = this.#roots[size];
    if (root === undefined) throw new LogRefused("log-range", `size ${size} of ${this.size}`);
    return root;
  }

  /** A state of its own that goes on from here. */
  copy(): LawState {
    const [genesis] = this.#facts.charters;
    if (genesis === undefined) throw new CharterRefused("charter-genesis", "no charter");
    const other = new LawState(genesis, this.#held);
    other.#facts = this.#facts;
    other.#tree = new GrowingTree(this.#tree.size, this.#tree.peaks);
    other.#roots = [...this.#roots];
    other.#void = this.#void;
    other.#lastVoid = this.#lastVoid;
    return other;
  }

  get void(): number {
    return this.#void;
  }

  get lastVoid(): Code | undefined {
    return this.#lastVoid;
  }

  /** The charter in force at a time. Throws CharterRefused. */
  charter(timeMs: number): Charter {
    return charterAt(this.#facts.charters, timeMs);
  }

  /** A committee's counts. */
  tally(committee: number): Tally {
    return this.#facts.tallies.get(committee) ?? NO_TALLY;
  }

  /** The warrants whose notice is overdue at a time. */
  overdue(timeMs: number): WarrantRecord[] {
    const records = [...this.#facts.warrants.values()];
    return records.filter((record) => overdueSubjects(record, timeMs).length > 0);
  }

  /**
   * Takes the line at `index`; a line that breaks a rule is only counted.
   *
   * Throws LogRefused(log-gap) when `index` is not the next, CharterRefused(charter-missing) when the
   * line names an amendment that is not among `documents`: fetch it and apply the line again.
   */
  apply(index: number, line: Uint8Array, documents: Documents = new Map()): void {
    if (index !== this.size) {
      throw new LogRefused("log-gap", `line ${index}, expected ${this.size}`);
    }
    let facts = this.#facts;
    try {
      facts = this.#judge(line, documents);
    } catch (problem) {
      if (problem instanceof MissingDocument) {
        throw new CharterRefused("charter-missing", problem.detail);
      }
      if (!(problem instanceof Refusal)) throw problem;
      this.#void += 1;
      this.#lastVoid = problem.code;
    }
    this.#tree.append(line);
    this.#roots.push(this.#tree.root);
    this.#facts = { ...facts, size: this.size };
  }

  #judge(line: Uint8Array, documents: Documents): LawFacts {
    const facts = this.#facts;
    const { timeMs, signed } = verifyLine(facts.deployment, line, this.#held);
    if (timeMs < facts.timeMs) throw voided("entry-time", "before the line above");
    const charter = charterAt(facts.charters, timeMs);
    const party = charter.party(signed.author);
    if (party === undefined) throw voided("entry-author", "no party of the charter");
    if (facts.founded === (signed.entry.type === "charter")) {
      throw voided("entry-void", "the genesis charter comes first, and once");
    }
    const { root } = this;
    const hash = hex(signed.hash);
    const held = this.#held;
    const step = new Step({ facts, root, charter, party, timeMs, hash, documents, held });
    return { ...step.take(signed.entry), timeMs };
  }
}
