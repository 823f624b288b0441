/** What an amendment changes, term by term (spec C-9, C-12); the interface says it in words. */

import type { CharterTerms, Committee, Custodian, Party, WarrantKind } from "./charter_terms.ts";
import { hex } from "./encoding.ts";

/** What a term says: a text, a number in the term's own unit, or several names in order. */
export type Said = string | number | readonly string[];

/**
 * One difference: which term, in which committee and for which kind of warrant if it is one's, what
 * it was and what it will be; undefined where it was not, or will not be.
 */
export interface Change {
  readonly committee: number | undefined;
  readonly kind: WarrantKind | undefined;
  readonly term: string;
  readonly before: Said | undefined;
  readonly after: Said | undefined;
}

type Place = Pick<Change, "committee" | "kind">;

const LOOSE: ReadonlySet<string> = new Set([
  "version",
  "sequence",
  "deployment",
  "previous",
  "issuedMs",
  "effectiveMs",
  "committees",
]);
const PEOPLE = ["custodians", "agencies", "ministers", "judges"] as const;
const APART: ReadonlySet<string> = new Set([...PEOPLE, "number", "profiles", "caps"]);

/** Every difference between two charters' terms, the times aside. */
export function describeChanges(old: CharterTerms, now: CharterTerms): Change[] {
  const changes = differences({ committee: undefined, kind: undefined }, old, now, LOOSE);
  const before = new Map(old.committees.map((each) => [each.number, each]));
  const after = new Map(now.committees.map((each) => [each.number, each]));
  for (const number of [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b)) {
    const was = before.get(number);
    const will = after.get(number);
    const place = { committee: number, kind: undefined };
    if (was !== undefined && will !== undefined) changes.push(...inCommittee(place, was, will));
    else changes.push({ ...place, term: "committee", before: was?.name, after: will?.name });
  }
  return changes;
}

function inCommittee(place: Place, old: Committee, now: Committee): Change[] {
  const changes = differences(place, old, now, APART);
  for (const term of PEOPLE) changes.push(...people(place, term, old[term], now[term]));
  changes.push(...differences(place, old.caps, now.caps, new Set(), "caps."));
  const before = new Map(old.profiles.map((each) => [each.kind, each]));
  const after = new Map(now.profiles.map((each) => [each.kind, each]));
  for (const kind of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const was = before.get(kind);
    const will = after.get(kind);
    const at = { ...place, kind };
    if (was !== undefined && will !== undefined) {
      changes.push(...differences(at, was, will, new Set(["kind"])));
    } else changes.push({ ...at, term: "profile", before: was?.kind, after: will?.kind });
  }
  return changes;
}

/** Who came and who went, by their keys; one with another name or number is shown with both. */
function people(
  place: Place,
  term: string,
  old: readonly (Party | Custodian)[],
  now: readonly (Party | Custodian)[],
): Change[] {
  const before = new Map(old.map((one) => [hex(one.key), one]));
  const after = new Map(now.map((one) => [hex(one.key), one]));
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const [was, will] = [before.get(key), after.get(key)];
    if (compare(was) === compare(will)) return [];
    return [{ ...place, term, before: was?.name, after: will?.name }];
  });
}

function differences(
  place: Place,
  old: object,
  now: object,
  apart: ReadonlySet<string>,
  prefix = "",
): Change[] {
  const [was, will] = [new Map(Object.entries(old)), new Map(Object.entries(now))];
  return [...new Set([...was.keys(), ...will.keys()])]
    .filter((term) => !apart.has(term) && compare(was.get(term)) !== compare(will.get(term)))
    .map((term) => ({
      ...place,
      term: `${prefix}${term}`,
      before: say(was.get(term)),
      after: say(will.get(term)),
    }));
}

function say(value: unknown): Said | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string" || typeof value === "number") return value;
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(String);
  const { name } = value as { readonly name?: unknown };
  return typeof name === "string" ? name : JSON.stringify(value);
}

function compare(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    member instanceof Uint8Array ? hex(member) : member,
  );
}
