/**
 * Documents under several signatures: JWS general JSON serialization (RFC 7515 §7.2.1; spec C-2).
 *
 * A protected header is exactly alg (`Ed25519`, RFC 9864), kid and typ: no `none`, no `crit`, no key
 * inside the document, no unprotected header. `typ` names the document's purpose, so that a
 * signature under one kind of document is none under another. A client verifies; it signs none.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import {
  arrayOf,
  decode,
  decodeBase64url,
  encodeBase64url,
  type Of,
  object,
  oneOf,
  text,
} from "./documents.ts";
import * as ed25519 from "./ed25519.ts";
import { equalBytes, tagged, utf8 } from "./encoding.ts";
import { Malformed } from "./errors.ts";
import * as limits from "./limits.ts";

/** What a signed document is for: its `typ`. */
export const Purpose = {
  CHARTER: "doublelock-charter+jws",
  NOTICE: "doublelock-notice+jws",
} as const;
export type Purpose = (typeof Purpose)[keyof typeof Purpose];

declare const verified: unique symbol;

/**
 * A document whose every signature holds: payload bytes as received, and who signed them.
 *
 * `signers` are Ed25519 keys (32 bytes each), in the document's order, none twice.
 */
export interface VerifiedDocument {
  readonly [verified]: true;
  readonly purpose: Purpose;
  readonly payload: Uint8Array;
  readonly signers: readonly Uint8Array[];
}

const anyText = text(0, Number.POSITIVE_INFINITY);
const protectedHeader = object({ alg: oneOf("Ed25519"), kid: anyText, typ: anyText });
const general = object({
  payload: anyText,
  signatures: arrayOf(object({ protected: anyText, signature: anyText })),
});
type General = Of<typeof general>;

/** A key's `kid`: 22 characters from the hash of its 32 bytes. */
export function keyId(key: Uint8Array): string {
  return encodeBase64url(sha256(tagged("doublelock/v1/key-id", key)).subarray(0, 16));
}

/** The payload, UNVERIFIED: to find out whose keys to verify it with, and nothing else. */
export function readPayload(data: Uint8Array, limit: number): Uint8Array {
  return payloadOf(generalOf(data, limit), limit);
}

/**
 * The document with its signers; each signature must be by one of `keys`, none twice.
 *
 * Throws Malformed: size, form (also crit, foreign algorithms, embedded keys, repeated members),
 * wrong-purpose, unknown-signer, bad-signature.
 */
export function verify(
  data: Uint8Array,
  purpose: Purpose,
  keys: readonly Uint8Array[],
  limit: number,
  verifySignature = ed25519.verify,
): VerifiedDocument {
  const document = generalOf(data, limit);
  const payload = payloadOf(document, limit);
  const byId = new Map(keys.map((key) => [keyId(key), key]));
  const signers: Uint8Array[] = [];
  for (const entry of document.signatures) {
    const header = headerOf(entry.protected);
    if (header.typ !== purpose) throw new Malformed("wrong-purpose", "signature's typ");
    const key = byId.get(header.kid);
    if (key === undefined) {
      throw new Malformed("unknown-signer", "signature by a key that has no part in this");
    }
    if (signers.some((signer) => equalBytes(signer, key))) {
      throw new Malformed("form", "one key signs twice");
    }
    signers.push(key);
  }
  document.signatures.forEach((entry, at) => {
    const signature = decodeBase64url(entry.signature);
    const message = utf8(`${entry.protected}.${document.payload}`);
    verifySignature(signers[at] ?? new Uint8Array(), signature, message);
  });
  return { purpose, payload, signers } as unknown as VerifiedDocument;
}

function generalOf(data: Uint8Array, limit: number): General {
  // base64url of the payload, and room for the signatures
  const document = decode(data, general, limit * 2 + limits.SIGNERS * 512);
  const count = document.signatures.length;
  if (count < 1 || count > limits.SIGNERS) throw new Malformed("size", `${count} signatures`);
  return document;
}

function payloadOf(document: General, limit: number): Uint8Array {
  const payload = decodeBase64url(document.payload);
  if (payload.length > limit) {
    throw new Malformed("size", `payload of ${payload.length} bytes, at most ${limit}`);
  }
  return payload;
}

function headerOf(encoded: string): Of<typeof protectedHeader> {
  if (encoded.length > 512) throw new Malformed("size", "protected header");
  return decode(decodeBase64url(encoded), protectedHeader, 512);
}
