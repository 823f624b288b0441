/**
 * Letters to and from the other devices of one's account (spec D-1 to D-4).
 *
 * Each sibling is told a key of this device's to seal to, and what its person calls this device.
 * The key is drawn anew once a history has come: what was sealed to it can be opened by nobody then.
 */

import { sendMail } from "../protocol/api.ts";
import { equalBytes, hex, Reader, utf8 } from "../protocol/encoding.ts";
import { KeyLogRefused, Refusal } from "../protocol/errors.ts";
import { ACCOUNT_SIZE, DEVICE_SIZE, type DeviceId } from "../protocol/identifiers.ts";
import {
  contextOf,
  type DeviceName,
  decodeContent,
  encodeContent,
  type HistoryPiece,
  type KeyLetter,
  openLetter,
  type Route,
  type SealedLetter,
  signLetter,
} from "../protocol/letter.ts";
import * as limits from "../protocol/limits.ts";
import { display } from "../protocol/record.ts";
import { publicKey, seal, unseal } from "../seal/hpke.ts";
import type { Core } from "./core.ts";
import { asRefusal } from "./groups.ts";
import { unpack } from "./pack.ts";
import { put } from "./vault.ts";

const PURPOSE = "letter";
const NO_KEY = new Uint8Array();

/** Which part of the history a sibling is still to get from this device. */
export type Owed = "nothing" | "heads" | "all";

/** What the vault keeps of a sibling. `told` and `named` say what it has got of this device. */
interface Sibling {
  readonly key: Uint8Array;
  readonly keyMs: number;
  readonly name: string;
  readonly nameMs: number;
  readonly told: number;
  readonly named: number;
  readonly owed: Owed;
}

const STRANGER: Sibling = {
  key: NO_KEY,
  keyMs: 0,
  name: "",
  nameMs: 0,
  told: 0,
  named: 0,
  owed: "nothing",
};

/** This device's own; `secret` is 32 bytes. */
interface Own {
  readonly secret: Uint8Array;
  readonly keyMs: number;
  readonly nameMs: number;
}

export class Letters {
  readonly #core: Core;
  readonly #siblings = new Map<string, Sibling>();
  #own: Own | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(core: Core) {
    this.#core = core;
  }

  async load(): Promise<void> {
    for (const [row, value] of await this.#core.vault.list(["sibling"])) {
      this.#siblings.set(String(row[1]), unpack<Sibling>(value));
    }
    this.#own = await this.#core.vault.find<Own>(["fact", "letters"]);
  }

  nameOf(device: DeviceId): string | undefined {
    const { name } = this.#of(device);
    return name === "" ? undefined : name;
  }

  owes(device: DeviceId): Owed {
    return this.#of(device).owed;
  }

  /** Remembers what a sibling is to get as soon as its key is here; the caller flushes. */
  owe(device: DeviceId, owed: Owed): void {
    this.#keep(device, { owed });
  }

  /** Whether a sibling can be sealed to. */
  knows(device: DeviceId): boolean {
    return this.#of(device).key.length > 0;
  }

  /** Draws a new key to be sealed to; the caller flushes, and greets. */
  renewKey(): void {
    this.#keepOwn({ secret: this.#core.random(32), keyMs: this.#later(this.#own?.keyMs) });
  }

  /** The person calls this device otherwise; the caller flushes, and greets. */
  renamed(): void {
    this.#keepOwn({ nameMs: this.#later(this.#own?.nameMs) });
  }

  /** Tells siblings this device's key and name where they have not got them. */
  greet(devices: readonly DeviceId[]): Promise<void> {
    const run = this.#last.then(async () => {
      // One whose mailbox is full, say, keeps nobody else waiting.
      for (const device of devices) await this.#greet(device).catch(asRefusal);
    });
    this.#last = run.catch(() => undefined);
    return run;
  }

  async #greet(device: DeviceId): Promise<void> {
    if (this.#own === undefined) {
      this.renewKey();
      await this.#flush();
    }
    const own = this.#own as Own | undefined;
    if (own === undefined) return;
    if (this.#of(device).told !== own.keyMs) {
      const key = await publicKey(own.secret);
      const letter = { kind: "key", key, timeMs: own.keyMs, asks: !this.knows(device) } as const;
      await this.#post(device, letter);
      this.#keep(device, { told: own.keyMs });
      await this.#flush();
    }
    if (this.knows(device) && this.#of(device).named !== own.nameMs) {
      const name = utf8(this.#core.identity.deviceName).slice(0, limits.DEVICE_NAME);
      await this.send(device, { kind: "name", name, timeMs: own.nameMs });
      this.#keep(device, { named: own.nameMs });
      await this.#flush();
    }
  }

  /** Seals something to a sibling whose key is known. Throws WireRefused, KeyLogRefused. */
  async send(device: DeviceId, content: DeviceName | HistoryPiece): Promise<void> {
    const { key } = this.#of(device);
    if (key.length === 0) throw new KeyLogRefused("device-pending", "no key to seal to");
    const context = contextOf(this.#routeTo(device));
    const sealed = await seal(key, PURPOSE, context, encodeContent(content));
    await this.#post(device, { kind: "sealed", key, sealed });
  }

  async #post(device: DeviceId, letter: KeyLetter | SealedLetter): Promise<void> {
    const { http, account, key } = this.#core;
    const sealed = signLetter(this.#routeTo(device), letter, key.sign);
    await http.put("POST", "/v1/mail", sendMail, { account, device, sealed });
  }

  /**
   * Takes a letter; gives its sender, and a piece of history where it is one; undefined where it is
   * out of date. The caller flushes. Throws Malformed, KeyLogRefused for what no sibling wrote.
   */
  async take(
    payload: Uint8Array,
  ): Promise<{ readonly device: DeviceId; readonly piece: HistoryPiece | undefined } | undefined> {
    const core = this.#core;
    const reader = new Reader(payload);
    const account = reader.take(ACCOUNT_SIZE);
    const device = reader.take(DEVICE_SIZE);
    const data = reader.rest();
    if (!equalBytes(account, core.account)) {
      throw new KeyLogRefused("ghost-device", "a letter of another account");
    }
    const senderKey = await this.#listed(device);
    if (senderKey === undefined) return undefined; // revoked meanwhile
    const route = { ...this.#routeTo(device), sender: device, receiver: core.device };
    const letter = openLetter(route, data, senderKey);
    const known = this.#of(device);
    if (letter.kind === "key") {
      if (letter.timeMs <= known.keyMs) return undefined; // an older one, repeated
      const again = letter.asks ? { told: 0 } : {};
      this.#keep(device, { key: letter.key, keyMs: letter.timeMs, named: 0, ...again });
      return { device, piece: undefined };
    }
    const own = this.#own;
    if (own === undefined || !equalBytes(letter.key, await publicKey(own.secret))) return undefined;
    const opened = await unseal(own.secret, PURPOSE, contextOf(route), letter.sealed);
    const content = decodeContent(opened);
    if (content.kind === "piece") return { device, piece: content };
    if (content.timeMs > known.nameMs) {
      this.#keep(device, { name: display(content.name).slice(0, 60), nameMs: content.timeMs });
      core.tell({ kind: "devices" });
    }
    return { device, piece: undefined };
  }

  async #listed(device: DeviceId): Promise<Uint8Array | undefined> {
    const { monitor, account } = this.#core;
    const find = () => {
      try {
        return monitor.keyLog.currentDevice(account, device).key;
      } catch (problem) {
        if (problem instanceof Refusal && problem.code === "device-removed") return undefined;
        throw problem;
      }
    };
    try {
      return find();
    } catch (problem) {
      if (!(problem instanceof KeyLogRefused)) throw problem;
      await monitor.syncKeys(); // listed just now
      return find();
    }
  }

  #routeTo(receiver: DeviceId): Route {
    const { deployment, account, device } = this.#core;
    return { deployment, account, sender: device, receiver };
  }

  #of(device: DeviceId): Sibling {
    return this.#siblings.get(hex(device)) ?? STRANGER;
  }

  #keep(device: DeviceId, change: Partial<Sibling>): void {
    const name = hex(device);
    const sibling = { ...this.#of(device), ...change };
    this.#siblings.set(name, sibling);
    this.#core.write(put(["sibling", name], sibling));
  }

  #keepOwn(change: Partial<Own>): void {
    const now = this.#core.clock();
    const before = this.#own ?? { secret: this.#core.random(32), keyMs: now, nameMs: now };
    this.#own = { ...before, ...change };
    this.#core.write(put(["fact", "letters"], this.#own));
  }

  /** Now, or a little more: what is told later has a later time, whatever the clock does. */
  #later(before = 0): number {
    return Math.max(this.#core.clock(), before + 1);
  }

  #flush(): Promise<void> {
    return this.#core.alone(() => this.#core.flush());
  }
}
