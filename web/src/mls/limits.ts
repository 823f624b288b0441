/** Sizes, judged before anything is parsed; bytes unless the name says otherwise. */

import { MlsError } from "./failure.ts";

export const MAX_MEMBERS = 1000;
export const MAX_CREDENTIAL = 1024;
export const MAX_CONTEXT_DATA = 65_536;
export const MAX_PLAINTEXT = 65_536;
export const MAX_MESSAGE = 2 * 1024 * 1024;
export const MAX_TREE = 4 * 1024 * 1024;
export const MAX_STATE = 32 * 1024 * 1024;
export const MAX_GROUP_ID = 255;
/** Generations that loading a group may burn. */
export const MAX_GENERATION_SKIP = 100_000;
/** Message keys kept per leaf and epoch for messages that were skipped. */
export const MAX_SKIPPED = 65_536;
/** Generations that one message can skip. */
export const MAX_SKIPPED_AT_ONCE = 1024;
/** Our one GroupContext extension (private use range, RFC 9420 §17.3). */
export const CONTEXT_EXTENSION = 0xf0d1;
/** Seconds that a key package is dated back, for clocks that differ. */
export const CLOCK_SKEW = 3600;
/** Past epochs that stay readable for late messages. */
export const PRIOR_EPOCHS = 5;

/** Throws MlsError(too-large) for what is longer than `most`. */
export function atMost(what: string, length: number, most: number): void {
  if (length > most) throw new MlsError("too-large", `${what}: ${length} is more than ${most}`);
}
