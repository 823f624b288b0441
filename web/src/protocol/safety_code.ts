/** Safety codes: what two people compare out of band to know that no key was swapped (spec Y-11). */

import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { bigEndian, compareBytes, concat, tagged, u8, u32 } from "./encoding.ts";
import type { DeploymentId } from "./identifiers.ts";
import type { AccountVersion } from "./keylog.ts";

const TAG_ACCOUNT = "doublelock/v1/safety-code/account";
const TAG_PAIR = "doublelock/v1/safety-code/pair";
const GROUPS = 12;

/**
 * The code of two accounts: equal on both sides, changed by any device or lineage change.
 *
 * `digits` is 12 groups of 5 digits (199 bits) to read aloud; `qr` is 65 bytes to scan.
 */
export interface SafetyCode {
  readonly digits: string;
  readonly qr: Uint8Array;
}

/** The safety code of two accounts as the key log lists them now; the order is free. */
export function makeSafetyCode(
  deployment: DeploymentId,
  one: AccountVersion,
  other: AccountVersion,
): SafetyCode {
  const sides = [digestSide(deployment, one), digestSide(deployment, other)].sort(compareBytes);
  const digest = sha512(tagged(TAG_PAIR, deployment, ...sides));
  const groups = Array.from({ length: GROUPS }, (_, at) => {
    const value = bigEndian(digest.subarray(5 * at, 5 * at + 5)) % 100_000n;
    return value.toString().padStart(5, "0");
  });
  return { digits: groups.join(" "), qr: concat(u8(1), ...sides) };
}

/** One account's part of its safety codes: changed by any device or lineage change of its own. */
export function digestSide(deployment: DeploymentId, version: AccountVersion): Uint8Array {
  return sha256(
    tagged(TAG_ACCOUNT, deployment, version.account, u32(version.lineage), ...version.keys),
  );
}
