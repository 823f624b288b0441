/** A messenger in memory, to drive the interface in tests. It is in no bundle that is served. */

import {
  type Alarm,
  type Connection,
  type Conversation,
  type Device,
  type Draft,
  type GroupLink,
  type Hit,
  type InviteFacts,
  type JoinRequest,
  type LinkOffer,
  type LinkRequest,
  type Member,
  type Mention,
  type Message,
  type Messenger,
  type MessengerEvent,
  MessengerRefused,
  type Outgoing,
  type Page,
  type PageWanted,
  type Person,
  type PushTarget,
  type Registration,
  type Role,
  type SafetyFacts,
  type Secret,
  type Settings,
  type Status,
  type StorageFacts,
  type Trust,
} from "../../src/messenger.ts";
import { drawLarge, makeTone } from "./drawings.ts";
import { type Escrow, idOf, makeConversations, makePeople, makeTrust, summed } from "./world.ts";

export interface World {
  readonly state: Status["state"];
  readonly escrow: Escrow;
  readonly settings: Partial<Settings>;
  readonly alarms: readonly Alarm[];
}

const ME = { account: "me", device: "de01", handle: "noa", deployment: "Harbour Messenger" };
const OFFER: LinkOffer = {
  text: `doublelock-link:${"AbCdEfGh01".repeat(24)}`,
  code: "40217 88301 55904 12766",
};
export const PASSPHRASE = "correct horse battery";

function refuse(code: string, detail = ""): never {
  throw new MessengerRefused({ code, detail });
}

export class MemoryMessenger implements Messenger {
  /** What was asked, for tests: name and arguments. */
  readonly asked: { readonly what: string; readonly with: readonly unknown[] }[] = [];
  readonly #hearers = new Set<(event: MessengerEvent) => void>();
  readonly #now = Date.now();
  readonly #people: Map<string, Person>;
  readonly #conversations: Map<string, Conversation>;
  readonly #messages: Map<string, Message[]>;
  readonly #requests = new Map<string, JoinRequest[]>();
  readonly #links = new Map<string, GroupLink>();
  readonly #world: World;
  #status: Status;
  #settings: Settings;
  #alarms: Alarm[];
  #connection: Connection = { up: true, refusal: null, queued: 0 };
  #devices: Device[];
  #next = 1_000_000;

  constructor(world: World) {
    this.#world = world;
    const people = makePeople(this.#now);
    const { conversations, messages } = makeConversations(people, this.#now);
    this.#people = new Map(people.map((each) => [each.account, each]));
    this.#conversations = new Map(conversations.map((each) => [each.id, each]));
    this.#messages = messages;
    this.#requests.set(
      conversations[0]?.id ?? "",
      people.slice(12, 14).map((person) => ({ person, timeMs: this.#now - 60_000 })),
    );
    this.#alarms = [...world.alarms];
    this.#settings = {
      language: null,
      theme: "system",
      textSize: "normal",
      receipts: true,
      typing: true,
      lastSeen: true,
      enterSends: true,
      sounds: true,
      fetchPictures: true,
      lockMinutes: 0,
      defaultTimerSeconds: 0,
      ...world.settings,
    };
    this.#devices = makeDevices(this.#now);
    this.#status = statusOf(world.state);
  }

  // --- what tests do to it -----------------------------------------------------------------

  tell(event: MessengerEvent): void {
    for (const hear of this.#hearers) hear(event);
  }

  raise(alarm: Alarm): void {
    this.#alarms.push(alarm);
    this.tell({ kind: "alarm", alarm });
  }

  /** Lets somebody write. */
  receive(conversation: string, account: string, letters: string): void {
    const person = this.#people.get(account) ?? refuse("unknown-account");
    this.#put({
      ...this.#blank(conversation),
      author: account,
      authorName: person.name,
      mine: false,
      state: null,
      body: { kind: "text", text: letters, mentions: [] },
    });
  }

  disconnect(up: boolean): void {
    this.#connection = {
      up,
      refusal: up ? null : { code: "server-unreachable", detail: "" },
      queued: 0,
    };
    this.tell({ kind: "connection", connection: this.#connection });
    if (!up) return;
    for (const all of this.#messages.values()) {
      for (const each of all) if (each.state === "queued") this.#change({ ...each, state: "sent" });
    }
  }

  // --- the device --------------------------------------------------------------------------

  listen(hear: (event: MessengerEvent) => void): () => void {
    this.#hearers.add(hear);
    return () => this.#hearers.delete(hear);
  }

  async status(): Promise<Status> {
    return this.#status;
  }

  async connection(): Promise<Connection> {
    return this.#connection;
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
      expiresMs: this.#now + 86_400_000,
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
    this.#enter({ state: "open", me: { ...ME, handle: registration.handle } });
  }

  async beginLinking(link: Registration): Promise<LinkOffer> {
    this.asked.push({ what: "beginLinking", with: [link] });
    this.#enter({ state: "linking", handle: link.handle, offer: OFFER });
    return OFFER;
  }

  async cancelLinking(): Promise<void> {
    this.#enter({ state: "empty" });
  }

  async unlock(secret: Secret): Promise<void> {
    if (secret.kind === "passphrase" && secret.passphrase !== PASSPHRASE) refuse("vault-wrong-key");
    this.#enter({ state: "open", me: ME });
  }

  async lock(): Promise<void> {
    this.#enter({ state: "locked", handle: ME.handle, lock: { kind: "passphrase" } });
  }

  async changeSecret(old: Secret): Promise<void> {
    if (old.kind === "passphrase" && old.passphrase !== PASSPHRASE) refuse("vault-wrong-key");
  }

  async erase(): Promise<void> {
    this.#enter({ state: "empty" });
  }

  async storage(): Promise<StorageFacts> {
    return { usedBytes: 184_000_000, quotaBytes: 2_000_000_000, persistent: true };
  }

  // --- conversations -----------------------------------------------------------------------

  async conversations(): Promise<readonly Conversation[]> {
    return [...this.#conversations.values()];
  }

  async startDirect(account: string): Promise<string> {
    const found = [...this.#conversations.values()].find((each) => each.peer === account);
    if (found !== undefined) return found.id;
    const person = this.#people.get(account) ?? refuse("unknown-account");
    return this.#found({ kind: "direct", name: person.name, peer: account });
  }

  async startGroup(wish: {
    name: string;
    picture: Uint8Array | null;
    accounts: readonly string[];
  }): Promise<string> {
    const { name, picture } = wish;
    return this.#found({
      kind: "group",
      name,
      picture,
      members: wish.accounts.length + 1,
      role: "admin",
    });
  }

  async setDraft(conversation: string, draft: Draft | null): Promise<void> {
    this.#alter(conversation, { draft });
  }

  async setPinned(conversation: string, pinned: boolean): Promise<void> {
    this.#alter(conversation, { pinned });
  }

  async setMuted(conversation: string, muted: boolean): Promise<void> {
    this.#alter(conversation, { muted });
  }

  async setTimer(conversation: string, seconds: number): Promise<void> {
    this.#alter(conversation, { timerSeconds: seconds });
  }

  async markRead(conversation: string, at: number): Promise<void> {
    this.#alter(conversation, { readAt: at, unread: 0, mentioned: false });
  }

  async setTyping(conversation: string, active: boolean): Promise<void> {
    this.asked.push({ what: "setTyping", with: [conversation, active] });
  }

  async setHere(): Promise<void> {}

  async leave(conversation: string): Promise<void> {
    this.#alter(conversation, { state: "left" });
  }

  async forget(conversation: string): Promise<void> {
    this.#conversations.delete(conversation);
    this.tell({ kind: "conversation-gone", conversation });
  }

  // --- messages ----------------------------------------------------------------------------

  async messages(conversation: string, wanted: PageWanted, limit: number): Promise<Page> {
    const all = this.#messages.get(conversation) ?? [];
    await pause(5);
    let [from, to] = [all.length - limit, all.length];
    if (wanted.from === "before") {
      to = all.findIndex((each) => each.at >= wanted.at);
      from = to - limit;
    } else if (wanted.from === "after") {
      from = all.findIndex((each) => each.at > wanted.at);
      if (from < 0) from = all.length;
      to = from + limit;
    } else if (wanted.from === "around") {
      const at = all.findIndex((each) => each.id === wanted.id);
      if (at < 0) refuse("not-found");
      from = at - limit / 2;
      to = at + limit / 2;
    }
    const start = Math.max(0, from);
    const end = Math.min(all.length, to);
    return { messages: all.slice(start, end), older: start > 0, newer: end < all.length };
  }

  async send(conversation: string, outgoing: Outgoing): Promise<string> {
    this.asked.push({ what: "send", with: [conversation, outgoing] });
    const target = (this.#messages.get(conversation) ?? []).find(
      (each) => each.id === outgoing.replyTo,
    );
    const made: Message = {
      ...this.#blank(conversation),
      state: this.#connection.up ? "sending" : "queued",
      body: bodyOf(outgoing),
      replyTo:
        target === undefined
          ? null
          : {
              id: target.id,
              authorName: target.authorName,
              mine: target.mine,
              kind: target.body.kind,
              text: "text" in target.body ? target.body.text : "",
            },
    };
    this.#put(made);
    if (this.#connection.up) {
      setTimeout(() => this.#change({ ...made, state: "sent" }), 30);
      setTimeout(() => this.#change({ ...made, state: "delivered" }), 90);
    }
    return made.id;
  }

  async edit(
    conversation: string,
    message: string,
    text: string,
    mentions: readonly Mention[],
  ): Promise<void> {
    this.#change({
      ...this.#message(conversation, message),
      body: { kind: "text", text, mentions },
      edited: true,
    });
  }

  async remove(conversation: string, message: string): Promise<void> {
    this.#change({
      ...this.#message(conversation, message),
      body: { kind: "deleted" },
      reactions: [],
    });
  }

  async react(conversation: string, message: string, mark: string): Promise<void> {
    const old = this.#message(conversation, message);
    const others = old.reactions.filter((each) => !each.mine);
    const reactions = mark === "" ? others : [...others, { mark, names: ["Noa"], mine: true }];
    this.#change({ ...old, reactions });
  }

  async retry(conversation: string, message: string): Promise<void> {
    this.#change({ ...this.#message(conversation, message), state: "sent", refusal: null });
  }

  async discard(conversation: string, message: string): Promise<void> {
    const all = this.#messages.get(conversation) ?? [];
    this.#messages.set(
      conversation,
      all.filter((each) => each.id !== message),
    );
    this.tell({ kind: "message-gone", conversation, id: message });
  }

  async openFile(conversation: string, message: string): Promise<Blob> {
    const { body } = this.#message(conversation, message);
    if (body.kind === "voice") return makeTone();
    if (body.kind === "picture") return drawLarge(3);
    if (body.kind !== "file") refuse("not-found");
    const total = body.file.size;
    for (const share of [0.2, 0.6, 1]) {
      this.tell({
        kind: "transfer",
        conversation,
        message,
        direction: "down",
        done: total * share,
        total,
      });
      await pause(40);
    }
    return new Blob(["file"], { type: body.file.mediaType });
  }

  async cancelTransfer(): Promise<void> {}

  async receipts(): Promise<readonly { name: string; state: "sent" | "delivered" | "read" }[]> {
    return [
      { name: "Ada Okafor", state: "read" },
      { name: "Bruno Keller", state: "delivered" },
      { name: "דנה לוי", state: "sent" },
    ];
  }

  async search(
    words: string,
    within: string | null,
    before: number | null,
    limit: number,
  ): Promise<{ hits: readonly Hit[]; more: boolean }> {
    const wanted = words.toLocaleLowerCase();
    const hits: Hit[] = [];
    for (const [id, all] of this.#messages) {
      if (within !== null && id !== within) continue;
      for (const message of all) {
        if (!("text" in message.body) || (before !== null && message.timeMs >= before)) continue;
        const start = message.body.text.toLocaleLowerCase().indexOf(wanted);
        if (start < 0) continue;
        const conversationName = this.#conversations.get(id)?.name ?? "";
        hits.push({ message, conversationName, ranges: [[start, start + wanted.length]] });
      }
    }
    hits.sort((a, b) => b.message.timeMs - a.message.timeMs);
    return { hits: hits.slice(0, limit), more: hits.length > limit };
  }

  // --- people ------------------------------------------------------------------------------

  async people(): Promise<readonly Person[]> {
    return [...this.#people.values()];
  }

  async person(account: string): Promise<Person> {
    return this.#people.get(account) ?? refuse("unknown-account");
  }

  async findPerson(handle: string): Promise<Person> {
    return (
      [...this.#people.values()].find((each) => each.handle === handle) ?? refuse("unknown-account")
    );
  }

  async makeInvite(): Promise<{ text: string; expiresMs: number }> {
    return {
      text: `https://chat.example.org/#${"aGFyYm91ci1pbnZpdGU".repeat(9)}`,
      expiresMs: this.#now + 6e8,
    };
  }

  async safety(account: string): Promise<SafetyFacts> {
    const person = await this.person(account);
    return {
      account,
      digits: "49201 88310 55214 90327 11842 73390 20418 66571 38102 95544 07213 61890",
      qr: Uint8Array.from({ length: 65 }, (_, n) => (n === 0 ? 1 : (n * 73) % 256)),
      verification: person.verification,
      sinceMs: person.verification === "unverified" ? null : this.#now - 9e8,
      devices: Array.from({ length: person.devices }, (_, n) => ({
        id: idOf("d", n * 7 + 1),
        addedMs: this.#now - (n + 1) * 3e9,
      })),
    };
  }

  async setVerified(account: string, verified: boolean): Promise<void> {
    this.#alterPerson(account, { verification: verified ? "verified" : "unverified" });
  }

  async scanSafety(account: string, scanned: Uint8Array): Promise<boolean> {
    const { qr } = await this.safety(account);
    const match = qr.length === scanned.length && qr.every((byte, n) => byte === scanned[n]);
    if (match) await this.setVerified(account, true);
    return match;
  }

  async setBlocked(account: string, blocked: boolean): Promise<void> {
    this.#alterPerson(account, { blocked });
  }

  // --- groups ------------------------------------------------------------------------------

  async members(conversation: string): Promise<readonly Member[]> {
    const count = this.#conversations.get(conversation)?.members ?? 0;
    const own: Person = {
      ...(this.#people.get(idOf("ac", 0)) ?? refuse("unknown-account")),
      account: "me",
      handle: "noa",
      name: "Noa",
      picture: null,
    };
    const others = [...this.#people.values()].slice(0, Math.max(0, count - 1));
    return [own, ...others].map((person, n) => ({ person, role: n < 2 ? "admin" : "member" }));
  }

  async addMembers(conversation: string, accounts: readonly string[]): Promise<void> {
    const { members = 0 } = this.#conversations.get(conversation) ?? {};
    this.#alter(conversation, { members: members + accounts.length });
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
    this.#alter(conversation, change);
  }

  async groupLink(conversation: string): Promise<GroupLink | null> {
    return this.#links.get(conversation) ?? null;
  }

  async makeGroupLink(conversation: string, atOnce: boolean): Promise<GroupLink> {
    const link = {
      text: `https://chat.example.org/#group${"Z3JvdXAtbGluaw".repeat(8)}`,
      madeMs: this.#now,
      expiresMs: null,
      atOnce,
    };
    this.#links.set(conversation, link);
    return link;
  }

  async revokeGroupLink(conversation: string): Promise<void> {
    this.#links.delete(conversation);
  }

  async askToJoin(text: string): Promise<void> {
    if (!text.includes("#")) refuse("form");
  }

  async joinRequests(conversation: string): Promise<readonly JoinRequest[]> {
    return this.#requests.get(conversation) ?? [];
  }

  async answerJoinRequest(conversation: string, account: string, accept: boolean): Promise<void> {
    this.asked.push({ what: "answerJoinRequest", with: [conversation, account, accept] });
    const left = (this.#requests.get(conversation) ?? []).filter(
      (each) => each.person.account !== account,
    );
    this.#requests.set(conversation, left);
    this.#alter(conversation, { joinRequests: left.length });
  }

  // --- devices -----------------------------------------------------------------------------

  async devices(): Promise<readonly Device[]> {
    return this.#devices;
  }

  async renameDevice(device: string, name: string): Promise<void> {
    this.#devices = this.#devices.map((each) => (each.id === device ? { ...each, name } : each));
    this.tell({ kind: "devices" });
  }

  async revokeDevice(device: string): Promise<void> {
    const revokedMs = this.#now;
    this.#devices = this.#devices.map((each) =>
      each.id === device ? { ...each, revokedMs } : each,
    );
    this.tell({ kind: "devices" });
  }

  async makeDeviceInvite(): Promise<string> {
    return `https://chat.example.org/#device${"aG9tZQ".repeat(12)}`;
  }

  async readLinkRequest(text: string): Promise<LinkRequest> {
    if (!text.startsWith("doublelock-link:")) refuse("form");
    return { device: "de77", name: "Firefox, Android", code: OFFER.code, timeMs: this.#now };
  }

  async approveDevice(text: string, history: boolean): Promise<void> {
    this.asked.push({ what: "approveDevice", with: [text, history] });
  }

  // --- trust -------------------------------------------------------------------------------

  async trust(): Promise<Trust> {
    return makeTrust(this.#now, this.#world.escrow);
  }

  async noticeDocument(): Promise<Uint8Array> {
    return new TextEncoder().encode('{"payload":"","signatures":[]}');
  }

  async alarms(): Promise<readonly Alarm[]> {
    return this.#alarms;
  }

  async dismissAlarm(id: string): Promise<void> {
    this.#alarms = this.#alarms.filter((each) => each.id !== id);
    this.tell({ kind: "alarm-gone", id });
  }

  async bundleMet(): Promise<void> {}

  async workerReplaced(): Promise<void> {}

  // --- settings ----------------------------------------------------------------------------

  async settings(): Promise<Settings> {
    return this.#settings;
  }

  async changeSettings(change: Partial<Settings>): Promise<void> {
    this.#settings = { ...this.#settings, ...change };
    this.tell({ kind: "settings", settings: this.#settings });
  }

  async pushKey(): Promise<Uint8Array | null> {
    return null;
  }

  async setPush(target: PushTarget | null): Promise<void> {
    this.asked.push({ what: "setPush", with: [target] });
  }

  // --- inside ------------------------------------------------------------------------------

  #enter(status: Status): void {
    this.#status = status;
    this.tell({ kind: "status", status });
  }

  #blank(conversation: string): Message {
    this.#next += 1;
    return {
      id: idOf("f", this.#next),
      conversation,
      at: this.#next,
      timeMs: Date.now(),
      author: "me",
      authorName: "Noa",
      mine: true,
      state: "sent",
      refusal: null,
      body: { kind: "deleted" },
      replyTo: null,
      edited: false,
      reactions: [],
      mentionsMe: false,
      expiresMs: null,
    };
  }

  #message(conversation: string, id: string): Message {
    return (
      (this.#messages.get(conversation) ?? []).find((each) => each.id === id) ?? refuse("not-found")
    );
  }

  #put(message: Message): void {
    const { conversation } = message;
    const all = [...(this.#messages.get(conversation) ?? []), message];
    this.#messages.set(conversation, all);
    this.tell({ kind: "message", message, fresh: true });
    const { unread = 0 } = this.#conversations.get(conversation) ?? {};
    this.#alter(conversation, message.mine ? { draft: null } : { unread: unread + 1 });
  }

  #change(message: Message): void {
    const { conversation, id } = message;
    const all = (this.#messages.get(conversation) ?? []).map((each) =>
      each.id === id ? message : each,
    );
    this.#messages.set(conversation, all);
    this.tell({ kind: "message", message, fresh: false });
    this.#alter(conversation, {});
  }

  #alter(id: string, change: Partial<Conversation>): void {
    const old = this.#conversations.get(id) ?? refuse("not-found");
    const conversation = summed({ ...old, ...change }, this.#messages.get(id) ?? []);
    this.#conversations.set(id, conversation);
    this.tell({ kind: "conversation", conversation });
  }

  #alterPerson(account: string, change: Partial<Person>): void {
    const person = { ...(this.#people.get(account) ?? refuse("unknown-account")), ...change };
    this.#people.set(account, person);
    this.tell({ kind: "person", person });
  }

  #found(change: Partial<Conversation>): string {
    this.#next += 1;
    const id = idOf("cn", this.#next);
    const [some] = this.#conversations.values();
    if (some === undefined) refuse("not-found");
    const fresh = {
      unread: 0,
      draft: null,
      pinned: false,
      joinRequests: 0,
      picture: null,
      peer: null,
    };
    this.#conversations.set(id, {
      ...some,
      ...fresh,
      preview: null,
      timeMs: Date.now(),
      ...change,
      id,
    });
    this.#messages.set(id, []);
    this.#alter(id, {});
    return id;
  }
}

function bodyOf(outgoing: Outgoing): Message["body"] {
  const { mentions, text } = outgoing;
  if (outgoing.kind === "text") return { kind: "text", text, mentions };
  const { name, mediaType, blob, picture, voice } = outgoing;
  const file = { name, mediaType, size: blob.size, local: true };
  if (picture !== null) return { kind: "picture", file, ...picture, text, mentions };
  if (voice !== null) return { kind: "voice", file, ...voice };
  return { kind: "file", file, text, mentions };
}

function statusOf(state: Status["state"]): Status {
  switch (state) {
    case "empty":
      return { state };
    case "locked":
      return { state, handle: ME.handle, lock: { kind: "passphrase" } };
    case "linking":
      return { state, handle: ME.handle, offer: OFFER };
    case "open":
      return { state, me: ME };
    case "broken":
      return { state, refusal: { code: "vault-damaged", detail: "" } };
  }
}

function makeDevices(nowMs: number): Device[] {
  const device = (id: string, name: string, days: number, seen: number | null): Device => ({
    id: id.padEnd(32, "7c"),
    name,
    addedMs: nowMs - days * 86_400_000,
    lastSeenMs: seen === null ? null : nowMs - seen * 3_600_000,
    own: id === "de01",
    approvedBy: id === "de01" ? "ada.okafor" : "Chrome, Linux",
    revokedMs: null,
  });
  return [
    device("de01", "Chrome, Linux", 210, 0),
    device("de02", "Safari, iPhone", 90, 5),
    { ...device("de03", "Old tablet", 400, 3000), revokedMs: nowMs - 30 * 86_400_000 },
  ];
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
