/** People: found, invited, verified, blocked. */

import type * as m from "../../messenger.ts";
import { equalBytes, hex, unhex } from "../../protocol/encoding.ts";
import { nameDevice } from "../../protocol/identifiers.ts";
import { encodeInvite, makeInvite } from "../../protocol/invite.ts";
import { asRefusal } from "../groups.ts";
import type { Opened } from "../holder.ts";

const INVITE_DAYS_MS = 7 * 86_400_000;

export class PeopleCalls implements m.PeopleCalls {
  readonly #origin: string;
  readonly #open: Opened;

  /** `origin`: where invites lead. */
  constructor(origin: string, open: Opened) {
    this.#origin = origin;
    this.#open = open;
  }

  async people(): Promise<readonly m.Person[]> {
    const { people } = this.#open();
    return people.accounts.flatMap((account) => {
      try {
        return [people.person(account)];
      } catch (problem) {
        asRefusal(problem);
        return [];
      }
    });
  }

  async person(account: string): Promise<m.Person> {
    return this.#open().people.person(account);
  }

  async findPerson(handle: string): Promise<m.Person> {
    const { people, core } = this.#open();
    const account = await people.find(handle);
    await core.alone(() => core.flush());
    return people.person(account);
  }

  async makeInvite(
    group: string | null,
  ): Promise<{ readonly text: string; readonly expiresMs: number }> {
    const { core, links } = this.#open();
    const expiresMs = core.clock() + INVITE_DAYS_MS;
    const invite = makeInvite(this.#origin, core.deployment, core.key.sign, core.random(32), {
      committee: core.monitor.keyLog.committee(core.account),
      expiresMs,
      inviter: core.account,
      inviterDevice: core.device,
    });
    const text = group === null ? encodeInvite(invite) : await links.withInvitation(group, invite);
    return { text, expiresMs };
  }

  async safety(account: string): Promise<m.SafetyFacts> {
    const { people, core } = this.#open();
    await core.monitor.syncKeys().catch(asRefusal);
    const code = people.code(account);
    const { keyLog } = core.monitor;
    return {
      account,
      digits: code.digits,
      qr: code.qr,
      verification: people.verification(account),
      sinceMs: people.sinceMs(account),
      devices: keyLog.account(unhex(account)).keys.map((key) => {
        const record = keyLog.device(nameDevice(key));
        return { id: hex(record.device), addedMs: Number(record.addedMs) };
      }),
    };
  }

  async setVerified(account: string, verified: boolean): Promise<void> {
    const { people, core, alarms, chronicle, sending } = this.#open();
    await core.alone(async () => {
      people.setVerified(account, verified);
      alarms.dismiss(`code-changed-${account}`);
      for (const one of chronicle.views.all()) {
        if (chronicle.views.of(one.id).members.includes(account)) chronicle.views.tell(one.id);
      }
      await core.flush();
      await sending.resumeAll();
    });
  }

  async scanSafety(account: string, scanned: Uint8Array): Promise<boolean> {
    const { people } = this.#open();
    const match = equalBytes(people.code(account).qr, scanned);
    if (match) await this.setVerified(account, true);
    return match;
  }

  async setBlocked(account: string, blocked: boolean): Promise<void> {
    const { people, core, chronicle } = this.#open();
    await core.alone(async () => {
      people.setBlocked(account, blocked);
      for (const { id } of chronicle.views.all()) {
        if (chronicle.views.of(id).members.includes(account)) chronicle.views.tell(id);
      }
      await core.flush();
    });
  }
}
