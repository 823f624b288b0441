/** Conversations, as the list and the head of an open one show them. */

import type { Body, SendState } from "./messages.ts";
import type { Verification } from "./people.ts";
import type { RefusalFacts } from "./refusals.ts";

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

/** What is asked about conversations as a whole. */
export interface ConversationCalls {
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
  leave(conversation: string): Promise<void>;
  /** Forgets the history on this device. */
  forget(conversation: string): Promise<void>;
}
