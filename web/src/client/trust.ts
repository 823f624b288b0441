/** Who can read this: the charter, both logs and the bundle as this device verified them. */

import { sha256 } from "@noble/hashes/sha2.js";
import type {
  Amendment,
  BundleFacts,
  CommitteeFacts,
  Counted,
  LogFacts,
  MonthKey,
  Opened,
  Trust,
} from "../messenger.ts";
import { describeChanges } from "../protocol/amendment.ts";
import { bundle } from "../protocol/api.ts";
import type { Charter } from "../protocol/charter.ts";
import type { Committee } from "../protocol/charter_terms.ts";
import { DAY_MS, dayOf, firstDay, keyEpochOf } from "../protocol/days.ts";
import { hex } from "../protocol/encoding.ts";
import { Refusal } from "../protocol/errors.ts";
import { witnessed } from "../protocol/handover.ts";
import {
  epochName,
  isAlive,
  overdueSubjects,
  type RequestRecord,
  statusAt,
} from "../protocol/lawrecords.ts";
import type { Http } from "./http.ts";
import type { LogName, Monitor } from "./monitor.ts";

/** The running code by the server's word, held against the law log. */
export async function readBundle(http: Http, monitor: Monitor): Promise<BundleFacts> {
  try {
    const answer = await http.ask("GET", "/v1/bundle", undefined, undefined, bundle, {
      anyone: true,
    });
    const name = hex(sha256(answer.manifest));
    const record = monitor.law.facts.bundles.get(name);
    if (record === undefined) {
      return { version: "", hash: name, logged: "unlogged", logIndex: null };
    }
    const logged = record.withdrawn ? "unlogged" : "logged";
    return { version: record.version, hash: name, logged, logIndex: record.index };
  } catch (problem) {
    if (!(problem instanceof Refusal)) throw problem;
    return { version: "", hash: "", logged: "unknown", logIndex: null };
  }
}

export function readTrust(monitor: Monitor, bundleFacts: BundleFacts, mine: number | null): Trust {
  const { charter, law } = monitor;
  const { terms } = charter;
  const { charters } = law.facts;
  const next = charters.find((each) => each.terms.effectiveMs > monitor.clock());
  const past = charters.filter((each) => each.terms.effectiveMs <= monitor.clock());
  return {
    deployment: hex(monitor.deployment),
    name: terms.name,
    operator: terms.operator.name,
    escrow: terms.escrow,
    charter: {
      sequence: terms.sequence,
      hash: hex(charter.hash),
      effectiveMs: terms.effectiveMs,
      amendmentDelayMs: terms.amendmentDelayMs,
      upcoming: next === undefined ? null : readAmendment(charters, next),
      history: past
        .slice(1)
        .map((each) => readAmendment(charters, each))
        .reverse(),
    },
    committees: terms.committees.map((each) => committeeFacts(monitor, each)),
    mine,
    lawLog: logFacts(monitor, "law"),
    keyLog: logFacts(monitor, "key"),
    bundle: bundleFacts,
    checkedMs: monitor.checkedMs,
  };
}

/** What a charter of a verified chain changed of the one before it. */
export function readAmendment(charters: readonly Charter[], charter: Charter): Amendment {
  const { terms } = charter;
  const before = charters[charters.indexOf(charter) - 1] ?? charter;
  const name = (number: number | undefined) =>
    [...terms.committees, ...before.terms.committees].find((each) => each.number === number)
      ?.name ?? null;
  return {
    sequence: terms.sequence,
    effectiveMs: terms.effectiveMs,
    changes: describeChanges(before.terms, terms).map((one) => ({
      committee: name(one.committee),
      kind: one.kind ?? null,
      term: one.term,
      before: one.before ?? null,
      after: one.after ?? null,
    })),
  };
}

function committeeFacts(monitor: Monitor, committee: Committee): CommitteeFacts {
  const names = (parties: readonly { readonly name: string }[]) => parties.map((one) => one.name);
  return {
    number: committee.number,
    name: committee.name,
    jurisdiction: committee.jurisdiction,
    escrow: committee.escrow,
    custodians: names(committee.custodians),
    threshold: committee.threshold,
    court: committee.court?.name ?? null,
    agencies: names(committee.agencies),
    ministers: names(committee.ministers),
    judges: names(committee.judges),
    profiles: committee.profiles.map((profile) => ({
      kind: profile.kind,
      approvals: profile.approvals,
      urgent: profile.urgent,
      urgentWindowMs: profile.urgentWindowMs,
      maxDays: profile.maxDays,
      validityMs: profile.validityMs,
      gagMs: profile.gagMs,
      noticeMs: profile.noticeMs,
      offences: profile.offences,
    })),
    caps: committee.caps,
    retentionDays: committee.retentionDays,
    epochsReady: monitor.epochsReady(committee.number, keyEpochOf(dayOf(monitor.clock()))),
    months: months(monitor, committee.number),
    counted: count(monitor, committee.number),
  };
}

function months(monitor: Monitor, number: number): MonthKey[] {
  const { epochs, preserved } = monitor.law.facts;
  const current = keyEpochOf(dayOf(monitor.clock()));
  const found: MonthKey[] = [];
  for (const record of epochs.values()) {
    const { committee, keyEpoch } = record.keys.epoch;
    if (committee !== number) continue;
    const prefix = `${epochName(committee, keyEpoch)}/`;
    const labels = [...preserved].filter(([name]) => name.startsWith(prefix));
    const age = keyEpoch > current ? "coming" : keyEpoch === current ? "current" : "past";
    found.push({
      firstDay: firstDay(keyEpoch),
      state: isAlive(record) ? age : "destroyed",
      custodiansDone: [...record.destroyed].filter((index) => index !== 0).length,
      courtDone: record.destroyed.has(0),
      preserved: labels.reduce((sum, [, count]) => sum + count, 0),
    });
  }
  return found.sort((a, b) => b.firstDay - a.firstDay);
}

function count(monitor: Monitor, number: number): Counted {
  const now = monitor.clock();
  const { facts } = monitor.law;
  const tally = monitor.law.tally(number);
  const warrants = [...facts.warrants.values()].filter((one) => one.committee === number);
  // What went over the caps is in the log and opened nothing.
  const requests = [...facts.requests.values()].filter(
    (one) => one.committee === number && !one.overCap,
  );
  const recent = requests.filter((one) => one.timeMs > now - 30 * DAY_MS);
  const kindOf = (one: RequestRecord) => facts.warrants.get(one.warrant)?.kind;
  const released = releasedBy(monitor, number);
  return {
    ...tally,
    lapsed: warrants.filter((one) => statusAt(one, now) === "Expired" && one.roots.size === 0)
      .length,
    content: sum(requests.filter((one) => kindOf(one) === "content-stored" && released(one))),
    metadata: sum(requests.filter((one) => kindOf(one) === "metadata")),
    overdue: warrants.reduce((all, one) => all + overdueSubjects(one, now).length, 0),
    last30Days: { labels: sum(recent).labels, accounts: sum(recent).accounts },
  };
}

/** Whether the court and enough custodians released for a request. */
function releasedBy(monitor: Monitor, number: number): (request: RequestRecord) => boolean {
  const holders = new Map<string, Set<number>>();
  for (const name of monitor.law.facts.releases.keys()) {
    const [request = "", index] = name.split("/");
    holders.set(request, (holders.get(request) ?? new Set()).add(Number(index)));
  }
  return ({ hash, timeMs }) => {
    const released = holders.get(hash);
    const { threshold } = monitor.law.charter(timeMs).committee(number);
    return released?.has(0) === true && released.size - 1 >= threshold;
  };
}

function sum(requests: readonly RequestRecord[]): Opened {
  return {
    warrants: new Set(requests.map((one) => one.warrant)).size,
    labels: requests.reduce((all, one) => all + one.labels, 0),
    accounts: new Set(requests.flatMap((one) => [...one.subjects])).size,
  };
}

function logFacts(monitor: Monitor, log: LogName): LogFacts {
  const mirror = log === "key" ? monitor.keys : monitor.laws;
  const held = witnessed(monitor.law.facts);
  const policy = log === "key" ? held.keyPolicy : held.lawPolicy;
  const seen = new Set(mirror.checkpoint?.cosignatures.map(({ key }) => hex(key.keyId)) ?? []);
  const trouble = monitor.trouble[log];
  const time = mirror.checkpoint?.quorumTimeS;
  const state =
    trouble === undefined
      ? "good"
      : trouble.code === "log-fork"
        ? "forked"
        : trouble.code === "log-missing"
          ? "missing"
          : "behind";
  return {
    size: mirror.size,
    root: hex(mirror.root),
    checkpointMs: time === undefined ? null : Number(time) * 1000,
    state,
    refusal: trouble === undefined ? null : { code: trouble.code, detail: trouble.detail },
    witnesses: policy.witnesses.map(({ key }) => ({
      name: key.name,
      cosigned: seen.has(hex(key.keyId)),
    })),
    quorum: held.terms.quorum,
    void: monitor.refused.filter((entry) => entry.log === log).length,
  };
}
