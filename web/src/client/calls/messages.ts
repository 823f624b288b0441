/** Messages: read, sent, changed, searched, with their files. */

import * as m from "../../messenger.ts";
import { hex, unhex, utf8 } from "../../protocol/encoding.ts";
import { WireRefused } from "../../protocol/errors.ts";
import type { Opened } from "../holder.ts";

export class MessageCalls implements m.MessageCalls {
  readonly #open: Opened;

  constructor(open: Opened) {
    this.#open = open;
  }

  async messages(conversation: string, wanted: m.PageWanted, limit: number): Promise<m.Page> {
    return this.#open().chronicle.pages.page(conversation, wanted, limit);
  }

  async send(conversation: string, outgoing: m.Outgoing): Promise<string> {
    const { core, sending, files, session } = this.#open();
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
    if (file !== undefined && session.up) files.upload();
    session.tellConnectionNow();
    return id;
  }

  async edit(conversation: string, message: string, text: string): Promise<void> {
    await this.#open().say(conversation, {
      kind: "Edit",
      target: unhex(message),
      content: utf8(text),
    });
  }

  async remove(conversation: string, message: string): Promise<void> {
    await this.#open().say(conversation, { kind: "Delete", target: unhex(message) });
  }

  async react(conversation: string, message: string, mark: string): Promise<void> {
    await this.#open().say(conversation, {
      kind: "Reaction",
      target: unhex(message),
      mark: utf8(mark),
    });
  }

  async retry(_conversation: string, message: string): Promise<void> {
    const { core, sending, files } = this.#open();
    await core.alone(() => sending.retry(message));
    files.upload();
  }

  async discard(conversation: string, message: string): Promise<void> {
    const { core, outbox, files, session } = this.#open();
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
    session.tellConnectionNow();
  }

  async openFile(conversation: string, message: string): Promise<Blob> {
    const { chronicle, outbox, files } = this.#open();
    const found = await chronicle.pages.find(conversation, message);
    const record = found?.record ?? files.read(outbox.find(message)?.record);
    if (record?.kind !== "Attachment" && record?.kind !== "Media") {
      throw new WireRefused("not-found");
    }
    return files.open(record, conversation, message);
  }

  async cancelTransfer(_conversation: string, message: string): Promise<void> {
    this.#open().files.cancel(message);
  }

  async receipts(conversation: string, message: string) {
    const { chronicle, marks, people, core } = this.#open();
    const own = hex(core.account);
    const at = await chronicle.timeline.place(conversation, message);
    return chronicle.views
      .of(conversation)
      .members.filter((account) => account !== own)
      .map((account) => ({
        name: people.name(account),
        state: at === undefined ? ("sent" as const) : marks.stateOf(conversation, account, at),
      }));
  }

  async search(words: string, within: string | null, before: number | null, limit: number) {
    const { chronicle } = this.#open();
    const names = within === null ? chronicle.views.all().map((one) => one.id) : [within];
    const hits: m.Hit[] = [];
    if (words.trim() === "") return { hits, more: false };
    for (const name of names) {
      const conversationName = chronicle.views.conversation(name).name;
      for (const found of await chronicle.pages.search(name, words.trim(), before, limit)) {
        hits.push({ ...found, conversationName });
      }
    }
    hits.sort((a, b) => b.message.timeMs - a.message.timeMs);
    return { hits: hits.slice(0, limit), more: hits.length > limit };
  }
}
