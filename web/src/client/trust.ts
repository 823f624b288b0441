/** Who can read this: the charter, both logs and the bundle as this device verified them. */

import { sha256 } from "@noble/hashes/sha2.js";
import type { BundleFacts, CommitteeFacts, Counted, LogFacts, Trust } from "../messenger.ts";
import { bundle } from "../protocol/api.ts";
import type { Committee } from "../protocol/charter_terms.ts";
import { DAY_MS, dayOf, keyEpochOf } from "../protocol/days.ts";
import { hex } from "../protocol/encoding.ts";
import { Refusal } from "../protocol/errors.ts";
import { witnessed } from "../protocol/handover.ts";
import { isAlive, overdueSubjects, statusAt } from "../protocol/lawrecords.ts";
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
  const next = law.facts.charters.find((each) => each.terms.effectiveMs > monitor.clock());
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
      upcoming:
        next === undefined
          ? null
          : { sequence: next.terms.sequence, effectiveMs: next.terms.effectiveMs },
    },
    committees: terms.committees.map((each) => committeeFacts(monitor, each)),
    mine,
    lawLog: logFacts(monitor, "law"),
    keyLog: logFacts(monitor, "key"),
    bundle: bundleFacts,
    checkedMs: monitor.checkedMs,
  };
}

function committeeFacts(monitor: Monitor, committee: Committee): CommitteeFacts {
  const { facts } = monitor.law;
  const epochs = [...facts.epochs.values()].filter(
    (record) => record.keys.epoch.committee === committee.number,
  );
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
    epochsDestroyed: epochs.filter((record) => !isAlive(record)).length,
    counted: count(monitor, committee.number),
  };
}

function count(monitor: Monitor, number: number): Counted {
  const now = monitor.clock();
  const { facts } = monitor.law;
  const tally = monitor.law.tally(number);
  const warrants = [...facts.warrants.values()].filter((one) => one.committee === number);
  const recent = [...facts.requests.values()].filter(
    (one) => one.committee === number && one.timeMs > now - 30 * DAY_MS,
  );
  return {
    ...tally,
    lapsed: warrants.filter((one) => statusAt(one, now) === "Expired").length,
    overdue: warrants.reduce((sum, one) => sum + overdueSubjects(one, now).length, 0),
    last30Days: {
      labels: recent.reduce((sum, one) => sum + one.labels, 0),
      accounts: new Set(recent.flatMap((one) => [...one.subjects])).size,
    },
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
