/** Alarms. */

import type { RefusalFacts } from "./refusals.ts";

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
      /** A line of the law log by which the operator alone would have changed the law or a key. */
      readonly kind: "law-alone";
      readonly what: "charter" | "key";
      readonly index: number;
      readonly refusal: RefusalFacts;
    }
  /** The server put another service worker in the place of the one that is logged. */
  | { readonly kind: "worker-replaced" }
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
