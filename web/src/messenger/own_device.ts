/** This device: its vault, its lock, and the account that it belongs to. */

import type { LinkOffer } from "./devices.ts";
import type { RefusalFacts } from "./refusals.ts";
import type { Trust } from "./trust.ts";

/**
 * What opens the local vault. WebAuthn needs a window, so the interface asks the passkey and hands
 * on its PRF output (32 bytes) for the salt; the messenger keeps credential id and salt in the open.
 */
export type Secret =
  | { readonly kind: "passphrase"; readonly passphrase: string }
  | {
      readonly kind: "passkey";
      readonly credential: Uint8Array;
      readonly salt: Uint8Array;
      readonly prf: Uint8Array;
    };

/** What unlocks the vault that is here: a passphrase, or the passkey of this credential and salt. */
export type Lock =
  | { readonly kind: "passphrase" }
  | { readonly kind: "passkey"; readonly credential: Uint8Array; readonly salt: Uint8Array };

/** Where this device stands. `linking`: it has asked an existing device to be let in, and waits. */
export type Status =
  | { readonly state: "empty" }
  | { readonly state: "locked"; readonly handle: string; readonly lock: Lock }
  | { readonly state: "linking"; readonly handle: string; readonly offer: LinkOffer }
  | { readonly state: "open"; readonly me: Me }
  | { readonly state: "broken"; readonly refusal: RefusalFacts };

/** Oneself: the account, and which of its devices this is. */
export interface Me {
  readonly account: string;
  readonly device: string;
  readonly handle: string;
  readonly deployment: string;
}

/** The stream: up, or down for a reason; `queued` messages wait for it. */
export interface Connection {
  readonly up: boolean;
  readonly refusal: RefusalFacts | null;
  readonly queued: number;
}

/** What an invite leads to, with the charter that it pins: shown before anybody registers. */
export interface InviteFacts {
  /** `account`: a new account. `device`: a further device of `handle`. `group`: a way into one. */
  readonly purpose: "account" | "device" | "group";
  readonly trust: Trust;
  readonly inviter: string | null;
  readonly handle: string | null;
  readonly group: { readonly name: string } | null;
  /** Whether an account can be made by it: a group's link may do without. */
  readonly registers: boolean;
  readonly expiresMs: number | null;
}

/** A wish to register with an invite's line. `handle` is at most 64 bytes in UTF-8. */
export interface Registration {
  readonly invite: string;
  readonly handle: string;
  readonly deviceName: string;
  readonly secret: Secret;
}

export interface StorageFacts {
  readonly usedBytes: number;
  readonly quotaBytes: number | null;
  readonly persistent: boolean;
}

/** What is asked about this device; most of it before it is open. */
export interface OwnDeviceCalls {
  status(): Promise<Status>;
  connection(): Promise<Connection>;
  readInvite(text: string): Promise<InviteFacts>;
  register(registration: Registration): Promise<void>;
  /** Begins a further device of an account, from the line that `makeDeviceInvite` gave elsewhere. */
  beginLinking(link: Registration): Promise<LinkOffer>;
  /** Gives up linking, and the keys made for it. */
  cancelLinking(): Promise<void>;
  unlock(secret: Secret): Promise<void>;
  lock(): Promise<void>;
  changeSecret(old: Secret, fresh: Secret): Promise<void>;
  /** Forgets everything on this device. It stays listed until another device revokes it. */
  erase(): Promise<void>;
  storage(): Promise<StorageFacts>;
}
