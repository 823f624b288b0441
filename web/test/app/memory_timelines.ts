/** Conversations and messages of a messenger in memory. */

import type {
  Conversation,
  ConversationCalls,
  Draft,
  Hit,
  Mention,
  Message,
  MessageCalls,
  Outgoing,
  Page,
  PageWanted,
} from "../../src/messenger.ts";
import { drawLarge, makeTone } from "./drawings.ts";
import { MemoryState, pause, refuse } from "./memory_state.ts";

export class MemoryTimelines extends MemoryState implements ConversationCalls, MessageCalls {
  // --- conversations -----------------------------------------------------------------------

  async conversations(): Promise<readonly Conversation[]> {
    return [...this.list.values()];
  }

  async startDirect(account: string): Promise<string> {
    const found = [...this.list.values()].find((each) => each.peer === account);
    if (found !== undefined) return found.id;
    const person = this.persons.get(account) ?? refuse("unknown-account");
    return this.found({ kind: "direct", name: person.name, peer: account });
  }

  async startGroup(wish: {
    name: string;
    picture: Uint8Array | null;
    accounts: readonly string[];
  }): Promise<string> {
    const { name, picture } = wish;
    return this.found({
      kind: "group",
      name,
      picture,
      members: wish.accounts.length + 1,
      role: "admin",
    });
  }

  async setDraft(conversation: string, draft: Draft | null): Promise<void> {
    this.alter(conversation, { draft });
  }

  async setPinned(conversation: string, pinned: boolean): Promise<void> {
    this.alter(conversation, { pinned });
  }

  async setMuted(conversation: string, muted: boolean): Promise<void> {
    this.alter(conversation, { muted });
  }

  async setTimer(conversation: string, seconds: number): Promise<void> {
    this.alter(conversation, { timerSeconds: seconds });
  }

  async markRead(conversation: string, at: number): Promise<void> {
    this.alter(conversation, { readAt: at, unread: 0, mentioned: false });
  }

  async setTyping(conversation: string, active: boolean): Promise<void> {
    this.asked.push({ what: "setTyping", with: [conversation, active] });
  }

  async setHere(): Promise<void> {}

  async leave(conversation: string): Promise<void> {
    this.alter(conversation, { state: "left" });
  }

  async forget(conversation: string): Promise<void> {
    this.list.delete(conversation);
    this.tell({ kind: "conversation-gone", conversation });
  }

  // --- messages ----------------------------------------------------------------------------

  async messages(conversation: string, wanted: PageWanted, limit: number): Promise<Page> {
    const all = this.timelines.get(conversation) ?? [];
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
    const target = (this.timelines.get(conversation) ?? []).find(
      (each) => each.id === outgoing.replyTo,
    );
    const made: Message = {
      ...this.blank(conversation),
      state: this.link.up ? "sending" : "queued",
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
    this.put(made);
    if (this.link.up) {
      setTimeout(() => this.change({ ...made, state: "sent" }), 30);
      setTimeout(() => this.change({ ...made, state: "delivered" }), 90);
    }
    return made.id;
  }

  async edit(
    conversation: string,
    message: string,
    text: string,
    mentions: readonly Mention[],
  ): Promise<void> {
    this.change({
      ...this.find(conversation, message),
      body: { kind: "text", text, mentions },
      edited: true,
    });
  }

  async remove(conversation: string, message: string): Promise<void> {
    this.change({
      ...this.find(conversation, message),
      body: { kind: "deleted" },
      reactions: [],
    });
  }

  async react(conversation: string, message: string, mark: string): Promise<void> {
    const old = this.find(conversation, message);
    const others = old.reactions.filter((each) => !each.mine);
    const reactions = mark === "" ? others : [...others, { mark, names: ["Noa"], mine: true }];
    this.change({ ...old, reactions });
  }

  async retry(conversation: string, message: string): Promise<void> {
    this.change({ ...this.find(conversation, message), state: "sent", refusal: null });
  }

  async discard(conversation: string, message: string): Promise<void> {
    const all = this.timelines.get(conversation) ?? [];
    this.timelines.set(
      conversation,
      all.filter((each) => each.id !== message),
    );
    this.tell({ kind: "message-gone", conversation, id: message });
  }

  async openFile(conversation: string, message: string): Promise<Blob> {
    const { body } = this.find(conversation, message);
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
    for (const [id, all] of this.timelines) {
      if (within !== null && id !== within) continue;
      for (const message of all) {
        if (!("text" in message.body) || (before !== null && message.timeMs >= before)) continue;
        const start = message.body.text.toLocaleLowerCase().indexOf(wanted);
        if (start < 0) continue;
        const conversationName = this.list.get(id)?.name ?? "";
        hits.push({ message, conversationName, ranges: [[start, start + wanted.length]] });
      }
    }
    hits.sort((a, b) => b.message.timeMs - a.message.timeMs);
    return { hits: hits.slice(0, limit), more: hits.length > limit };
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
