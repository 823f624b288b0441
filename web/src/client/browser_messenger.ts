/** The messenger of one device in a browser: what the interface asks, and which part answers. */

import type { Messenger, MessengerEvent } from "../messenger.ts";
import { ConversationCalls } from "./calls/conversations.ts";
import { DeviceCalls } from "./calls/devices.ts";
import { GroupCalls } from "./calls/groups.ts";
import { MessageCalls } from "./calls/messages.ts";
import { OwnDeviceCalls } from "./calls/own_device.ts";
import { PeopleCalls } from "./calls/people.ts";
import { SettingCalls } from "./calls/settings.ts";
import { TrustCalls } from "./calls/trust.ts";
import { Holder } from "./holder.ts";
import { Preferences } from "./preferences.ts";

type Call<Name extends keyof Messenger> = Messenger[Name];

export class BrowserMessenger implements Messenger {
  readonly #hearers = new Set<(event: MessengerEvent) => void>();
  readonly #ownDevice: OwnDeviceCalls;
  readonly #conversations: ConversationCalls;
  readonly #messages: MessageCalls;
  readonly #people: PeopleCalls;
  readonly #groups: GroupCalls;
  readonly #devices: DeviceCalls;
  readonly #trust: TrustCalls;
  readonly #settings: SettingCalls;

  /** `origin`: where the server is, which served this code. */
  constructor(origin: string) {
    const tell = (event: MessengerEvent) => {
      for (const hear of this.#hearers) hear(event);
    };
    const holder = new Holder(origin, tell);
    const open = () => holder.open;
    const preferences = new Preferences(tell);
    this.#ownDevice = new OwnDeviceCalls(origin, holder, tell);
    this.#conversations = new ConversationCalls(open, preferences);
    this.#messages = new MessageCalls(open);
    this.#people = new PeopleCalls(origin, open);
    this.#groups = new GroupCalls(open);
    this.#devices = new DeviceCalls(origin, open);
    this.#trust = new TrustCalls(holder);
    this.#settings = new SettingCalls(holder, preferences);
    holder.entered = async (device) => {
      await preferences.entered(device);
      await this.#trust.entered(device);
    };
  }

  listen(hear: (event: MessengerEvent) => void): () => void {
    this.#hearers.add(hear);
    return () => this.#hearers.delete(hear);
  }

  // the device
  readonly status: Call<"status"> = () => this.#ownDevice.status();
  readonly connection: Call<"connection"> = () => this.#ownDevice.connection();
  readonly readInvite: Call<"readInvite"> = (text) => this.#ownDevice.readInvite(text);
  readonly register: Call<"register"> = (registration) => this.#ownDevice.register(registration);
  readonly beginLinking: Call<"beginLinking"> = (link) => this.#ownDevice.beginLinking(link);
  readonly cancelLinking: Call<"cancelLinking"> = () => this.#ownDevice.cancelLinking();
  readonly unlock: Call<"unlock"> = (secret) => this.#ownDevice.unlock(secret);
  readonly lock: Call<"lock"> = () => this.#ownDevice.lock();
  readonly changeSecret: Call<"changeSecret"> = (old, fresh) =>
    this.#ownDevice.changeSecret(old, fresh);
  readonly erase: Call<"erase"> = () => this.#ownDevice.erase();
  readonly storage: Call<"storage"> = () => this.#ownDevice.storage();

  // conversations
  readonly conversations: Call<"conversations"> = () => this.#conversations.conversations();
  readonly startDirect: Call<"startDirect"> = (account) => this.#conversations.startDirect(account);
  readonly startGroup: Call<"startGroup"> = (wish) => this.#conversations.startGroup(wish);
  readonly setDraft: Call<"setDraft"> = (conversation, draft) =>
    this.#conversations.setDraft(conversation, draft);
  readonly setPinned: Call<"setPinned"> = (conversation, pinned) =>
    this.#conversations.setPinned(conversation, pinned);
  readonly setMuted: Call<"setMuted"> = (conversation, muted) =>
    this.#conversations.setMuted(conversation, muted);
  readonly setTimer: Call<"setTimer"> = (conversation, seconds) =>
    this.#conversations.setTimer(conversation, seconds);
  readonly markRead: Call<"markRead"> = (conversation, at) =>
    this.#conversations.markRead(conversation, at);
  readonly setTyping: Call<"setTyping"> = (conversation, active) =>
    this.#conversations.setTyping(conversation, active);
  readonly leave: Call<"leave"> = (conversation) => this.#conversations.leave(conversation);
  readonly forget: Call<"forget"> = (conversation) => this.#conversations.forget(conversation);

  // messages
  readonly messages: Call<"messages"> = (conversation, wanted, limit) =>
    this.#messages.messages(conversation, wanted, limit);
  readonly send: Call<"send"> = (conversation, outgoing) =>
    this.#messages.send(conversation, outgoing);
  readonly edit: Call<"edit"> = (conversation, message, text) =>
    this.#messages.edit(conversation, message, text);
  readonly remove: Call<"remove"> = (conversation, message) =>
    this.#messages.remove(conversation, message);
  readonly react: Call<"react"> = (conversation, message, mark) =>
    this.#messages.react(conversation, message, mark);
  readonly retry: Call<"retry"> = (conversation, message) =>
    this.#messages.retry(conversation, message);
  readonly discard: Call<"discard"> = (conversation, message) =>
    this.#messages.discard(conversation, message);
  readonly openFile: Call<"openFile"> = (conversation, message) =>
    this.#messages.openFile(conversation, message);
  readonly cancelTransfer: Call<"cancelTransfer"> = (conversation, message) =>
    this.#messages.cancelTransfer(conversation, message);
  readonly receipts: Call<"receipts"> = (conversation, message) =>
    this.#messages.receipts(conversation, message);
  readonly search: Call<"search"> = (words, within, before, limit) =>
    this.#messages.search(words, within, before, limit);

  // people
  readonly people: Call<"people"> = () => this.#people.people();
  readonly person: Call<"person"> = (account) => this.#people.person(account);
  readonly findPerson: Call<"findPerson"> = (handle) => this.#people.findPerson(handle);
  readonly makeInvite: Call<"makeInvite"> = (group) => this.#people.makeInvite(group);
  readonly safety: Call<"safety"> = (account) => this.#people.safety(account);
  readonly setVerified: Call<"setVerified"> = (account, verified) =>
    this.#people.setVerified(account, verified);
  readonly scanSafety: Call<"scanSafety"> = (account, scanned) =>
    this.#people.scanSafety(account, scanned);
  readonly setBlocked: Call<"setBlocked"> = (account, blocked) =>
    this.#people.setBlocked(account, blocked);

  // groups
  readonly members: Call<"members"> = (conversation) => this.#groups.members(conversation);
  readonly addMembers: Call<"addMembers"> = (conversation, accounts) =>
    this.#groups.addMembers(conversation, accounts);
  readonly removeMember: Call<"removeMember"> = (conversation, account) =>
    this.#groups.removeMember(conversation, account);
  readonly setRole: Call<"setRole"> = (conversation, account, role) =>
    this.#groups.setRole(conversation, account, role);
  readonly changeGroup: Call<"changeGroup"> = (conversation, change) =>
    this.#groups.changeGroup(conversation, change);
  readonly groupLink: Call<"groupLink"> = (conversation) => this.#groups.groupLink(conversation);
  readonly makeGroupLink: Call<"makeGroupLink"> = (conversation, atOnce) =>
    this.#groups.makeGroupLink(conversation, atOnce);
  readonly revokeGroupLink: Call<"revokeGroupLink"> = (conversation) =>
    this.#groups.revokeGroupLink(conversation);
  readonly askToJoin: Call<"askToJoin"> = (text) => this.#groups.askToJoin(text);
  readonly joinRequests: Call<"joinRequests"> = (conversation) =>
    this.#groups.joinRequests(conversation);
  readonly answerJoinRequest: Call<"answerJoinRequest"> = (conversation, account, accept) =>
    this.#groups.answerJoinRequest(conversation, account, accept);

  // devices
  readonly devices: Call<"devices"> = () => this.#devices.devices();
  readonly renameDevice: Call<"renameDevice"> = (device, name) =>
    this.#devices.renameDevice(device, name);
  readonly revokeDevice: Call<"revokeDevice"> = (device) => this.#devices.revokeDevice(device);
  readonly makeDeviceInvite: Call<"makeDeviceInvite"> = () => this.#devices.makeDeviceInvite();
  readonly readLinkRequest: Call<"readLinkRequest"> = (text) => this.#devices.readLinkRequest(text);
  readonly approveDevice: Call<"approveDevice"> = (text, history) =>
    this.#devices.approveDevice(text, history);

  // trust
  readonly trust: Call<"trust"> = () => this.#trust.trust();
  readonly noticeDocument: Call<"noticeDocument"> = (notice) => this.#trust.noticeDocument(notice);
  readonly alarms: Call<"alarms"> = () => this.#trust.alarms();
  readonly dismissAlarm: Call<"dismissAlarm"> = (id) => this.#trust.dismissAlarm(id);
  readonly bundleMet: Call<"bundleMet"> = (refused) => this.#trust.bundleMet(refused);
  readonly workerReplaced: Call<"workerReplaced"> = () => this.#trust.workerReplaced();

  // settings
  readonly settings: Call<"settings"> = () => this.#settings.settings();
  readonly changeSettings: Call<"changeSettings"> = (change) =>
    this.#settings.changeSettings(change);
  readonly pushKey: Call<"pushKey"> = () => this.#settings.pushKey();
  readonly setPush: Call<"setPush"> = (target) => this.#settings.setPush(target);
  readonly setHere: Call<"setHere"> = (here) => this.#settings.setHere(here);
}
