/** The one exception of the MLS layer, and how the library's own become it. */

import { DeserializeError, HpkeError } from "@hpke/core";
import {
  CodecError,
  CryptoError,
  CryptoVerificationError,
  MlsError as LibraryError,
} from "ts-mls/mlsError.js";
import { DoublelockError } from "../protocol/errors.ts";

/** A refusal; `code` is stable and kebab-case, `message` holds no secret. */
export class MlsError extends DoublelockError {
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** What the library says of keys and epochs, by the codes that callers act upon. */
const CODES: readonly (readonly [words: string, code: string])[] = [
  ["Desired gen in the past", "key-used"],
  ["Desired generation too far in the future", "generation-too-far"],
  ["Could not validate epoch", "wrong-epoch"],
  ["epoch too old", "wrong-epoch"],
  ["unapplied proposals", "commit-required"],
  ["Unable to verify tree hash", "tree-mismatch"],
];

/**
 * An error of anybody's as the caller sees it: a hook's refusal unchanged, all else an `MlsError`.
 *
 * Hostile bytes can make the library fail in any way; none of them may look like a defect of ours.
 */
export function asFailure(problem: unknown): Error {
  if (problem instanceof DoublelockError) return problem;
  const words = problem instanceof Error ? problem.message : "";
  const known = CODES.find(([part]) => words.includes(part));
  if (known !== undefined) return new MlsError(known[1], words);
  if (problem instanceof CryptoVerificationError) return new MlsError("invalid-signature", words);
  if (problem instanceof CryptoError) return new MlsError("decryption-failed", words);
  if (problem instanceof DeserializeError) return new MlsError("malformed", "not an X25519 key");
  if (problem instanceof HpkeError) {
    return new MlsError("decryption-failed", "a cryptographic check failed");
  }
  if (problem instanceof CodecError) return new MlsError("malformed", words);
  if (problem instanceof LibraryError) return new MlsError("refused", words);
  return new MlsError("malformed", "these bytes are not in MLS form");
}

/** Runs something of the library; whatever it throws becomes a failure by name. */
export async function guarded<T>(act: () => Promise<T> | T): Promise<T> {
  try {
    return await act();
  } catch (problem) {
    throw asFailure(problem);
  }
}
