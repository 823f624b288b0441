/** Messages: what stands in a timeline, and what can be sent. */

import type { Mention, Role } from "./conversations.ts";
import type { RefusalFacts } from "./refusals.ts";
import type { Amendment, Notice } from "./trust.ts";

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

/** What is asked about messages. */
export interface MessageCalls {
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
}
