/**
 * Whose cosignatures a checkpoint needs, and how one set of witnesses gives way to another (R-40).
 *
 * An amendment alone does not make the new witnesses: a handover in the law log does, which holds
 * both logs' checkpoints under the cosignatures of the old ones.
 */

import { type Charter, charterAt } from "./charter.ts";
import { equalBytes } from "./encoding.ts";
import { LogRefused, WarrantRefused } from "./errors.ts";
import type { EntryOf } from "./lawlog.ts";
import type { LawFacts } from "./lawrecords.ts";
import type { Note } from "./note.ts";
import type { CosignedCheckpoint, Policy } from "./policy.ts";

/** One of a deployment's two logs. */
export type LogName = "key" | "law";

/**
 * A handover that counts: its line, whose witnesses it brings, and the key log's head before.
 *
 * The law log's head before it is that of its first `index` lines. `keyRoot` has 32 bytes.
 */
export interface Handover {
  readonly index: number;
  readonly charter: Charter;
  readonly keySize: number;
  readonly keyRoot: Uint8Array;
}

/** What of the law log says who its witnesses are. */
export type WitnessFacts = Pick<LawFacts, "charters" | "handovers" | "size" | "timeMs">;

function policyOf(log: LogName, charter: Charter): Policy {
  return log === "key" ? charter.keyPolicy : charter.lawPolicy;
}

/** Whether two charters name the same witnesses and quorum, in whatever order. */
export function sameWitnesses(one: Charter, other: Charter): boolean {
  const [these, those] = [new Set(one.terms.witnesses), new Set(other.terms.witnesses)];
  return (
    one.terms.quorum === other.terms.quorum &&
    these.size === those.size &&
    [...these].every((witness) => those.has(witness))
  );
}

/** The charter whose witnesses hold the logs: the last that was handed to. */
export function witnessed(facts: WitnessFacts): Charter {
  const charter = facts.handovers.at(-1)?.charter ?? facts.charters[0];
  if (charter === undefined) throw new LogRefused("log-missing", "no charter");
  return charter;
}

/**
 * The charters whose quorums a checkpoint of a time needs: one, or two.
 *
 * Two once an amendment with other witnesses is in force and they have not taken over: both logs
 * then need the old ones', who hold them, and the new ones', who are the law.
 */
export function neededCharters(facts: WitnessFacts, timeMs: number): readonly Charter[] {
  const held = witnessed(facts);
  const begin = facts.charters[0]?.terms.effectiveMs ?? 0;
  const present = charterAt(facts.charters, Math.max(timeMs, begin));
  return sameWitnesses(held, present) ? [held] : [held, present];
}

/**
 * A log's checkpoint once those have cosigned it who must, as the law log has it.
 *
 * `facts` are, for the law log, those of the very lines that the checkpoint is of; for the key log
 * the newest that one knows. With a clock, what only the old witnesses cosigned counts no longer
 * once the amendment is in force for longer than a checkpoint's age. Throws Malformed, LogRefused.
 */
export function verifyCheckpoint(
  log: LogName,
  facts: WitnessFacts,
  note: Uint8Array | Note,
  nowMs: number | undefined,
): CosignedCheckpoint {
  const held = witnessed(facts);
  let cosigned = policyOf(log, held).verify(note);
  const { skewMs, checkpointAgeMs } = held.terms;
  const times = [log === "law" ? facts.timeMs : 0];
  if (cosigned.quorumTimeS !== undefined) times.push(Number(cosigned.quorumTimeS) * 1000 - skewMs);
  if (nowMs !== undefined) times.push(nowMs - checkpointAgeMs - skewMs);
  for (const charter of neededCharters(facts, Math.max(...times)).slice(1)) {
    try {
      cosigned = policyOf(log, charter).verify(cosigned.note);
    } catch (problem) {
      if (!(problem instanceof LogRefused)) throw problem;
      const whose = `charter ${charter.terms.sequence}'s witnesses`;
      throw new LogRefused(problem.code, `${whose}: ${problem.detail}`);
    }
  }
  return cosigned;
}

/**
 * What a handover line comes to, given the lines above it; their count and root are the head.
 *
 * Throws WarrantRefused(entry-void), LogRefused or Malformed: then the line is void.
 */
export function judgeHandover(
  facts: WitnessFacts,
  root: Uint8Array,
  charter: Charter,
  entry: EntryOf<"handover">,
): Handover {
  const held = witnessed(facts);
  if (sameWitnesses(held, charter)) {
    throw new WarrantRefused("entry-void", "the witnesses are the charter's");
  }
  const seen = held.lawPolicy.verify(entry.law);
  const law = seen.checkpoint;
  if (law.size !== facts.size || !equalBytes(law.root, root)) {
    throw new WarrantRefused("entry-void", "not the checkpoint of the lines above");
  }
  const seenKey = held.keyPolicy.verify(entry.key);
  const key = seenKey.checkpoint;
  // An old head of the key log would leave what came after it to the new witnesses' word.
  const apart = Number(seen.quorumTimeS ?? 0n) - Number(seenKey.quorumTimeS ?? 0n);
  if (Math.abs(apart) * 1000 > held.terms.checkpointAgeMs) {
    throw new WarrantRefused("entry-void", "heads that were not seen together");
  }
  const before = facts.handovers.at(-1);
  if (before !== undefined && key.size < before.keySize) {
    throw new WarrantRefused("entry-void", "a key log smaller than handed over before");
  }
  return { index: facts.size, charter, keySize: key.size, keyRoot: key.root };
}
