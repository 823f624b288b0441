/** What every catalogue needs of its language: plurals, numbers, lists, spans of time. */

type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string };
type Unit = "second" | "minute" | "hour" | "day" | "week";
/** For a unit: the word beside 1, and beside other numbers. `two` where a language has a dual. */
type UnitWords = readonly [one: string, other: string, two?: string];

const UNITS: readonly (readonly [Unit, number])[] = [
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** The helpers of one language, by its BCP 47 tag. */
export function makeTongue(tag: string, units: Readonly<Record<Unit, UnitWords>>) {
  const plural = new Intl.PluralRules(tag);
  const numbers = new Intl.NumberFormat(tag);
  const lists = new Intl.ListFormat(tag, { type: "conjunction" });
  const number = (value: number) => numbers.format(value);

  return {
    number,
    /** The form for a count, by the language's own plural rule. */
    count: (n: number, forms: Forms) => forms[plural.select(n)] ?? forms.other,
    /** A size in bytes, short. */
    bytes: (size: number) => {
      const names = ["B", "KB", "MB", "GB"];
      let value = size;
      let step = 0;
      while (value >= 1000 && step < 3) {
        value /= 1000;
        step += 1;
      }
      const digits = step > 0 && value < 10 ? 1 : 0;
      const text = value.toLocaleString(tag, { maximumFractionDigits: digits });
      return `${text} ${names[step] ?? ""}`;
    },
    /** Somebody's words inside a sentence: kept from changing its direction (FSI, PDI). */
    name: (text: string) => `\u2068${text}\u2069`,
    list: (items: readonly string[]) => lists.format(items),
    /** A span of seconds in its largest fitting unit: "8 hours". */
    span: (seconds: number) => {
      const [unit, size] = UNITS.find(([, each]) => seconds >= each && seconds % each === 0) ??
        UNITS.find(([, each]) => seconds >= each) ?? ["second" as const, 1];
      const n = Math.round(seconds / size);
      const [one, other, two] = units[unit];
      if (n === 1) return two === undefined ? `1 ${one}` : one;
      if (n === 2 && two !== undefined) return two;
      return `${number(n)} ${other}`;
    },
  };
}
