/** The messenger of one device in a browser: what the interface asks, by the parts that do it. */

import * as m from "../messenger.ts";
import { pushState, setTimer, subscribe } from "../protocol/api.ts";
import {
  decodeDeviceInvite,
  encodeDeviceInvite,
  isDeviceInvite,
} from "../protocol/device_invite.ts";
import { SigningKey } from "../protocol/ed25519.ts";
import { equalBytes, hex, unhex, utf8 } from "../protocol/encoding.ts";
import { GroupRefused, Refusal, VaultRefused, WireRefused } from "../protocol/errors.ts";
import { decodeGroupLink, type GroupLink, isGroupLink } from "../protocol/group_link.ts";
import { AddPolicy, ConversationKind } from "../protocol/group_rules.ts";
import { nameDevice } from "../protocol/identifiers.ts";
import { decodeInvite, encodeInvite, type Invite, makeInvite } from "../protocol/invite.ts";
import { byOperator, Purpose } from "../protocol/keylog_entry.ts";
import { display } from "../protocol/record.ts";
import type { Identity } from "./core.ts";
import { Device } from "./device.ts";
import { enter, foundAccount, wasListed } from "./enrolment.ts";
import { asRefusal } from "./groups.ts";
import { Http } from "./http.ts";
import { Linking, makeWish, type Wish } from "./linking.ts";
import { type KnownLogs, Monitor } from "./monitor.ts";
import { DEFAULT_SETTINGS, readSettings, writeSettings } from "./preferences.ts";
import { readBundle, readTrust } from "./trust.ts";
import { eraseVault, findDoor, PINNED, put, Vault, writeOpen } from "./vault.ts";

const INVITE_DAYS_MS = 7 * 86_400_000;
/** What fails more often than this, never steady for so long in between, is broken. */
const FAILURES = 3;
const STEADY_MS = 60_000;
const AGAIN_MS = 500;
const LONGEST_MS = 15_000;

/** How often in a row memory had to be given up, and why the last time. */
interface Failure {
  readonly count: number;
  readonly lastMs: number;
  readonly facts: m.RefusalFacts;
}

const NO_BUNDLE: m.BundleFacts = { version: "", hash: "", logged: "unknown", logIndex: null };

export class BrowserMessenger implements m.Messenger {
  readonly #origin: string;
  readonly #hearers = new Set<(event: m.MessengerEvent) => void>();
  #device: Device | undefined;
  #linking: Linking | undefined;
  #broken: m.RefusalFacts | undefined;
  #settings: m.Settings = DEFAULT_SETTINGS;
  #bundle: m.BundleFacts = NO_BUNDLE;
  /** What the service worker said; undefined where there is none, or it has not spoken. */
  #met: { readonly hash: string; readonly running: boolean } | null | undefined;
  #here = false;
  #busy: Promise<unknown> = Promise.resolve();
  #failure: Failure = { count: 0, lastMs: 0, facts: { code: "", detail: "" } };

  /** `origin`: where the server is, which served this code. */
  constructor(origin: string) {
    this.#origin = origin;
    self.addEventListener("online", () => this.#device?.session.hurry(true));
    self.addEventListener("offline", () => this.#device?.session.hurry(false));
  }

  listen(hear: (event: m.MessengerEvent) => void): () => void {
    this.#hearers.add(hear);
    return () => this.#hearers.delete(hear);
  }

  readonly #tell = (event: m.MessengerEvent): void => {
    for (const hear of this.#hearers) hear(event);
  };

  get #open(): Device {
    if (this.#device === undefined) throw new VaultRefused("vault-missing", "locked");
    return this.#device;
  }

  // --- the device --------------------------------------------------------------------------

  async status(): Promise<m.Status> {
    if (this.#broken !== undefined) return { state: "broken", refusal: this.#broken };
    const device = this.#device;
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
    const device = this.#device;
    if (device === undefined) return { up: false, refusal: null, queued: 0 };
    const { session, outbox } = device;
    return { up: session.up, refusal: session.refusal, queued: outbox.size };
  }

  async readInvite(text: string): Promise<m.InviteFacts> {
    if (isDeviceInvite(text)) return this.#readDeviceInvite(text);
    if (isGroupLink(text)) return this.#readGroupLink(decodeGroupLink(text));
    const invite = decodeInvite(text);
    const { monitor, http } = await this.#look(invite.deployment);
    const bundle = await readBundle(http, monitor);
    const { invitation } = invite;
    let inviter: string | null = null;
    if (!byOperator(invitation))
      monitor.keyLog.currentDevice(invitation.inviter, invitation.inviterDevice);
    else inviter = monitor.charter.terms.operator.name;
    return {
      purpose: "account",
      trust: readTrust(monitor, bundle, null),
      inviter,
      handle: null,
      group: null,
      registers: true,
      expiresMs: Number(invitation.expiresMs),
    };
  }

  async #readDeviceInvite(text: string): Promise<m.InviteFacts> {
    const { deployment, handle } = decodeDeviceInvite(text);
    const { monitor, http } = await this.#look(deployment);
    const trust = readTrust(monitor, await readBundle(http, monitor), null);
    return {
      purpose: "device",
      trust,
      inviter: null,
      handle,
      group: null,
      registers: true,
      expiresMs: null,
    };
  }

  async #readGroupLink(link: GroupLink): Promise<m.InviteFacts> {
    const { monitor, http } = await this.#look(link.deployment);
    monitor.keyLog.currentDevice(link.inviter, link.device);
    const bundle = await readBundle(http, monitor);
    return {
      purpose: "group",
      trust: readTrust(monitor, bundle, null),
      inviter: null,
      handle: null,
      group: { name: display(link.name) },
      registers: link.newcomer !== null,
      expiresMs: link.expiresMs,
    };
  }

  register(registration: m.Registration): Promise<void> {
    return this.#once(async () => {
      if ((await findDoor()) !== undefined || this.#device !== undefined) {
        throw new VaultRefused("vault-exists");
      }
      const link = isGroupLink(registration.invite) ? decodeGroupLink(registration.invite) : null;
      const invite = link === null ? decodeInvite(registration.invite) : inviteOf(link);
      this.#step("keys");
      const { monitor, http } = await this.#look(invite.deployment);
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
      await this.#enter(vault, { ...identity, address: this.#origin }, monitor, true);
      if (link !== null) await this.#open.links.ask(registration.invite).catch(asRefusal);
      this.#tell({ kind: "progress", task: "register", step: "done", share: 1 });
    });
  }

  unlock(secret: m.Secret): Promise<void> {
    return this.#once(async () => {
      if (this.#device !== undefined || this.#linking !== undefined) return;
      const vault = await Vault.open(secret);
      try {
        const wish = await vault.find<Wish>(["fact", "linking"]);
        if (wish === undefined) await this.#load(vault);
        else await this.#link(vault, wish);
      } catch (problem) {
        vault.close();
        throw problem;
      }
    });
  }

  /** Puts a device together from nothing but its vault. */
  async #load(vault: Vault, after?: Failure): Promise<void> {
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
    await this.#enter(vault, identity, monitor, known.key.length === 0, after);
  }

  /**
   * Begins again from the vault after what was in memory had to be given up.
   *
   * A full disk leaves everything readable, and is tried again; what fails again and again for
   * another reason is shown as broken.
   */
  #failed(device: Device, refusal: Refusal): Promise<void> {
    return this.#once(async () => {
      if (this.#device !== device) return;
      await device.stop();
      const now = Date.now();
      const again = now - this.#failure.lastMs < STEADY_MS;
      const count = again ? this.#failure.count + 1 : 1;
      const facts = { code: refusal.code, detail: refusal.detail };
      this.#failure = { count, lastMs: now, facts };
      try {
        if (count > FAILURES && refusal.code !== "vault-write") throw refusal;
        await this.#load(device.core.vault, this.#failure);
        if (refusal.code === "vault-write") this.#device?.alarms.show({ kind: "storage-full" });
      } catch (problem) {
        const { code, detail } = problem instanceof Refusal ? problem : refusal;
        device.core.vault.close();
        this.#device = undefined;
        this.#broken = { code, detail };
        this.#tell({ kind: "status", status: await this.status() });
      }
    });
  }

  async lock(): Promise<void> {
    await this.#once(async () => {
      await this.#leave();
    });
    this.#tell({ kind: "status", status: await this.status() });
  }

  changeSecret(old: m.Secret, fresh: m.Secret): Promise<void> {
    return this.#open.core.vault.changeSecret(old, fresh);
  }

  async erase(): Promise<void> {
    await this.#once(async () => {
      await this.#leave();
      this.#broken = undefined;
      await eraseVault();
    });
    this.#tell({ kind: "status", status: { state: "empty" } });
  }

  async storage(): Promise<m.StorageFacts> {
    const { usage, quota } = await navigator.storage.estimate();
    const persistent = await navigator.storage.persisted();
    return { usedBytes: usage ?? 0, quotaBytes: quota ?? null, persistent };
  }

  beginLinking(link: m.Registration): Promise<m.LinkOffer> {
    return this.#once(async () => {
      if ((await findDoor()) !== undefined || this.#device !== undefined) {
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
    const { monitor } = await this.#look(wish.deployment);
    const linking = await Linking.begin(vault, monitor, wish);
    this.#linking = linking;
    const tell = async () => this.#tell({ kind: "status", status: await this.status() });
    void (async () => {
      if (!(await linking.listed(() => void tell()))) return;
      await this.#once(() => this.#linked(linking)).catch(async (problem: unknown) => {
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
      await this.#enter(linking.vault, linking.identity, linking.monitor, true);
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
    await this.#device?.close();
    this.#device = undefined;
  }

  // --- conversations -----------------------------------------------------------------------

  async conversations(): Promise<readonly m.Conversation[]> {
    return this.#open.chronicle.conversations();
  }

  async startDirect(account: string): Promise<string> {
    const { chronicle, changes, core } = this.#open;
    const found = chronicle
      .conversations()
      .find((one) => one.peer === account && one.state === "member");
    if (found !== undefined) return found.id;
    const room = await changes.create([unhex(account)], ConversationKind.DIRECT);
    await this.#defaultTimer(room.name);
    await core.alone(() => core.flush());
    return room.name;
  }

  async startGroup(wish: {
    readonly name: string;
    readonly picture: Uint8Array | null;
    readonly accounts: readonly string[];
  }): Promise<string> {
    const { changes } = this.#open;
    const room = await changes.create(wish.accounts.map(unhex), ConversationKind.GROUP);
    await this.#sayDetails(room.name, wish.name, wish.picture);
    await this.#defaultTimer(room.name);
    return room.name;
  }

  setDraft(conversation: string, draft: m.Draft | null): Promise<void> {
    return this.#note(conversation, { draft });
  }

  setPinned(conversation: string, pinned: boolean): Promise<void> {
    return this.#note(conversation, { pinned });
  }

  setMuted(conversation: string, muted: boolean): Promise<void> {
    return this.#note(conversation, { muted });
  }

  async setTimer(conversation: string, seconds: number): Promise<void> {
    const { core, sending } = this.#open;
    const room = core.room(conversation);
    await core.http.put("PUT", `/v1/conversations/${conversation}/timer`, setTimer, {
      timerMs: seconds * 1000,
    });
    await core.alone(() => sending.send(room, { kind: "Timer", seconds }));
  }

  async markRead(conversation: string, at: number): Promise<void> {
    const { core, chronicle, marks } = this.#open;
    await core.alone(async () => {
      const moved = await chronicle.markRead(conversation, at);
      await core.flush();
      const room = core.rooms.get(conversation);
      if (moved && room !== undefined) marks.moved(room);
    });
  }

  async setTyping(conversation: string, active: boolean): Promise<void> {
    const { core, marks } = this.#open;
    const room = core.rooms.get(conversation);
    if (room !== undefined) await marks.type(room, active);
  }

  async setHere(here: boolean): Promise<void> {
    this.#here = here;
    await this.#device?.presence.set(here);
  }

  async leave(conversation: string): Promise<void> {
    const { core, changes } = this.#open;
    await changes.leave(core.room(conversation));
  }

  async forget(conversation: string): Promise<void> {
    const { core, chronicle } = this.#open;
    if (core.rooms.get(conversation)?.status === "member") {
      throw new m.MessengerRefused({ code: "not-allowed", detail: "leave it first" });
    }
    await core.alone(async () => {
      await chronicle.forget(conversation);
      await core.flush();
    });
  }

  // --- messages ----------------------------------------------------------------------------

  messages(conversation: string, wanted: m.PageWanted, limit: number): Promise<m.Page> {
    return this.#open.chronicle.page(conversation, wanted, limit);
  }

  async send(conversation: string, outgoing: m.Outgoing): Promise<string> {
    const { core, sending, files } = this.#open;
    const room = core.room(conversation);
    const file = outgoing.kind === "file" ? await files.seal(outgoing) : undefined;
    const content = utf8(outgoing.text);
    const record =
      file !== undefined
        ? file.record
        : outgoing.replyTo === null
          ? ({ kind: "Text", content } as const)
          : ({ kind: "Reply", target: unhex(outgoing.replyTo), content } as const);
    const id = await core.alone(() => sending.send(room, record, file));
    if (file !== undefined && this.#device?.session.up === true) files.upload();
    this.#queued();
    return id;
  }

  async edit(conversation: string, message: string, text: string): Promise<void> {
    await this.#say(conversation, { kind: "Edit", target: unhex(message), content: utf8(text) });
  }

  async remove(conversation: string, message: string): Promise<void> {
    await this.#say(conversation, { kind: "Delete", target: unhex(message) });
  }

  async react(conversation: string, message: string, mark: string): Promise<void> {
    await this.#say(conversation, { kind: "Reaction", target: unhex(message), mark: utf8(mark) });
  }

  async retry(_conversation: string, message: string): Promise<void> {
    const { core, sending, files } = this.#open;
    await core.alone(() => sending.retry(message));
    files.upload();
  }

  async discard(conversation: string, message: string): Promise<void> {
    const { core, outbox, files } = this.#open;
    const outgoing = outbox.find(message);
    if (outgoing === undefined) throw new WireRefused("not-found");
    if (outgoing.mls.length > 0 && outgoing.refusal === null) {
      throw new m.MessengerRefused({ code: "not-allowed", detail: "it may be there already" });
    }
    files.cancel(message);
    await core.alone(async () => {
      outbox.settle(outgoing);
      await files.drop(message);
      core.tell({ kind: "message-gone", conversation, id: message });
      await core.flush();
    });
    this.#queued();
  }

  async openFile(conversation: string, message: string): Promise<Blob> {
    const { chronicle, outbox, files } = this.#open;
    const found = await chronicle.find(conversation, message);
    const record = found?.record ?? files.read(outbox.find(message)?.record);
    if (record?.kind !== "Attachment" && record?.kind !== "Media") {
      throw new WireRefused("not-found");
    }
    return files.open(record, conversation, message);
  }

  async cancelTransfer(_conversation: string, message: string): Promise<void> {
    this.#open.files.cancel(message);
  }

  async receipts(conversation: string, message: string) {
    const { chronicle, marks, people, core } = this.#open;
    const own = hex(core.account);
    const at = await chronicle.place(conversation, message);
    return chronicle
      .view(conversation)
      .members.filter((account) => account !== own)
      .map((account) => ({
        name: people.name(account),
        state: at === undefined ? ("sent" as const) : marks.stateOf(conversation, account, at),
      }));
  }

  async search(words: string, within: string | null, before: number | null, limit: number) {
    const { chronicle } = this.#open;
    const names = within === null ? chronicle.conversations().map((one) => one.id) : [within];
    const hits: m.Hit[] = [];
    if (words.trim() === "") return { hits, more: false };
    for (const name of names) {
      const conversationName = chronicle.conversation(name).name;
      for (const found of await chronicle.search(name, words.trim(), before, limit)) {
        hits.push({ ...found, conversationName });
      }
    }
    hits.sort((a, b) => b.message.timeMs - a.message.timeMs);
    return { hits: hits.slice(0, limit), more: hits.length > limit };
  }

  // --- people ------------------------------------------------------------------------------

  async people(): Promise<readonly m.Person[]> {
    const { people } = this.#open;
    return people.accounts.flatMap((account) => {
      try {
        return [people.person(account)];
      } catch (problem) {
        asRefusal(problem);
        return [];
      }
    });
  }

  async person(account: string): Promise<m.Person> {
    return this.#open.people.person(account);
  }

  async findPerson(handle: string): Promise<m.Person> {
    const { people, core } = this.#open;
    const account = await people.find(handle);
    await core.alone(() => core.flush());
    return people.person(account);
  }

  async makeInvite(
    group: string | null,
  ): Promise<{ readonly text: string; readonly expiresMs: number }> {
    const { core, links } = this.#open;
    const expiresMs = core.clock() + INVITE_DAYS_MS;
    const invite = makeInvite(this.#origin, core.deployment, core.key.sign, core.random(32), {
      committee: core.monitor.keyLog.committee(core.account),
      expiresMs,
      inviter: core.account,
      inviterDevice: core.device,
    });
    const text = group === null ? encodeInvite(invite) : await links.withInvitation(group, invite);
    return { text, expiresMs };
  }

  async safety(account: string): Promise<m.SafetyFacts> {
    const { people, core } = this.#open;
    await core.monitor.syncKeys().catch(asRefusal);
    const code = people.code(account);
    const { keyLog } = core.monitor;
    return {
      account,
      digits: code.digits,
      qr: code.qr,
      verification: people.verification(account),
      sinceMs: people.sinceMs(account),
      devices: keyLog.account(unhex(account)).keys.map((key) => {
        const record = keyLog.device(nameDevice(key));
        return { id: hex(record.device), addedMs: Number(record.addedMs) };
      }),
    };
  }

  async setVerified(account: string, verified: boolean): Promise<void> {
    const { people, core, alarms, chronicle } = this.#open;
    await core.alone(async () => {
      people.setVerified(account, verified);
      alarms.dismiss(`code-changed-${account}`);
      for (const one of chronicle.conversations()) {
        if (chronicle.view(one.id).members.includes(account)) chronicle.tell(one.id);
      }
      await core.flush();
      await this.#release();
    });
  }

  async scanSafety(account: string, scanned: Uint8Array): Promise<boolean> {
    const { people } = this.#open;
    const match = equalBytes(people.code(account).qr, scanned);
    if (match) await this.setVerified(account, true);
    return match;
  }

  async setBlocked(account: string, blocked: boolean): Promise<void> {
    const { people, core, chronicle } = this.#open;
    await core.alone(async () => {
      people.setBlocked(account, blocked);
      for (const { id } of chronicle.conversations()) {
        if (chronicle.view(id).members.includes(account)) chronicle.tell(id);
      }
      await core.flush();
    });
  }

  // --- groups ------------------------------------------------------------------------------

  async members(conversation: string): Promise<readonly m.Member[]> {
    const { chronicle, people } = this.#open;
    const { members, admins } = chronicle.view(conversation);
    return members.map((account) => ({
      person: people.person(account),
      role: admins.includes(account) ? "admin" : "member",
    }));
  }

  async addMembers(conversation: string, accounts: readonly string[]): Promise<void> {
    const { core, changes } = this.#open;
    await changes.add(core.room(conversation), accounts.map(unhex));
    await this.#tellNewcomers(conversation);
  }

  /** Newcomers learn what the conversation is called (spec V-16). */
  async #tellNewcomers(conversation: string): Promise<void> {
    const { core, chronicle } = this.#open;
    const { name, picture, admins } = chronicle.view(conversation);
    if (name !== "" && admins.includes(hex(core.account))) {
      await this.#sayDetails(conversation, name, picture);
    }
  }

  async removeMember(conversation: string, account: string): Promise<void> {
    const { core, changes } = this.#open;
    await changes.remove(core.room(conversation), [unhex(account)]);
  }

  async setRole(conversation: string, account: string, role: m.Role): Promise<void> {
    const { core, changes } = this.#open;
    const id = unhex(account);
    await changes.setRules(core.room(conversation), (context) => {
      const others = context.admins.filter((admin) => !equalBytes(admin, id));
      return { ...context, admins: role === "admin" ? [...others, id] : others };
    });
  }

  async changeGroup(
    conversation: string,
    change: {
      readonly name?: string;
      readonly picture?: Uint8Array | null;
      readonly addPolicy?: "admins" | "members";
    },
  ): Promise<void> {
    const { core, changes, chronicle } = this.#open;
    const { addPolicy } = change;
    if (addPolicy !== undefined) {
      const value = addPolicy === "members" ? AddPolicy.MEMBERS : AddPolicy.ADMINS;
      await changes.setRules(core.room(conversation), (now) => ({ ...now, addPolicy: value }));
    }
    if (change.name !== undefined || change.picture !== undefined) {
      const view = chronicle.view(conversation);
      const picture = change.picture === undefined ? view.picture : change.picture;
      await this.#sayDetails(conversation, change.name ?? view.name, picture);
    }
  }

  async groupLink(conversation: string): Promise<m.GroupLink | null> {
    return this.#open.links.find(conversation);
  }

  makeGroupLink(conversation: string, atOnce: boolean): Promise<m.GroupLink> {
    const { core, links } = this.#open;
    return core.alone(() => links.make(conversation, atOnce));
  }

  revokeGroupLink(conversation: string): Promise<void> {
    const { core, links } = this.#open;
    return core.alone(() => links.revoke(conversation));
  }

  askToJoin(text: string): Promise<void> {
    return this.#open.links.ask(text);
  }

  async joinRequests(conversation: string): Promise<readonly m.JoinRequest[]> {
    return this.#open.links.requests(conversation);
  }

  answerJoinRequest(conversation: string, account: string, accept: boolean): Promise<void> {
    return this.#open.links.answer(conversation, account, accept);
  }

  // --- devices -----------------------------------------------------------------------------

  async devices(): Promise<readonly m.Device[]> {
    return this.#open.siblings.devices.list();
  }

  async renameDevice(device: string, name: string): Promise<void> {
    const { core, siblings } = this.#open;
    if (device !== hex(core.device)) {
      throw new m.MessengerRefused({ code: "not-allowed", detail: "a device names itself" });
    }
    await siblings.rename(name);
  }

  async revokeDevice(device: string): Promise<void> {
    await this.#open.siblings.revoke(device);
  }

  async makeDeviceInvite(): Promise<string> {
    const { deployment, identity } = this.#open.core;
    return encodeDeviceInvite({ address: this.#origin, deployment, handle: identity.handle });
  }

  async readLinkRequest(text: string): Promise<m.LinkRequest> {
    return this.#open.siblings.devices.read(text);
  }

  async approveDevice(text: string, history: boolean): Promise<void> {
    await this.#open.siblings.approve(text, history);
  }

  // --- trust -------------------------------------------------------------------------------

  async trust(): Promise<m.Trust> {
    const { core, alarms, amendments } = this.#open;
    const { monitor } = core;
    for (const sync of [() => monitor.syncKeys(), () => monitor.syncLaw()]) {
      await sync().catch(asRefusal);
    }
    this.#bundle = await readBundle(core.http, monitor);
    const { logged, hash } = this.#bundle;
    await core.alone(async () => {
      core.keepLogs();
      alarms.look();
      // Without a service worker this page's code came from the server as it is now.
      if (logged === "unlogged" && this.#met === undefined) {
        alarms.raise({ kind: "unlogged-bundle", hash, running: true });
      }
      await amendments.look();
      await core.flush();
    });
    return readTrust(monitor, this.#bundle, monitor.keyLog.committee(core.account));
  }

  noticeDocument(notice: string): Promise<Uint8Array> {
    return this.#open.notices.document(notice);
  }

  async alarms(): Promise<readonly m.Alarm[]> {
    return this.#open.alarms.all();
  }

  async dismissAlarm(id: string): Promise<void> {
    const { core, alarms, people } = this.#open;
    const alarm = alarms.find(id);
    await core.alone(async () => {
      if (alarm?.cause.kind === "code-changed") people.setVerified(alarm.cause.account, false);
      alarms.dismiss(id);
      await core.flush();
      await this.#release();
    });
  }

  async bundleMet(refused: { readonly hash: string; readonly running: boolean } | null) {
    this.#met = refused;
    if (this.#device !== undefined) await this.#raiseMet(this.#device);
  }

  async #raiseMet({ core, alarms }: Device): Promise<void> {
    const met = this.#met;
    if (met == null) return;
    await core.alone(async () => {
      alarms.raise({ kind: "unlogged-bundle", hash: met.hash, running: met.running });
      await core.flush();
    });
  }

  /** Sends what was held until its person had answered for a changed safety code. Runs alone. */
  async #release(): Promise<void> {
    const { core, sending } = this.#open;
    for (const room of core.rooms.values()) await sending.resume(room);
  }

  // --- settings ----------------------------------------------------------------------------

  async settings(): Promise<m.Settings> {
    this.#settings = await readSettings();
    return this.#settings;
  }

  async changeSettings(change: Partial<m.Settings>): Promise<void> {
    this.#settings = { ...(await readSettings()), ...change };
    await writeSettings(this.#settings);
    this.#apply();
    this.#tell({ kind: "settings", settings: this.#settings });
  }

  async pushKey(): Promise<Uint8Array | null> {
    const { core } = this.#open;
    const state = await core.http.ask("GET", "/v1/push", undefined, undefined, pushState);
    return state.key;
  }

  async setPush(target: m.PushTarget | null): Promise<void> {
    const { http } = this.#open.core;
    if (target === null) await http.send("DELETE", "/v1/push", undefined);
    else await http.put("PUT", "/v1/push", subscribe, { endpoint: target.endpoint });
  }

  // --- what several of them use ------------------------------------------------------------

  /** One change of the device's state after the other. */
  #once<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#busy.then(work);
    this.#busy = run.catch(() => undefined);
    return run;
  }

  async #look(deployment: Uint8Array): Promise<{ monitor: Monitor; http: Http }> {
    const http = new Http(this.#origin);
    const monitor = await Monitor.begin(http, deployment, () => Date.now());
    monitor.checkClock();
    await monitor.syncKeys();
    await monitor.syncLaw();
    return { monitor, http };
  }

  async #enter(
    vault: Vault,
    identity: Identity,
    monitor: Monitor,
    fresh: boolean,
    after?: Failure,
  ) {
    const key = new SigningKey(identity.seed);
    const device = nameDevice(key.public.encoded);
    const http = new Http(this.#origin, {
      deployment: identity.deployment,
      subject: { kind: "device", account: identity.account, device },
      sign: key.sign,
    });
    const opened = await Device.begin(vault, http, monitor, identity, fresh, (event) =>
      this.#tell(event),
    );
    opened.core.failed = (refusal) => void this.#failed(opened, refusal);
    this.#device = opened;
    // From now on the service worker runs only what this deployment's law log has.
    const pinned = writeOpen(PINNED, identity.deployment);
    opened.links.admitted = (conversation) => this.#tellNewcomers(conversation);
    [this.#settings] = await Promise.all([readSettings(), pinned]);
    this.#apply();
    await this.#raiseMet(opened);
    this.#tell({ kind: "status", status: { state: "open", me: opened.me } });
    const wait = after === undefined ? 0 : Math.min(AGAIN_MS * 2 ** after.count, LONGEST_MS);
    await opened.session.start(wait, after?.facts ?? null);
    this.#queued();
  }

  #apply(): void {
    const device = this.#device;
    if (device === undefined) return;
    device.marks.receipts = this.#settings.receipts;
    device.marks.typing = this.#settings.typing;
    void device.presence.turn(this.#settings.lastSeen).catch(asRefusal);
    void device.presence.set(this.#here).catch(asRefusal);
  }

  #step(step: "keys" | "log" | "witnesses"): void {
    this.#tell({ kind: "progress", task: "register", step, share: null });
  }

  #queued(): void {
    void this.connection().then((connection) => this.#tell({ kind: "connection", connection }));
  }

  async #note(
    conversation: string,
    change: Partial<Pick<m.Conversation, "draft" | "muted" | "pinned">>,
  ): Promise<void> {
    const { core, chronicle } = this.#open;
    await core.alone(async () => {
      chronicle.change(conversation, change);
      await core.flush();
    });
  }

  async #say(conversation: string, record: Parameters<Device["sending"]["send"]>[1]) {
    const { core, sending } = this.#open;
    await core.alone(() => sending.send(core.room(conversation), record));
    this.#queued();
  }

  #sayDetails(conversation: string, name: string, picture: Uint8Array | null): Promise<void> {
    const data = { name: utf8(name), picture: picture ?? new Uint8Array() };
    return this.#say(conversation, { kind: "Details", ...data });
  }

  async #defaultTimer(conversation: string): Promise<void> {
    const { defaultTimerSeconds } = this.#settings;
    if (defaultTimerSeconds > 0) await this.setTimer(conversation, defaultTimerSeconds);
  }
}

/** What a newcomer registers by. Throws GroupRefused(invitation-refused) where a link has no such. */
function inviteOf(link: GroupLink): Invite {
  const { address, deployment, newcomer } = link;
  if (newcomer === null) throw new GroupRefused("invitation-refused", "a link for members only");
  return { address, deployment, ...newcomer };
}

/** What the vault holds of both logs. */
async function readLogs(vault: Vault): Promise<KnownLogs> {
  const rows = async (table: string) =>
    (await vault.list([table])).map(([row, value], at) => {
      // A row may be taken away by whoever writes to the disk: a log with a gap is none.
      if (row[1] !== at) throw new VaultRefused("vault-damaged", table);
      return value;
    });
  const [charters, key, law, verified] = await Promise.all([
    rows("charter"),
    rows("log-key"),
    rows("log-law"),
    rows("verified"),
  ]);
  return { charters, key, law, verified };
}
