/**
 * Signed notes and the keys that sign them (C2SP signed-note v1.0.0; spec L-5 to L-7).
 *
 * A note is a text, a blank line and signature lines. Of the signature types we know three: Ed25519
 * (0x01), and the timestamped cosignatures by Ed25519 (0x04) and ML-DSA-44 (0x06). Signatures by
 * keys that we do not know are ignored, whatever they are; one by a known key must hold.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, hex, u8, utf8 } from "./encoding.ts";
import { Malformed } from "./errors.ts";
import * as limits from "./limits.ts";

export const KEY_ID_SIZE = 4;
const DASH = "— ";

/** The signature type byte of a key (signed-note, Signature types). */
export const SignatureType = {
  ED25519: 0x01,
  COSIGNATURE_ED25519: 0x04,
  COSIGNATURE_MLDSA44: 0x06,
} as const;
export type SignatureType = (typeof SignatureType)[keyof typeof SignatureType];

const PUBLIC_SIZE: Readonly<Record<SignatureType, number>> = {
  [SignatureType.ED25519]: 32,
  [SignatureType.COSIGNATURE_ED25519]: 32,
  [SignatureType.COSIGNATURE_MLDSA44]: 1312,
};

/** A public key with its name: what a vkey encodes. `public` is 32 or 1,312 bytes. */
export interface VerifierKey {
  readonly name: string;
  readonly type: SignatureType;
  readonly public: Uint8Array;
  /** The 4 bytes that mark this key's signatures. */
  readonly keyId: Uint8Array;
}

/** A key with its name. Throws Malformed for a bad name or a key of a wrong size. */
export function makeVerifierKey(
  name: string,
  type: SignatureType,
  publicKey: Uint8Array,
): VerifierKey {
  checkName(name);
  if (publicKey.length !== PUBLIC_SIZE[type]) {
    throw new Malformed("size", `public key of ${publicKey.length} bytes`);
  }
  const keyId = sha256(concat(utf8(`${name}\n`), u8(type), publicKey)).slice(0, KEY_ID_SIZE);
  return { name, type, public: publicKey, keyId };
}

/** One signature line, not verified: `keyId` 4 bytes, `signature` as the type has it. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** A note as parsed: nothing is verified, and its text is not to be relied on (spec L-5). */
export interface Note {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** The note's bytes. */
export function encodeNote(note: Note): Uint8Array {
  const lines = note.signatures.map(
    ({ name, keyId, signature }) => `${DASH}${name} ${encodeBase64(concat(keyId, signature))}\n`,
  );
  return utf8(`${note.text}\n${lines.join("")}`);
}

/** The signatures that say they are by a key. */
export function signaturesBy(note: Note, key: VerifierKey): NoteSignature[] {
  return note.signatures.filter(
    (each) => each.name === key.name && equalBytes(each.keyId, key.keyId),
  );
}

// What Python's str.isspace knows beyond JavaScript's \s, and the control characters.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const NO_NAME = /[\s\u0000-\u001f\u0085+]/;

/** Throws Malformed unless `name` may name a key: 1 to 255 bytes, no space, no plus sign. */
export function checkName(name: string): void {
  // \s holds U+FEFF, which is no space to Unicode.
  if (NO_NAME.test(name.replaceAll("\ufeff", "_"))) {
    throw new Malformed("form", "key name with a space, a plus sign or a control character");
  }
  if (/\p{Surrogate}/u.test(name)) throw new Malformed("form", "key name is not UTF-8");
  const size = utf8(name).length;
  if (size < 1 || size > limits.KEY_NAME) throw new Malformed("size", `key name of ${size} bytes`);
}

/**
 * The key that a vkey encodes. Throws Malformed (spec L-6).
 *
 * The key id must be the hash that signed-note recommends, so that it says nothing new.
 */
export function parseVkey(vkey: string): VerifierKey {
  const [name, keyId, ...rest] = vkey.split("+");
  if (name === undefined || keyId === undefined || rest.length === 0 || vkey.length > limits.VKEY) {
    throw new Malformed("form", "not a verifier key");
  }
  const data = decodeBase64(rest.join("+"));
  const type = Object.values(SignatureType).find((each) => each === data[0]);
  if (type === undefined) {
    throw new Malformed("form", "verifier key of a type that is not supported");
  }
  const key = makeVerifierKey(name, type, data.slice(1));
  if (hex(key.keyId) !== keyId) {
    throw new Malformed("form", "verifier key whose id is not its hash");
  }
  return key;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A note from its bytes, nothing verified. Throws Malformed (spec L-5). */
export function parseNote(data: Uint8Array): Note {
  if (data.length > limits.NOTE) throw new Malformed("size", `note of ${data.length} bytes`);
  let whole: string;
  try {
    whole = strictUtf8.decode(data);
  } catch {
    throw new Malformed("form", "note is not UTF-8");
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u0009\u000b-\u001f]/.test(whole)) {
    throw new Malformed("form", "note with a control character");
  }
  const blank = whole.lastIndexOf("\n\n");
  const lines = whole.slice(blank + 2);
  if (blank < 0 || lines === "") throw new Malformed("form", "note without signatures");
  return { text: whole.slice(0, blank + 1), signatures: parseSignatures(lines) };
}

/** The signatures of signature lines, nothing verified. Throws Malformed. */
export function parseSignatures(lines: string): NoteSignature[] {
  if (!lines.endsWith("\n")) throw new Malformed("form", "signature line without its end");
  const found = lines.slice(0, -1).split("\n");
  if (found.length > limits.NOTE_SIGNATURES) {
    throw new Malformed("size", `${found.length} signatures`);
  }
  return found.map(parseSignature);
}

function parseSignature(line: string): NoteSignature {
  if (!line.startsWith(DASH)) throw new Malformed("form", "signature line without its dash");
  const rest = line.slice(DASH.length);
  const space = rest.indexOf(" ");
  if (space < 0) throw new Malformed("form", "signature line without a signature");
  const name = rest.slice(0, space);
  checkName(name);
  const data = decodeBase64(rest.slice(space + 1));
  if (data.length <= KEY_ID_SIZE) throw new Malformed("size", "signature too short");
  return { name, keyId: data.slice(0, KEY_ID_SIZE), signature: data.slice(KEY_ID_SIZE) };
}

/** The standard base64 of some bytes (RFC 4648 §4). */
export function encodeBase64(data: Uint8Array): string {
  let binary = "";
  for (const byte of data) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** The bytes of standard base64, in its one encoding, of a size if given. Throws Malformed. */
export function decodeBase64(given: string, size?: number): Uint8Array {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(given) || given.length % 4 !== 0) {
    throw new Malformed("form", "not base64");
  }
  const data = Uint8Array.from(atob(given), (letter) => letter.charCodeAt(0));
  if (encodeBase64(data) !== given) throw new Malformed("not-canonical", "base64");
  if (size !== undefined && data.length !== size) {
    throw new Malformed("size", `${data.length} bytes where ${size} are due`);
  }
  return data;
}

/** A number from ASCII decimal without leading zeroes, at most `limit`. Throws Malformed. */
export function decodeDecimal(given: string, limit = limits.TREE_SIZE): number {
  if (!/^(?:0|[1-9][0-9]*)$/.test(given)) throw new Malformed("form", "not a decimal number");
  if (given.length > 20 || BigInt(given) > BigInt(limit)) {
    throw new Malformed("size", "number too large");
  }
  return Number(given);
}
