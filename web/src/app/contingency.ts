/** Whose messages the disclosed contingency reaches, as the charter says committee by committee. */

import type { CommitteeFacts, Trust } from "../messenger.ts";

/** One's own committee; before there is an account, the first with a contingency, or the first. */
export function committeeOf({ committees, mine }: Trust): CommitteeFacts | undefined {
  const own = committees.find(({ number }) => number === mine);
  return own ?? committees.find(({ escrow }) => escrow === "threshold") ?? committees[0];
}

/** Whether one's own messages can be opened, or those of other committees' people alone, or none. */
export function contingencyOf(trust: Trust): "own" | "others" | "none" {
  if (trust.escrow === "none") return "none";
  return committeeOf(trust)?.escrow === "threshold" ? "own" : "others";
}
