/**
 * Charters and keys as the law log has them: what amends, what lives, and what an amendment may not
 * do to living keys (spec C-11, R-18, R-22). Every fold of the log judges these lines by this.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { type Charter, type PartyRef, verifyAmendment } from "./charter.ts";
import { verifyDestruction } from "./destruction.ts";
import { equalBytes, hex } from "./encoding.ts";
import { CharterRefused, Refusal, WarrantRefused } from "./errors.ts";
import type { Held } from "./held.ts";
import type { VerifiedKeyEpoch } from "./keyepoch.ts";
import {
  decodeSigned,
  type EpochId,
  type KeyEpochStatement,
  refuseChangedKey,
  type SignedKeyEpoch,
  sameEpoch,
} from "./keystatement.ts";
import type { EntryOf } from "./lawlog.ts";
import {
  type Documents,
  type EpochRecord,
  epochName,
  isAlive,
  type LawFacts,
} from "./lawrecords.ts";

/** A charter document that the caller has to fetch. */
export class MissingDocument extends Refusal {}

/** Key epochs by `epochName`; `K` says how far their keys are verified. */
export type Epochs<K extends KeyEpochStatement = VerifiedKeyEpoch> = ReadonlyMap<
  string,
  EpochRecord<K>
>;

/**
 * The charter that an amendment's line makes, given the lines above it.
 *
 * The delay runs from the log's time, whatever the document says it was issued. Throws
 * MissingDocument, CharterRefused, WarrantRefused, Malformed: then the line is void.
 */
export function judgeAmendment(
  facts: Pick<LawFacts, "charters" | "size"> & { readonly epochs: Epochs<KeyEpochStatement> },
  entry: EntryOf<"amendment">,
  timeMs: number,
  documents: Documents,
  held?: Held,
): Charter {
  const document = documents.get(hex(entry.document));
  if (document === undefined || !equalBytes(sha256(document), entry.document)) {
    const detail = `line ${facts.size}, document with SHA-256 ${hex(entry.document)}`;
    throw new MissingDocument("charter-missing", detail);
  }
  const current = facts.charters.at(-1);
  if (current === undefined) throw new WarrantRefused("charter-genesis", "no charter");
  const now = verifyAmendment(current, document, held);
  refuseOrphanedKeys(current, now, facts.epochs);
  if (!equalBytes(now.hash, entry.charter)) {
    throw new WarrantRefused("entry-void", "another charter than the line says");
  }
  if (now.terms.effectiveMs < timeMs + current.terms.amendmentDelayMs) {
    throw new WarrantRefused("charter-delay", "counted from the log's time");
  }
  return now;
}

/** How a key epoch is verified, given its holders; see `keyepoch.verifyKeyEpoch`. */
type KeyVerifier<K extends KeyEpochStatement> = (
  signed: SignedKeyEpoch,
  custodians: readonly Uint8Array[],
  court: Uint8Array,
  epoch: EpochId,
  threshold: number,
) => K;

/**
 * The record that a key epoch's line makes: under the charter in force alone, since before its
 * holders are, nobody could release. Throws what `verify` does, CharterRefused,
 * WarrantRefused, Malformed: then the line is void.
 */
export function judgeKeyEpoch<K extends KeyEpochStatement>(
  facts: Pick<LawFacts, "deployment" | "size"> & { readonly epochs: Epochs<K> },
  entry: EntryOf<"key-epoch">,
  charter: Charter,
  verify: KeyVerifier<K>,
): EpochRecord<K> {
  const { committee, keyEpoch } = entry;
  const signed = decodeSigned(entry.statement);
  const { court, custodians, threshold } = charter.committee(committee);
  if (court === undefined) throw new WarrantRefused("entry-void", "committee without escrow");
  const epoch = { deployment: facts.deployment, committee, keyEpoch };
  const seats = custodians.map((custodian) => custodian.key);
  const keys = verify(signed, seats, court.key, epoch, threshold);
  const old = facts.epochs.get(epochName(committee, keyEpoch));
  let destroyed = new Set<number>();
  if (old !== undefined) {
    refuseChangedKey(old.keys, keys);
    // New shares of a dead key would bring back what was promised to be gone.
    if (!isAlive(old)) throw new WarrantRefused("epoch-dead", "key epoch that was destroyed");
    destroyed = new Set([...old.destroyed].filter((index) => index === 0));
  }
  return { keys, index: facts.size, holders: seats.map(hex), destroyed };
}

/**
 * The record that a destruction's line leaves; `party` is a holder of the entry's committee.
 *
 * Throws WarrantRefused, CeremonyRefused, Malformed: then the line is void.
 */
export function judgeDestruction<K extends KeyEpochStatement>(
  epochs: Epochs<K>,
  entry: EntryOf<"destruction">,
  party: PartyRef,
  held?: Held,
): EpochRecord<K> {
  const { index, key } = party;
  const record = epochs.get(epochName(entry.committee, entry.keyEpoch));
  if (record === undefined) throw new WarrantRefused("epoch-unknown", "destruction");
  const said = verifyDestruction(entry.statement, key, held);
  if (!sameEpoch(said.epoch, record.keys.epoch)) {
    throw new WarrantRefused("entry-void", "destruction of another key epoch");
  }
  if (index !== 0 && record.holders.indexOf(hex(key)) + 1 !== index) {
    throw new WarrantRefused("not-a-holder", "destruction by who holds no share of it");
  }
  if (index !== 0 && said.shareVersion < record.keys.shareVersion) {
    throw new WarrantRefused("entry-void", "only an old version of the share");
  }
  return { ...record, destroyed: new Set([...record.destroyed, index]) };
}

/**
 * Throws CharterRefused(charter-fixed) where living keys would lose their court (spec C-11).
 *
 * The court's share is whole and stays where it is: who may hold it changes only once every key epoch
 * of the committee is dead. Neither may such a committee go, or its escrow.
 */
function refuseOrphanedKeys(old: Charter, now: Charter, epochs: Epochs<KeyEpochStatement>): void {
  const after = new Map(now.terms.committees.map((each) => [each.number, each]));
  const living = new Set(
    [...epochs.values()].filter(isAlive).map((record) => record.keys.epoch.committee),
  );
  for (const { number, court } of old.terms.committees) {
    if (!living.has(number) || court === undefined) continue;
    const next = after.get(number)?.court;
    if (next === undefined || !equalBytes(next.key, court.key)) {
      const detail = `committee ${number} has living keys: its court keeps its key`;
      throw new CharterRefused("charter-fixed", detail);
    }
  }
}
