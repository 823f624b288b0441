/** People, and how sure one may be of them. */

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

/** What is asked about people. */
export interface PeopleCalls {
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
}
