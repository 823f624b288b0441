/** A messenger in memory, to drive the interface in tests. It is in no bundle that is served. */

import type {
  Alarm,
  Connection,
  Device,
  GroupLink,
  InviteFacts,
  JoinRequest,
  LinkOffer,
  LinkRequest,
  Member,
  Messenger,
  Person,
  PushTarget,
  Registration,
  Role,
  SafetyFacts,
  Secret,
  Settings,
  Status,
  StorageFacts,
  Trust,
} from "../../src/messenger.ts";
import { ME, OFFER, PASSPHRASE, pause, refuse } from "./memory_state.ts";
import { MemoryTimelines } from "./memory_timelines.ts";
import { idOf, makeTrust } from "./world.ts";

export class MemoryMessenger extends MemoryTimelines implements Messenger {
  // --- the device --------------------------------------------------------------------------

  async status(): Promise<Status> {
    return this.state;
  }

  async connection(): Promise<Connection> {
    return this.link;
  }

  async readInvite(text: string): Promise<InviteFacts> {
    if (!text.includes("#")) refuse("form", "not an invite");
    const purpose = text.includes("group")
      ? "group"
      : text.includes("device")
        ? "device"
        : "account";
    return {
      purpose,
      trust: { ...(await this.trust()), mine: null },
      inviter: purpose === "account" ? "Ada Okafor" : null,
      handle: purpose === "device" ? "noa" : null,
      group: purpose === "group" ? { name: "Night shift" } : null,
      registers: true,
      expiresMs: this.now + 86_400_000,
    };
  }

  async register(registration: Registration): Promise<void> {
    this.asked.push({ what: "register", with: [registration] });
    if (registration.handle === "taken") refuse("account-exists");
    for (const step of ["keys", "log", "witnesses"] as const) {
      this.tell({ kind: "progress", task: "register", step, share: null });
      await pause(60);
    }
    this.tell({ kind: "progress", task: "register", step: "done", share: 1 });
    this.enter({ state: "open", me: { ...ME, handle: registration.handle } });
  }

  async beginLinking(link: Registration): Promise<LinkOffer> {
    this.asked.push({ what: "beginLinking", with: [link] });
    this.enter({ state: "linking", handle: link.handle, offer: OFFER });
    return OFFER;
  }

  async cancelLinking(): Promise<void> {
    this.enter({ state: "empty" });
  }

  async unlock(secret: Secret): Promise<void> {
    if (secret.kind === "passphrase" && secret.passphrase !== PASSPHRASE) refuse("vault-wrong-key");
    this.enter({ state: "open", me: ME });
  }

  async lock(): Promise<void> {
    this.enter({ state: "locked", handle: ME.handle, lock: { kind: "passphrase" } });
  }

  async changeSecret(old: Secret): Promise<void> {
    if (old.kind === "passphrase" && old.passphrase !== PASSPHRASE) refuse("vault-wrong-key");
  }

  async erase(): Promise<void> {
    this.enter({ state: "empty" });
  }

  async storage(): Promise<StorageFacts> {
    return { usedBytes: 184_000_000, quotaBytes: 2_000_000_000, persistent: true };
  }

  // --- people ------------------------------------------------------------------------------

  async people(): Promise<readonly Person[]> {
    return [...this.persons.values()];
  }

  async person(account: string): Promise<Person> {
    return this.persons.get(account) ?? refuse("unknown-account");
  }

  async findPerson(handle: string): Promise<Person> {
    return (
      [...this.persons.values()].find((each) => each.handle === handle) ?? refuse("unknown-account")
    );
  }

  async makeInvite(): Promise<{ text: string; expiresMs: number }> {
    return {
      text: `https://chat.example.org/#${"aGFyYm91ci1pbnZpdGU".repeat(9)}`,
      expiresMs: this.now + 6e8,
    };
  }

  async safety(account: string): Promise<SafetyFacts> {
    const person = await this.person(account);
    return {
      account,
      digits: "49201 88310 55214 90327 11842 73390 20418 66571 38102 95544 07213 61890",
      qr: Uint8Array.from({ length: 65 }, (_, n) => (n === 0 ? 1 : (n * 73) % 256)),
      verification: person.verification,
      sinceMs: person.verification === "unverified" ? null : this.now - 9e8,
      devices: Array.from({ length: person.devices }, (_, n) => ({
        id: idOf("d", n * 7 + 1),
        addedMs: this.now - (n + 1) * 3e9,
      })),
    };
  }

  async setVerified(account: string, verified: boolean): Promise<void> {
    this.alterPerson(account, { verification: verified ? "verified" : "unverified" });
  }

  async scanSafety(account: string, scanned: Uint8Array): Promise<boolean> {
    const { qr } = await this.safety(account);
    const match = qr.length === scanned.length && qr.every((byte, n) => byte === scanned[n]);
    if (match) await this.setVerified(account, true);
    return match;
  }

  async setBlocked(account: string, blocked: boolean): Promise<void> {
    this.alterPerson(account, { blocked });
  }

  // --- groups ------------------------------------------------------------------------------

  async members(conversation: string): Promise<readonly Member[]> {
    const count = this.list.get(conversation)?.members ?? 0;
    const own: Person = {
      ...(this.persons.get(idOf("ac", 0)) ?? refuse("unknown-account")),
      account: "me",
      handle: "noa",
      name: "Noa",
      picture: null,
    };
    const others = [...this.persons.values()].slice(0, Math.max(0, count - 1));
    return [own, ...others].map((person, n) => ({ person, role: n < 2 ? "admin" : "member" }));
  }

  async addMembers(conversation: string, accounts: readonly string[]): Promise<void> {
    const { members = 0 } = this.list.get(conversation) ?? {};
    this.alter(conversation, { members: members + accounts.length });
    this.tell({ kind: "members", conversation });
  }

  async removeMember(conversation: string, account: string): Promise<void> {
    this.asked.push({ what: "removeMember", with: [conversation, account] });
    this.tell({ kind: "members", conversation });
  }

  async setRole(conversation: string, account: string, role: Role): Promise<void> {
    this.asked.push({ what: "setRole", with: [conversation, account, role] });
  }

  async changeGroup(
    conversation: string,
    change: { name?: string; picture?: Uint8Array | null; addPolicy?: "admins" | "members" },
  ): Promise<void> {
    this.alter(conversation, change);
  }

  async groupLink(conversation: string): Promise<GroupLink | null> {
    return this.links.get(conversation) ?? null;
  }

  async makeGroupLink(conversation: string, atOnce: boolean): Promise<GroupLink> {
    const link = {
      text: `https://chat.example.org/#group${"Z3JvdXAtbGluaw".repeat(8)}`,
      madeMs: this.now,
      expiresMs: null,
      atOnce,
    };
    this.links.set(conversation, link);
    return link;
  }

  async revokeGroupLink(conversation: string): Promise<void> {
    this.links.delete(conversation);
  }

  async askToJoin(text: string): Promise<void> {
    if (!text.includes("#")) refuse("form");
  }

  async joinRequests(conversation: string): Promise<readonly JoinRequest[]> {
    return this.asking.get(conversation) ?? [];
  }

  async answerJoinRequest(conversation: string, account: string, accept: boolean): Promise<void> {
    this.asked.push({ what: "answerJoinRequest", with: [conversation, account, accept] });
    const left = (this.asking.get(conversation) ?? []).filter(
      (each) => each.person.account !== account,
    );
    this.asking.set(conversation, left);
    this.alter(conversation, { joinRequests: left.length });
  }

  // --- devices -----------------------------------------------------------------------------

  async devices(): Promise<readonly Device[]> {
    return this.listed;
  }

  async renameDevice(device: string, name: string): Promise<void> {
    this.listed = this.listed.map((each) => (each.id === device ? { ...each, name } : each));
    this.tell({ kind: "devices" });
  }

  async revokeDevice(device: string): Promise<void> {
    const revokedMs = this.now;
    this.listed = this.listed.map((each) => (each.id === device ? { ...each, revokedMs } : each));
    this.tell({ kind: "devices" });
  }

  async makeDeviceInvite(): Promise<string> {
    return `https://chat.example.org/#device${"aG9tZQ".repeat(12)}`;
  }

  async readLinkRequest(text: string): Promise<LinkRequest> {
    if (!text.startsWith("doublelock-link:")) refuse("form");
    return { device: "de77", name: "Firefox, Android", code: OFFER.code, timeMs: this.now };
  }

  async approveDevice(text: string, history: boolean): Promise<void> {
    this.asked.push({ what: "approveDevice", with: [text, history] });
  }

  // --- trust -------------------------------------------------------------------------------

  async trust(): Promise<Trust> {
    return makeTrust(this.now, this.world.escrow);
  }

  async noticeDocument(): Promise<Uint8Array> {
    return new TextEncoder().encode('{"payload":"","signatures":[]}');
  }

  async alarms(): Promise<readonly Alarm[]> {
    return this.raised;
  }

  async dismissAlarm(id: string): Promise<void> {
    this.raised = this.raised.filter((each) => each.id !== id);
    this.tell({ kind: "alarm-gone", id });
  }

  async bundleMet(): Promise<void> {}

  async workerReplaced(): Promise<void> {}

  // --- settings ----------------------------------------------------------------------------

  async settings(): Promise<Settings> {
    return this.kept;
  }

  async changeSettings(change: Partial<Settings>): Promise<void> {
    this.kept = { ...this.kept, ...change };
    this.tell({ kind: "settings", settings: this.kept });
  }

  async pushKey(): Promise<Uint8Array | null> {
    return null;
  }

  async setPush(target: PushTarget | null): Promise<void> {
    this.asked.push({ what: "setPush", with: [target] });
  }
}
