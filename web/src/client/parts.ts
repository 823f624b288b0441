/** The parts of a device that a connection works with. */

import type { Alarms } from "./alarms.ts";
import type { Amendments } from "./amendments.ts";
import type { Changes } from "./changes.ts";
import type { Chronicle } from "./chronicle.ts";
import type { Core } from "./core.ts";
import type { Files } from "./files.ts";
import type { Joining } from "./joining.ts";
import type { Links } from "./links.ts";
import type { Marks } from "./marks.ts";
import type { Notices } from "./notices.ts";
import type { Outbox } from "./outbox.ts";
import type { Presence } from "./presence.ts";
import type { Sending } from "./sending.ts";
import type { Siblings } from "./siblings.ts";
import type { Sync } from "./sync.ts";

/** What one connection needs of the client. */
export interface Parts {
  readonly core: Core;
  readonly chronicle: Chronicle;
  readonly outbox: Outbox;
  readonly sync: Sync;
  readonly sending: Sending;
  readonly joining: Joining;
  readonly changes: Changes;
  readonly marks: Marks;
  readonly presence: Presence;
  readonly notices: Notices;
  readonly links: Links;
  readonly alarms: Alarms;
  readonly siblings: Siblings;
  readonly amendments: Amendments;
  readonly files: Files;
}
