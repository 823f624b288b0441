/**
 * Passkeys that protect data: WebAuthn's PRF extension gives 32 bytes for a salt, from inside the
 * authenticator, after the person has shown that it is they. No server takes part.
 */

import type { Secret } from "../messenger.ts";

type PasskeySecret = Extract<Secret, { kind: "passkey" }>;

interface PrfResults {
  readonly prf?: {
    readonly enabled?: boolean;
    readonly results?: { readonly first?: BufferSource };
  };
}

/** The passkey cannot be used: not supported, refused, or without PRF. */
export class PasskeyUnusable extends Error {}

/** Whether it is worth offering: a browser with WebAuthn and a device that can check its person. */
export async function canUsePasskey(): Promise<boolean> {
  if (typeof PublicKeyCredential === "undefined") return false;
  return PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable().catch(() => false);
}

/** Makes a passkey for this origin and asks it for its secret. Throws PasskeyUnusable. */
export async function makePasskey(handle: string): Promise<PasskeySecret> {
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const created = await ask(() =>
    navigator.credentials.create({
      publicKey: {
        challenge: crypto.getRandomValues(new Uint8Array(32)),
        rp: { name: "Doublelock" },
        user: { id: crypto.getRandomValues(new Uint8Array(32)), name: handle, displayName: handle },
        pubKeyCredParams: [
          { type: "public-key", alg: -8 },
          { type: "public-key", alg: -7 },
          { type: "public-key", alg: -257 },
        ],
        authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
        extensions: { prf: { eval: { first: salt } } },
      },
    }),
  );
  const credential = new Uint8Array(created.rawId);
  const results = created.getClientExtensionResults() as PrfResults;
  if (results.prf?.enabled === false) throw new PasskeyUnusable("no PRF");
  const prf = firstOf(results);
  // Many authenticators say so only when they are used.
  return prf === null ? openPasskey(credential, salt) : { kind: "passkey", credential, salt, prf };
}

/** Asks the passkey of a credential for its secret again. Throws PasskeyUnusable. */
export async function openPasskey(
  credential: Uint8Array,
  salt: Uint8Array,
): Promise<PasskeySecret> {
  const got = await ask(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: crypto.getRandomValues(new Uint8Array(32)),
        allowCredentials: [{ type: "public-key", id: credential as BufferSource }],
        userVerification: "required",
        extensions: { prf: { eval: { first: salt as BufferSource } } },
      },
    }),
  );
  const prf = firstOf(got.getClientExtensionResults() as PrfResults);
  if (prf === null) throw new PasskeyUnusable("no PRF");
  return { kind: "passkey", credential, salt, prf };
}

async function ask(question: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  let answer: Credential | null;
  try {
    answer = await question();
  } catch (problem) {
    throw new PasskeyUnusable(problem instanceof Error ? problem.name : "refused");
  }
  if (!(answer instanceof PublicKeyCredential)) throw new PasskeyUnusable("no credential");
  return answer;
}

function firstOf(results: PrfResults): Uint8Array | null {
  const first = results.prf?.results?.first;
  if (first === undefined) return null;
  const bytes = ArrayBuffer.isView(first)
    ? new Uint8Array(first.buffer, first.byteOffset, first.byteLength)
    : new Uint8Array(first);
  return bytes.length === 32 ? bytes.slice() : null;
}
