/** This device itself: how it comes in, is locked and opened, and is forgotten. */

import type * as m from "../../messenger.ts";
import { decodeDeviceInvite } from "../../protocol/device_invite.ts";
import { VaultRefused, WireRefused } from "../../protocol/errors.ts";
import { decodeGroupLink, isGroupLink } from "../../protocol/group_link.ts";
import { decodeInvite } from "../../protocol/invite.ts";
import { Purpose } from "../../protocol/keylog_entry.ts";
import { enter, foundAccount } from "../enrolment.ts";
import { asRefusal } from "../groups.ts";
import { type Holder, READ_FIRST } from "../holder.ts";
import { inviteOf, lookAt, readInvite } from "../invites.ts";
import { Linking, makeWish, type Wish } from "../linking.ts";
import { eraseVault, findDoor, put, Vault } from "../vault.ts";

export class OwnDeviceCalls implements m.OwnDeviceCalls {
  readonly #origin: string;
  readonly #holder: Holder;
  readonly #tell: (event: m.MessengerEvent) => void;
  #linking: Linking | undefined;

  /** `origin`: where the server is, which served this code. */
  constructor(origin: string, holder: Holder, tell: (event: m.MessengerEvent) => void) {
    this.#origin = origin;
    this.#holder = holder;
    this.#tell = tell;
  }

  async status(): Promise<m.Status> {
    const { broken, device } = this.#holder;
    if (broken !== undefined) return { state: "broken", refusal: broken };
    if (device !== undefined) return { state: "open", me: device.me };
    const linking = this.#linking;
    if (linking !== undefined) {
      return { state: "linking", handle: linking.handle, offer: linking.offer };
    }
    const door = await findDoor();
    if (door === undefined) return { state: "empty" };
    return { state: "locked", handle: door.handle, lock: door.box.lock };
  }

  async connection(): Promise<m.Connection> {
    const { device } = this.#holder;
    if (device === undefined) return { up: false, refusal: null, queued: 0 };
    return device.session.connection;
  }

  async readInvite(text: string): Promise<m.InviteFacts> {
    return readInvite(this.#origin, text);
  }

  async register(registration: m.Registration): Promise<void> {
    return this.#holder.once(async () => {
      if ((await findDoor()) !== undefined || this.#holder.device !== undefined) {
        throw new VaultRefused("vault-exists");
      }
      const link = isGroupLink(registration.invite) ? decodeGroupLink(registration.invite) : null;
      const invite = link === null ? decodeInvite(registration.invite) : inviteOf(link);
      this.#step("keys");
      const { monitor, http } = await lookAt(this.#origin, invite.deployment);
      const { handle, deviceName, secret } = registration;
      if (invite.invitation.purpose === Purpose.RESET) await monitor.syncKeys();
      const { identity, entry } = foundAccount(monitor, invite, handle, deviceName);
      const vault = await Vault.make(handle, secret);
      try {
        await vault.write([
          put(["fact", "identity"], { ...identity, address: this.#origin }),
          [["fact", "first-entry"], entry],
        ]);
        await enter(http, monitor, identity, entry, (step) => this.#step(step));
      } catch (problem) {
        // Nobody's vault: another invite or handle can be tried.
        if (!(problem instanceof WireRefused) || problem.code !== "server-unreachable") {
          vault.close();
          await eraseVault();
        }
        throw problem;
      }
      await this.#holder.enter(vault, { ...identity, address: this.#origin }, monitor, true);
      if (link !== null) await this.#holder.open.links.ask(registration.invite).catch(asRefusal);
      this.#tell({ kind: "progress", task: "register", step: "done", share: 1 });
    });
  }

  async unlock(secret: m.Secret): Promise<void> {
    return this.#holder.once(async () => {
      if (this.#holder.device !== undefined || this.#linking !== undefined) return;
      const vault = await Vault.open(secret, READ_FIRST);
      try {
        const wish = await vault.find<Wish>(["fact", "linking"]);
        if (wish === undefined) await this.#holder.load(vault);
        else await this.#link(vault, wish);
      } catch (problem) {
        vault.close();
        throw problem;
      }
    });
  }

  async lock(): Promise<void> {
    await this.#holder.once(async () => {
      await this.#leave();
    });
    this.#tell({ kind: "status", status: await this.status() });
  }

  async changeSecret(old: m.Secret, fresh: m.Secret): Promise<void> {
    return this.#holder.open.core.vault.changeSecret(old, fresh);
  }

  async erase(): Promise<void> {
    await this.#holder.once(async () => {
      await this.#leave();
      this.#holder.forget();
      await eraseVault();
    });
    this.#tell({ kind: "status", status: { state: "empty" } });
  }

  async storage(): Promise<m.StorageFacts> {
    const { usage, quota } = await navigator.storage.estimate();
    const persistent = await navigator.storage.persisted();
    return { usedBytes: usage ?? 0, quotaBytes: quota ?? null, persistent };
  }

  async beginLinking(link: m.Registration): Promise<m.LinkOffer> {
    return this.#holder.once(async () => {
      if ((await findDoor()) !== undefined || this.#holder.device !== undefined) {
        throw new VaultRefused("vault-exists");
      }
      const { handle, deviceName, secret } = link;
      const invite = { ...decodeDeviceInvite(link.invite), address: this.#origin };
      const vault = await Vault.make(handle, secret);
      try {
        return await this.#link(vault, makeWish(invite, handle, deviceName));
      } catch (problem) {
        vault.close();
        await eraseVault();
        throw problem;
      }
    });
  }

  async cancelLinking(): Promise<void> {
    if (this.#linking !== undefined) await this.erase();
  }

  /** Shows the request, and goes in as soon as the key log lists this device. */
  async #link(vault: Vault, wish: Wish): Promise<m.LinkOffer> {
    const { monitor } = await lookAt(this.#origin, wish.deployment);
    const linking = await Linking.begin(vault, monitor, wish);
    this.#linking = linking;
    const tell = async () => this.#tell({ kind: "status", status: await this.status() });
    void (async () => {
      if (!(await linking.listed(() => void tell()))) return;
      await this.#holder
        .once(() => this.#linked(linking))
        .catch(async (problem: unknown) => {
          // The vault is this device's now: unlocking it goes on from here.
          asRefusal(problem);
          vault.close();
          await tell();
        });
    })();
    await tell();
    return linking.offer;
  }

  async #linked(linking: Linking): Promise<void> {
    if (this.#linking !== linking) return;
    this.#tell({ kind: "progress", task: "link", step: "log", share: null });
    try {
      await linking.settle();
      await this.#holder.enter(linking.vault, linking.identity, linking.monitor, true);
    } finally {
      this.#linking = undefined;
      this.#tell({ kind: "progress", task: "link", step: "done", share: 1 });
    }
  }

  /** Closes what is open. */
  async #leave(): Promise<void> {
    this.#linking?.giveUp();
    this.#linking?.vault.close();
    this.#linking = undefined;
    await this.#holder.leave();
  }

  #step(step: "keys" | "log" | "witnesses"): void {
    this.#tell({ kind: "progress", task: "register", step, share: null });
  }
}
