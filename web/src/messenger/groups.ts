/** Groups: who is in them, and how people come in. */

import type { Role } from "./conversations.ts";
import type { Person } from "./people.ts";

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

/** What is asked about groups. */
export interface GroupCalls {
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
}
