/** English words for who can read this, and what was opened. */

import { count, days, list, name, number, people } from "./tongue.ts";

export const trust = {
  title: "Who can read this?",
  short: "The people in a conversation, on their devices. And one other way, disclosed here:",
  shortNone:
    "The people in a conversation, on their devices. Nobody else: this deployment's charter has no contingency, so nothing can be opened.",
  shortOwnNone:
    "The people in a conversation, on their devices. Nobody else can open what you write: your committee has no contingency. What people of other committees write, a warrant there can open:",
  doubleLock: (t: number, n: number, court: string) =>
    `A warrant that a minister and a judge have both signed, that stands in the public law log, and that ${number(t)} of ${number(n)} custodians together with ${name(court)} release.`,
  exact:
    "It opens exactly the people, conversations and days that the warrant names, and nothing else.",
  operatorCannot: (operator: string) =>
    `${name(operator)} runs the server. It holds no key to any message. It sees who talks with whom and when, and how large messages are.`,
  notice:
    "When a gag ends, the people concerned are told, here in the app, with a proof. Whoever owes a notice and does not deliver it gets no further key.",
  checked: (when: string) => `Verified on this device ${when}`,
  whoHolds: "Who holds the keys",
  yours: "yours",
  custodians: (t: number, n: number) => `Custodians: ${number(t)} of ${number(n)} are needed`,
  court: "Court: always needed",
  approve: "Who must approve",
  ministers: "Minister",
  judges: "Judge",
  agencies: "Who may ask",
  opened: "What has been opened so far",
  openedHint:
    "Counted on this device from the law log's own lines. One person-day is what one person wrote in one conversation on one day.",
  filed: "Warrants asked for",
  approved: "Fully approved",
  refused: "Refused",
  cancelled: "Cancelled",
  lapsed: "Ran out unused",
  requests: "Openings asked for",
  labels: "Person-days asked for",
  accounts: "People concerned, at most",
  releases: "Releases by key holders",
  notices: "Notices delivered",
  overdue: "Notices overdue",
  limits: "Limits in the charter",
  caps: (labels: number, accounts: number) =>
    `At most ${number(labels)} person-days and ${people(accounts)} in any 30 days`,
  capsUsed: (labels: number, accounts: number) =>
    `Used in the last 30 days: ${number(labels)} and ${number(accounts)}`,
  retention: (n: number) =>
    `Keys are destroyed after ${days(n)}; nobody can open anything older. Messages are deleted, here and at the server, after the longest such time of all committees`,
  epochs: (ready: number, destroyed: number) =>
    `${count(ready, { one: "1 month's key", other: `${number(ready)} months' keys` })} ready, ${number(destroyed)} destroyed so far`,
  kinds: {
    "content-stored": "Content of messages",
    metadata: "Who wrote to whom and when",
  } as Readonly<Record<string, string>>,
  profile: (approvals: readonly string[], maxDays: number) =>
    `Needs ${list(approvals)}; covers at most ${days(maxDays)}`,
  roles: {
    minister: "a minister",
    judge: "a judge",
    operator: "the operator",
    custodian: "a custodian",
    court: "the court",
  } as Readonly<Record<string, string>>,
  urgent: (approvals: readonly string[], span: string) =>
    `In an emergency ${list(approvals)} may do for ${span}; unconfirmed after that, it lapses and is counted`,
  noUrgent: "No shortcut for emergencies",
  gag: (gag: string, notice: string) =>
    `You may be kept from knowing for ${gag} at most; then the notice is due within ${notice}`,
  offences: (what: readonly string[]) => `Only for: ${list(what)}`,
  charter: "The charter",
  charterNumber: (n: number) =>
    n === 0 ? "The founding charter" : `Amendment number ${number(n)}`,
  since: (when: string) => `in force since ${when}`,
  delay: (span: string) => `Changes are logged ${span} before they count`,
  upcoming: (n: number, when: string) => `Amendment number ${number(n)} takes effect on ${when}`,
  logs: "The public logs",
  keyLog: "Key log: whose devices are whose",
  lawLog: "Law log: every warrant and every release",
  logSize: (n: number) => count(n, { one: "1 entry", other: `${number(n)} entries` }),
  logState: {
    good: "Complete and cosigned",
    behind: "Not up to date",
    forked: "Shows two histories",
    missing: "Not served",
  },
  logVoid: (n: number) =>
    count(n, { one: "1 entry without effect", other: `${number(n)} entries without effect` }),
  witnesses: (needed: number, seen: number, all: number) =>
    `${number(seen)} of ${number(all)} witnesses cosigned; ${number(needed)} are needed`,
  root: "Root",
  code: "The code of this app",
  bundle: {
    logged: (n: string) =>
      `Its hash stands in the law log (entry ${n}), and this device compared it.`,
    unlogged: "Its hash is not in the law log. Do not trust this page.",
    unknown: "Its hash could not be compared with the law log here.",
  },
  version: "Version",
  hash: "Hash",
  notProtected: "What this does not protect",
  notProtectedList: [
    "Who talks with whom and when, from the operator.",
    "Everything inside the retention time, from a court together with a quorum of custodians that break their own rules. Nobody would see it.",
    "A day is the smallest unit: an order at noon opens that morning too.",
    "A device in somebody else's hands, other apps on it, and a member who shows your messages to others.",
    "What you write is signed: an opened message proves that you wrote it.",
  ],
  notProtectedNone: [
    "Who talks with whom and when, from the operator.",
    "A device in somebody else's hands, other apps on it, and a member who shows your messages to others.",
    "What you write is signed: a message that a member shows proves that you wrote it.",
  ],
  deployment: "Deployment",
};

export const notice = {
  title: "A warrant opened messages of yours",
  titleMetadata: "A warrant told whom you wrote to",
  text: (agency: string, first: string, last: string) =>
    first === last
      ? `${name(agency)} opened what you wrote on ${first}.`
      : `${name(agency)} opened what you wrote between ${first} and ${last}.`,
  metadata: (agency: string, first: string, last: string) =>
    first === last
      ? `${name(agency)} learned with whom you wrote on ${first}.`
      : `${name(agency)} learned with whom you wrote between ${first} and ${last}.`,
  offence: "Offence",
  basis: "Legal basis",
  gag: "You could not be told before",
  signedBy: "Signed by",
  verified: (entry: string) => `Verified on this device: the law log names this in entry ${entry}.`,
  proof: "Show the proof",
  proofTitle: "The proof",
  proofText:
    "This device checked that a key holder or the operator signed this notice, that the law log's entry commits to this warrant and to you, and that enough witnesses cosigned that log. Nobody else can see that the entry is about you.",
  warrant: "Warrant (commitment)",
  entry: "Law log entry",
  logSize: "In a log of",
  save: "Save the signed notice",
  saveHint: "The file is signed. A lawyer or an auditor can check it without this app.",
  committee: "Jurisdiction",
};
