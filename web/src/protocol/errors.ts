/** The one tree of errors. Every refusal has a code that wire, Python and TypeScript share. */

import { ADVICE, type Code } from "./codes.ts";

/** Root of every error that Doublelock throws on purpose. */
export class DoublelockError extends Error {
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}

/**
 * A named refusal: `code` is for machines, `message` tells a person what to do.
 *
 * `detail` never holds a secret: it may reach a log line or the wire.
 */
export class Refusal extends DoublelockError {
  readonly code: Code;
  readonly detail: string;

  constructor(code: Code, detail = "") {
    super(`${code}${detail === "" ? "" : ` (${detail})`}: ${ADVICE[code]}`);
    this.code = code;
    this.detail = detail;
  }
}

/** Bytes that no rule accepts: wrong size, form or a non-canonical encoding. */
export class Malformed extends Refusal {}

/** A message that the receive rule refuses. */
export class EnvelopeRefused extends Refusal {}

/** A change of a group that its rules refuse. */
export class GroupRefused extends Refusal {}

/** An account, device or key-log entry without proof. */
export class KeyLogRefused extends Refusal {}

/** A note, checkpoint, cosignature, tile or proof that does not hold. */
export class LogRefused extends Refusal {}

/** A step of a key ceremony that does not hold. */
export class CeremonyRefused extends Refusal {}

/** A charter, an amendment or a key epoch that does not hold. */
export class CharterRefused extends Refusal {}

/** A warrant's public record, or its state, that does not hold. */
export class WarrantRefused extends Refusal {}

/** A notice or other evidence that does not verify. */
export class EvidenceRefused extends Refusal {}

/** Local state that cannot be opened or was changed from outside. */
export class VaultRefused extends Refusal {}

/** A request that the server refuses. */
export class WireRefused extends Refusal {}
