/**
 * A further device of an account, seen from the new device (spec Y-13).
 *
 * It makes its key, asks in one line, and waits until the key log lists it. The other half, on a
 * device that the account has already, is `devices`.
 */

import type { LinkOffer } from "../messenger.ts";
import type { DeviceInvite } from "../protocol/device_invite.ts";
import { SigningKey } from "../protocol/ed25519.ts";
import { Refusal } from "../protocol/errors.ts";
import { nameAccount } from "../protocol/identifiers.ts";
import {
  decodeLinkRequest,
  type LinkRequest,
  linkCode,
  makeLinkRequest,
  writeLinkRequest,
} from "../protocol/link_request.ts";
import type { Identity } from "./core.ts";
import { isListed } from "./enrolment.ts";
import type { Monitor } from "./monitor.ts";
import { put, type Vault } from "./vault.ts";

const LOOK_MS = 500;

/** Who this device wants to be, as the vault keeps it; `seed` (32 bytes, secret) is its key. */
export interface Wish {
  readonly address: string;
  readonly deployment: Uint8Array;
  readonly handle: string;
  readonly deviceName: string;
  readonly seed: Uint8Array;
  /** The line that was shown, or empty. */
  readonly line: string;
}

/** Draws the new device's key. */
export function makeWish(invite: DeviceInvite, handle: string, deviceName: string): Wish {
  const seed = crypto.getRandomValues(new Uint8Array(32));
  const { address, deployment } = invite;
  return { address, deployment, handle, deviceName, seed, line: "" };
}

/** A device that is not listed yet. */
export class Linking {
  readonly vault: Vault;
  readonly monitor: Monitor;
  readonly identity: Identity;
  readonly #wish: Wish;
  readonly #key: SigningKey;
  #request: LinkRequest;
  #given = false;

  private constructor(vault: Vault, monitor: Monitor, wish: Wish, identity: Identity) {
    this.vault = vault;
    this.monitor = monitor;
    this.identity = identity;
    this.#wish = wish;
    this.#key = new SigningKey(wish.seed);
    const shown = wish.line === "" ? undefined : decodeLinkRequest(wish.line);
    this.#request = shown !== undefined && this.#holds(shown) ? shown : this.#ask();
  }

  /**
   * Goes on with a wish; the request that was shown before stays while it holds.
   *
   * Throws KeyLogRefused(unknown-account, not-allowed), VaultRefused.
   */
  static async begin(vault: Vault, monitor: Monitor, wish: Wish): Promise<Linking> {
    const { address, deployment, handle, seed, deviceName } = wish;
    const account = nameAccount(monitor.charter.terms.accountSalt, handle);
    monitor.keyLog.account(account);
    const identity = { address, deployment, handle, account, seed, made: [], deviceName };
    const linking = new Linking(vault, monitor, wish, identity);
    await linking.#keep();
    return linking;
  }

  get handle(): string {
    return this.#wish.handle;
  }

  /** What this device shows. */
  get offer(): LinkOffer {
    return { text: writeLinkRequest(this.#request), code: linkCode(this.#request) };
  }

  /**
   * Waits until an existing device has approved; false when it was given up.
   *
   * `changed` is called when the account has changed meanwhile, so that the line is another one.
   */
  async listed(changed: () => void): Promise<boolean> {
    while (!this.#given) {
      try {
        await this.monitor.syncKeys();
        if (isListed(this.monitor, this.identity)) return true;
        if (!this.#holds(this.#request)) {
          this.#request = this.#ask();
          await this.#keep();
          changed();
        }
      } catch (problem) {
        // Without the server, or with a log that does not hold, it waits on.
        if (!(problem instanceof Refusal)) throw problem;
      }
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
    return false;
  }

  giveUp(): void {
    this.#given = true;
  }

  /**
   * Makes the vault this device's, once the log lists it.
   *
   * What the log says of the account up to here is what both devices' person has just agreed to,
   * so it is no alarm later on (spec Y-10).
   */
  async settle(): Promise<void> {
    const looked = this.monitor.keyLog.account(this.identity.account).index + 1;
    await this.vault.write([
      put(["fact", "identity"], this.identity),
      put(["fact", "looked"], looked),
      [["fact", "linking"], undefined],
    ]);
  }

  #keep(): Promise<void> {
    const wish: Wish = { ...this.#wish, line: writeLinkRequest(this.#request) };
    return this.vault.write([put(["fact", "linking"], wish)]);
  }

  #holds(request: LinkRequest): boolean {
    const { keyLog, charter } = this.monitor;
    const skewMs = BigInt(charter.terms.skewMs);
    return (
      request.previous === BigInt(keyLog.account(this.identity.account).index) &&
      request.timeMs + skewMs >= keyLog.timeMs
    );
  }

  #ask(): LinkRequest {
    const { keyLog, clock } = this.monitor;
    const now = keyLog.account(this.identity.account);
    const { encoded } = this.#key.public;
    return makeLinkRequest(this.#wish.deployment, now, encoded, this.#key.sign, clock());
  }
}
