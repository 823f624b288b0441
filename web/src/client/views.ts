/** The lines of the conversation list, as the vault keeps them and the interface is shown them. */

import type { Conversation, Draft, Preview } from "../messenger.ts";
import type { Group } from "../mls/group.ts";
import { hex } from "../protocol/encoding.ts";
import { AddPolicy, ConversationKind } from "../protocol/group_rules.ts";
import type { Core } from "./core.ts";
import { rosterOf } from "./groups.ts";
import { unpack } from "./pack.ts";
import type { People } from "./people.ts";
import type { Room } from "./room.ts";
import { put } from "./vault.ts";

/** What the list shows of a conversation, as the vault keeps it. */
interface View {
  readonly kind: "direct" | "group" | "service";
  readonly name: string;
  readonly nameAt: number;
  readonly picture: Uint8Array | null;
  readonly members: readonly string[];
  readonly admins: readonly string[];
  readonly addPolicy: "admins" | "members";
  readonly last: { readonly at: number; readonly id: string } | null;
  readonly preview: Preview | null;
  readonly timeMs: number;
  readonly unread: number;
  readonly mentioned: boolean;
  readonly readAt: number;
  readonly draft: Draft | null;
  readonly muted: boolean;
  readonly pinned: boolean;
  readonly timerSeconds: number;
}

const NEW_VIEW: View = {
  kind: "group",
  name: "",
  nameAt: -1,
  picture: null,
  members: [],
  admins: [],
  addPolicy: "admins",
  last: null,
  preview: null,
  timeMs: 0,
  unread: 0,
  mentioned: false,
  readAt: 0,
  draft: null,
  muted: false,
  pinned: false,
  timerSeconds: 0,
};

/** Owns the list. Nothing here writes at once: the caller flushes. */
export class Views {
  readonly #core: Core;
  readonly #people: People;
  readonly #views = new Map<string, View>();
  /** How many ask to be let into a group. */
  asking: (conversation: string) => number = () => 0;

  constructor(core: Core, people: People) {
    this.#core = core;
    this.#people = people;
  }

  async load(): Promise<void> {
    for (const [row, value] of await this.#core.vault.list(["view"])) {
      this.#views.set(String(row[1]), unpack<View>(value));
    }
  }

  /** The names of all conversations that it has. */
  get names(): Iterable<string> {
    return this.#views.keys();
  }

  /** Every conversation, as the list shows it. */
  all(): Conversation[] {
    return [...this.#views.keys()].map((name) => this.conversation(name));
  }

  /** Whether there is one of this name. */
  has(name: string): boolean {
    return this.#views.has(name);
  }

  /** What is kept of one; that of a new group where there is none. */
  of(name: string): View {
    return this.#views.get(name) ?? NEW_VIEW;
  }

  /** Whether it is a conversation with somebody whom this person blocked. */
  isHidden(name: string): boolean {
    const { kind, members } = this.of(name);
    const own = hex(this.#core.account);
    return kind === "direct" && members.some((one) => one !== own && this.#people.isBlocked(one));
  }

  /** One line of the list. */
  conversation(name: string): Conversation {
    const view = this.of(name);
    const room = this.#core.rooms.get(name);
    const own = hex(this.#core.account);
    const others = view.members.filter((account) => account !== own);
    const peer = view.kind === "direct" ? (others[0] ?? null) : null;
    const looks = others.map((account) => this.#people.verification(account));
    const weakest = looks.includes("changed")
      ? "changed"
      : looks.includes("unverified") || looks.length === 0
        ? "unverified"
        : "verified";
    const status = room?.status ?? "member";
    const hidden = this.isHidden(name);
    return {
      id: name,
      kind: view.kind,
      name: this.#nameOf(view, peer, others),
      picture: view.picture,
      peer,
      members: view.members.length,
      role: view.admins.includes(own) ? "admin" : "member",
      addPolicy: view.addPolicy,
      preview: view.preview,
      timeMs: view.timeMs,
      unread: hidden ? 0 : view.unread,
      mentioned: view.mentioned && !hidden,
      blocked: hidden,
      readAt: view.readAt,
      draft: view.draft,
      muted: view.muted,
      pinned: view.pinned,
      timerSeconds: view.timerSeconds,
      state: status === "broken" ? "member" : status,
      refusal: room?.refusal ?? null,
      verification: weakest,
      joinRequests: this.asking(name),
    };
  }

  #nameOf(view: View, peer: string | null, others: readonly string[]): string {
    if (peer !== null) return this.#people.name(peer);
    if (view.name !== "" || view.kind === "service") return view.name;
    const names = others.map((account) => this.#people.name(account));
    return names.slice(0, 4).join(", ") || this.#core.identity.handle;
  }

  /** Changes what is kept, and tells; the caller flushes. */
  change(name: string, change: Partial<View>): void {
    const view = { ...this.of(name), ...change };
    this.#views.set(name, view);
    this.#core.write(put(["view", name], view));
    this.tell(name);
  }

  /** Tells how one stands now. */
  tell(name: string): void {
    this.#core.tell({ kind: "conversation", conversation: this.conversation(name) });
  }

  /** Takes over who is in a group and who rules it. */
  describe(room: Room, group: Group): void {
    const { context } = room;
    this.change(room.name, {
      kind: context.kind === ConversationKind.DIRECT ? "direct" : "group",
      members: [...new Set(rosterOf(group).map((leaf) => hex(leaf.account)))],
      admins: context.admins.map(hex),
      addPolicy: context.addPolicy === AddPolicy.MEMBERS ? "members" : "admins",
    });
    this.#core.tell({ kind: "members", conversation: room.name });
  }

  /** Takes one off the list. */
  drop(name: string): void {
    this.#views.delete(name);
    this.#core.write([["view", name], undefined]);
  }
}
