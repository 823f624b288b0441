/** The signed statement that a holder destroyed its shares of one key epoch (spec K-15). */

import { SIGNATURE_SIZE } from "./ed25519.ts";
import { bigEndian, equalBytes, Reader, tagged, u8, u16, u32, u64, utf8 } from "./encoding.ts";
import { CeremonyRefused, Malformed } from "./errors.ts";
import { type Held, verifierOf } from "./held.ts";
import { type EpochId, Role } from "./keystatement.ts";

const TAG = "doublelock/v1/destruction";
const SIZES = [32, 2, 2, 1, 32, 4, 8];

/**
 * Who destroyed what, and when (milliseconds since 1970 UTC).
 *
 * `holder` is the identity key (32); `shareVersion` the latest one: all older ones go with it.
 */
export interface Destruction {
  readonly epoch: EpochId;
  readonly role: Role;
  readonly holder: Uint8Array;
  readonly shareVersion: number;
  readonly timeMs: bigint;
}

/** The tagged fields, which the holder signs. */
export function encodeDestruction(destruction: Destruction): Uint8Array {
  return tagged(
    TAG,
    destruction.epoch.deployment,
    u16(destruction.epoch.committee),
    u16(destruction.epoch.keyEpoch),
    u8(destruction.role),
    destruction.holder,
    u32(destruction.shareVersion),
    u64(destruction.timeMs),
  );
}

declare const verified: unique symbol;

/** A destruction that its holder signed. */
export type VerifiedDestruction = Destruction & { readonly [verified]: true };

/**
 * The destruction that this holder (its key, 32 bytes) signed; what `held` is not checked again.
 *
 * Throws Malformed (bad-signature too), CeremonyRefused(ceremony-mismatch) for another holder.
 */
export function verifyDestruction(
  data: Uint8Array,
  identity: Uint8Array,
  held?: Held,
): VerifiedDestruction {
  const reader = new Reader(data);
  if (!equalBytes(reader.field(TAG.length), utf8(TAG))) {
    throw new Malformed("form", "not a destruction");
  }
  const fields = SIZES.map(() => reader.field(64));
  const signature = reader.take(SIGNATURE_SIZE);
  reader.end();
  const number = (at: number) => bigEndian(fields[at] ?? new Uint8Array());
  const role = Object.values(Role).find((each) => BigInt(each) === number(3));
  if (!fields.every((given, at) => given.length === SIZES[at]) || role === undefined) {
    throw new Malformed("form", "not a destruction");
  }
  const [deployment = new Uint8Array(), , , , holder = new Uint8Array()] = fields;
  const destruction: Destruction = {
    epoch: { deployment, committee: Number(number(1)), keyEpoch: Number(number(2)) },
    role,
    holder,
    shareVersion: Number(number(5)),
    timeMs: number(6),
  };
  if (!equalBytes(holder, identity)) {
    throw new CeremonyRefused("ceremony-mismatch", "another holder's statement");
  }
  verifierOf(held)(holder, signature, encodeDestruction(destruction));
  return destruction as VerifiedDestruction;
}
