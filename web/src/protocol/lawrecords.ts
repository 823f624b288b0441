/** What the law log amounts to, record by record; `lawstate` makes and changes them (spec R-20). */

import type { Charter } from "./charter.ts";
import type { Approver, Profile, WarrantKind } from "./charter_terms.ts";
import type { Handover } from "./handover.ts";
import type { DeploymentId } from "./identifiers.ts";
import type { VerifiedKeyEpoch } from "./keyepoch.ts";
import type { KeyEpochStatement } from "./keystatement.ts";

/** A warrant's state, by the names of ETSI TS 103 120's AuthorisationStatus (R-10). */
export type WarrantStatus =
  | "AwaitingApproval"
  | "EmergencyApproval"
  | "Approved"
  | "Rejected"
  | "Cancelled"
  | "Expired";

/** An approval that counts: whose, in which role, and when the log had it. */
export interface LoggedApproval {
  readonly role: Approver;
  readonly key: Uint8Array;
  readonly timeMs: number;
}

/** A filed warrant as the log knows it; sets hold hashes (32 bytes) in hexadecimal, times are ms. */
export interface WarrantRecord {
  readonly commitment: string;
  readonly committee: number;
  readonly kind: WarrantKind;
  readonly agency: Uint8Array;
  readonly profile: Profile;
  readonly urgent: boolean;
  readonly index: number;
  readonly filedMs: number;
  readonly validFromMs: number;
  readonly validUntilMs: number;
  readonly gagEndMs: number;
  readonly renewals: number;
  readonly approvals: readonly LoggedApproval[];
  readonly refused: boolean;
  readonly cancelled: boolean;
  readonly lapsed: boolean;
  readonly owed: ReadonlySet<string>;
  readonly delivered: ReadonlySet<string>;
  readonly roots: ReadonlySet<string>;
}

function approvedBy(record: WarrantRecord, roles: readonly Approver[]): boolean {
  return roles.every((role) => record.approvals.some((approval) => approval.role === role));
}

/** Whether every role that the profile demands approved. */
export function fullyApproved(record: WarrantRecord): boolean {
  return approvedBy(record, record.profile.approvals);
}

/** The state at a time, by the log's entries so far. */
export function statusAt(record: WarrantRecord, timeMs: number): WarrantStatus {
  if (record.refused) return "Rejected";
  if (record.cancelled) return "Cancelled";
  if (record.lapsed || timeMs >= record.validUntilMs) return "Expired";
  if (fullyApproved(record)) return "Approved";
  // The urgent window begins when the log has the warrant.
  if (record.urgent && timeMs >= record.filedMs + record.profile.urgentWindowMs) return "Expired";
  if (record.urgent && approvedBy(record, record.profile.urgent)) return "EmergencyApproval";
  return "AwaitingApproval";
}

/** The subjects who should have been told by now and were not. */
export function overdueSubjects(record: WarrantRecord, timeMs: number): string[] {
  if (timeMs <= record.gagEndMs + record.profile.noticeMs) return [];
  return [...record.owed].filter((subject) => !record.delivered.has(subject));
}

/** A release request that counts; `overCap` ones are in the log but open nothing. */
export interface RequestRecord {
  readonly hash: string;
  readonly warrant: string;
  readonly committee: number;
  readonly index: number;
  readonly timeMs: number;
  readonly labelsRoot: string;
  readonly labels: number;
  readonly subjects: ReadonlySet<string>;
  readonly overCap: boolean;
}

/**
 * A key epoch in the log, and which holders (0: the court) destroyed their share of it.
 *
 * `holders` are the custodians' identity keys in hexadecimal, number 1 first (K-11).
 */
export interface EpochRecord<K extends KeyEpochStatement = VerifiedKeyEpoch> {
  readonly keys: K;
  readonly index: number;
  /** The identity keys (hexadecimal) of the custodians whose shares these are, number 1 first. */
  readonly holders: readonly string[];
  readonly destroyed: ReadonlySet<number>;
}

/** Whether a quorum and the court may still hold shares. */
export function isAlive(record: EpochRecord<KeyEpochStatement>): boolean {
  const { shares, threshold } = record.keys.custodians;
  const destroyed = [...record.destroyed].filter((index) => index !== 0).length;
  return !record.destroyed.has(0) && shares.length - destroyed >= threshold;
}

/** What a committee's log entries count up to: what statistics are held against. */
export interface Tally {
  readonly filed: number;
  readonly approved: number;
  readonly refused: number;
  readonly cancelled: number;
  readonly requests: number;
  readonly labels: number;
  readonly accounts: number;
  readonly releases: number;
  readonly notices: number;
}

export const NO_TALLY: Tally = {
  filed: 0,
  approved: 0,
  refused: 0,
  cancelled: 0,
  requests: 0,
  labels: 0,
  accounts: 0,
  releases: 0,
  notices: 0,
};

/** Signed charters by the SHA-256 (hexadecimal) of their bytes. */
export type Documents = ReadonlyMap<string, Uint8Array>;

/** A logged web client: its version, its line in the log, and whether nobody is to use it. */
export interface BundleRecord {
  readonly version: string;
  readonly index: number;
  readonly withdrawn: boolean;
}

/** What the lines so far amount to; maps are keyed by hashes in hexadecimal, or as named. */
export interface LawFacts {
  readonly deployment: DeploymentId;
  readonly charters: readonly Charter[];
  /** The handovers from one set of witnesses to the next, oldest first. */
  readonly handovers: readonly Handover[];
  readonly size: number;
  readonly timeMs: number;
  readonly founded: boolean;
  readonly warrants: ReadonlyMap<string, WarrantRecord>;
  readonly requests: ReadonlyMap<string, RequestRecord>;
  /** By committee: the requests that count against its caps. */
  readonly recent: ReadonlyMap<number, readonly RequestRecord[]>;
  /** By `epochName`. */
  readonly epochs: ReadonlyMap<string, EpochRecord>;
  /** By `epochName`: the last day to which a key epoch was extended. */
  readonly extensions: ReadonlyMap<string, number>;
  /** By request, holder, and (key epoch, share version) pairs. */
  readonly releases: ReadonlyMap<string, string>;
  readonly tallies: ReadonlyMap<number, Tally>;
  /** By `epochName`, warrant and labels' root: how many labels were preserved (R-32). */
  readonly preserved: ReadonlyMap<string, number>;
  /** The logged web clients, by their manifest's hash in hexadecimal (spec R-34). */
  readonly bundles: ReadonlyMap<string, BundleRecord>;
}

/** The name of a committee's key epoch in `LawFacts`. */
export function epochName(committee: number, keyEpoch: number): string {
  return `${committee}/${keyEpoch}`;
}
