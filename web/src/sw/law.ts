/**
 * The law log as far as web clients go: which are logged, and which withdrawn (spec ).
 *
 * A worker is woken often and briefly, so it keeps what a fold came to, and reads what is new. Lines
 * of other kinds are hashed into the tree and not judged. Where a line's order makes it void in the
 * whole fold, this one is the stricter: a withdrawal counts whenever the operator signed it.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { type Fetch, LogMirror } from "../client/mirror.ts";
import { type Charter, charterAt, verifyAmendment, verifyGenesis } from "../protocol/charter.ts";
import { equalBytes, hex } from "../protocol/encoding.ts";
import { CharterRefused, Refusal } from "../protocol/errors.ts";
import {
  type Handover,
  judgeHandover,
  verifyCheckpoint,
  type WitnessFacts,
} from "../protocol/handover.ts";
import type { DeploymentId } from "../protocol/identifiers.ts";
import { type EntryOf, verifyLine } from "../protocol/lawlog.ts";
import { GrowingTree } from "../protocol/merkle.ts";

/** What is kept between two looks: public, and verified when it was written. */
export interface KnownLaw {
  readonly deployment: Uint8Array;
  readonly size: number;
  readonly peaks: readonly Uint8Array[];
  /** The log's time as of the last line that was judged. */
  readonly timeMs: number;
  /** The charters that count, as signed, the genesis first. */
  readonly charters: readonly Uint8Array[];
  /** The handovers to other witnesses, each to the charter at a place of `charters`. */
  readonly handovers: readonly KnownHandover[];
  /** By the manifest's hash (hexadecimal): whether it was withdrawn. */
  readonly bundles: ReadonlyMap<string, boolean>;
}

type KnownHandover = Omit<Handover, "charter"> & { readonly place: number };

const JUDGED: ReadonlySet<unknown> = new Set([
  "amendment",
  "handover",
  "bundle",
  "bundle-withdrawn",
]);

/** What is known before the first line. Throws CharterRefused, Malformed. */
export function beginLaw(deployment: DeploymentId, genesis: Uint8Array): KnownLaw {
  verifyGenesis(genesis, deployment);
  return {
    deployment,
    size: 0,
    peaks: [],
    timeMs: 0,
    charters: [genesis],
    handovers: [],
    bundles: new Map(),
  };
}

/**
 * What is known after the log's newest cosigned checkpoint; `charters` gives the signed charters.
 *
 * Throws LogRefused (log-stale, log-fork, log-quorum and what else the policy refuses),
 * CharterRefused, Malformed, and what `fetch` and `charters` throw.
 */
export async function followLaw(
  known: KnownLaw,
  nowMs: number,
  fetch: Fetch,
  charters: () => Promise<readonly Uint8Array[]>,
): Promise<KnownLaw> {
  const fold = new LawFold(known, charters);
  const mirror = new LogMirror(fetch, [], new GrowingTree(known.size, known.peaks));
  await mirror.grow(newest(fold.facts.charters).lawSigned, async (fresh, note) => {
    await fold.take(fresh);
    return verifyCheckpoint("law", fold.facts, note, nowMs);
  });
  return fold.known();
}

/** The lines of a log as they come, from where the last look ended. */
export class LawFold {
  facts: WitnessFacts;
  readonly #deployment: DeploymentId;
  readonly #tree: GrowingTree;
  readonly #bundles: Map<string, boolean>;
  readonly #fetchCharters: () => Promise<readonly Uint8Array[]>;
  #documents: readonly Uint8Array[] | undefined;

  constructor(known: KnownLaw, fetchCharters: () => Promise<readonly Uint8Array[]>) {
    this.#deployment = known.deployment as DeploymentId;
    this.#tree = new GrowingTree(known.size, known.peaks);
    this.#bundles = new Map(known.bundles);
    this.#fetchCharters = fetchCharters;
    const [genesis, ...amendments] = known.charters;
    if (genesis === undefined) throw new CharterRefused("charter-genesis", "no charter");
    const chain = [verifyGenesis(genesis, this.#deployment)];
    for (const document of amendments) chain.push(verifyAmendment(newest(chain), document));
    const handovers = known.handovers.map(({ place, ...rest }) => {
      const charter = chain[place];
      if (charter === undefined) throw new CharterRefused("charter-missing", String(place));
      return { ...rest, charter };
    });
    this.facts = { charters: chain, handovers, size: known.size, timeMs: known.timeMs };
  }

  /** Takes further lines in the log's order. Throws CharterRefused(charter-missing). */
  async take(lines: readonly Uint8Array[]): Promise<void> {
    for (const line of lines) await this.#take(line);
  }

  async #take(line: Uint8Array): Promise<void> {
    try {
      if (JUDGED.has(typeOf(line))) await this.#judge(line);
    } catch (problem) {
      // A void line has no effect; but what only could not be fetched is no void line.
      if (!(problem instanceof Refusal) || problem.code === "charter-missing") throw problem;
    }
    this.#tree.append(line);
    this.facts = { ...this.facts, size: this.#tree.size };
  }

  async #judge(line: Uint8Array): Promise<void> {
    const { timeMs, signed } = verifyLine(this.#deployment, line);
    const { entry } = signed;
    const { charters, handovers } = this.facts;
    const charter = charterAt(charters, timeMs);
    if (charter.party(signed.author)?.role !== "operator") return;
    if (entry.type === "bundle") {
      const name = hex(entry.bundle);
      if (!this.#bundles.has(name)) this.#bundles.set(name, false);
    } else if (entry.type === "bundle-withdrawn") {
      this.#bundles.set(hex(entry.bundle), true);
    } else if (entry.type === "amendment") {
      this.#documents ??= await this.#fetchCharters();
      const amended = amend(newest(charters), entry, timeMs, this.#documents);
      this.facts = { ...this.facts, charters: [...charters, amended] };
    } else if (entry.type === "handover") {
      const handover = judgeHandover(this.facts, this.#tree.root, charter, entry);
      this.facts = { ...this.facts, handovers: [...handovers, handover] };
    }
    if (timeMs > this.facts.timeMs) this.facts = { ...this.facts, timeMs };
  }

  /** What to keep. */
  known(): KnownLaw {
    const { charters, handovers, size, timeMs } = this.facts;
    return {
      deployment: this.#deployment,
      size,
      peaks: [...this.#tree.peaks],
      timeMs,
      charters: charters.map((charter) => charter.document),
      handovers: handovers.map(({ charter, ...rest }) => ({
        ...rest,
        place: charters.indexOf(charter),
      })),
      bundles: this.#bundles,
    };
  }
}

function newest(chain: readonly Charter[]): Charter {
  const last = chain.at(-1);
  if (last === undefined) throw new CharterRefused("charter-genesis", "no charter");
  return last;
}

/** R-22, as in the whole fold, but for the keys that C-11 asks about, which are not known here. */
function amend(
  current: Charter,
  entry: EntryOf<"amendment">,
  timeMs: number,
  documents: readonly Uint8Array[],
): Charter {
  const document = documents.find((each) => equalBytes(sha256(each), entry.document));
  if (document === undefined) throw new CharterRefused("charter-missing", hex(entry.document));
  const now = verifyAmendment(current, document);
  if (
    !equalBytes(now.hash, entry.charter) ||
    now.terms.effectiveMs < timeMs + current.terms.amendmentDelayMs
  ) {
    throw new CharterRefused("charter-delay", "counted from the log's time");
  }
  return now;
}

/** A line's kind, to tell what needs no judging. */
function typeOf(line: Uint8Array): unknown {
  try {
    const value = JSON.parse(new TextDecoder().decode(line)) as { entry?: { type?: unknown } };
    return value?.entry?.type;
  } catch {
    return undefined;
  }
}
