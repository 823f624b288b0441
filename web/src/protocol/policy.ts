/**
 * Policies: which logs and how many of which witnesses one trusts (C2SP tlog-policy; spec L-10).
 *
 * A policy is the one way to a `CosignedCheckpoint`, and so to anything that relies on a log. A
 * client's policies come from the charter alone, so no policy file is read here.
 */

import type { Checkpoint } from "./checkpoint.ts";
import { type VerifiedCosignature, verifyCosignature, verifyLog } from "./cosignature.ts";
import { hex } from "./encoding.ts";
import { LogRefused, Malformed } from "./errors.ts";
import * as limits from "./limits.ts";
import { type Note, parseNote, SignatureType, signaturesBy, type VerifierKey } from "./note.ts";

const NONE = "none";
const AHEAD_S = 60n;

/** A witness under the name that groups use. */
export interface PolicyWitness {
  readonly name: string;
  readonly key: VerifierKey;
}

/** A group that has seen a checkpoint when `threshold` of its members have. */
export interface PolicyGroup {
  readonly name: string;
  readonly threshold: number;
  readonly members: readonly string[];
}

declare const cosigned: unique symbol;

/**
 * A checkpoint signed by a known log and cosigned by a policy's quorum (spec L-12).
 *
 * `quorumTimeS` is the latest POSIX second at which a whole quorum had seen it as the log's largest,
 * and undefined under a policy that asks for no witness; hold it against a clock when age matters.
 */
export interface CosignedCheckpoint {
  readonly [cosigned]: true;
  readonly checkpoint: Checkpoint;
  readonly note: Note;
  readonly cosignatures: readonly VerifiedCosignature[];
  readonly quorumTimeS: bigint | undefined;
}

/** Log keys, witnesses, groups and the quorum; `quorum` names a witness, a group, or is "none". */
export class Policy {
  readonly logs: readonly VerifierKey[];
  readonly witnesses: readonly PolicyWitness[];
  readonly groups: readonly PolicyGroup[];
  readonly quorum: string;

  /** Throws Malformed unless every name is defined before its use, and used once. */
  constructor(
    logs: readonly VerifierKey[],
    witnesses: readonly PolicyWitness[],
    groups: readonly PolicyGroup[],
    quorum: string,
  ) {
    this.logs = logs;
    this.witnesses = witnesses;
    this.groups = groups;
    this.quorum = quorum;
    this.#check();
  }

  /**
   * The checkpoint of a signed note that this policy accepts (spec L-10, L-12).
   *
   * Throws Malformed, or LogRefused: log-unknown (no log key), bad-signature (one by a known key
   * does not hold), log-quorum (naming the witnesses that are missing).
   */
  verify(data: Uint8Array | Note): CosignedCheckpoint {
    const note = data instanceof Uint8Array ? parseNote(data) : data;
    const { checkpoint } = verifyLog(note, this.logs);
    const found = new Map<string, VerifiedCosignature>();
    for (const witness of this.witnesses) {
      for (const line of signaturesBy(note, witness.key)) {
        const seen = verifyCosignature(line, witness.key, checkpoint);
        if (seen.timeS === 0n) {
          throw new LogRefused("bad-signature", `${witness.name} states no time`);
        }
        const before = found.get(witness.name);
        if (before === undefined || seen.timeS > before.timeS) found.set(witness.name, seen);
      }
    }
    if (!this.fulfilled(found.keys())) {
      const missing = this.witnesses.filter(({ name }) => !found.has(name));
      const names = missing.map(({ name }) => name).join(", ");
      throw new LogRefused("log-quorum", `missing of ${this.quorum}: ${names}`);
    }
    const cosignatures = [...found.values()];
    const quorumTimeS = this.#quorumTime(found);
    return { checkpoint, note, cosignatures, quorumTimeS } as unknown as CosignedCheckpoint;
  }

  /** Whether these witnesses, by their names in the policy, make the quorum. */
  fulfilled(names: Iterable<string>): boolean {
    if (this.quorum === NONE) return true;
    const seen = new Set(names);
    for (const group of this.groups) {
      const count = group.members.filter((member) => seen.has(member)).length;
      if (count >= group.threshold) seen.add(group.name);
    }
    return seen.has(this.quorum);
  }

  #quorumTime(found: ReadonlyMap<string, VerifiedCosignature>): bigint | undefined {
    if (this.quorum === NONE) return undefined;
    const times = [...found.values()].map((seen) => seen.timeS);
    times.sort((left, right) => (left < right ? 1 : -1));
    return times.find((timeS) =>
      this.fulfilled([...found].filter(([, seen]) => seen.timeS >= timeS).map(([name]) => name)),
    );
  }

  #check(): void {
    const { logs, witnesses, groups } = this;
    if (logs.length + witnesses.length + groups.length > limits.POLICY_COMPONENTS) {
      throw new Malformed("size", "policy with too many components");
    }
    distinct(logs.map((key) => hex(key.public)));
    distinct(witnesses.map(({ key }) => hex(key.public)));
    const known = new Set<string>();
    const members = new Set<string>();
    const define = (name: string) => {
      if (name === "" || name === NONE || known.has(name) || /[ \t\n]/.test(name)) {
        throw new Malformed("form", "name that is taken or not allowed");
      }
      known.add(name);
    };
    for (const witness of witnesses) {
      if (witness.key.type === SignatureType.ED25519) {
        throw new Malformed("form", "witness key that cannot cosign");
      }
      define(witness.name);
    }
    for (const group of groups) {
      if (group.members.length === 0 || group.members.some((member) => !known.has(member))) {
        throw new Malformed("form", "group of names that are not defined yet");
      }
      if (
        new Set(group.members).size !== group.members.length ||
        group.members.some((member) => members.has(member))
      ) {
        throw new Malformed("form", "name that is a member twice");
      }
      if (group.threshold < 1 || group.threshold > group.members.length) {
        throw new Malformed("form", "group whose threshold its members cannot meet");
      }
      for (const member of group.members) members.add(member);
      define(group.name);
    }
    if (this.quorum !== NONE && !known.has(this.quorum)) {
      throw new Malformed("form", "quorum of a name that is not defined");
    }
  }
}

function distinct(keys: readonly string[]): void {
  if (new Set(keys).size !== keys.length) throw new Malformed("form", "policy with one key twice");
}

/**
 * Throws LogRefused(log-stale) unless a quorum saw a checkpoint within `ageS` before now.
 *
 * A time more than a minute ahead of the clock is refused as well (spec L-12).
 */
export function refuseStale(seen: CosignedCheckpoint, nowMs: number, ageS: number): void {
  const seenS = seen.quorumTimeS;
  const nowS = BigInt(Math.floor(nowMs / 1000));
  if (seenS === undefined || seenS < nowS - BigInt(ageS) || seenS > nowS + AHEAD_S) {
    throw new LogRefused("log-stale", "cosigned too long ago, or in the future");
  }
}
