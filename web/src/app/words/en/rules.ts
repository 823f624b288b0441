/** English words for the deployment's rules: how they change, month keys, refused messages. */

import { count, name, number } from "./tongue.ts";

const personDays = (n: number) =>
  count(n, { one: "1 person-day", other: `${number(n)} person-days` });

export const rules = {
  coming: "The rules will change",
  changed: "The rules have changed",
  comingText: (deployment: string, when: string) =>
    `The charter of ${name(deployment)} is amended. From ${when} on:`,
  changedText: (deployment: string, when: string) =>
    `The charter of ${name(deployment)} was amended. Since ${when}:`,
  verified: (n: number) =>
    `Verified on this device: amendment ${number(n)} is in the law log, signed by those who must.`,
  look: "Read the rules",
  nothing: "Only what is of a technical nature changes.",
  history: "Changes so far",
  upcomingTitle: "A change is coming",
  /** One change: what it is about, what it will be, what it was. */
  both: (what: string, before: string, after: string) => `${what}: ${after} (before: ${before})`,
  fresh: (what: string, after: string) => `${what}, new: ${after}`,
  gone: (what: string, before: string) => `${what}, no longer: ${before}`,
  none: "none",
  keyChanged: "another key",
  days: (n: number) => count(n, { one: "1 day", other: `${number(n)} days` }),
  escrow: {
    threshold: "a warrant can open messages",
    none: "nothing can be opened",
  } as Readonly<Record<string, string>>,
  /** By the name of the term in the charter. */
  terms: {
    name: "Name of the deployment",
    operator: "Who runs the server",
    receiptKey: "Key for the server's receipts",
    witnesses: "Witnesses of the logs",
    quorum: "Witnesses that must cosign",
    skewMs: "How far clocks may differ",
    checkpointAgeMs: "How old a log's head may be",
    epochExtensionDays: "How long a missing month's key may be made up for",
    amendmentDelayMs: "How long before it counts a change is logged",
    escrow: "Contingency",
    addresses: "Addresses of the server",
    committee: "Committee",
    jurisdiction: "Jurisdiction",
    custodians: "Custodian",
    threshold: "Custodians who must agree",
    court: "Court",
    agencies: "Who may ask",
    ministers: "Minister",
    judges: "Judge",
    retentionDays: "Messages and keys are destroyed after",
    "caps.accounts": "People in any 30 days, at most",
    "caps.labels": "Person-days in any 30 days, at most",
    profile: "Kind of warrant",
    approvals: "Must be approved by",
    urgent: "In an emergency enough",
    maxDays: "Days that one warrant may cover, at most",
    validityMs: "A warrant is good for, at most",
    urgentWindowMs: "An emergency may last",
    gagMs: "You may be kept from knowing for, at most",
    noticeMs: "After that you are told within",
    renewals: "How often a warrant may be renewed",
    offences: "Offences",
    unnamedSenders: "People whom a warrant need not name, at most",
  } as Readonly<Record<string, string>>,

  months: "Month keys",
  month: {
    coming: "ready",
    current: "in use",
    past: "can still be opened by a warrant",
    destroyed: "destroyed: nothing of that month can be opened any more",
  },
  monthDone: (custodians: number, court: boolean) =>
    `Destroyed by ${count(custodians, { one: "1 custodian", other: `${number(custodians)} custodians` })}${court ? " and the court" : ""}`,
  monthKept: (n: number) =>
    `Except ${personDays(n)}, preserved before that for a warrant already in force`,

  contentOpened: (labels: number, accounts: number, n: number) =>
    labels === 1
      ? "One day of one person's writing, under 1 warrant."
      : `${personDays(labels)} of writing, of ${count(accounts, { one: "1 person", other: `at most ${number(accounts)} people` })}, under ${count(n, { one: "1 warrant", other: `${number(n)} warrants` })}.`,
  contentNone: "No message of anybody has been opened.",
  metadataGiven: (labels: number, accounts: number, n: number) =>
    `Besides, who wrote to whom and when was given for ${personDays(labels)}, of ${count(accounts, { one: "1 person", other: `${number(accounts)} people` })}, under ${count(n, { one: "1 warrant", other: `${number(n)} warrants` })}.`,
  metadataNone: "Nobody was told who wrote to whom.",
};

/** Why a message is refused, in the reader's words, by its code. */
export const refused = {
  title: "A message was refused. It is not shown.",
  from: (who: string) => `If you expected something from ${name(who)}, ask for it again.`,
  mine: "Send it again if it mattered.",
  reasons: {
    "bad-signature":
      "It is not signed by the device that it names: somebody else may have written it.",
    "sender-mismatch": "It does not come from the person or the device that it names.",
    "ghost-device": "It comes from a device that the public key log does not list.",
    "ghost-member": "It comes from somebody whom the public key log does not know.",
    "capsule-mismatch":
      "It was locked so that a lawful warrant could not open it. Nobody's app shows such messages.",
    "capsule-missing":
      "It was sent around the rules of this deployment, without the part that a warrant could open.",
    "epoch-mismatch": "It is locked with the key of another month or another jurisdiction.",
    "day-mismatch": "It is dated on another day than the one on which it came.",
    "receipt-time": "It comes from the future, by the server's clock or by this device's.",
    "receipt-mismatch": "The server's receipt for it is for something else.",
    "header-mismatch": "It was made for another conversation, or as another message.",
    "body-unreadable": "It cannot be decrypted with the key that came along.",
    "commitment-mismatch": "What is inside is not what its sender vouched for outside.",
    "ephemeral-content": "It holds something that is not a message.",
    form: "What is inside is not of a form that anybody's app may send.",
    "not-canonical": "What is inside is written in a way that anybody's app must refuse.",
    size: "What is inside is larger or smaller than it may be.",
  } as Readonly<Record<string, string>>,
};
