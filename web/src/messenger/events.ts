/** What the messenger tells without being asked. */

import type { Alarm } from "./alarms.ts";
import type { Conversation } from "./conversations.ts";
import type { Message } from "./messages.ts";
import type { Connection, Status } from "./own_device.ts";
import type { Person } from "./people.ts";
import type { Settings } from "./settings.ts";

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
