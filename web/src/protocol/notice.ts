/**
 * The notice to an affected account, and how its client checks it (spec ).
 *
 * It opens one subject commitment of the law log by that subject's own salt: nobody else's opens
 * with it, and without the log's line there is no notice.
 */

import type { Charter, PartyRef, Role } from "./charter.ts";
import { warrantKind } from "./charter_terms.ts";
import {
  bytes32,
  committeeNumber,
  decode,
  exactly,
  millis,
  name,
  type Of,
  object,
  opaque,
  whole,
  word,
} from "./documents.ts";
import { equalBytes, hex } from "./encoding.ts";
import { EvidenceRefused, LogRefused } from "./errors.ts";
import type { AccountId } from "./identifiers.ts";
import * as jws from "./jws.ts";
import { verifyLine } from "./lawlog.ts";
import type { LawState } from "./lawstate.ts";
import * as limits from "./limits.ts";
import { verifyProof } from "./tlog_proof.ts";
import { commitSubject } from "./warrant.ts";

const day = whole(limits.LAST_DAY);

/**
 * A notice's payload: who is told, of which warrant, with the opening and the log's proof.
 *
 * `salt` opens `subject`; `line` is the release request's log line, `proof` its tlog-proof.
 */
const noticeTerms = object({
  version: exactly(1),
  deployment: bytes32,
  committee: committeeNumber,
  warrant: bytes32,
  account: bytes32,
  salt: bytes32,
  kind: warrantKind,
  agency: name,
  offence: word,
  legalBasis: name,
  firstDay: day,
  lastDay: day,
  gagEndMs: millis,
  line: opaque,
  proof: opaque,
});
export type NoticeTerms = Of<typeof noticeTerms>;

declare const verified: unique symbol;

/** A notice to this account that the law log bears out; `subject` is what was delivered. */
export interface VerifiedNotice {
  readonly [verified]: true;
  readonly terms: NoticeTerms;
  readonly subject: Uint8Array;
  readonly signers: readonly Role[];
  readonly logIndex: number;
}

/**
 * The notice once a party signed it and a cosigned log line commits to this account.
 *
 * Signer and witnesses may be those of any charter so far: a notice is read long after it was made.
 * Where its log is no longer than `law`, it must be the same one. Throws Malformed, LogRefused, or EvidenceRefused(notice-mismatch).
 */
export function verifyNotice(
  data: Uint8Array,
  law: LawState,
  account: AccountId,
  nowMs: number,
): VerifiedNotice {
  const { deployment, charters } = law.facts;
  // The first one always is.
  const told = charters.filter(({ terms }, at) => at === 0 || terms.effectiveMs <= nowMs);
  const parties = told
    .flatMap((charter) => charter.parties)
    .filter(({ role }) => ["operator", "custodian", "court"].includes(role));
  const holders = new Map(parties.map((party) => [hex(party.key), party]));
  const keys = [...holders.values()].map(({ key }) => key);
  const document = jws.verify(data, jws.Purpose.NOTICE, keys, limits.NOTICE);
  const terms = decode(document.payload, noticeTerms, limits.NOTICE);
  if (!equalBytes(terms.deployment, deployment) || !equalBytes(terms.account, account)) {
    throw new EvidenceRefused("notice-mismatch", "to somebody else");
  }
  if (nowMs + (told.at(-1)?.terms.skewMs ?? 0) < terms.gagEndMs) {
    throw new EvidenceRefused("notice-mismatch", "before the gag's end");
  }
  const signers = document.signers.map((key) => partyIn(holders, key, terms.committee).role);
  const { entry } = verifyLine(deployment, terms.line).signed;
  const placed = placeOf(terms.proof, terms.line, told);
  const { size, root } = placed.checkpoint.checkpoint;
  if (size <= law.size && !equalBytes(law.rootAt(size), root)) {
    throw new LogRefused("log-fork", `at size ${size}`);
  }
  const subject = commitSubject(deployment, terms.warrant, terms.salt, account);
  if (entry.type !== "release-request" || !equalBytes(entry.warrant, terms.warrant)) {
    throw new EvidenceRefused("notice-mismatch", "another log line");
  }
  if (!entry.subjects.some((each) => equalBytes(each, subject))) {
    throw new EvidenceRefused("notice-mismatch", "the log line does not name this account");
  }
  checkFacts(terms, law);
  return { terms, subject, signers, logIndex: placed.index } as unknown as VerifiedNotice;
}

/** Holds what the log has of a warrant against the notice: the rest is its signer's word. */
function checkFacts(terms: NoticeTerms, law: LawState): void {
  const record = law.facts.warrants.get(hex(terms.warrant));
  if (record === undefined) return; // the own log is shorter than the notice's
  const agency = law.charter(record.filedMs).party(record.agency)?.name;
  const same =
    terms.committee === record.committee &&
    terms.kind === record.kind &&
    terms.gagEndMs === record.gagEndMs &&
    terms.agency === agency;
  if (!same) throw new EvidenceRefused("notice-mismatch", "the log has other facts of the warrant");
}

/** Verifies a line's place under whichever charter's witnesses saw it. */
function placeOf(proof: Uint8Array, line: Uint8Array, charters: readonly Charter[]) {
  let failure: LogRefused | undefined;
  for (const charter of [...charters].reverse()) {
    try {
      return verifyProof(proof, line, charter.lawPolicy);
    } catch (problem) {
      if (!(problem instanceof LogRefused) || problem.code !== "log-quorum") throw problem;
      failure ??= problem;
    }
  }
  throw failure ?? new LogRefused("log-quorum", "no charter");
}

function partyIn(
  holders: ReadonlyMap<string, PartyRef>,
  key: Uint8Array,
  committee: number,
): PartyRef {
  const party = holders.get(hex(key));
  if (party === undefined || (party.committee !== undefined && party.committee !== committee)) {
    throw new EvidenceRefused("notice-mismatch", "by another committee's holder");
  }
  return party;
}
