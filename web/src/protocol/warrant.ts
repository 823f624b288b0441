/** What of warrants the public log shows, and a subject's opening of its commitment (spec ). */

import { sha256 } from "@noble/hashes/sha2.js";
import type { Profile } from "./charter_terms.ts";
import { tagged } from "./encoding.ts";
import { WarrantRefused } from "./errors.ts";
import type { AccountId, DeploymentId } from "./identifiers.ts";

const SUBJECT_TAG = "doublelock/v1/subject";

/** The commitment to a subject: 32 bytes. */
export function commitSubject(
  deployment: DeploymentId,
  warrant: Uint8Array,
  salt: Uint8Array,
  account: AccountId,
): Uint8Array {
  return sha256(tagged(SUBJECT_TAG, deployment, warrant, salt, account));
}

/** Throws WarrantRefused(warrant-terms, warrant-period) unless a profile allows the periods. */
export function checkPeriods(
  fromMs: number,
  untilMs: number,
  gagEndMs: number,
  profile: Profile,
): void {
  if (fromMs >= untilMs) throw new WarrantRefused("warrant-terms", "ends before it begins");
  if (untilMs - fromMs > profile.validityMs) throw new WarrantRefused("warrant-period", "validity");
  if (gagEndMs > fromMs + profile.gagMs) throw new WarrantRefused("warrant-period", "gag");
}
