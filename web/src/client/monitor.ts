/** What a client knows of everybody else: charters, key log and law log, verified by itself. */

import { sha256 } from "@noble/hashes/sha2.js";
import { charters } from "../protocol/api.ts";
import { type Charter, skewAt, verifyGenesis } from "../protocol/charter.ts";
import { firstDay, lastDay } from "../protocol/days.ts";
import { hex } from "../protocol/encoding.ts";
import { CharterRefused, LogRefused, Refusal, WireRefused } from "../protocol/errors.ts";
import { type LogName, verifyCheckpoint } from "../protocol/handover.ts";
import { verifierOf } from "../protocol/held.ts";
import type { DeploymentId } from "../protocol/identifiers.ts";
import type { VerifiedKeyEpoch } from "../protocol/keyepoch.ts";
import { type Applied, KeyLog } from "../protocol/keylog.ts";
import { type Documents, epochName } from "../protocol/lawrecords.ts";
import { LawState } from "../protocol/lawstate.ts";
import * as limits from "../protocol/limits.ts";
import type { Http } from "./http.ts";
import { LogMirror } from "./mirror.ts";
import { Verified } from "./verified.ts";

/** Gives the deployment's time in ms since 1970 UTC. */
export type Clock = () => number;
export type { LogName };

/** A log entry that breaks a rule and so has no effect. */
export interface RefusedEntry {
  readonly log: LogName;
  readonly index: number;
  readonly refusal: Refusal;
}

/** Size and root of a log that was seen. */
export interface Head {
  readonly size: number;
  readonly root: Uint8Array;
}

/** What the vault kept of the logs, so that they need not be fetched again. */
export interface KnownLogs {
  readonly charters: readonly Uint8Array[];
  readonly key: readonly Uint8Array[];
  readonly law: readonly Uint8Array[];
  /** What was verified of all this and lay sealed since: see `Verified`. */
  readonly verified: readonly Uint8Array[];
}

/**
 * The verified public state of one deployment, pinned by its id.
 *
 * Errors are LogRefused, CharterRefused, WireRefused, Malformed; on an error the state is as it was.
 */
export class Monitor {
  readonly deployment: DeploymentId;
  readonly clock: Clock;
  readonly keys: LogMirror;
  readonly laws: LogMirror;
  readonly verified: Verified;
  law: LawState;
  readonly keyLog: KeyLog;
  readonly applied: Applied[] = [];
  readonly refused: RefusedEntry[] = [];
  /** What was wrong with each log when it was last read; undefined while it is good. */
  readonly trouble: Record<LogName, Refusal | undefined> = { key: undefined, law: undefined };
  checkedMs = 0;
  #documents: Documents;
  #handedOver = 0;
  #lawMs = 0;
  readonly #http: Http;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(http: Http, deployment: DeploymentId, clock: Clock, known: KnownLogs) {
    this.#http = http;
    this.deployment = deployment;
    this.clock = clock;
    this.#documents = byHash(known.charters);
    const genesis = known.charters[0];
    if (genesis === undefined) throw new CharterRefused("charter-genesis", "no charter");
    this.verified = new Verified(known.verified);
    const charter = verifyGenesis(genesis, deployment, this.verified);
    this.law = new LawState(charter, this.verified);
    const skew = (ms: number) => this.skewMs(ms);
    const verify = verifierOf(this.verified);
    this.keyLog = new KeyLog(deployment, charter.terms.genesisKey, skew, verify);
    this.keys = new LogMirror((path) => this.#file("key", path), known.key);
    this.laws = new LogMirror((path) => this.#file("law", path), known.law);
    // The law log first: what the key log's entries come to, its charters say (Y-8).
    this.#takeLaw(foldLines(this.law, this.laws.entries, this.#documents));
    this.#replayKeys();
  }

  /** Fetches the genesis charter, pinned by the deployment's id. */
  static async begin(http: Http, deployment: DeploymentId, clock: Clock): Promise<Monitor> {
    const documents = await fetchCharters(http);
    return new Monitor(http, deployment, clock, {
      charters: documents,
      key: [],
      law: [],
      verified: [],
    });
  }

  /** Replays what is known, all of it sealed by this device; no network. */
  static resume(http: Http, deployment: DeploymentId, clock: Clock, known: KnownLogs): Monitor {
    return new Monitor(http, deployment, clock, known);
  }

  /** The charter in force now. */
  get charter(): Charter {
    return this.law.charter(this.clock());
  }

  /** The skew in ms of the charter in force at a time. */
  skewMs(timeMs: number): number {
    return skewAt(this.law.facts.charters, timeMs);
  }

  /** The charters that are or were in force, oldest first. */
  get chartersSoFar(): readonly Charter[] {
    const { charters } = this.law.facts;
    return charters.slice(0, charters.indexOf(this.charter) + 1);
  }

  /** Throws CharterRefused(receipt-time) for a clock by which no charter was in force yet. */
  checkClock(): void {
    try {
      this.law.charter(this.clock());
    } catch (problem) {
      if (!(problem instanceof CharterRefused)) throw problem;
      throw new CharterRefused("receipt-time", "this device's clock is before the charter");
    }
  }

  get documents(): readonly Uint8Array[] {
    return [...this.#documents.values()];
  }

  /** A committee's key epoch, verified and logged before witnesses. Throws epoch-unknown. */
  epoch(committee: number, keyEpoch: number): VerifiedKeyEpoch {
    const found = this.law.facts.epochs.get(epochName(committee, keyEpoch));
    if (found === undefined) {
      throw new CharterRefused("epoch-unknown", `committee ${committee}, month ${keyEpoch}`);
    }
    return found.keys;
  }

  /** The key epoch to seal to on a day: the month's own, or the last one extended. */
  epochFor(committee: number, keyEpoch: number, day: number): VerifiedKeyEpoch {
    const { epochs, extensions } = this.law.facts;
    if (epochs.has(epochName(committee, keyEpoch))) return this.epoch(committee, keyEpoch);
    if ((extensions.get(epochName(committee, keyEpoch - 1)) ?? -1) >= day) {
      return this.epoch(committee, keyEpoch - 1);
    }
    return this.epoch(committee, keyEpoch);
  }

  /** The first and last day on which a key epoch is in force, an extension included. */
  daysOf(committee: number, keyEpoch: number): readonly [number, number] {
    const last = this.law.facts.extensions.get(epochName(committee, keyEpoch)) ?? -1;
    return [firstDay(keyEpoch), Math.max(last, lastDay(keyEpoch))];
  }

  /** How many key epochs follow each other from one on. */
  epochsReady(committee: number, from: number): number {
    let count = 0;
    while (this.law.facts.epochs.has(epochName(committee, from + count))) count += 1;
    return count;
  }

  /** Brings the key log up to date, unless it has `atLeast` entries. */
  syncKeys(atLeast = 0): Promise<void> {
    return this.#alone("key", async () => {
      if (atLeast > 0 && this.keys.size >= atLeast) return;
      // A law log younger than the delay has every amendment in force, and so the skew (Y-8).
      const { amendmentDelayMs } = this.charter.terms;
      if (this.clock() - this.#lawMs >= amendmentDelayMs / 2) await this.#growLaw();
      try {
        await this.#growKeys();
      } catch (problem) {
        if (!(problem instanceof LogRefused) || problem.code !== "log-quorum") throw problem;
        // Others may have become its witnesses: the law log says so.
        await this.#growLaw().catch(() => {
          throw problem;
        });
        await this.#growKeys();
      }
      this.#replayKeys();
    });
  }

  /** Brings the law log up to date and takes over its key epochs. */
  syncLaw(): Promise<void> {
    return this.#alone("law", () => this.#growLaw());
  }

  /**
   * Brings the law log up to date where an amendment in force at a time may be missing here.
   *
   * Where the server does not answer, what is known has to do: nothing is thrown (C-13).
   */
  async knowLaw(timeMs: number): Promise<void> {
    const { amendmentDelayMs } = this.charter.terms;
    if (Math.min(timeMs, this.clock()) - this.#lawMs < amendmentDelayMs / 2) return;
    try {
      await this.syncLaw();
    } catch (problem) {
      if (!(problem instanceof Refusal)) throw problem;
    }
  }

  async #growLaw(): Promise<void> {
    let folded: Folded | undefined;
    await this.laws.grow(this.charter.lawSigned, async (fresh, note) => {
      folded = await this.#fold(fresh);
      return verifyCheckpoint("law", folded.law.facts, note, this.clock());
    });
    if (folded !== undefined) this.#takeLaw(folded);
    this.#lawMs = this.clock();
  }

  async #growKeys(): Promise<void> {
    await this.keys.grow(this.charter.keySigned, async (_, note) =>
      verifyCheckpoint("key", this.law.facts, note, this.clock()),
    );
    for (const { keySize, keyRoot } of this.law.facts.handovers.slice(this.#handedOver)) {
      this.keys.checkHead(keySize, keyRoot);
      this.#handedOver += 1;
    }
  }

  /** Folds new lines, fetching the amendments that they name and that are not here yet. */
  async #fold(lines: readonly Uint8Array[]): Promise<Folded> {
    try {
      return foldLines(this.law, lines, this.#documents);
    } catch (problem) {
      if (!(problem instanceof CharterRefused) || problem.code !== "charter-missing") throw problem;
      this.#documents = byHash(await fetchCharters(this.#http));
      return foldLines(this.law, lines, this.#documents);
    }
  }

  #takeLaw({ law, refused }: Folded): void {
    this.law = law;
    this.refused.push(...refused);
  }

  /** Refuses logs whose history differs from heads seen before. */
  checkHeads(key: Head | undefined, law: Head | undefined): void {
    if (key !== undefined) this.keys.checkHead(key.size, key.root);
    if (law !== undefined) this.laws.checkHead(law.size, law.root);
  }

  #alone(log: LogName, work: () => Promise<void>): Promise<void> {
    const run = this.#last.then(async () => {
      try {
        await work();
        this.trouble[log] = undefined;
        this.checkedMs = this.clock();
      } catch (problem) {
        const away = problem instanceof WireRefused;
        if (problem instanceof Refusal && !away) this.trouble[log] = problem;
        throw problem;
      }
    });
    this.#last = run.catch(() => undefined);
    return run;
  }

  async #file(log: LogName, path: string): Promise<Uint8Array> {
    const limit = limits.HTTP_ANSWER + limits.NOTE;
    try {
      return await this.#http.get(`/log/${log}/${path}`, { limit, anyone: true });
    } catch (problem) {
      if (problem instanceof WireRefused && problem.code === "not-found") {
        throw new LogRefused("log-missing", path);
      }
      throw problem;
    }
  }

  #replayKeys(): void {
    for (const entry of this.keys.entries.slice(this.keyLog.size)) {
      const index = this.keyLog.size;
      try {
        this.applied.push(this.keyLog.apply(index, entry));
      } catch (problem) {
        if (!(problem instanceof Refusal)) throw problem;
        this.refused.push({ log: "key", index, refusal: problem }); // spec Y-9: void, and shown
      }
    }
  }
}

interface Folded {
  readonly law: LawState;
  readonly refused: readonly RefusedEntry[];
}

/** A state of its own after more lines; what breaks a rule is void, and told. */
function foldLines(from: LawState, lines: readonly Uint8Array[], documents: Documents): Folded {
  const law = from.copy();
  const refused: RefusedEntry[] = [];
  for (const line of lines) {
    const { size: index, void: before } = law;
    law.apply(index, line, documents);
    if (law.void > before) {
      const refusal = new LogRefused(law.lastVoid ?? "entry-void", "law-log line");
      refused.push({ log: "law", index, refusal });
    }
  }
  return { law, refused };
}

async function fetchCharters(http: Http): Promise<readonly Uint8Array[]> {
  const answer = await http.ask("GET", "/v1/charters", undefined, undefined, charters, {
    anyone: true,
  });
  return answer.documents;
}

function byHash(documents: readonly Uint8Array[]): ReadonlyMap<string, Uint8Array> {
  return new Map(documents.map((document) => [hex(sha256(document)), document]));
}
