/** Who can read this? What the public logs and the charter say. */

import type { Alarm } from "./alarms.ts";
import type { CommitteeFacts } from "./committees.ts";
import type { RefusalFacts } from "./refusals.ts";

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

/** What is asked about trust and alarms. */
export interface TrustCalls {
  trust(): Promise<Trust>;
  /** The notice as it was signed, to keep or show to others. */
  noticeDocument(notice: string): Promise<Uint8Array>;
  alarms(): Promise<readonly Alarm[]>;
  /** The person has seen it. For `code-changed`: goes on, unverified. */
  dismissAlarm(id: string): Promise<void>;
  /** What the service worker met: `refused` is null when nothing was wrong. */
  bundleMet(refused: { readonly hash: string; readonly running: boolean } | null): Promise<void>;
  /** A page saw that the server replaced the service worker. */
  workerReplaced(): Promise<void>;
}
