/** What an amendment of the charter changes, in plain words. */

import type { CharterChange } from "../../messenger.ts";
import { useApp } from "../use_app.ts";
import type { Words } from "../words/words.ts";

/** Keys and salts: that they are others is all that words can say of them. */
const KEYS: ReadonlySet<string> = new Set(["receiptKey"]);

export function ChangeList({ changes }: { readonly changes: readonly CharterChange[] }) {
  const { words } = useApp();
  if (changes.length === 0) return <p class="padded">{words.rules.nothing}</p>;
  return (
    <>
      {grouped(changes).map((group) => (
        <section key={placeOf(group[0])} class="changes">
          <Place change={group[0]} />
          <ul class="bullets">
            {group.map((each) => (
              <li key={sayChange(each, words)}>{sayChange(each, words)}</li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

type Group = readonly [CharterChange, ...CharterChange[]];

function placeOf({ committee, kind }: CharterChange): string {
  return JSON.stringify([committee, kind]);
}

/** Changes of one committee and one kind of warrant together, in the charter's order. */
function grouped(changes: readonly CharterChange[]): Group[] {
  const groups = new Map<string, [CharterChange, ...CharterChange[]]>();
  for (const change of changes) {
    const group = groups.get(placeOf(change));
    if (group === undefined) groups.set(placeOf(change), [change]);
    else group.push(change);
  }
  return [...groups.values()];
}

function Place({ change: { committee, kind } }: { readonly change: CharterChange }) {
  const { words } = useApp();
  if (committee === null && kind === null) return null;
  return (
    <p class="quiet">
      {committee !== null && <bdi>{committee}</bdi>}
      {committee !== null && kind !== null && " · "}
      {kind !== null && (words.trust.kinds[kind] ?? kind)}
    </p>
  );
}

function sayChange(change: CharterChange, words: Words): string {
  const { rules } = words;
  const what = rules.terms[change.term] ?? change.term;
  if (KEYS.has(change.term)) return rules.fresh(what, rules.keyChanged);
  const before = sayValue(change.term, change.before, words);
  const after = sayValue(change.term, change.after, words);
  if (before === null) return rules.fresh(what, after ?? "");
  return after === null ? rules.gone(what, before) : rules.both(what, before, after);
}

function sayValue(term: string, value: CharterChange["before"], words: Words): string | null {
  if (value === null) return null;
  if (typeof value === "number") {
    if (term.endsWith("Ms")) return words.span(value / 1000);
    return term.endsWith("Days") ? words.rules.days(value) : words.number(value);
  }
  if (typeof value === "string") {
    if (term === "escrow") return words.rules.escrow[value] ?? value;
    if (term === "profile") return words.trust.kinds[value] ?? value;
    return `\u2068${value}\u2069`;
  }
  if (value.length === 0) return words.rules.none;
  // A witness is named by what stands before its key.
  const names = term === "witnesses" ? value.map((each) => each.split("+")[0] ?? each) : value;
  return words.names(
    names.map((each) => words.trust.roles[each] ?? `\u2068${each.replaceAll("-", " ")}\u2069`),
  );
}
