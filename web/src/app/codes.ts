/**
 * The text in a safety code's QR (spec Y-11): bytes would come back from a scanner in some charset
 * or other.
 */

const SCHEME = "doublelock-safety:";

/** The line that a QR shows for a safety code's bytes. */
export function writeSafetyLine(qr: Uint8Array): string {
  return SCHEME + Array.from(qr, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bytes of such a line, or null when it is none. */
export function readSafetyLine(text: string): Uint8Array | null {
  const hex = text.trim().slice(SCHEME.length);
  if (!text.trim().startsWith(SCHEME) || !/^01[0-9a-f]{128}$/.test(hex)) return null;
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
