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
 * - This file is the seam's one door: what is declared in `messenger/` is imported from here.
 */

import type { ConversationCalls } from "./messenger/conversations.ts";
import type { DeviceCalls } from "./messenger/devices.ts";
import type { MessengerEvent } from "./messenger/events.ts";
import type { GroupCalls } from "./messenger/groups.ts";
import type { MessageCalls } from "./messenger/messages.ts";
import type { OwnDeviceCalls } from "./messenger/own_device.ts";
import type { PeopleCalls } from "./messenger/people.ts";
import type { SettingCalls } from "./messenger/settings.ts";
import type { TrustCalls } from "./messenger/trust.ts";

export * from "./messenger/alarms.ts";
export * from "./messenger/committees.ts";
export * from "./messenger/conversations.ts";
export * from "./messenger/devices.ts";
export * from "./messenger/events.ts";
export * from "./messenger/groups.ts";
export * from "./messenger/messages.ts";
export * from "./messenger/own_device.ts";
export * from "./messenger/people.ts";
export * from "./messenger/refusals.ts";
export * from "./messenger/settings.ts";
export * from "./messenger/trust.ts";

export interface Messenger
  extends OwnDeviceCalls,
    PeopleCalls,
    ConversationCalls,
    GroupCalls,
    MessageCalls,
    DeviceCalls,
    TrustCalls,
    SettingCalls {
  /** Hears every event from now on, in order, until the returned function is called. */
  listen(hear: (event: MessengerEvent) => void): () => void;
}
