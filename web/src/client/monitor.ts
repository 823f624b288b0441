/** What a client knows of everybody else: charters, key log and law log, verified by itself. */

import { sha256 } from "@noble/hashes/sha2.js";
import { charters } from "../protocol/api.ts";
import { type Charter, verifyGenesis } from "../protocol/charter.ts";
import { firstDay, lastDay } from "../protocol/days.ts";
import { hex } from "../protocol/encoding.ts";
import { CharterRefused, LogRefused, Refusal, WireRefused } from "../protocol/errors.ts";
import type { DeploymentId } from "../protocol/identifiers.ts";
import type { VerifiedKeyEpoch } from "../protocol/keyepoch.ts";
import { type Applied, KeyLog } from "../protocol/keylog.ts";
import { epochName } from "../protocol/lawrecords.ts";
import { LawState } from "../protocol/lawstate.ts";
import * as limits from "../protocol/limits.ts";
import type { Http } from "./http.ts";
import { LogMirror } from "./mirror.ts";

/** Gives the deployment's time in ms since 1970 UTC. */
export type Clock = () => number;
export type LogName = "key" | "law";

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
  readonly law: LawState;
  readonly keyLog: KeyLog;
  readonly applied: Applied[] = [];
  readonly refused: RefusedEntry[] = [];
  /** What was wrong with each log when it was last read; undefined while it is good. */
  readonly trouble: Record<LogName, Refusal | undefined> = { key: undefined, law: undefined };
  checkedMs = 0;
  #documents: ReadonlyMap<string, Uint8Array>;
  readonly #http: Http;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(http: Http, deployment: DeploymentId, clock: Clock, known: KnownLogs) {
    this.#http = http;
    this.deployment = deployment;
    this.clock = clock;
    this.#documents = byHash(known.charters);
    const genesis = known.charters[0];
    if (genesis === undefined) throw new CharterRefused("charter-genesis", "no charter");
    const charter = verifyGenesis(genesis, deployment);
    this.law = new LawState(charter);
    this.keyLog = new KeyLog(deployment, charter.terms.genesisKey, charter.terms.skewMs);
    this.keys = new LogMirror((path) => this.#file("key", path), known.key);
    this.laws = new LogMirror((path) => this.#file("law", path), known.law);
    this.#replayKeys();
    this.#replayLaw();
  }

  /** Fetches the genesis charter, pinned by the deployment's id. */
  static async begin(http: Http, deployment: DeploymentId, clock: Clock): Promise<Monitor> {
    const documents = await fetchCharters(http);
    return new Monitor(http, deployment, clock, { charters: documents, key: [], law: [] });
  }

  /** Replays what is known; no network. */
  static resume(http: Http, deployment: DeploymentId, clock: Clock, known: KnownLogs): Monitor {
    return new Monitor(http, deployment, clock, known);
  }

  /** The charter in force now. */
  get charter(): Charter {
    return this.law.charter(this.clock());
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
      await this.keys.grow(this.charter.keyPolicy);
      this.#replayKeys();
    });
  }

  /** Brings the law log up to date and takes over its key epochs. */
  syncLaw(): Promise<void> {
    return this.#alone("law", async () => {
      const fresh = await this.laws.grow(this.charter.lawPolicy);
      if (fresh.length > 0) this.#documents = byHash(await fetchCharters(this.#http));
      this.#replayLaw();
    });
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

  #replayLaw(): void {
    for (const line of this.laws.entries.slice(this.law.size)) {
      const { size: index, void: before } = this.law;
      this.law.apply(index, line, this.#documents);
      if (this.law.void > before) {
        const refusal = new LogRefused(this.law.lastVoid ?? "entry-void", "law-log line");
        this.refused.push({ log: "law", index, refusal });
      }
    }
  }
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
