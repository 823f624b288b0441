/** Who is who: handles that the account ids prove, and what this person said of others. */

import type { Person, Verification } from "../messenger.ts";
import { directory, handles } from "../protocol/api.ts";
import { equalBytes, hex, unhex } from "../protocol/encoding.ts";
import { KeyLogRefused, WireRefused } from "../protocol/errors.ts";
import { nameAccount } from "../protocol/identifiers.ts";
import type { AccountVersion } from "../protocol/keylog.ts";
import { digestSide, makeSafetyCode, type SafetyCode } from "../protocol/safety_code.ts";
import type { Core } from "./core.ts";
import { unpack } from "./pack.ts";
import { put } from "./vault.ts";

/**
 * What the vault keeps of a person. `checked` is their side of the safety code when last looked at,
 * in hex: own devices that came or went change the code, and are no news about the other.
 */
interface Known {
  readonly handle: string;
  readonly verified: boolean;
  readonly checked: string;
  readonly sinceMs: number | null;
  readonly blocked: boolean;
}

const UNSEEN = { presence: "unknown", lastSeenMs: null } as const;

export class People {
  readonly #core: Core;
  readonly #known = new Map<string, Known>();
  /** Digests of what the key log said; the list asks for one for each member of each group. */
  readonly #sides = new WeakMap<AccountVersion, string>();
  /** Whether somebody is here, as they say themselves. */
  seen: (account: string) => Pick<Person, "presence" | "lastSeenMs"> = () => UNSEEN;

  constructor(core: Core) {
    this.#core = core;
  }

  async load(): Promise<void> {
    for (const [row, value] of await this.#core.vault.list(["person"])) {
      this.#known.set(String(row[1]), unpack<Known>(value));
    }
  }

  /** A handle to show; the account's first letters where the server named none that is true. */
  name(account: string): string {
    if (account === hex(this.#core.account)) return this.#core.identity.handle;
    return this.#known.get(account)?.handle ?? account.slice(0, 8);
  }

  get accounts(): string[] {
    return [...this.#known.keys()];
  }

  /** Learns the handles of accounts; the caller flushes. Throws WireRefused. */
  async learn(accounts: Iterable<string>): Promise<void> {
    const own = hex(this.#core.account);
    const wanted = [...new Set(accounts)].filter((one) => one !== own && !this.#known.has(one));
    if (wanted.length === 0) return;
    const salt = this.#core.monitor.charter.terms.accountSalt;
    const answer = await this.#core.http.ask(
      "POST",
      "/v1/directory",
      handles,
      { accounts: wanted.map(unhex) },
      directory,
      { again: true },
    );
    if (answer.handles.length !== wanted.length) throw new WireRefused("server-answer");
    wanted.forEach((account, at) => {
      const handle = answer.handles[at] ?? "";
      if (handle === "" || hex(nameAccount(salt, handle)) !== account) return;
      this.#keep(account, {
        handle,
        verified: false,
        checked: this.#side(account),
        sinceMs: null,
        blocked: false,
      });
    });
  }

  /** The person of an exact handle; the caller flushes. Throws KeyLogRefused(unknown-account). */
  async find(handle: string): Promise<string> {
    const account = nameAccount(this.#core.monitor.charter.terms.accountSalt, handle);
    if (!this.#core.monitor.keyLog.hasAccount(account)) await this.#core.monitor.syncKeys();
    if (!this.#core.monitor.keyLog.hasAccount(account)) {
      throw new KeyLogRefused("unknown-account", handle);
    }
    const name = hex(account);
    if (!this.#known.has(name) && !equalBytes(account, this.#core.account)) {
      const checked = this.#side(name);
      this.#keep(name, { handle, verified: false, checked, sinceMs: null, blocked: false });
    }
    return name;
  }

  person(account: string): Person {
    const log = this.#core.monitor.keyLog;
    const id = unhex(account);
    if (!log.hasAccount(id)) throw new KeyLogRefused("unknown-account", account.slice(0, 16));
    const version = log.account(id);
    const name = this.name(account);
    return {
      account,
      handle: name,
      name,
      picture: null,
      verification: this.verification(account),
      devices: version.keys.length,
      committee: version.committee,
      ...this.seen(account),
      blocked: this.#known.get(account)?.blocked ?? false,
    };
  }

  verification(account: string): Verification {
    const known = this.#known.get(account);
    if (known === undefined) return "unverified";
    if (known.checked !== "" && known.checked !== this.#side(account)) return "changed";
    return known.verified ? "verified" : "unverified";
  }

  /** Whose keys are others than this person has seen. */
  changed(accounts: readonly string[]): string[] {
    return accounts.filter((account) => this.verification(account) === "changed");
  }

  /** The safety code with a person. Throws KeyLogRefused(unknown-account). */
  code(account: string): SafetyCode {
    const { keyLog } = this.#core.monitor;
    const me = keyLog.account(this.#core.account);
    return makeSafetyCode(this.#core.deployment, me, keyLog.account(unhex(account)));
  }

  sinceMs(account: string): number | null {
    return this.#known.get(account)?.sinceMs ?? null;
  }

  /** Takes the code as it is now for looked at; the caller flushes. */
  setVerified(account: string, verified: boolean): void {
    const known = this.#known.get(account);
    if (known === undefined) throw new KeyLogRefused("unknown-account", account.slice(0, 16));
    const checked = this.#side(account);
    const sinceMs = verified ? this.#core.clock() : null;
    this.#keep(account, { ...known, verified, checked, sinceMs });
  }

  /** The caller flushes. */
  setBlocked(account: string, blocked: boolean): void {
    const known = this.#known.get(account);
    if (known === undefined) throw new KeyLogRefused("unknown-account", account.slice(0, 16));
    this.#keep(account, { ...known, blocked });
  }

  /** Tells how somebody is now; the caller flushes. */
  tell(account: string): void {
    if (this.#core.monitor.keyLog.hasAccount(unhex(account))) {
      this.#core.tell({ kind: "person", person: this.person(account) });
    }
  }

  /** Tells it at once: nothing was written. */
  tellNow(account: string): void {
    if (this.#core.monitor.keyLog.hasAccount(unhex(account))) {
      this.#core.tellNow({ kind: "person", person: this.person(account) });
    }
  }

  isBlocked(account: string): boolean {
    return this.#known.get(account)?.blocked ?? false;
  }

  wasVerified(account: string): boolean {
    return this.#known.get(account)?.verified ?? false;
  }

  /** Whom this person has verified, by their side of the safety code as it was then. */
  verifiedSides(): { readonly account: Uint8Array; readonly digest: Uint8Array }[] {
    return [...this.#known]
      .filter(([account]) => this.verification(account) === "verified")
      .map(([account, known]) => ({ account: unhex(account), digest: unhex(known.checked) }));
  }

  /** Takes over what this person verified on another device, where that still holds. */
  takeVerified(account: string, digest: Uint8Array): void {
    const known = this.#known.get(account);
    if (known === undefined || known.verified || this.#side(account) !== hex(digest)) return;
    this.setVerified(account, true);
  }

  /** The digest in hex of their side of the safety code; empty for nobody. */
  #side(account: string): string {
    const { monitor, deployment } = this.#core;
    const id = unhex(account);
    if (!monitor.keyLog.hasAccount(id)) return "";
    const version = monitor.keyLog.account(id);
    let side = this.#sides.get(version);
    if (side === undefined) {
      side = hex(digestSide(deployment, version));
      this.#sides.set(version, side);
    }
    return side;
  }

  #keep(account: string, known: Known): void {
    this.#known.set(account, known);
    this.#core.write(put(["person", account], known));
    this.tell(account);
  }
}
