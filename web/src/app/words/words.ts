/** Which languages there are, and how one is chosen and fetched. English is always at hand. */

import { en, type Words } from "./en.ts";

export type { Words };

interface Catalogue {
  readonly tag: string;
  /** The language's name in itself. */
  readonly name: string;
  readonly fetch: () => Promise<Words>;
}

export const CATALOGUES: readonly Catalogue[] = [
  { tag: "en", name: "English", fetch: async () => en },
  { tag: "he", name: "עברית", fetch: async () => (await import("./he.ts")).he },
];

/** The catalogue for a wish (a setting, or null for the browser's languages); English otherwise. */
export function chooseCatalogue(wish: string | null, languages: readonly string[]): Catalogue {
  const [english] = CATALOGUES;
  if (english === undefined) throw new Error("no catalogue");
  for (const tag of wish === null ? languages : [wish]) {
    const [base] = tag.toLowerCase().split("-");
    // "iw" is what old systems call Hebrew
    const found = CATALOGUES.find((each) => each.tag === (base === "iw" ? "he" : base));
    if (found !== undefined) return found;
  }
  return english;
}
