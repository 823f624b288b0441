/** Conversations as a whole: begun, noted, read, left. */

import * as m from "../../messenger.ts";
import { setTimer } from "../../protocol/api.ts";
import { unhex } from "../../protocol/encoding.ts";
import { ConversationKind } from "../../protocol/group_rules.ts";
import type { Opened } from "../holder.ts";
import type { Preferences } from "../preferences.ts";

export class ConversationCalls implements m.ConversationCalls {
  readonly #open: Opened;
  readonly #preferences: Preferences;

  constructor(open: Opened, preferences: Preferences) {
    this.#open = open;
    this.#preferences = preferences;
  }

  async conversations(): Promise<readonly m.Conversation[]> {
    return this.#open().chronicle.views.all();
  }

  async startDirect(account: string): Promise<string> {
    const { chronicle, changes, core } = this.#open();
    const found = chronicle.views
      .all()
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
    const { changes } = this.#open();
    const room = await changes.create(wish.accounts.map(unhex), ConversationKind.GROUP);
    await this.#open().sayDetails(room.name, wish.name, wish.picture);
    await this.#defaultTimer(room.name);
    return room.name;
  }

  async setDraft(conversation: string, draft: m.Draft | null): Promise<void> {
    return this.#note(conversation, { draft });
  }

  async setPinned(conversation: string, pinned: boolean): Promise<void> {
    return this.#note(conversation, { pinned });
  }

  async setMuted(conversation: string, muted: boolean): Promise<void> {
    return this.#note(conversation, { muted });
  }

  async setTimer(conversation: string, seconds: number): Promise<void> {
    const { core, sending } = this.#open();
    const room = core.room(conversation);
    await core.http.put("PUT", `/v1/conversations/${conversation}/timer`, setTimer, {
      timerMs: seconds * 1000,
    });
    await core.alone(() => sending.send(room, { kind: "Timer", seconds }));
  }

  async markRead(conversation: string, at: number): Promise<void> {
    const { core, chronicle, marks } = this.#open();
    await core.alone(async () => {
      const moved = await chronicle.markRead(conversation, at);
      await core.flush();
      const room = core.rooms.get(conversation);
      if (moved && room !== undefined) marks.moved(room);
    });
  }

  async setTyping(conversation: string, active: boolean): Promise<void> {
    const { core, marks } = this.#open();
    const room = core.rooms.get(conversation);
    if (room !== undefined) await marks.type(room, active);
  }

  async leave(conversation: string): Promise<void> {
    const { core, changes } = this.#open();
    await changes.leave(core.room(conversation));
  }

  async forget(conversation: string): Promise<void> {
    const { core, chronicle } = this.#open();
    if (core.rooms.get(conversation)?.status === "member") {
      throw new m.MessengerRefused({ code: "not-allowed", detail: "leave it first" });
    }
    await core.alone(async () => {
      await chronicle.forget(conversation);
      await core.flush();
    });
  }

  async #note(
    conversation: string,
    change: Partial<Pick<m.Conversation, "draft" | "muted" | "pinned">>,
  ): Promise<void> {
    const { core, chronicle } = this.#open();
    await core.alone(async () => {
      chronicle.views.change(conversation, change);
      await core.flush();
    });
  }

  async #defaultTimer(conversation: string): Promise<void> {
    const { defaultTimerSeconds } = this.#preferences.settings;
    if (defaultTimerSeconds > 0) await this.setTimer(conversation, defaultTimerSeconds);
  }
}
