/** Groups: their members, names, links, and who asks to come in. */

import type * as m from "../../messenger.ts";
import { equalBytes, unhex } from "../../protocol/encoding.ts";
import { AddPolicy } from "../../protocol/group_rules.ts";
import type { Opened } from "../holder.ts";

export class GroupCalls implements m.GroupCalls {
  readonly #open: Opened;

  constructor(open: Opened) {
    this.#open = open;
  }

  async members(conversation: string): Promise<readonly m.Member[]> {
    const { chronicle, people } = this.#open();
    const { members, admins } = chronicle.views.of(conversation);
    return members.map((account) => ({
      person: people.person(account),
      role: admins.includes(account) ? "admin" : "member",
    }));
  }

  async addMembers(conversation: string, accounts: readonly string[]): Promise<void> {
    const { core, changes } = this.#open();
    await changes.add(core.room(conversation), accounts.map(unhex));
    await this.#open().tellNewcomers(conversation);
  }

  async removeMember(conversation: string, account: string): Promise<void> {
    const { core, changes } = this.#open();
    await changes.remove(core.room(conversation), [unhex(account)]);
  }

  async setRole(conversation: string, account: string, role: m.Role): Promise<void> {
    const { core, changes } = this.#open();
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
    const { core, changes, chronicle } = this.#open();
    const { addPolicy } = change;
    if (addPolicy !== undefined) {
      const value = addPolicy === "members" ? AddPolicy.MEMBERS : AddPolicy.ADMINS;
      await changes.setRules(core.room(conversation), (now) => ({ ...now, addPolicy: value }));
    }
    if (change.name !== undefined || change.picture !== undefined) {
      const view = chronicle.views.of(conversation);
      const picture = change.picture === undefined ? view.picture : change.picture;
      await this.#open().sayDetails(conversation, change.name ?? view.name, picture);
    }
  }

  async groupLink(conversation: string): Promise<m.GroupLink | null> {
    return this.#open().links.find(conversation);
  }

  async makeGroupLink(conversation: string, atOnce: boolean): Promise<m.GroupLink> {
    const { core, links } = this.#open();
    return core.alone(() => links.make(conversation, atOnce));
  }

  async revokeGroupLink(conversation: string): Promise<void> {
    const { core, links } = this.#open();
    return core.alone(() => links.revoke(conversation));
  }

  async askToJoin(text: string): Promise<void> {
    return this.#open().links.ask(text);
  }

  async joinRequests(conversation: string): Promise<readonly m.JoinRequest[]> {
    return this.#open().links.requests(conversation);
  }

  async answerJoinRequest(conversation: string, account: string, accept: boolean): Promise<void> {
    return this.#open().links.answer(conversation, account, accept);
  }
}
