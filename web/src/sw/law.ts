/**
 * The law log as far as web clients go: which are logged, and which withdrawn (spec ).
 *
 * A worker is woken often and briefly, so it keeps what a fold came to, and reads what is new. Lines
 * of other kinds are hashed into the tree and not judged. Where it knows less than the whole fold, it
 * is the stricter: a withdrawal counts whenever the operator signed it, a key lives (C-11) whose
 * points were not checked, and it dies by no line that is dated before any other.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { type Fetch, LogMirror } from "../client/mirror.ts";
import { type Charter, charterAt, verifyAmendment, verifyGenesis } from "../protocol/charter.ts";
import { hex } from "../protocol/encoding.ts";
import { CharterRefused, Refusal } from "../protocol/errors.ts";
import {
  type Handover,
  judgeHandover,
  verifyCheckpoint,
  type WitnessFacts,
} from "../protocol/handover.ts";
import type { DeploymentId } from "../protocol/identifiers.ts";
import {
  encodeStatement,
  type KeyEpochStatement,
  readStatement,
  UNCHECKED,
  verifySigners,
} from "../protocol/keystatement.ts";
import {
  type Epochs,
  judgeAmendment,
  judgeDestruction,
  judgeKeyEpoch,
  MissingDocument,
} from "../protocol/lawkeys.ts";
import { verifyLine } from "../protocol/lawlog.ts";
import { type Documents, type EpochRecord, epochName } from "../protocol/lawrecords.ts";
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
  /** The key epochs, as their holders signed them (C-11). */
  readonly epochs: readonly KnownEpoch[];
  /** The latest time of any line, void ones too. */
  readonly datedMs: number;
}

type KnownEpoch = Omit<EpochRecord, "keys"> & { readonly statement: Uint8Array };

type KnownHandover = Omit<Handover, "charter"> & { readonly place: number };

const JUDGED: ReadonlySet<unknown> = new Set([
  "amendment",
  "handover",
  "key-epoch",
  "destruction",
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
    epochs: [],
    datedMs: 0,
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
  #documents: Documents = new Map();
  #epochs: Epochs<KeyEpochStatement>;
  #datedMs: number;

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
    this.#datedMs = known.datedMs;
    this.#epochs = new Map(
      known.epochs.map(({ statement, ...rest }) => {
        const keys = readStatement(statement, UNCHECKED);
        return [epochName(keys.epoch.committee, keys.epoch.keyEpoch), { keys, ...rest }];
      }),
    );
    this.facts = { charters: chain, handovers, size: known.size, timeMs: known.timeMs };
  }

  /** Takes further lines in the log's order. Throws CharterRefused(charter-missing). */
  async take(lines: readonly Uint8Array[]): Promise<void> {
    for (const line of lines) await this.#take(line);
  }

  async #take(line: Uint8Array): Promise<void> {
    const { type, timeMs } = glance(line);
    try {
      if (JUDGED.has(type)) await this.#judge(line);
    } catch (problem) {
      // A void line has no effect; but what only could not be fetched is no void line.
      if (!(problem instanceof Refusal)) throw problem;
      if (problem instanceof MissingDocument) {
        throw new CharterRefused("charter-missing", problem.detail);
      }
    }
    this.#tree.append(line);
    this.#datedMs = Math.max(this.#datedMs, timeMs);
    this.facts = { ...this.facts, size: this.#tree.size };
  }

  async #judge(line: Uint8Array): Promise<void> {
    const { timeMs, signed } = verifyLine(this.#deployment, line);
    const { entry } = signed;
    const { charters, handovers, size } = this.facts;
    const charter = charterAt(charters, timeMs);
    const party = charter.party(signed.author);
    const epochs = this.#epochs;
    if (entry.type === "destruction") {
      const holder = party?.role === "custodian" || party?.role === "court";
      if (!holder || party.committee !== entry.committee || timeMs < this.#datedMs) return;
      this.#keep(judgeDestruction(epochs, entry, party));
    } else if (party?.role !== "operator") {
      return;
    } else if (entry.type === "bundle") {
      const name = hex(entry.bundle);
      if (!this.#bundles.has(name)) this.#bundles.set(name, false);
    } else if (entry.type === "bundle-withdrawn") {
      this.#bundles.set(hex(entry.bundle), true);
    } else if (entry.type === "amendment") {
      if (!this.#documents.has(hex(entry.document))) {
        this.#documents = byHash(await this.#fetchCharters());
      }
      const amended = judgeAmendment({ charters, size, epochs }, entry, timeMs, this.#documents);
      this.facts = { ...this.facts, charters: [...charters, amended] };
    } else if (entry.type === "handover") {
      const handover = judgeHandover(this.facts, this.#tree.root, charter, entry);
      this.facts = { ...this.facts, handovers: [...handovers, handover] };
    } else if (entry.type === "key-epoch") {
      const facts = { deployment: this.#deployment, size, epochs };
      this.#keep(
        judgeKeyEpoch(facts, entry, charter, (...given) => verifySigners(...given, UNCHECKED)),
      );
    }
    if (timeMs > this.facts.timeMs) this.facts = { ...this.facts, timeMs };
  }

  #keep(record: EpochRecord<KeyEpochStatement>): void {
    const { committee, keyEpoch } = record.keys.epoch;
    this.#epochs = new Map(this.#epochs).set(epochName(committee, keyEpoch), record);
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
      epochs: [...this.#epochs.values()].map(({ keys, ...rest }) => ({
        ...rest,
        statement: encodeStatement(keys),
      })),
      datedMs: this.#datedMs,
    };
  }
}

function newest(chain: readonly Charter[]): Charter {
  const last = chain.at(-1);
  if (last === undefined) throw new CharterRefused("charter-genesis", "no charter");
  return last;
}

function byHash(documents: readonly Uint8Array[]): Documents {
  return new Map(documents.map((document) => [hex(sha256(document)), document]));
}

/** A line's kind and time, to tell what needs no judging; its time is 0 where it is none. */
function glance(line: Uint8Array): { readonly type: unknown; readonly timeMs: number } {
  try {
    const value = JSON.parse(new TextDecoder().decode(line)) as {
      timeMs?: unknown;
      entry?: { type?: unknown };
    } | null;
    const timeMs = Number.isSafeInteger(value?.timeMs) ? (value?.timeMs as number) : 0;
    return { type: value?.entry?.type, timeMs };
  } catch {
    return { type: undefined, timeMs: 0 };
  }
}
