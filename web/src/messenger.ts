/**
 * The seam between the interface (`app/`) and what lies below it (`client/`).
 *
 * One `Messenger` is one device of one person. Every value is plain and structured-cloneable, every
 * method is asynchronous, so that it may live in a worker and be shared by the tabs of a device.
 *
 * - Ids are lower-case hex; times are ms since 1970 UTC; days are counts since 1970-01-01 UTC.
 * - Text that somebody else wrote has passed `display` of protocol/record (spec V-4). It is still
 *   text: the interface never takes it for markup, and isolates its direction.
 * - A method that is refused rejects with `MessengerRefused`; nothing was changed then.
 * - What a method changes is also told as an event, to every tab. After an event about a thing that
 *   it shows, the interface needs no second question: events carry the new whole value.
 */

// --- refusals --------------------------------------------------------------------------------

/** A named refusal: `code` is one of protocol/codes.ts; `detail` is for experts, never a secret. */
export interface RefusalFacts {
  readonly code: string;
  readonly detail: string;
}

/** What a refused method rejects with. A proxy over a worker makes it anew on this side. */
export class MessengerRefused extends Error {
  readonly facts: RefusalFacts;

  constructor(facts: RefusalFacts) {
    super(facts.detail === "" ? facts.code : `${facts.code} (${facts.detail})`);
    this.name = "MessengerRefused";
    this.facts = facts;
  }
}

// --- the device's state ----------------------------------------------------------------------

/**
 * What opens the local vault. WebAuthn needs a window, so the interface asks the passkey and hands
 * on its PRF output (32 bytes) for the salt; the messenger keeps credential id and salt in the open.
 */
export type Secret =
  | { readonly kind: "passphrase"; readonly passphrase: string }
  | {
      readonly kind: "passkey";
      readonly credential: Uint8Array;
      readonly salt: Uint8Array;
      readonly prf: Uint8Array;
    };

/** What unlocks the vault that is here: a passphrase, or the passkey of this credential and salt. */
export type Lock =
  | { readonly kind: "passphrase" }
  | { readonly kind: "passkey"; readonly credential: Uint8Array; readonly salt: Uint8Array };

/** Where this device stands. `linking`: it has asked an existing device to be let in, and waits. */
export type Status =
  | { readonly state: "empty" }
  | { readonly state: "locked"; readonly handle: string; readonly lock: Lock }
  | { readonly state: "linking"; readonly handle: string; readonly offer: LinkOffer }
  | { readonly state: "open"; readonly me: Me }
  | { readonly state: "broken"; readonly refusal: RefusalFacts };

/** Oneself: the account, and which of its devices this is. */
export interface Me {
  readonly account: string;
  readonly device: string;
  readonly handle: string;
  readonly deployment: string;
}

/** The stream: up, or down for a reason; `queued` messages wait for it. */
export interface Connection {
  readonly up: boolean;
  readonly refusal: RefusalFacts | null;
  readonly queued: number;
}

/** What an invite leads to, with the charter that it pins: shown before anybody registers. */
export interface InviteFacts {
  /** `account`: a new account. `device`: a further device of `handle`. `group`: a way into one. */
  readonly purpose: "account" | "device" | "group";
  readonly trust: Trust;
  readonly inviter: string | null;
  readonly handle: string | null;
  readonly group: { readonly name: string } | null;
  /** Whether an account can be made by it: a group's link may do without. */
  readonly registers: boolean;
  readonly expiresMs: number | null;
}

/** A wish to register with an invite's line. `handle` is at most 64 bytes in UTF-8. */
export interface Registration {
  readonly invite: string;
  readonly handle: string;
  readonly deviceName: string;
  readonly secret: Secret;
}

// --- people ----------------------------------------------------------------------------------

/** `changed`: it was verified, or known, and the keys are others now: say so before sending. */
export type Verification = "unverified" | "verified" | "changed";

/** Somebody, as the key log and their devices show them. */
export interface Person {
  readonly account: string;
  /** Unique in the deployment. */
  readonly handle: string;
  /** What to show; the handle where there is nothing else. */
  readonly name: string;
  readonly picture: Uint8Array | null;
  readonly verification: Verification;
  readonly devices: number;
  readonly committee: number;
  readonly presence: "here" | "away" | "unknown";
  readonly lastSeenMs: number | null;
  readonly blocked: boolean;
}

/** What two people compare: 12 groups of 5 digits, and 65 bytes to scan (spec Y-11). */
export interface SafetyFacts {
  readonly account: string;
  readonly digits: string;
  readonly qr: Uint8Array;
  readonly verification: Verification;
  /** When it was verified, or when it changed. */
  readonly sinceMs: number | null;
  readonly devices: readonly { readonly id: string; readonly addedMs: number }[];
}

// --- conversations ---------------------------------------------------------------------------

/** The conversation in which the service itself speaks: notices and charter changes. No composer. */
export const SERVICE = "service";

/** `direct`: two people. `group`: up to 1,000. `service`: what the deployment tells this account. */
export type ConversationKind = "direct" | "group" | "service";

export type Role = "admin" | "member";

/** One line of the conversation list; also the head of an open conversation. */
export interface Conversation {
  readonly id: string;
  readonly kind: ConversationKind;
  readonly name: string;
  readonly picture: Uint8Array | null;
  /** The other person of a direct conversation. */
  readonly peer: string | null;
  readonly members: number;
  readonly role: Role;
  /** Who may add people to a group. */
  readonly addPolicy: "admins" | "members";
  readonly preview: Preview | null;
  /** Time of the last thing that happened, for the order of the list. */
  readonly timeMs: number;
  readonly unread: number;
  /** Whether something unread mentions this person. */
  readonly mentioned: boolean;
  /** `at` up to which this person has read; where the line "new messages" goes. */
  readonly readAt: number;
  readonly draft: Draft | null;
  /** With somebody who is blocked, of two people: not listed, and silent. */
  readonly blocked: boolean;
  readonly muted: boolean;
  readonly pinned: boolean;
  /** Messages disappear after so many seconds; 0 for never. */
  readonly timerSeconds: number;
  /** `stopped`: the server let through what the rules refuse; see `refusal`. */
  readonly state: "member" | "left" | "stopped";
  readonly refusal: RefusalFacts | null;
  /** The other's, or the weakest of a group's. */
  readonly verification: Verification;
  /** How many wait to be let in by link; admins only. */
  readonly joinRequests: number;
}

/** The last message, short: `text` is at most 200 letters and empty where the kind says it all. */
export interface Preview {
  readonly author: string | null;
  readonly authorName: string;
  readonly mine: boolean;
  readonly kind: Body["kind"];
  readonly text: string;
  readonly state: SendState | null;
}

/** What stands in a composer and was not sent. */
export interface Draft {
  readonly text: string;
  readonly mentions: readonly Mention[];
  readonly replyTo: string | null;
  readonly editing: string | null;
}

/** Somebody is named in a text: UTF-16 offsets, `start` inclusive, `end` exclusive. */
export interface Mention {
  readonly start: number;
  readonly end: number;
  readonly account: string;
}

export interface Member {
  readonly person: Person;
  readonly role: Role;
}

/** A way into a group: whoever has it may ask, an admin's device lets in. */
export interface GroupLink {
  readonly text: string;
  readonly madeMs: number;
  readonly expiresMs: number | null;
  /** Whoever asks is let in without a person's word. */
  readonly atOnce: boolean;
}

export interface JoinRequest {
  readonly person: Person;
  readonly timeMs: number;
}

// --- messages --------------------------------------------------------------------------------

/**
 * Of one's own message. queued: no connection yet. sending: on its way. sent: the server has it.
 * delivered, read: by all others. failed: given up; see `refusal`; `retry` or `discard`.
 */
export type SendState = "queued" | "sending" | "sent" | "delivered" | "read" | "failed";

/** Something in a conversation's timeline. */
export interface Message {
  /** 32 hex digits; lines without a message id have one made from their place. */
  readonly id: string;
  readonly conversation: string;
  /** The place in the timeline: ascending, unique; one's own unsent messages are beyond all others. */
  readonly at: number;
  readonly timeMs: number;
  /** Null for lines of the system and of the service. */
  readonly author: string | null;
  readonly authorName: string;
  readonly mine: boolean;
  readonly state: SendState | null;
  readonly refusal: RefusalFacts | null;
  readonly body: Body;
  readonly replyTo: Quote | null;
  readonly edited: boolean;
  readonly reactions: readonly Reaction[];
  readonly mentionsMe: boolean;
  /** When it disappears here, if it does. */
  readonly expiresMs: number | null;
}

export type Body =
  | { readonly kind: "text"; readonly text: string; readonly mentions: readonly Mention[] }
  | {
      readonly kind: "picture";
      readonly file: FileFacts;
      readonly width: number;
      readonly height: number;
      /** A small JPEG or WebP of at most 16 KiB, from inside the record. */
      readonly thumbnail: Uint8Array | null;
      readonly text: string;
      readonly mentions: readonly Mention[];
    }
  | {
      readonly kind: "file";
      readonly file: FileFacts;
      readonly text: string;
      readonly mentions: readonly Mention[];
    }
  | {
      readonly kind: "voice";
      readonly file: FileFacts;
      readonly durationMs: number;
      /** Loudness from 0 to 255, some 48 steps. */
      readonly peaks: Uint8Array;
    }
  | { readonly kind: "deleted" }
  /** Refused by the receive rule: shown as such, with its reason and never its text. */
  | { readonly kind: "refused"; readonly refusal: RefusalFacts }
  | { readonly kind: "line"; readonly line: Line }
  | { readonly kind: "notice"; readonly notice: Notice };

export interface FileFacts {
  readonly name: string;
  readonly mediaType: string;
  readonly size: number;
  /** Whether `openFile` needs no network. */
  readonly local: boolean;
}

/** What a reply points to. `kind` "missing": it is not here (any more). */
export interface Quote {
  readonly id: string;
  readonly authorName: string;
  readonly mine: boolean;
  readonly kind: Body["kind"] | "missing";
  readonly text: string;
}

export interface Reaction {
  readonly mark: string;
  readonly names: readonly string[];
  readonly mine: boolean;
}

/** What happened to a conversation; names are for showing, accounts for asking. */
export type Line =
  | { readonly kind: "created"; readonly by: string }
  | { readonly kind: "joined"; readonly by: string; readonly missed: number }
  | { readonly kind: "added" | "removed"; readonly by: string; readonly names: readonly string[] }
  | { readonly kind: "left"; readonly by: string }
  | { readonly kind: "renamed"; readonly by: string; readonly name: string }
  | { readonly kind: "picture" | "settings"; readonly by: string }
  | { readonly kind: "role"; readonly by: string; readonly name: string; readonly role: Role }
  | { readonly kind: "timer"; readonly by: string; readonly seconds: number }
  | { readonly kind: "rejoined"; readonly by: string }
  /** What stands above came from another own device, which verified it; this one did not. */
  | { readonly kind: "handed-over"; readonly device: string; readonly count: number }
  | { readonly kind: "code-changed"; readonly name: string; readonly account: string }
  | { readonly kind: "verified"; readonly name: string; readonly account: string }
  | { readonly kind: "missed"; readonly count: number }
  | { readonly kind: "stopped"; readonly refusal: RefusalFacts }
  /** The rules of the deployment will change, or (`inForce`) have. */
  | ({ readonly kind: "amended"; readonly inForce: boolean } & Amendment)
  | { readonly kind: "notice-refused"; readonly refusal: RefusalFacts };

/** What `send` takes. The interface has made pictures small and stripped them of metadata. */
export type Outgoing =
  | {
      readonly kind: "text";
      readonly text: string;
      readonly mentions: readonly Mention[];
      readonly replyTo: string | null;
    }
  | {
      readonly kind: "file";
      readonly blob: Blob;
      readonly name: string;
      readonly mediaType: string;
      readonly text: string;
      readonly mentions: readonly Mention[];
      readonly replyTo: string | null;
      readonly picture: {
        readonly width: number;
        readonly height: number;
        readonly thumbnail: Uint8Array;
      } | null;
      readonly voice: { readonly durationMs: number; readonly peaks: Uint8Array } | null;
    };

/** Which messages: the newest, those beside a place (exclusive), or those around a message. */
export type PageWanted =
  | { readonly from: "end" }
  | { readonly from: "before"; readonly at: number }
  | { readonly from: "after"; readonly at: number }
  | { readonly from: "around"; readonly id: string };

/** Messages in ascending order of `at`, and whether there are more on either side. */
export interface Page {
  readonly messages: readonly Message[];
  readonly older: boolean;
  readonly newer: boolean;
}

export interface Hit {
  readonly message: Message;
  readonly conversationName: string;
  /** Where the words stand in the message's text, as UTF-16 offsets. */
  readonly ranges: readonly (readonly [number, number])[];
}

// --- devices ---------------------------------------------------------------------------------

export interface Device {
  readonly id: string;
  readonly name: string;
  readonly addedMs: number;
  /** The beginning of the UTC day on which it last connected; null where none is kept. */
  readonly lastSeenMs: number | null;
  /** This very device: the others name themselves. */
  readonly own: boolean;
  /** Who vouched for it in the key log: a device's name, or the inviter's handle. */
  readonly approvedBy: string;
  readonly revokedMs: number | null;
}

/** What a new device shows: a line as QR, and a code of 4 groups of 5 digits to compare. */
export interface LinkOffer {
  readonly text: string;
  readonly code: string;
}

/** What an existing device reads from that line. */
export interface LinkRequest {
  readonly device: string;
  readonly name: string;
  readonly code: string;
  readonly timeMs: number;
}

// --- trust: who can read this? ---------------------------------------------------------------

/** Everything on the honest page; all of it verified on this device. */
export interface Trust {
  readonly deployment: string;
  readonly name: string;
  readonly operator: string;
  readonly escrow: "threshold" | "none";
  readonly charter: {
    readonly sequence: number;
    readonly hash: string;
    readonly effectiveMs: number;
    readonly amendmentDelayMs: number;
    /** An amendment that is logged and will take effect. */
    readonly upcoming: Amendment | null;
    /** What took effect since the founding, the newest first. */
    readonly history: readonly Amendment[];
  };
  readonly committees: readonly CommitteeFacts[];
  /** The number of one's own committee; null before there is an account. */
  readonly mine: number | null;
  readonly lawLog: LogFacts;
  readonly keyLog: LogFacts;
  readonly bundle: BundleFacts;
  readonly checkedMs: number;
}

/** A change of the charter, signed by those who must and in the law log. */
export interface Amendment {
  readonly sequence: number;
  readonly effectiveMs: number;
  readonly changes: readonly CharterChange[];
}

/** One changed term, by its name in protocol/charter_terms; null where it was not or is no more. */
export interface CharterChange {
  /** Name of the committee that it belongs to, or null. */
  readonly committee: string | null;
  /** The kind of warrant that it belongs to, or null. */
  readonly kind: string | null;
  readonly term: string;
  readonly before: string | number | readonly string[] | null;
  readonly after: string | number | readonly string[] | null;
}

export interface CommitteeFacts {
  readonly number: number;
  readonly name: string;
  readonly jurisdiction: string;
  readonly escrow: "threshold" | "none";
  readonly custodians: readonly string[];
  readonly threshold: number;
  readonly court: string | null;
  readonly agencies: readonly string[];
  readonly ministers: readonly string[];
  readonly judges: readonly string[];
  readonly profiles: readonly ProfileFacts[];
  /** What may be opened in any 30 days. A label is one sender, one conversation, one day. */
  readonly caps: { readonly accounts: number; readonly labels: number };
  readonly retentionDays: number;
  /** How many months' keys are ready, this month's included. */
  readonly epochsReady: number;
  /** Every month's key in the law log, the newest first. */
  readonly months: readonly MonthKey[];
  readonly counted: Counted;
}

/** One month's key: what is sealed to it can be opened until it is destroyed. */
export interface MonthKey {
  /** The month's first day. */
  readonly firstDay: number;
  readonly state: "coming" | "current" | "past" | "destroyed";
  /** How many custodians logged that they destroyed their share, and whether the court did. */
  readonly custodiansDone: number;
  readonly courtDone: boolean;
  /** Person-days that were preserved for a warrant before the key was destroyed. */
  readonly preserved: number;
}

export interface ProfileFacts {
  readonly kind: string;
  readonly approvals: readonly string[];
  /** Approvals that are enough for an urgent warrant until `urgentWindowMs`; empty: none. */
  readonly urgent: readonly string[];
  readonly urgentWindowMs: number;
  readonly maxDays: number;
  readonly validityMs: number;
  readonly gagMs: number;
  readonly noticeMs: number;
  readonly offences: readonly string[];
}

/** What was done under a committee since its beginning, counted from the law log's own lines. */
export interface Counted {
  readonly filed: number;
  readonly approved: number;
  readonly refused: number;
  readonly cancelled: number;
  /** Ran out without having been used. */
  readonly lapsed: number;
  /** Content that a quorum and the court released. */
  readonly content: Opened;
  /** Who wrote to whom and when, given by the operator. */
  readonly metadata: Opened;
  readonly requests: number;
  readonly labels: number;
  readonly accounts: number;
  readonly releases: number;
  readonly notices: number;
  /** Notices that are owed and late. */
  readonly overdue: number;
  readonly last30Days: { readonly labels: number; readonly accounts: number };
}

/** What was opened under so many warrants; labels and accounts are upper bounds. */
export interface Opened {
  readonly warrants: number;
  readonly labels: number;
  readonly accounts: number;
}

export interface LogFacts {
  readonly size: number;
  readonly root: string;
  readonly checkpointMs: number | null;
  readonly state: "good" | "behind" | "forked" | "missing";
  readonly refusal: RefusalFacts | null;
  readonly witnesses: readonly { readonly name: string; readonly cosigned: boolean }[];
  readonly quorum: number;
  /** Lines that break a rule and have no effect. */
  readonly void: number;
}

/** The code that runs: `hash` names its manifest; `unknown` where no law log line could be read. */
export interface BundleFacts {
  readonly version: string;
  readonly hash: string;
  readonly logged: "logged" | "unlogged" | "unknown";
  readonly logIndex: number | null;
}

/** A warrant opened something of this account; verified here against the law log. */
export interface Notice {
  readonly id: string;
  readonly kind: string;
  readonly agency: string;
  readonly offence: string;
  readonly legalBasis: string;
  readonly firstDay: number;
  readonly lastDay: number;
  readonly gagEndMs: number;
  readonly committee: number;
  /** Commitment of the warrant, hex. */
  readonly warrant: string;
  readonly signers: readonly string[];
  readonly logIndex: number;
  readonly logSize: number;
}

// --- alarms ----------------------------------------------------------------------------------

/** What interrupts. It stays until it is dismissed, and comes again when its cause does. */
export interface Alarm {
  readonly id: string;
  readonly timeMs: number;
  readonly cause: AlarmCause;
}

export type AlarmCause =
  | {
      readonly kind: "code-changed";
      readonly account: string;
      readonly name: string;
      /** `devices`: one came or went. `lineage`: the account began anew after a loss. */
      readonly reason: "devices" | "lineage";
      readonly wasVerified: boolean;
    }
  | {
      /** The key log has an entry about this account that no device of it that is here made. */
      readonly kind: "own-entry";
      readonly index: number;
      readonly added: readonly { readonly id: string; readonly name: string }[];
      readonly removed: readonly { readonly id: string; readonly name: string }[];
    }
  | { readonly kind: "log-fork"; readonly log: "key" | "law"; readonly refusal: RefusalFacts }
  | {
      /** Code that the law log does not have, has no more, or that is not what it says. */
      readonly kind: "unlogged-bundle";
      readonly hash: string;
      /** Whether it is the code that runs here, rather than other code that was refused. */
      readonly running: boolean;
    }
  | {
      readonly kind: "ghost";
      readonly conversation: string;
      readonly name: string;
      readonly refusal: RefusalFacts;
    }
  | { readonly kind: "server-deceived"; readonly refusal: RefusalFacts }
  | { readonly kind: "clock"; readonly offsetMs: number }
  | { readonly kind: "epochs-low"; readonly committee: number; readonly ready: number }
  | { readonly kind: "storage-full" }
  | { readonly kind: "device-removed" };

// --- settings --------------------------------------------------------------------------------

export interface Settings {
  /** A BCP 47 tag that there is a catalogue for, or null for the browser's. */
  readonly language: string | null;
  readonly theme: "system" | "light" | "dark";
  readonly textSize: "small" | "normal" | "large";
  /** Each shows others what this person does, and shows theirs; off is off both ways. */
  readonly receipts: boolean;
  readonly typing: boolean;
  readonly lastSeen: boolean;
  readonly enterSends: boolean;
  readonly sounds: boolean;
  readonly fetchPictures: boolean;
  /** Lock after so many minutes without use; 0 for never. */
  readonly lockMinutes: number;
  /** Seconds after which messages of new conversations disappear; 0 for never. */
  readonly defaultTimerSeconds: number;
}

/** A browser's push subscription, as its `toJSON` gives it, in bytes. */
export interface PushTarget {
  readonly endpoint: string;
  readonly p256dh: Uint8Array;
  readonly auth: Uint8Array;
}

export interface StorageFacts {
  readonly usedBytes: number;
  readonly quotaBytes: number | null;
  readonly persistent: boolean;
}

// --- events ----------------------------------------------------------------------------------

export type MessengerEvent =
  | { readonly kind: "status"; readonly status: Status }
  | { readonly kind: "connection"; readonly connection: Connection }
  | { readonly kind: "conversation"; readonly conversation: Conversation }
  | { readonly kind: "conversation-gone"; readonly conversation: string }
  /** A message that is new or has changed; the `id` stays, `at` may change once when it is sent. */
  | { readonly kind: "message"; readonly message: Message; readonly fresh: boolean }
  /** Messages came to be in the middle of a timeline: what is shown of it is to be read anew. */
  | { readonly kind: "history"; readonly conversation: string }
  /** It disappeared, or was discarded. */
  | { readonly kind: "message-gone"; readonly conversation: string; readonly id: string }
  | {
      readonly kind: "typing";
      readonly conversation: string;
      readonly account: string;
      readonly name: string;
      readonly active: boolean;
    }
  | { readonly kind: "person"; readonly person: Person }
  | { readonly kind: "members"; readonly conversation: string }
  | {
      readonly kind: "transfer";
      readonly conversation: string;
      readonly message: string;
      readonly direction: "up" | "down";
      readonly done: number;
      readonly total: number;
    }
  | {
      readonly kind: "progress";
      readonly task: "register" | "link" | "hand-over";
      readonly step: "keys" | "log" | "witnesses" | "groups" | "history" | "done";
      /** From 0 to 1 where it is known. */
      readonly share: number | null;
    }
  | { readonly kind: "devices" }
  | { readonly kind: "alarm"; readonly alarm: Alarm }
  | { readonly kind: "alarm-gone"; readonly id: string }
  | { readonly kind: "trust" }
  | { readonly kind: "settings"; readonly settings: Settings };

// --- the messenger ---------------------------------------------------------------------------

export interface Messenger {
  /** Hears every event from now on, in order, until the returned function is called. */
  listen(hear: (event: MessengerEvent) => void): () => void;

  // the device
  status(): Promise<Status>;
  connection(): Promise<Connection>;
  readInvite(text: string): Promise<InviteFacts>;
  register(registration: Registration): Promise<void>;
  /** Begins a further device of an account, from the line that `makeDeviceInvite` gave elsewhere. */
  beginLinking(link: Registration): Promise<LinkOffer>;
  /** Gives up linking, and the keys made for it. */
  cancelLinking(): Promise<void>;
  unlock(secret: Secret): Promise<void>;
  lock(): Promise<void>;
  changeSecret(old: Secret, fresh: Secret): Promise<void>;
  /** Forgets everything on this device. It stays listed until another device revokes it. */
  erase(): Promise<void>;
  storage(): Promise<StorageFacts>;

  // conversations
  conversations(): Promise<readonly Conversation[]>;
  startDirect(account: string): Promise<string>;
  startGroup(wish: {
    readonly name: string;
    readonly picture: Uint8Array | null;
    readonly accounts: readonly string[];
  }): Promise<string>;
  setDraft(conversation: string, draft: Draft | null): Promise<void>;
  setPinned(conversation: string, pinned: boolean): Promise<void>;
  setMuted(conversation: string, muted: boolean): Promise<void>;
  setTimer(conversation: string, seconds: number): Promise<void>;
  markRead(conversation: string, at: number): Promise<void>;
  setTyping(conversation: string, active: boolean): Promise<void>;
  /** The person looks at this window, or does not any more: told others where that is turned on. */
  setHere(here: boolean): Promise<void>;
  leave(conversation: string): Promise<void>;
  /** Forgets the history on this device. */
  forget(conversation: string): Promise<void>;

  // messages
  messages(conversation: string, wanted: PageWanted, limit: number): Promise<Page>;
  /** Queues a message; its id. Progress and fate come as events. */
  send(conversation: string, outgoing: Outgoing): Promise<string>;
  edit(
    conversation: string,
    message: string,
    text: string,
    mentions: readonly Mention[],
  ): Promise<void>;
  /** Wishes an own message away for everybody. */
  remove(conversation: string, message: string): Promise<void>;
  /** Sets the one mark of this person on a message; empty takes it away. */
  react(conversation: string, message: string, mark: string): Promise<void>;
  retry(conversation: string, message: string): Promise<void>;
  discard(conversation: string, message: string): Promise<void>;
  /** The whole file, decrypted and checked. Progress comes as `transfer`. */
  openFile(conversation: string, message: string): Promise<Blob>;
  cancelTransfer(conversation: string, message: string): Promise<void>;
  /** Who of the others has it and who has read it. */
  receipts(
    conversation: string,
    message: string,
  ): Promise<readonly { readonly name: string; readonly state: "sent" | "delivered" | "read" }[]>;
  /** Newest first; `before` goes on from the last hit's message time. */
  search(
    words: string,
    within: string | null,
    before: number | null,
    limit: number,
  ): Promise<{ readonly hits: readonly Hit[]; readonly more: boolean }>;

  // people
  people(): Promise<readonly Person[]>;
  person(account: string): Promise<Person>;
  /** The person of an exact handle. Refused: unknown-account. */
  findPerson(handle: string): Promise<Person>;
  /** A line to invite somebody new to the deployment, and into a group; it can be used once. */
  makeInvite(group: string | null): Promise<{ readonly text: string; readonly expiresMs: number }>;
  safety(account: string): Promise<SafetyFacts>;
  setVerified(account: string, verified: boolean): Promise<void>;
  /** Compares what was scanned from the other's screen; marks as verified when it matches. */
  scanSafety(account: string, scanned: Uint8Array): Promise<boolean>;
  /** Hides a person's direct messages, requests and marks here; they are told nothing. */
  setBlocked(account: string, blocked: boolean): Promise<void>;

  // groups
  members(conversation: string): Promise<readonly Member[]>;
  addMembers(conversation: string, accounts: readonly string[]): Promise<void>;
  removeMember(conversation: string, account: string): Promise<void>;
  setRole(conversation: string, account: string, role: Role): Promise<void>;
  changeGroup(
    conversation: string,
    change: {
      readonly name?: string;
      readonly picture?: Uint8Array | null;
      readonly addPolicy?: "admins" | "members";
    },
  ): Promise<void>;
  groupLink(conversation: string): Promise<GroupLink | null>;
  /** Makes a new link; an older one does not work any more. */
  makeGroupLink(conversation: string, atOnce: boolean): Promise<GroupLink>;
  revokeGroupLink(conversation: string): Promise<void>;
  /** Asks to be let into the group of a link. */
  askToJoin(text: string): Promise<void>;
  joinRequests(conversation: string): Promise<readonly JoinRequest[]>;
  answerJoinRequest(conversation: string, account: string, accept: boolean): Promise<void>;

  // devices
  devices(): Promise<readonly Device[]>;
  renameDevice(device: string, name: string): Promise<void>;
  revokeDevice(device: string): Promise<void>;
  /** A line that leads a new device here: address, deployment and handle, and no secret. */
  makeDeviceInvite(): Promise<string>;
  readLinkRequest(text: string): Promise<LinkRequest>;
  /** Lists the device, after its person has compared the codes; hands over the history if wished. */
  approveDevice(text: string, history: boolean): Promise<void>;

  // trust
  trust(): Promise<Trust>;
  /** The notice as it was signed, to keep or show to others. */
  noticeDocument(notice: string): Promise<Uint8Array>;
  alarms(): Promise<readonly Alarm[]>;
  /** The person has seen it. For `code-changed`: goes on, unverified. */
  dismissAlarm(id: string): Promise<void>;
  /** What the service worker met: `refused` is null when nothing was wrong. */
  bundleMet(refused: { readonly hash: string; readonly running: boolean } | null): Promise<void>;

  // settings
  settings(): Promise<Settings>;
  changeSettings(change: Partial<Settings>): Promise<void>;
  /** The server's public key for push (65 bytes, uncompressed P-256); null where it has none. */
  pushKey(): Promise<Uint8Array | null>;
  setPush(target: PushTarget | null): Promise<void>;
}
