/** Committees, their keys, and what was opened under them. */

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
