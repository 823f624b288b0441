/**
 * The one device that is open here, and how it comes to be so: from its vault, and from it again
 * when what was in memory had to be given up.
 */

import type { MessengerEvent, RefusalFacts } from "../messenger.ts";
import { SigningKey } from "../protocol/ed25519.ts";
import { equalBytes } from "../protocol/encoding.ts";
import { Refusal, VaultRefused } from "../protocol/errors.ts";
import { nameDevice } from "../protocol/identifiers.ts";
import type { Identity } from "./core.ts";
import { Device } from "./device.ts";
import { enter, wasListed } from "./enrolment.ts";
import { Http } from "./http.ts";
import { readLogs } from "./kept_logs.ts";
import { Monitor } from "./monitor.ts";
import { PINNED, readOpen, type Vault, writeOpen } from "./vault.ts";

/** What fails more often than this, never steady for so long in between, is broken. */
const FAILURES = 3;
const STEADY_MS = 60_000;
const AGAIN_MS = 500;
const LONGEST_MS = 15_000;

/** The vault's tables that the list waits for, in the order in which they are needed. */
export const READ_FIRST: readonly string[] = [
  ...["fact", "charter", "log-key", "log-law", "verified"],
  ...["room", "view", "person", "outbox", "alarm", "sibling", "link", "asked", "seen"],
];

/** How often in a row memory had to be given up, and why the last time. */
interface Failure {
  readonly count: number;
  readonly lastMs: number;
  readonly facts: RefusalFacts;
}

/** Gives the open device. Throws VaultRefused(vault-missing) while there is none. */
export type Opened = () => Device;

/**
 * From now on the service worker runs only what this deployment's law log has.
 *
 * Writes nothing that stands there: a device is opened on a full disk, too.
 */
async function pin(deployment: Uint8Array): Promise<void> {
  const pinned = await readOpen(PINNED);
  if (pinned instanceof Uint8Array && equalBytes(pinned, deployment)) return;
  await writeOpen(PINNED, deployment);
}

export class Holder {
  readonly #origin: string;
  readonly #tell: (event: MessengerEvent) => void;
  /** Called with every device that is opened, before it connects. */
  entered: (device: Device) => Promise<void> = async () => undefined;
  #device: Device | undefined;
  #broken: RefusalFacts | undefined;
  #busy: Promise<unknown> = Promise.resolve();
  #failure: Failure = { count: 0, lastMs: 0, facts: { code: "", detail: "" } };

  /** `origin`: where the server is, which served this code. */
  constructor(origin: string, tell: (event: MessengerEvent) => void) {
    this.#origin = origin;
    this.#tell = tell;
    self.addEventListener("online", () => this.#device?.session.hurry(true));
    self.addEventListener("offline", () => this.#device?.session.hurry(false));
  }

  get device(): Device | undefined {
    return this.#device;
  }

  /** The open device. Throws VaultRefused(vault-missing) while there is none. */
  get open(): Device {
    if (this.#device === undefined) throw new VaultRefused("vault-missing", "locked");
    return this.#device;
  }

  /** Why the vault cannot be opened, or undefined. */
  get broken(): RefusalFacts | undefined {
    return this.#broken;
  }

  /** One change of the device's state after the other. */
  once<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#busy.then(work);
    this.#busy = run.catch(() => undefined);
    return run;
  }

  /** Opens a device: it is the one that is held, and connects. */
  async enter(vault: Vault, identity: Identity, monitor: Monitor, fresh: boolean, after?: Failure) {
    const key = new SigningKey(identity.seed);
    const device = nameDevice(key.public.encoded);
    const http = new Http(this.#origin, {
      deployment: identity.deployment,
      subject: { kind: "device", account: identity.account, device },
      sign: key.sign,
    });
    const opened = await Device.begin(vault, http, monitor, identity, fresh, this.#tell);
    opened.core.failed = (refusal) => void this.#failed(opened, refusal);
    this.#device = opened;
    try {
      await Promise.all([pin(identity.deployment), this.entered(opened)]);
    } catch (problem) {
      this.#device = undefined;
      await opened.stop();
      throw problem;
    }
    this.#tell({ kind: "status", status: { state: "open", me: opened.me } });
    const wait = after === undefined ? 0 : Math.min(AGAIN_MS * 2 ** after.count, LONGEST_MS);
    await opened.session.start(wait, after?.facts ?? null);
    opened.session.tellConnectionNow();
  }

  /** Puts a device together from nothing but its vault. */
  async load(vault: Vault, after?: Failure): Promise<void> {
    const [identity, known, first] = await Promise.all([
      vault.find<Identity>(["fact", "identity"]),
      readLogs(vault),
      vault.read(["fact", "first-entry"]),
    ]);
    if (identity === undefined) throw new VaultRefused("vault-damaged", "identity");
    const clock = () => Date.now();
    const http = new Http(this.#origin);
    const monitor =
      known.charters.length === 0
        ? await Monitor.begin(http, identity.deployment, clock)
        : Monitor.resume(http, identity.deployment, clock, known);
    monitor.checkClock();
    // A device that was listed and is no more is told so when it connects.
    if (!wasListed(monitor, identity) && first !== undefined) {
      await monitor.syncKeys();
      await enter(http, monitor, identity, first, () => undefined);
    }
    await this.enter(vault, identity, monitor, known.key.length === 0, after);
  }

  /**
   * Begins again from the vault after what was in memory had to be given up.
   *
   * A full disk leaves everything readable, and is tried again; what fails again and again for
   * another reason is shown as broken. Of a full disk a person is told once, not at every try.
   */
  #failed(device: Device, refusal: Refusal): Promise<void> {
    return this.once(async () => {
      if (this.#device !== device) return;
      await device.stop();
      const now = Date.now();
      const again = now - this.#failure.lastMs < STEADY_MS;
      const wasFull = again && this.#failure.facts.code === "vault-write";
      const told = wasFull && device.alarms.find("storage-full") === undefined;
      const count = again ? this.#failure.count + 1 : 1;
      const facts = { code: refusal.code, detail: refusal.detail };
      this.#failure = { count, lastMs: now, facts };
      try {
        if (count > FAILURES && refusal.code !== "vault-write") throw refusal;
        await this.load(device.core.vault, this.#failure);
        if (refusal.code === "vault-write" && !told) {
          this.#device?.alarms.show({ kind: "storage-full" });
        }
      } catch (problem) {
        const { code, detail } = problem instanceof Refusal ? problem : refusal;
        device.core.vault.close();
        this.#device = undefined;
        this.#broken = { code, detail };
        this.#tell({ kind: "status", status: { state: "broken", refusal: this.#broken } });
      }
    });
  }

  /** Closes what is open. */
  async leave(): Promise<void> {
    await this.#device?.close();
    this.#device = undefined;
  }

  /** Nothing is broken any more: the vault is gone. */
  forget(): void {
    this.#broken = undefined;
  }
}
