/**
 * What the interface knows, as signals: filled by asking the messenger once, kept by its events.
 *
 * Nothing here decides anything about trust; it holds what the messenger said.
 */

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { DEFAULT_SETTINGS } from "../client/default_settings.ts";
import type { FirstLook } from "../client/first_look.ts";
import {
  type Alarm,
  type Connection,
  type Conversation,
  type Messenger,
  type MessengerEvent,
  MessengerRefused,
  type Person,
  type RefusalFacts,
  SERVICE,
  type Settings,
  type Status,
} from "../messenger.ts";
import { announce } from "./notify.ts";
import { Navigation } from "./route.ts";
import { Timeline } from "./timeline.ts";
import { en } from "./words/en.ts";
import type { Words } from "./words/words.ts";

export interface Transfer {
  readonly direction: "up" | "down";
  readonly done: number;
  readonly total: number;
}

/** What was refused; the code where the messenger named one. */
interface Problem {
  readonly text: string;
  readonly code: string | null;
}

export type Progress = Extract<MessengerEvent, { kind: "progress" }>;

// Somebody whose connection broke while typing is not typing for ever.
const TYPING_MS = 8_000;

export class Model {
  readonly messenger: Messenger;
  readonly navigation = new Navigation();
  readonly words: Signal<Words> = signal(en);
  /** For dates and numbers: the words' language, in the browser's region. */
  readonly locale: Signal<string> = signal("en");
  readonly status: Signal<Status | null> = signal(null);
  readonly connection: Signal<Connection> = signal({ up: true, refusal: null, queued: 0 });
  readonly settings: Signal<Settings> = signal(DEFAULT_SETTINGS);
  readonly conversations: Signal<ReadonlyMap<string, Conversation>> = signal(new Map());
  readonly people: Signal<ReadonlyMap<string, Person>> = signal(new Map());
  /** Whether this page was open before: if it is locked now, the tab with the secret is gone. */
  wasOpen = false;
  readonly alarms: Signal<readonly Alarm[]> = signal([]);
  /** Who types where: names by account, by conversation. */
  readonly typing: Signal<ReadonlyMap<string, ReadonlyMap<string, string>>> = signal(new Map());
  readonly transfers: Signal<ReadonlyMap<string, Transfer>> = signal(new Map());
  readonly progress: Signal<Progress | null> = signal(null);
  /** Grows with each event of its kind: a screen that asked asks again. */
  readonly trustChanged = signal(0);
  readonly devicesChanged = signal(0);
  readonly membersChanged = signal(0);
  /** The conversation that a search is limited to. */
  readonly searchWithin: Signal<string | null> = signal(null);
  /** A short word at the foot of the window, and what screen readers are told. */
  readonly toast: Signal<string> = signal("");
  /** What went wrong last: it stays until somebody has read and closed it. */
  readonly problem: Signal<Problem | null> = signal(null);
  readonly spoken: Signal<string> = signal("");
  /** Minutes, so that "yesterday" becomes so. */
  readonly nowMs: Signal<number> = signal(Date.now());

  readonly ordered: ReadonlySignal<readonly Conversation[]> = computed(() =>
    [...this.conversations.value.values()]
      .filter((each) => !each.blocked)
      .sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.timeMs - a.timeMs),
  );
  readonly unread = computed(() =>
    this.ordered.value.reduce((sum, each) => sum + (each.muted ? 0 : each.unread), 0),
  );

  /** English advice by code, from protocol/codes.ts; it is large, and comes when it is loaded. */
  readonly english: Signal<Readonly<Record<string, string>>> = signal({});

  #timeline: Timeline | null = null;
  /** Whether the messenger has said anything. */
  #answered = false;
  /** How often a status was learned. */
  #entered = 0;
  /** What was asked beside the conversations. */
  #rest: Promise<unknown> = Promise.resolve();
  readonly #typingEnds = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(messenger: Messenger) {
    this.messenger = messenger;
  }

  /** Listens, and asks what there is. Settings come first: they decide language and colours. */
  async begin(): Promise<void> {
    this.messenger.listen((event) => this.#hear(event));
    setInterval(() => {
      this.nowMs.value = Date.now();
    }, 30_000);
    this.settings.value = await this.messenger.settings();
    this.#answered = true;
    await this.#learnStatus();
    await this.#rest;
  }

  /** Asks how the device stands, and for the list where it is open. */
  async #learnStatus(): Promise<void> {
    const status = await this.messenger.status();
    try {
      await this.#enter(status);
    } catch (problem) {
      // The tab that kept it open is gone in the meantime.
      if (!isLocked(problem)) throw problem;
      await this.#learnStatus();
    }
  }

  /** Shows what the store alone tells, unless the messenger was faster. */
  expect(look: FirstLook): void {
    if (this.#answered) return;
    this.settings.value = look.settings;
    this.status.value ??= look.status;
  }

  /** The open conversation's messages, loaded once and kept until another is opened. */
  timeline(conversation: string): Timeline {
    if (this.#timeline?.conversation !== conversation) {
      this.#timeline = new Timeline(this.messenger, conversation);
    }
    return this.#timeline;
  }

  /** Whether this person wants to hear nothing of somebody. */
  isBlocked(account: string | null): boolean {
    return this.people.value.get(account ?? "")?.blocked ?? false;
  }

  conversation(id: string): Conversation | undefined {
    return this.conversations.value.get(id);
  }

  /** A refusal in the person's language: what to do, then the name for experts. */
  explain(problem: unknown): string {
    if (problem instanceof MessengerRefused) return this.advice(problem.facts);
    return this.words.value.common.somethingFailed;
  }

  advice(refusal: RefusalFacts): string {
    const words = this.words.value.refusal;
    return words.advice[refusal.code] ?? this.english.value[refusal.code] ?? words.unknownCode;
  }

  /** Does something, and says so until it is closed when it is refused. */
  async attempt<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (problem) {
      this.report(problem);
      return undefined;
    }
  }

  /** Shows why something was refused. */
  report(problem: unknown): void {
    const code = problem instanceof MessengerRefused ? problem.facts.code : null;
    this.problem.value = { text: this.explain(problem), code };
  }

  /** Shows what could not be done; no code tells more of it. */
  complain(text: string): void {
    this.problem.value = { text, code: null };
  }

  /** Shows a short word, and speaks it. */
  say(text: string): void {
    this.toast.value = text;
    this.spoken.value = text;
  }

  /**
   * Asks for all there is; resolves once the list can be shown, which waits for nothing else.
   *
   * Each answer is taken as it comes: what is told after it is newer.
   */
  async #fill(): Promise<void> {
    const { messenger } = this;
    const listed = messenger.conversations().then((all) => {
      this.conversations.value = new Map(all.map((each) => [each.id, each]));
    });
    const others = [
      messenger.people().then((all) => {
        this.people.value = new Map(all.map((each) => [each.account, each]));
      }),
      messenger.alarms().then((alarms) => {
        this.alarms.value = alarms;
      }),
      messenger.connection().then((connection) => {
        this.connection.value = connection;
      }),
      messenger.settings().then((settings) => {
        this.settings.value = settings;
      }),
    ];
    this.#rest = Promise.all(others.map((each) => this.attempt(each)));
    await listed;
  }

  #clear(): void {
    this.conversations.value = new Map();
    this.people.value = new Map();
    this.alarms.value = [];
    this.typing.value = new Map();
    this.transfers.value = new Map();
    this.problem.value = null;
    this.#timeline = null;
  }

  #hear(event: MessengerEvent): void {
    switch (event.kind) {
      case "status":
        return void this.#enter(event.status).catch((problem: unknown) => {
          if (!isLocked(problem)) throw problem;
        });
      case "connection":
        this.connection.value = event.connection;
        // What only the connection prevented can be tried again.
        if (event.connection.up && this.problem.value?.code === "server-unreachable")
          this.problem.value = null;
        return;
      case "conversation":
        this.conversations.value = having(
          this.conversations.value,
          event.conversation.id,
          event.conversation,
        );
        return;
      case "conversation-gone":
        this.conversations.value = lacking(this.conversations.value, event.conversation);
        return;
      case "message":
        this.#timeline?.take(event.message, event.fresh);
        if (event.fresh && !event.message.mine && !this.isBlocked(event.message.author)) {
          this.#setTyping(event.message.conversation, event.message.author ?? "", "", false);
          this.#speakMessage(event.message.conversation, event.message.authorName);
          void announce(this, event.message);
        }
        return;
      case "history":
        if (this.#timeline?.conversation === event.conversation) void this.#timeline.open(null);
        return;
      case "message-gone":
        this.#timeline?.drop(event.conversation, event.id);
        return;
      case "typing":
        if (this.isBlocked(event.account)) return;
        this.#setTyping(event.conversation, event.account, event.name, event.active);
        return;
      case "person":
        this.people.value = having(this.people.value, event.person.account, event.person);
        return;
      case "members":
        this.membersChanged.value += 1;
        return;
      case "transfer":
        this.transfers.value =
          event.done >= event.total
            ? lacking(this.transfers.value, event.message)
            : having(this.transfers.value, event.message, event);
        return;
      case "progress":
        this.progress.value = event.step === "done" ? null : event;
        return;
      case "devices":
        this.devicesChanged.value += 1;
        return;
      case "alarm":
        this.alarms.value = [
          ...this.alarms.value.filter((each) => each.id !== event.alarm.id),
          event.alarm,
        ];
        return;
      case "alarm-gone":
        this.alarms.value = this.alarms.value.filter((each) => each.id !== event.id);
        return;
      case "trust":
        this.trustChanged.value += 1;
        return;
      case "settings":
        this.settings.value = event.settings;
    }
  }

  async #enter(status: Status): Promise<void> {
    this.#entered += 1;
    const entered = this.#entered;
    if (status.state === "open" && this.status.value?.state !== "open") await this.#fill();
    // What was heard in the meantime is newer.
    if (entered !== this.#entered) return;
    if (status.state !== "open") this.#clear();
    if (this.status.value?.state === "open") this.wasOpen = true;
    this.status.value = status;
  }

  #setTyping(conversation: string, account: string, name: string, active: boolean): void {
    const key = `${conversation}/${account}`;
    clearTimeout(this.#typingEnds.get(key));
    this.#typingEnds.delete(key);
    const there = this.typing.value.get(conversation) ?? new Map<string, string>();
    if (!active && !there.has(account)) return;
    const next = active ? having(there, account, name) : lacking(there, account);
    this.typing.value =
      next.size === 0
        ? lacking(this.typing.value, conversation)
        : having(this.typing.value, conversation, next);
    if (!active) return;
    const end = () => this.#setTyping(conversation, account, name, false);
    this.#typingEnds.set(key, setTimeout(end, TYPING_MS));
  }

  #speakMessage(conversation: string, author: string): void {
    if (this.conversation(conversation)?.muted) return;
    const words = this.words.value;
    this.spoken.value = words.conversation.newFrom(
      conversation === SERVICE ? words.list.service : author,
    );
  }
}

/** Whether something was refused because no vault is open. */
function isLocked(problem: unknown): boolean {
  return problem instanceof MessengerRefused && problem.facts.code === "vault-missing";
}

function having<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): Map<K, V> {
  return new Map(map).set(key, value);
}

function lacking<K, V>(map: ReadonlyMap<K, V>, key: K): Map<K, V> {
  const next = new Map(map);
  next.delete(key);
  return next;
}
