/** Links into groups: those that this device made, who asks by them, and asking oneself (spec G-20). */

import type { GroupLink as LinkFacts, JoinRequest as RequestFacts } from "../messenger.ts";
import { sendMail } from "../protocol/api.ts";
import { hex, Reader, unhex, utf8 } from "../protocol/encoding.ts";
import { GroupRefused, KeyLogRefused, WireRefused } from "../protocol/errors.ts";
import type { FromServerOf } from "../protocol/frames.ts";
import * as protocol from "../protocol/group_link.ts";
import {
  ACCOUNT_SIZE,
  type AccountId,
  DEVICE_SIZE,
  type DeviceId,
} from "../protocol/identifiers.ts";
import * as limits from "../protocol/limits.ts";
import type { Changes } from "./changes.ts";
import type { Chronicle } from "./chronicle.ts";
import type { Core } from "./core.ts";
import { asRefusal } from "./groups.ts";
import { unpack } from "./pack.ts";
import type { People } from "./people.ts";
import { put } from "./vault.ts";

const LINK_DAYS_MS = 30 * 86_400_000;

/** A link that this device made, as the vault keeps it; `atOnce` admits without a person's word. */
interface Kept {
  readonly secret: Uint8Array;
  readonly name: Uint8Array;
  readonly madeMs: number;
  readonly expiresMs: number;
  readonly atOnce: boolean;
}

/** Who asked for a group last: when, and whether that was answered. */
interface Asked {
  readonly timeMs: number;
  readonly answered: boolean;
}

export class Links {
  readonly #core: Core;
  readonly #chronicle: Chronicle;
  readonly #people: People;
  readonly #changes: Changes;
  readonly #links = new Map<string, Kept>();
  readonly #asked = new Map<string, Map<string, Asked>>();

  constructor(core: Core, chronicle: Chronicle, people: People, changes: Changes) {
    this.#core = core;
    this.#chronicle = chronicle;
    this.#people = people;
    this.#changes = changes;
    chronicle.views.asking = (name) => this.#waiting(name).length;
  }

  async load(): Promise<void> {
    const { vault } = this.#core;
    for (const [row, value] of await vault.list(["link"])) {
      this.#links.set(String(row[1]), unpack<Kept>(value));
    }
    for (const [row, value] of await vault.list(["asked"])) {
      this.#askedFor(String(row[1])).set(String(row[2]), unpack<Asked>(value));
    }
  }

  // --- one's own links ---------------------------------------------------------------------

  find(name: string): LinkFacts | null {
    const kept = this.#links.get(name);
    if (kept === undefined || kept.expiresMs < this.#core.clock()) return null;
    const { madeMs, expiresMs, atOnce } = kept;
    const text = protocol.encodeGroupLink(this.#link(name, kept));
    return { text, madeMs, expiresMs, atOnce };
  }

  /** Makes a link in place of an older one. Throws GroupRefused(not-allowed). */
  async make(name: string, atOnce: boolean): Promise<LinkFacts> {
    const core = this.#core;
    if (!this.#rules(name)) throw new GroupRefused("not-allowed", "administrators make links");
    const madeMs = core.clock();
    const secret = core.random(protocol.SECRET_SIZE);
    const shown = shorten(this.#chronicle.views.conversation(name).name);
    const expiresMs = madeMs + LINK_DAYS_MS;
    const kept: Kept = { secret, name: shown, madeMs, expiresMs, atOnce };
    this.#links.set(name, kept);
    core.write(put(["link", name], kept));
    await core.flush();
    return this.find(name) as LinkFacts;
  }

  /** The link's line with an invitation in it, for one newcomer. */
  async withInvitation(
    name: string,
    newcomer: NonNullable<protocol.GroupLink["newcomer"]>,
  ): Promise<string> {
    if (this.find(name) === null) await this.make(name, false);
    const kept = this.#links.get(name) as Kept;
    return protocol.encodeGroupLink({ ...this.#link(name, kept), newcomer });
  }

  async revoke(name: string): Promise<void> {
    this.#links.delete(name);
    this.#core.write([["link", name], undefined]);
    await this.#core.flush();
  }

  #link(name: string, kept: Kept): protocol.GroupLink {
    const { account, device, deployment, identity } = this.#core;
    const { secret, expiresMs } = kept;
    const who = { deployment, conversation: unhex(name), inviter: account, device };
    const { address } = identity;
    return { address, ...who, expiresMs, secret, name: kept.name, newcomer: null };
  }

  // --- asking ------------------------------------------------------------------------------

  /** Asks to be let into a link's group. Throws Malformed, GroupRefused, WireRefused. */
  async ask(text: string): Promise<void> {
    const core = this.#core;
    const link = protocol.decodeGroupLink(text);
    if (hex(link.deployment) !== hex(core.deployment)) {
      throw new WireRefused("not-found", "a group of another deployment");
    }
    const now = core.clock();
    if (link.expiresMs < now) throw new GroupRefused("invitation-expired", "the group's link");
    const room = core.rooms.get(hex(link.conversation));
    if (room !== undefined && room.status !== "left") {
      throw new GroupRefused("group-duplicate", "already in this group");
    }
    const { account, device, key } = core;
    const request = protocol.makeJoinRequest(link, account, device, key.sign, now);
    const sealed = protocol.encodeJoinRequest(request);
    const wish = { account: link.inviter, device: link.device, sealed };
    await core.http.put("POST", "/v1/mail", sendMail, wish);
  }

  // --- being asked -------------------------------------------------------------------------

  requests(name: string): RequestFacts[] {
    return this.#waiting(name).map(([account, { timeMs }]) => ({
      person: this.#people.person(account),
      timeMs,
    }));
  }

  /** Takes what another account's device sent; the caller flushes. Throws WireRefused. */
  async take(mail: FromServerOf<"Mail">): Promise<void> {
    try {
      await this.#take(mail.payload);
    } catch (problem) {
      const refusal = asRefusal(problem);
      // What does not count is dropped (spec G-22); without the server it comes again.
      if (refusal instanceof WireRefused) throw refusal;
    }
  }

  async #take(payload: Uint8Array): Promise<void> {
    const core = this.#core;
    const reader = new Reader(payload);
    const account = reader.take(ACCOUNT_SIZE);
    const device = reader.take(DEVICE_SIZE);
    const request = protocol.decodeJoinRequest(reader.rest());
    for (const [name, kept] of this.#links) {
      const link = this.#link(name, kept);
      if (!protocol.opensLink(request, link, account, device)) continue;
      const sender = { account, device, key: await this.#keyOf(account, device) };
      const who = hex(account);
      const before = this.#askedFor(name).get(who);
      protocol.checkJoinRequest(request, link, sender, {
        answeredMs: before?.answered ? before.timeMs : 0,
        nowMs: core.clock(),
        skewMs: core.skewMs,
      });
      if (!this.#rules(name) || this.#people.isBlocked(who)) return;
      await this.#people.learn([who]);
      this.#note(name, who, { timeMs: request.timeMs, answered: false });
      if (kept.atOnce) setTimeout(() => void this.answer(name, who, true).catch(asRefusal));
      return;
    }
  }

  /** Lets somebody in who asked, or does not. */
  async answer(name: string, account: string, accept: boolean): Promise<void> {
    const core = this.#core;
    const asked = this.#askedFor(name).get(account);
    if (asked === undefined || asked.answered) throw new WireRefused("not-found");
    if (accept) await this.#changes.add(core.room(name), [unhex(account)]);
    await core.alone(async () => {
      this.#note(name, account, { ...asked, answered: true });
      await core.flush();
    });
    if (accept) await this.admitted(name);
  }

  /** Somebody came in: newcomers learn what the group is called (spec V-16). */
  admitted: (name: string) => Promise<void> = async () => undefined;

  async #keyOf(account: AccountId, device: DeviceId): Promise<Uint8Array> {
    const { monitor } = this.#core;
    const find = () => monitor.keyLog.currentDevice(account, device).key;
    try {
      return find();
    } catch (problem) {
      if (!(problem instanceof KeyLogRefused)) throw problem;
      await monitor.syncKeys();
      return find();
    }
  }

  #note(name: string, account: string, asked: Asked): void {
    this.#askedFor(name).set(account, asked);
    this.#core.write(put(["asked", name, account], asked));
    this.#chronicle.views.tell(name);
  }

  #askedFor(name: string): Map<string, Asked> {
    const found = this.#asked.get(name) ?? new Map<string, Asked>();
    this.#asked.set(name, found);
    return found;
  }

  #waiting(name: string): [string, Asked][] {
    if (!this.#rules(name)) return [];
    const { members } = this.#chronicle.views.of(name);
    return [...this.#askedFor(name)].filter(
      ([account, asked]) =>
        !asked.answered && !members.includes(account) && !this.#people.isBlocked(account),
    );
  }

  #rules(name: string): boolean {
    const { kind, admins } = this.#chronicle.views.of(name);
    const member = this.#core.rooms.get(name)?.status === "member";
    return member && kind === "group" && admins.includes(hex(this.#core.account));
  }
}

/** A name cut to what a link has room for, between letters. */
function shorten(name: string): Uint8Array {
  let cut = "";
  for (const letter of name) {
    if (utf8(cut + letter).length > limits.GROUP_LINK_NAME) break;
    cut += letter;
  }
  return utf8(cut);
}
