/** One unlocked device: its parts, put together. */

import type { Me, MessengerEvent } from "../messenger.ts";
import { hex, utf8 } from "../protocol/encoding.ts";
import type { AnyRecord } from "../protocol/record.ts";
import { Alarms } from "./alarms.ts";
import { Amendments } from "./amendments.ts";
import { Changes } from "./changes.ts";
import { Chronicle } from "./chronicle.ts";
import { Core, type Identity } from "./core.ts";
import { publishPackages } from "./enrolment.ts";
import { Expiry } from "./expiry.ts";
import { Files } from "./files.ts";
import type { Http } from "./http.ts";
import { Joining } from "./joining.ts";
import { Links } from "./links.ts";
import { Marks } from "./marks.ts";
import type { Monitor } from "./monitor.ts";
import { Notices } from "./notices.ts";
import { Outbox } from "./outbox.ts";
import { People } from "./people.ts";
import { Presence } from "./presence.ts";
import { Sending } from "./sending.ts";
import { Session } from "./session.ts";
import { Siblings } from "./siblings.ts";
import { Sync } from "./sync.ts";
import type { Vault } from "./vault.ts";

export class Device {
  readonly core: Core;
  readonly people: People;
  readonly chronicle: Chronicle;
  readonly outbox: Outbox;
  readonly alarms: Alarms;
  readonly sending: Sending;
  readonly changes: Changes;
  readonly marks: Marks;
  readonly presence: Presence;
  readonly notices: Notices;
  readonly siblings: Siblings;
  readonly links: Links;
  readonly amendments: Amendments;
  readonly files: Files;
  readonly session: Session;
  readonly #expiry: Expiry;

  private constructor(core: Core) {
    this.core = core;
    this.people = new People(core);
    this.chronicle = new Chronicle(core, this.people);
    this.outbox = new Outbox(core, this.chronicle);
    this.alarms = new Alarms(core, this.people);
    this.marks = new Marks(core, this.chronicle, this.people);
    this.presence = new Presence(core, this.chronicle, this.people);
    this.notices = new Notices(core, this.chronicle);
    this.amendments = new Amendments(core, this.chronicle);
    const sync = new Sync(core, this.chronicle, this.people, this.outbox, this.alarms);
    this.sending = new Sending(core, sync, this.outbox, (frames) => this.session.push(frames));
    this.files = new Files(core, this.outbox, this.sending);
    const catchUp = (room: Parameters<Session["catchUp"]>[0]) => this.session.catchUp(room);
    const joining = new Joining(core, this.chronicle, this.people, catchUp);
    this.changes = new Changes(core, this.chronicle, joining, catchUp);
    this.links = new Links(core, this.chronicle, this.people, this.changes);
    const { chronicle, outbox, sending, changes, marks, notices, links, alarms } = this;
    const parts = { core, chronicle, outbox, sync, sending, joining, changes, marks, notices };
    const { people, presence } = this;
    this.siblings = new Siblings(core, { chronicle, people, changes, alarms });
    alarms.nameOf = (device) => this.siblings.devices.name(device);
    const { siblings, amendments, files } = this;
    this.session = new Session({ ...parts, presence, links, alarms, siblings, amendments, files });
    links.admitted = (conversation) => this.tellNewcomers(conversation);
    this.#expiry = new Expiry(core, chronicle);
    chronicle.timeline.expires = (timeMs) => this.#expiry.at(timeMs);
    sending.isHeld = (room) => {
      const changed = people.changed(chronicle.views.of(room.name).members);
      for (const account of changed) alarms.askAbout(account);
      return changed.length > 0;
    };
    core.flushed = () => chronicle.timeline.flushed();
    chronicle.showing.reached = (name, sequence) => marks.state(name, sequence);
    this.presence.whisper = (room, record) => sending.whisper(room, record);
    marks.whisper = (room, record) => sending.whisper(room, record);
    marks.changed = (name) => void chronicle.pages.tellReached(name);
  }

  /** Loads a device from its vault; a fresh one publishes its key packages. */
  static async begin(
    vault: Vault,
    http: Http,
    monitor: Monitor,
    identity: Identity,
    fresh: boolean,
    hear: (event: MessengerEvent) => void,
  ): Promise<Device> {
    const core = new Core(vault, http, monitor, identity, hear);
    const device = new Device(core);
    const { people, chronicle, outbox, alarms, siblings, links, presence } = device;
    const parts = [people, chronicle.views, outbox, alarms, siblings, links, presence];
    // Each reads rows of its own.
    const [lastResort] = await Promise.all([
      vault.read(["fact", "last-resort"]),
      core.loadRooms(),
      ...parts.map((part) => part.load()),
    ]);
    if (!fresh) core.logs.areKept();
    core.keepLogs();
    if (lastResort === undefined) await publishPackages(core);
    await core.flush();
    return device;
  }

  get me(): Me {
    const { account, device, identity, monitor } = this.core;
    const deployment = monitor.charter.terms.name;
    return { account: hex(account), device: hex(device), handle: identity.handle, deployment };
  }

  /** Sends a record into a conversation, and tells what waits for the connection now. */
  async say(conversation: string, record: AnyRecord): Promise<void> {
    const { core, sending, session } = this;
    await core.alone(() => sending.send(core.room(conversation), record));
    session.tellConnectionNow();
  }

  /** Says what a group is called and looks like (spec V-16). */
  sayDetails(conversation: string, name: string, picture: Uint8Array | null): Promise<void> {
    const data = { name: utf8(name), picture: picture ?? new Uint8Array() };
    return this.say(conversation, { kind: "Details", ...data });
  }

  /** Newcomers learn what the conversation is called (spec V-16). */
  async tellNewcomers(conversation: string): Promise<void> {
    const { name, picture, admins } = this.chronicle.views.of(conversation);
    if (name !== "" && admins.includes(hex(this.core.account))) {
      await this.sayDetails(conversation, name, picture);
    }
  }

  /** Ends what runs; the vault stays open. */
  async stop(): Promise<void> {
    this.marks.stop();
    await this.presence.stop();
    this.#expiry.stop();
    this.files.stop();
    await this.session.close();
  }

  async close(): Promise<void> {
    await this.stop();
    this.core.vault.close();
  }
}
