/**
 * The law log as far as web clients go: which are logged, and which withdrawn (spec ).
 *
 * A worker is woken often and briefly, so it keeps what a fold came to, and reads what is new. Lines
 * of other kinds are hashed into the tree and not judged. Where a line's order makes it void in the
 * whole fold, this one is the stricter: a withdrawal counts whenever the operator signed it.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { type Fetch, LogMirror } from "../client/mirror.ts";
import { type Charter, charterAt, verifyAmendment, verifyGenesis } from "../protocol/charter.ts";
import { equalBytes, hex } from "../protocol/encoding.ts";
import { CharterRefused, Refusal } from "../protocol/errors.ts";
import type { DeploymentId } from "../protocol/identifiers.ts";
import { type EntryOf, verifyLine } from "../protocol/lawlog.ts";
import { GrowingTree } from "../protocol/merkle.ts";

/** What is kept between two looks: public, and verified when it was written. */
export interface KnownLaw {
  readonly deployment: Uint8Array;
  readonly size: number;
  readonly peaks: readonly Uint8Array[];
  /** The charters that count, as signed, the genesis first. */
  readonly charters: readonly Uint8Array[];
  /** By the manifest's hash (hexadecimal): whether it was withdrawn. */
  readonly bundles: ReadonlyMap<string, boolean>;
}

const JUDGED: ReadonlySet<unknown> = new Set(["amendment", "bundle", "bundle-withdrawn"]);

/** What is known before the first line. Throws CharterRefused, Malformed. */
export function beginLaw(deployment: DeploymentId, genesis: Uint8Array): KnownLaw {
  verifyGenesis(genesis, deployment);
  return { deployment, size: 0, peaks: [], charters: [genesis], bundles: new Map() };
}

/**
 * What is known after the log's newest cosigned checkpoint; `charters` gives the signed charters.
 *
 * Throws LogRefused (log-stale, log-fork, log-quorum and what else the policy refuses),
 * CharterRefused, Malformed, and what `fetch` and `charters` throw.
 */
export async function followLaw(
  known: KnownLaw,
  nowMs: number,
  fetch: Fetch,
  charters: () => Promise<readonly Uint8Array[]>,
): Promise<KnownLaw> {
  const chain = chainOf(known);
  const mirror = new LogMirror(fetch, [], new GrowingTree(known.size, known.peaks));
  const fresh = await mirror.grow(charterAt(chain, nowMs).lawPolicy);
  const { bundles } = known;
  const judged = await judgeLines({ chain, bundles }, known.deployment, fresh, charters);
  return {
    deployment: known.deployment,
    size: mirror.size,
    peaks: mirror.peaks,
    charters: judged.chain.map((charter) => charter.document),
    bundles: judged.bundles,
  };
}

/** What lines amount to: the charters that count, and the bundles. */
export interface Judged {
  readonly chain: readonly Charter[];
  readonly bundles: ReadonlyMap<string, boolean>;
}

/** What there is after further lines, in the log's order. Throws CharterRefused(charter-missing). */
export async function judgeLines(
  before: Judged,
  deployment: DeploymentId,
  lines: readonly Uint8Array[],
  charters: () => Promise<readonly Uint8Array[]>,
): Promise<Judged> {
  const chain = [...before.chain];
  const bundles = new Map(before.bundles);
  let documents: readonly Uint8Array[] | undefined;
  for (const line of lines) {
    if (!JUDGED.has(typeOf(line))) continue;
    try {
      const { timeMs, signed } = verifyLine(deployment, line);
      const { entry } = signed;
      if (charterAt(chain, timeMs).party(signed.author)?.role !== "operator") continue;
      if (entry.type === "bundle") {
        const name = hex(entry.bundle);
        if (!bundles.has(name)) bundles.set(name, false);
      } else if (entry.type === "bundle-withdrawn") {
        bundles.set(hex(entry.bundle), true);
      } else if (entry.type === "amendment") {
        documents ??= await charters();
        chain.push(amend(newest(chain), entry, timeMs, documents));
      }
    } catch (problem) {
      // A void line has no effect; but what only could not be fetched is no void line.
      if (!(problem instanceof Refusal) || problem.code === "charter-missing") throw problem;
    }
  }
  return { chain, bundles };
}

/** The charters of what was kept, verified again. */
function chainOf(known: KnownLaw): Charter[] {
  const [genesis, ...amendments] = known.charters;
  if (genesis === undefined) throw new CharterRefused("charter-genesis", "no charter");
  const chain = [verifyGenesis(genesis, known.deployment)];
  for (const document of amendments) chain.push(verifyAmendment(newest(chain), document));
  return chain;
}

function newest(chain: readonly Charter[]): Charter {
  const last = chain.at(-1);
  if (last === undefined) throw new CharterRefused("charter-genesis", "no charter");
  return last;
}

/** R-22, as in the whole fold. */
function amend(
  current: Charter,
  entry: EntryOf<"amendment">,
  timeMs: number,
  documents: readonly Uint8Array[],
): Charter {
  const document = documents.find((each) => equalBytes(sha256(each), entry.document));
  if (document === undefined) throw new CharterRefused("charter-missing", hex(entry.document));
  const now = verifyAmendment(current, document);
  if (
    !equalBytes(now.hash, entry.charter) ||
    now.terms.effectiveMs < timeMs + current.terms.amendmentDelayMs
  ) {
    throw new CharterRefused("charter-delay", "counted from the log's time");
  }
  return now;
}

/** A line's kind, to tell what needs no judging. */
function typeOf(line: Uint8Array): unknown {
  try {
    const value = JSON.parse(new TextDecoder().decode(line)) as { entry?: { type?: unknown } };
    return value?.entry?.type;
  } catch {
    return undefined;
  }
}
