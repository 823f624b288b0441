/** What a messenger in memory knows, and what tests do to it. */

import {
  type Alarm,
  type Connection,
  type Conversation,
  type Device,
  type GroupLink,
  type JoinRequest,
  type LinkOffer,
  type Message,
  type MessengerEvent,
  MessengerRefused,
  type Person,
  type Settings,
  type Status,
} from "../../src/messenger.ts";
import { type Escrow, idOf, makeConversations, makePeople, summed } from "./world.ts";

export interface World {
  readonly state: Status["state"];
  readonly escrow: Escrow;
  readonly settings: Partial<Settings>;
  readonly alarms: readonly Alarm[];
}

export const ME = { account: "me", device: "de01", handle: "noa", deployment: "Harbour Messenger" };
export const OFFER: LinkOffer = {
  text: `doublelock-link:${"AbCdEfGh01".repeat(24)}`,
  code: "40217 88301 55904 12766",
};
export const PASSPHRASE = "correct horse battery";

export function refuse(code: string, detail = ""): never {
  throw new MessengerRefused({ code, detail });
}

/** People, conversations and devices of a made-up world; every change is told as an event. */
export class MemoryState {
  /** What was asked, for tests: name and arguments. */
  readonly asked: { readonly what: string; readonly with: readonly unknown[] }[] = [];
  protected readonly hearers = new Set<(event: MessengerEvent) => void>();
  protected readonly now = Date.now();
  protected readonly persons: Map<string, Person>;
  protected readonly list: Map<string, Conversation>;
  protected readonly timelines: Map<string, Message[]>;
  protected readonly asking = new Map<string, JoinRequest[]>();
  protected readonly links = new Map<string, GroupLink>();
  protected readonly world: World;
  protected state: Status;
  protected kept: Settings;
  protected raised: Alarm[];
  protected link: Connection = { up: true, refusal: null, queued: 0 };
  protected listed: Device[];
  protected next = 1_000_000;

  constructor(world: World) {
    this.world = world;
    const people = makePeople(this.now);
    const { conversations, messages } = makeConversations(people, this.now);
    this.persons = new Map(people.map((each) => [each.account, each]));
    this.list = new Map(conversations.map((each) => [each.id, each]));
    this.timelines = messages;
    this.asking.set(
      conversations[0]?.id ?? "",
      people.slice(12, 14).map((person) => ({ person, timeMs: this.now - 60_000 })),
    );
    this.raised = [...world.alarms];
    this.kept = {
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
    this.listed = makeDevices(this.now);
    this.state = statusOf(world.state);
  }

  // --- what tests do to it -----------------------------------------------------------------

  tell(event: MessengerEvent): void {
    for (const hear of this.hearers) hear(event);
  }

  raise(alarm: Alarm): void {
    this.raised.push(alarm);
    this.tell({ kind: "alarm", alarm });
  }

  /** Lets somebody write. */
  receive(conversation: string, account: string, letters: string): void {
    const person = this.persons.get(account) ?? refuse("unknown-account");
    this.put({
      ...this.blank(conversation),
      author: account,
      authorName: person.name,
      mine: false,
      state: null,
      body: { kind: "text", text: letters, mentions: [] },
    });
  }

  disconnect(up: boolean): void {
    this.link = {
      up,
      refusal: up ? null : { code: "server-unreachable", detail: "" },
      queued: 0,
    };
    this.tell({ kind: "connection", connection: this.link });
    if (!up) return;
    for (const all of this.timelines.values()) {
      for (const each of all) if (each.state === "queued") this.change({ ...each, state: "sent" });
    }
  }

  listen(hear: (event: MessengerEvent) => void): () => void {
    this.hearers.add(hear);
    return () => this.hearers.delete(hear);
  }

  // --- inside ------------------------------------------------------------------------------

  protected enter(status: Status): void {
    this.state = status;
    this.tell({ kind: "status", status });
  }

  protected blank(conversation: string): Message {
    this.next += 1;
    return {
      id: idOf("f", this.next),
      conversation,
      at: this.next,
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

  protected find(conversation: string, id: string): Message {
    return (
      (this.timelines.get(conversation) ?? []).find((each) => each.id === id) ?? refuse("not-found")
    );
  }

  protected put(message: Message): void {
    const { conversation } = message;
    const all = [...(this.timelines.get(conversation) ?? []), message];
    this.timelines.set(conversation, all);
    this.tell({ kind: "message", message, fresh: true });
    const { unread = 0 } = this.list.get(conversation) ?? {};
    this.alter(conversation, message.mine ? { draft: null } : { unread: unread + 1 });
  }

  protected change(message: Message): void {
    const { conversation, id } = message;
    const all = (this.timelines.get(conversation) ?? []).map((each) =>
      each.id === id ? message : each,
    );
    this.timelines.set(conversation, all);
    this.tell({ kind: "message", message, fresh: false });
    this.alter(conversation, {});
  }

  protected alter(id: string, change: Partial<Conversation>): void {
    const old = this.list.get(id) ?? refuse("not-found");
    const conversation = summed({ ...old, ...change }, this.timelines.get(id) ?? []);
    this.list.set(id, conversation);
    this.tell({ kind: "conversation", conversation });
  }

  protected alterPerson(account: string, change: Partial<Person>): void {
    const person = { ...(this.persons.get(account) ?? refuse("unknown-account")), ...change };
    this.persons.set(account, person);
    this.tell({ kind: "person", person });
  }

  protected found(change: Partial<Conversation>): string {
    this.next += 1;
    const id = idOf("cn", this.next);
    const [some] = this.list.values();
    if (some === undefined) refuse("not-found");
    const fresh = {
      unread: 0,
      draft: null,
      pinned: false,
      joinRequests: 0,
      picture: null,
      peer: null,
    };
    this.list.set(id, {
      ...some,
      ...fresh,
      preview: null,
      timeMs: Date.now(),
      ...change,
      id,
    });
    this.timelines.set(id, []);
    this.alter(id, {});
    return id;
  }
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

export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
