/** Mentions while one writes: which names fit what stands before the cursor, and where they stand. */

import type { Mention, Person } from "../messenger.ts";

/** The beginning of a name behind an @ that ends at the cursor; null when there is none. */
export function mentionBegun(
  text: string,
  cursor: number,
): { start: number; begun: string } | null {
  const found = /(?:^|[\s(])@([\p{L}\p{N}._-]{0,64})$/u.exec(text.slice(0, cursor));
  if (found === null) return null;
  const begun = found[1] ?? "";
  return { start: cursor - begun.length - 1, begun };
}

/** Up to six people whose handle or name fits. */
export function fitting(people: readonly Person[], begun: string): readonly Person[] {
  const wanted = begun.toLocaleLowerCase();
  const fits = (text: string) =>
    text.toLocaleLowerCase().startsWith(wanted) || text.toLocaleLowerCase().includes(` ${wanted}`);
  return people.filter((each) => fits(each.handle) || fits(each.name)).slice(0, 6);
}

/** Where a text names people of a conversation: @ and the whole handle. */
export function findMentions(text: string, people: readonly Person[]): readonly Mention[] {
  const byHandle = new Map(people.map((each) => [each.handle, each.account]));
  const found: Mention[] = [];
  for (const match of text.matchAll(/(?<=^|[\s(])@([\p{L}\p{N}._-]{1,64})/gu)) {
    // A full stop behind a name ends the sentence.
    const handle = [match[1] ?? "", (match[1] ?? "").replace(/[.-]+$/, "")].find((each) =>
      byHandle.has(each),
    );
    const account = byHandle.get(handle ?? "");
    if (handle === undefined || account === undefined) continue;
    found.push({ start: match.index, end: match.index + 1 + handle.length, account });
  }
  return found;
}
