/** What each law-log line does, and when it is void (spec ). */

import type { Charter, PartyRef, Role } from "./charter.ts";
import { type Approver, type Committee, profileOf } from "./charter_terms.ts";
import type { Code } from "./codes.ts";
import { DAY_MS, firstDay } from "./days.ts";
import { equalBytes, hex } from "./encoding.ts";
import { WarrantRefused } from "./errors.ts";
import { judgeHandover } from "./handover.ts";
import type { Held } from "./held.ts";
import { verifyKeyEpoch } from "./keyepoch.ts";
import { judgeAmendment, judgeDestruction, judgeKeyEpoch } from "./lawkeys.ts";
import type { AnyEntry, EntryOf } from "./lawlog.ts";
import {
  type Documents,
  epochName,
  fullyApproved,
  type LawFacts,
  NO_TALLY,
  type RequestRecord,
  statusAt,
  type Tally,
  type WarrantRecord,
} from "./lawrecords.ts";
import { checkPeriods } from "./warrant.ts";

export const CAP_WINDOW_MS = 30 * DAY_MS;

/** What makes a line void. */
export function voided(code: Code, detail: string): WarrantRefused {
  return new WarrantRefused(code, detail);
}

function plus<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map(map).set(key, value);
}

function approverOf(role: Role): Approver | undefined {
  return role === "minister" || role === "judge" ? role : undefined;
}

/** What a line is judged by. */
export interface Setting {
  readonly facts: LawFacts;
  /** The root over the lines so far. */
  readonly root: Uint8Array;
  readonly charter: Charter;
  readonly party: PartyRef;
  readonly timeMs: number;
  /** The entry's hash, hexadecimal. */
  readonly hash: string;
  readonly documents: Documents;
  /** What was checked before. */
  readonly held: Held | undefined;
}

/** One line being judged; each method gives the facts after it or throws why it is void. */
export class Step {
  readonly #at: Setting;

  constructor(setting: Setting) {
    this.#at = setting;
  }

  /** The facts after the line. Throws the Refusal that makes the line void. */
  take(entry: AnyEntry): LawFacts {
    switch (entry.type) {
      case "charter":
        return this.#charter(entry);
      case "amendment":
        return this.#amendment(entry);
      case "handover":
        return this.#handover(entry);
      case "key-epoch":
        return this.#keyEpoch(entry);
      case "epoch-extension":
        return this.#extension(entry);
      case "warrant-filed":
        return this.#filed(entry);
      case "approval":
        return this.#approval(entry);
      case "refusal":
        return this.#refusal(entry);
      case "cancellation":
        return this.#cancellation(entry);
      case "release-request":
        return this.#request(entry);
      case "release":
        return this.#release(entry);
      case "lapse":
        return this.#lapse(entry);
      case "notice-delivered":
        return this.#notice(entry);
      case "destruction":
        return this.#destruction(entry);
      case "preservation":
        return this.#preservation(entry);
      case "statistics":
        this.#by(["operator"]);
        return this.#at.facts;
      case "bundle":
        return this.#bundle(entry);
      case "bundle-withdrawn":
        return this.#withdrawn(entry);
    }
  }

  // --- charters and key epochs -------------------------------------------------------------

  #charter(entry: EntryOf<"charter">): LawFacts {
    this.#by(["operator"]);
    const { facts } = this.#at;
    if (!equalBytes(entry.charter, facts.deployment)) {
      throw voided("charter-genesis", "another deployment");
    }
    return { ...facts, founded: true };
  }

  #amendment(entry: EntryOf<"amendment">): LawFacts {
    this.#by(["operator"]);
    const { facts, documents, timeMs, held } = this.#at;
    const now = judgeAmendment(facts, entry, timeMs, documents, held);
    return { ...facts, charters: [...facts.charters, now] };
  }

  #handover(entry: EntryOf<"handover">): LawFacts {
    this.#by(["operator"]);
    const { facts, root, charter } = this.#at;
    const handover = judgeHandover(facts, root, charter, entry);
    return { ...facts, handovers: [...facts.handovers, handover] };
  }

  #keyEpoch(entry: EntryOf<"key-epoch">): LawFacts {
    this.#by(["operator"]);
    const { facts, charter, held } = this.#at;
    const record = judgeKeyEpoch(facts, entry, charter, (...given) =>
      verifyKeyEpoch(...given, held),
    );
    const name = epochName(entry.committee, entry.keyEpoch);
    return { ...facts, epochs: plus(facts.epochs, name, record) };
  }

  /** a month without its key uses the last one's, at most the charter's N days. */
  #extension(entry: EntryOf<"epoch-extension">): LawFacts {
    this.#by(["operator"]);
    const { facts, charter } = this.#at;
    const name = epochName(entry.committee, entry.keyEpoch);
    const next = epochName(entry.committee, entry.keyEpoch + 1);
    if (!facts.epochs.has(name) || facts.epochs.has(next)) {
      throw voided("entry-void", "nothing to extend");
    }
    const begin = firstDay(entry.keyEpoch + 1);
    const beyond = begin + charter.terms.epochExtensionDays;
    if (entry.untilDay < begin || entry.untilDay >= beyond) {
      throw voided("entry-void", "longer than the charter allows");
    }
    return { ...facts, extensions: plus(facts.extensions, name, entry.untilDay) };
  }

  #destruction(entry: EntryOf<"destruction">): LawFacts {
    this.#holder(entry.committee);
    const { facts, party, held } = this.#at;
    const record = judgeDestruction(facts.epochs, entry, party, held);
    const name = epochName(entry.committee, entry.keyEpoch);
    return { ...facts, epochs: plus(facts.epochs, name, record) };
  }

  #preservation(entry: EntryOf<"preservation">): LawFacts {
    this.#holder(entry.committee);
    this.#warrant(entry.warrant);
    const { facts } = this.#at;
    const month = epochName(entry.committee, entry.keyEpoch);
    const name = `${month}/${hex(entry.warrant)}/${hex(entry.labelsRoot)}`;
    return { ...facts, preserved: plus(facts.preserved, name, entry.labels) };
  }

  // --- warrants ----------------------------------------------------------------------------

  #filed(entry: EntryOf<"warrant-filed">): LawFacts {
    this.#by(["agency"], entry.committee);
    const { facts, party, timeMs } = this.#at;
    const commitment = hex(entry.warrant);
    if (facts.warrants.has(commitment)) throw voided("entry-void", "filed before");
    const profile = profileOf(this.#committee(entry.committee), entry.kind);
    if (entry.urgent && profile.urgent.length === 0) throw voided("urgent-not-allowed", "");
    checkPeriods(entry.validFromMs, entry.validUntilMs, entry.gagEndMs, profile);
    let renewals = 0;
    if (entry.renews !== undefined) {
      const before = this.#warrant(entry.renews);
      renewals = before.renewals + 1;
      if (
        !equalBytes(before.agency, party.key) ||
        before.committee !== entry.committee ||
        before.kind !== entry.kind
      ) {
        throw voided("warrant-renewal", "of another agency, committee or kind");
      }
      if (renewals > profile.renewals) throw voided("warrant-renewal", `renewal ${renewals}`);
    }
    const record: WarrantRecord = {
      commitment,
      committee: entry.committee,
      kind: entry.kind,
      agency: party.key,
      profile,
      urgent: entry.urgent,
      index: facts.size,
      filedMs: timeMs,
      validFromMs: entry.validFromMs,
      validUntilMs: entry.validUntilMs,
      gagEndMs: entry.gagEndMs,
      renewals,
      approvals: [],
      refused: false,
      cancelled: false,
      lapsed: false,
      owed: new Set(),
      delivered: new Set(),
      roots: new Set(),
    };
    return this.#keep(record, { filed: 1 });
  }

  #approval(entry: EntryOf<"approval">): LawFacts {
    const record = this.#warrant(entry.warrant);
    this.#by(["minister", "judge"], record.committee);
    const { party, timeMs } = this.#at;
    const role = approverOf(party.role);
    const status = statusAt(record, timeMs);
    const open = ["AwaitingApproval", "Approved", "EmergencyApproval"].includes(status);
    if (!open) throw voided("entry-void", "approval of a warrant that is over");
    if (role === undefined || record.approvals.some((approval) => approval.role === role)) {
      throw voided("entry-void", "approved in this role before");
    }
    // Who was given the other office since would open both locks alone.
    if (record.approvals.some((approval) => equalBytes(approval.key, party.key))) {
      throw voided("entry-void", "approved by this key before");
    }
    const approvals = [...record.approvals, { role, key: party.key, timeMs }];
    const now = { ...record, approvals };
    return this.#keep(now, { approved: fullyApproved(now) && !fullyApproved(record) ? 1 : 0 });
  }

  /** a refusal is final, also after approvals; nothing undoes it but a new warrant. */
  #refusal(entry: EntryOf<"refusal">): LawFacts {
    const record = this.#warrant(entry.warrant);
    if (this.#at.party.role !== "operator") this.#by(["minister", "judge"], record.committee);
    if (record.refused || record.cancelled) throw voided("entry-void", "over before");
    return this.#keep({ ...record, refused: true }, { refused: 1 });
  }

  #cancellation(entry: EntryOf<"cancellation">): LawFacts {
    const record = this.#warrant(entry.warrant);
    if (!mayCancel(this.#at.party, record)) throw voided("entry-author", "cancellation");
    if (record.refused || record.cancelled) throw voided("entry-void", "over before");
    return this.#keep({ ...record, cancelled: true }, { cancelled: 1 });
  }

  #lapse(entry: EntryOf<"lapse">): LawFacts {
    this.#by(["operator"]);
    const record = this.#warrant(entry.warrant);
    if (record.lapsed || statusAt(record, this.#at.timeMs) !== "Expired") {
      throw voided("entry-void", "not lapsed");
    }
    return this.#keep({ ...record, lapsed: true }, {});
  }

  /** caps count what the log ordered before, so that no two quorums can exceed them. */
  #request(entry: EntryOf<"release-request">): LawFacts {
    const record = this.#warrant(entry.warrant);
    const { facts, party, timeMs, hash } = this.#at;
    // Under a metadata warrant the operator gives, so it is who must log what it gives.
    if (record.kind === "metadata") {
      if (party.role !== "operator") {
        throw voided("request-foreign", "metadata is the operator's to give");
      }
    } else if (!equalBytes(party.key, record.agency)) {
      throw voided("request-foreign", "not the warrant's agency");
    }
    const status = statusAt(record, timeMs);
    const open = status === "Approved" || status === "EmergencyApproval";
    if (!open || timeMs < record.validFromMs) {
      throw voided("warrant-unapproved", "request under a warrant not in force");
    }
    const subjects = new Set(entry.subjects.map(hex));
    if (
      entry.accounts < 1 ||
      entry.accounts !== entry.subjects.length ||
      subjects.size !== entry.accounts ||
      entry.accounts > entry.labels
    ) {
      throw voided("labels-count", "request");
    }
    const labelsRoot = hex(entry.labelsRoot);
    // What a cap turned away may come again once the window has moved on.
    if (record.roots.has(labelsRoot)) {
      throw voided("request-replayed", "these labels were asked for before");
    }
    const since = timeMs - CAP_WINDOW_MS;
    const before = (facts.recent.get(record.committee) ?? []).filter((old) => old.timeMs > since);
    const { caps } = this.#committee(record.committee);
    const labels = before.reduce((sum, old) => sum + old.labels, entry.labels);
    const accounts = new Set([...subjects, ...before.flatMap((old) => [...old.subjects])]);
    const request: RequestRecord = {
      hash,
      warrant: record.commitment,
      committee: record.committee,
      index: facts.size,
      timeMs,
      labelsRoot,
      labels: entry.labels,
      subjects,
      overCap: labels > caps.labels || accounts.size > caps.accounts,
    };
    const now = { ...facts, requests: plus(facts.requests, hash, request) };
    if (request.overCap) return now;
    const owing = {
      ...record,
      owed: new Set([...record.owed, ...subjects]),
      roots: new Set([...record.roots, labelsRoot]),
    };
    const recent = plus(facts.recent, record.committee, [...before, request]);
    const counts = { requests: 1, labels: entry.labels, accounts: entry.accounts };
    return this.#keep(owing, counts, { ...now, recent });
  }

  #release(entry: EntryOf<"release">): LawFacts {
    const { facts } = this.#at;
    const request = facts.requests.get(hex(entry.request));
    if (request === undefined || request.warrant !== hex(entry.warrant)) {
      throw voided("request-unlogged", "release");
    }
    const index = this.#holder(request.committee);
    const versions = entry.versions.map((pair) => pair.join(":")).join(",");
    const name = `${request.hash}/${index}/${versions}`;
    if (entry.holder !== index || entry.labels !== request.labels || facts.releases.has(name)) {
      throw voided("entry-void", "release");
    }
    const releases = plus(facts.releases, name, hex(entry.message));
    return this.#keep(this.#warrant(entry.warrant), { releases: 1 }, { ...facts, releases });
  }

  #notice(entry: EntryOf<"notice-delivered">): LawFacts {
    const record = this.#warrant(entry.warrant);
    if (this.#at.party.role !== "operator") this.#holder(record.committee);
    const subject = hex(entry.subject);
    if (!record.owed.has(subject) || record.delivered.has(subject)) {
      throw voided("entry-void", "notice that is not owed");
    }
    if (this.#at.timeMs < record.gagEndMs) {
      throw voided("entry-void", "notice before the gag's end");
    }
    const delivered = new Set([...record.delivered, subject]);
    return this.#keep({ ...record, delivered }, { notices: 1 });
  }

  // --- the web client ----------------------------------------------------------------------

  #bundle(entry: EntryOf<"bundle">): LawFacts {
    this.#by(["operator"]);
    const { facts } = this.#at;
    const name = hex(entry.bundle);
    if (facts.bundles.has(name)) throw voided("entry-void", "a bundle that was logged before");
    const record = { version: entry.version, index: facts.size, withdrawn: false };
    return { ...facts, bundles: plus(facts.bundles, name, record) };
  }

  #withdrawn(entry: EntryOf<"bundle-withdrawn">): LawFacts {
    this.#by(["operator"]);
    const { facts } = this.#at;
    const name = hex(entry.bundle);
    const record = facts.bundles.get(name);
    if (record === undefined || record.withdrawn) {
      throw voided("entry-void", "no bundle that could be withdrawn");
    }
    return { ...facts, bundles: plus(facts.bundles, name, { ...record, withdrawn: true }) };
  }

  // --- what all of them use ----------------------------------------------------------------

  #by(roles: readonly Role[], committee?: number): void {
    const { party } = this.#at;
    if (!roles.includes(party.role) || (committee !== undefined && party.committee !== committee)) {
      throw voided("entry-author", party.role);
    }
  }

  #holder(committee: number): number {
    this.#by(["custodian", "court"], committee);
    return this.#at.party.index;
  }

  #committee(number: number): Committee {
    return this.#at.charter.committee(number);
  }

  #warrant(commitment: Uint8Array): WarrantRecord {
    const record = this.#at.facts.warrants.get(hex(commitment));
    if (record === undefined) throw voided("warrant-unlogged", "no such warrant");
    return record;
  }

  #keep(record: WarrantRecord, counts: Partial<Tally>, facts = this.#at.facts): LawFacts {
    const tally = { ...(facts.tallies.get(record.committee) ?? NO_TALLY) };
    for (const [name, more] of Object.entries(counts)) tally[name as keyof Tally] += more;
    return {
      ...facts,
      warrants: plus(facts.warrants, record.commitment, record),
      tallies: plus(facts.tallies, record.committee, tally),
    };
  }
}

/** Whether a party may cancel a warrant: its agency, its minister, its judge. */
export function mayCancel(party: PartyRef, record: WarrantRecord): boolean {
  const agency = party.role === "agency" && equalBytes(party.key, record.agency);
  const approver = approverOf(party.role) !== undefined && party.committee === record.committee;
  return agency || approver;
}
