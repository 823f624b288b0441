/** The messages of the open conversation that are loaded: one stretch without holes. */

import { type Signal, signal } from "@preact/signals";
import type { Message, Messenger, Page, Quote } from "../messenger.ts";

const PAGE = 120;

export class Timeline {
  readonly conversation: string;
  /** Ascending by `at`. A new array with each change. */
  readonly messages: Signal<readonly Message[]> = signal([]);
  readonly older = signal(false);
  readonly newer = signal(false);
  readonly ready = signal(false);
  /** Where the line "new messages" stands: fixed when the conversation is opened. */
  readonly unreadFrom: Signal<number | null> = signal(null);
  readonly #messenger: Messenger;
  #busy: Promise<void> | null = null;
  /** What was told while the first page was being loaded. */
  #early: (readonly [message: Message, fresh: boolean])[] = [];

  constructor(messenger: Messenger, conversation: string) {
    this.#messenger = messenger;
    this.conversation = conversation;
  }

  /** Loads the newest messages, those around one, or those from the first unread on. */
  async open(
    around: string | null,
    unread?: { readonly at: number; readonly count: number },
  ): Promise<void> {
    const far = unread !== undefined && unread.count > PAGE / 2;
    const wanted =
      around !== null
        ? { from: "around" as const, id: around }
        : far
          ? { from: "after" as const, at: unread.at }
          : { from: "end" as const };
    const page = await this.#messenger.messages(this.conversation, wanted, PAGE);
    this.#set(page.messages, page);
    if (far) await this.loadOlder();
    this.ready.value = true;
    for (const [message, fresh] of this.#early.splice(0)) this.take(message, fresh);
  }

  has(id: string): boolean {
    return this.messages.value.some((each) => each.id === id);
  }

  /** Loads what comes before; a second call while one is under way is that one. */
  loadOlder(): Promise<void> {
    const [first] = this.messages.value;
    if (first === undefined || !this.older.value) return Promise.resolve();
    return this.#once(async () => {
      const page = await this.#page({ from: "before", at: first.at });
      this.messages.value = [...page.messages, ...this.messages.value];
      this.older.value = page.older;
    });
  }

  /** Loads what comes after, where the loaded stretch ends before the newest. */
  loadNewer(): Promise<void> {
    const last = this.messages.value.at(-1);
    if (last === undefined || !this.newer.value) return Promise.resolve();
    return this.#once(async () => {
      const page = await this.#page({ from: "after", at: last.at });
      this.messages.value = [...this.messages.value, ...page.messages];
      this.newer.value = page.newer;
    });
  }

  /** Takes in a message that is new or has changed. */
  take(message: Message, fresh: boolean): void {
    if (message.conversation !== this.conversation) return;
    if (!this.ready.value) {
      this.#early.push([message, fresh]);
      return;
    }
    const known = this.messages.value;
    const index = known.findIndex((each) => each.id === message.id);
    const before = known[index];
    if (before !== undefined && before.at === message.at) {
      this.messages.value = known.with(index, message);
      return;
    }
    // Beyond a hole: it comes when that is loaded.
    if (before === undefined && (!fresh || (this.newer.value && !message.mine))) return;
    const others = before === undefined ? known : known.toSpliced(index, 1);
    let place = others.length;
    while (place > 0 && (others[place - 1]?.at ?? 0) > message.at) place -= 1;
    this.messages.value = others.toSpliced(place, 0, message);
  }

  drop(conversation: string, id: string): void {
    if (conversation !== this.conversation) return;
    this.messages.value = this.messages.value
      .filter((each) => each.id !== id)
      .map((each) => (each.replyTo?.id === id ? withoutQuote(each, each.replyTo) : each));
  }

  #page(wanted: { from: "before" | "after"; at: number }): Promise<Page> {
    return this.#messenger.messages(this.conversation, wanted, PAGE);
  }

  #once(work: () => Promise<void>): Promise<void> {
    this.#busy ??= work().finally(() => {
      this.#busy = null;
    });
    return this.#busy;
  }

  #set(messages: readonly Message[], page: Page): void {
    this.messages.value = messages;
    this.older.value = page.older;
    this.newer.value = page.newer;
  }
}

/** What disappeared is not quoted any more either. */
function withoutQuote(message: Message, quote: Quote): Message {
  return { ...message, replyTo: { ...quote, kind: "missing", text: "" } };
}
