/** Hebrew words for who can read this, and what was opened. */

import type { Words } from "../en.ts";
import { count, days, list, name, number, people } from "./tongue.ts";

export const trust: Words["trust"] = {
  title: "מי יכול לקרוא את זה?",
  short: "האנשים שבשיחה, במכשירים שלהם. ועוד דרך אחת, הגלויה כאן:",
  shortNone:
    "האנשים שבשיחה, במכשירים שלהם. איש מלבדם: באמנה של הפריסה הזו אין חריג, ולכן דבר אינו ניתן לפתיחה.",
  doubleLock: (t, n, court) =>
    `צו ששר וגם שופט חתמו עליו, שרשום ביומן החוק הפומבי, ושמשחררים אותו ${number(t)} מתוך ${number(n)} נאמנים יחד עם ${name(court)}.`,
  exact: "הוא פותח בדיוק את האנשים, השיחות והימים שהצו נוקב בהם, ולא דבר מעבר לכך.",
  operatorCannot: (operator) =>
    `${name(operator)} מפעיל את השרת. אין בידיו מפתח לשום הודעה. הוא רואה מי מדבר עם מי ומתי, ומה גודל ההודעות.`,
  notice:
    "כשצו האיסור מסתיים, האנשים הנוגעים בדבר מקבלים על כך הודעה, כאן באפליקציה, עם הוכחה. מי שחייב הודעה ואינו מוסר אותה אינו מקבל עוד מפתח.",
  checked: (when) => `אומת במכשיר הזה ${when}`,
  whoHolds: "מי מחזיק במפתחות",
  yours: "שלך",
  custodians: (t, n) => `נאמנים: דרושים ${number(t)} מתוך ${number(n)}`,
  court: "בית המשפט: דרוש תמיד",
  approve: "מי חייב לאשר",
  ministers: "שר",
  judges: "שופט",
  agencies: "מי רשאי לבקש",
  opened: "מה נפתח עד כה",
  openedHint:
    "נספר במכשיר הזה מתוך שורות יומן החוק עצמן. יום כתיבה הוא מה שאדם אחד כתב בשיחה אחת ביום אחד.",
  filed: "צווים שהתבקשו",
  approved: "אושרו במלואם",
  refused: "סורבו",
  cancelled: "בוטלו",
  lapsed: "פקעו בלי שימוש",
  requests: "פתיחות שהתבקשו",
  labels: "ימי כתיבה שהתבקשו",
  accounts: "אנשים הנוגעים בדבר, לכל היותר",
  releases: "שחרורים של מחזיקי מפתחות",
  notices: "הודעות שנמסרו",
  overdue: "הודעות באיחור",
  limits: "הגבולות שבאמנה",
  caps: (labels, accounts) =>
    `לכל היותר ${number(labels)} ימי כתיבה ו־${people(accounts)} בכל 30 ימים`,
  capsUsed: (labels, accounts) =>
    `נוצלו ב־30 הימים האחרונים: ${number(labels)} ו־${number(accounts)}`,
  retention: (n) =>
    `הודעות ומפתחות מושמדים אחרי ${days(n)}, כאן ובשרת; איש אינו יכול לפתוח דבר ישן יותר`,
  epochs: (ready, destroyed) =>
    `${count(ready, { one: "מפתח של חודש אחד מוכן", two: "מפתחות של חודשיים מוכנים", other: `מפתחות של ${number(ready)} חודשים מוכנים` })}, ${number(destroyed)} הושמדו עד כה`,
  kinds: {
    "content-stored": "תוכן של הודעות",
    metadata: "מי כתב למי ומתי",
  },
  profile: (approvals, maxDays) => `דורש ${list(approvals)}; מכסה לכל היותר ${days(maxDays)}`,
  roles: {
    minister: "שר",
    judge: "שופט",
    operator: "המפעיל",
    custodian: "נאמן",
    court: "בית המשפט",
  },
  urgent: (approvals, window) =>
    `בשעת חירום די ב${list(approvals)} למשך ${window}; אם לא אושר אחר כך, הוא פוקע ונספר`,
  noUrgent: "אין קיצור דרך לשעת חירום",
  gag: (gag, notice) =>
    `אפשר למנוע ממך לדעת למשך ${gag} לכל היותר; אחר כך ההודעה חייבת להגיע בתוך ${notice}`,
  offences: (what) => `רק בגין: ${list(what)}`,
  charter: "האמנה",
  charterNumber: (n) => (n === 0 ? "האמנה המייסדת" : `תיקון מספר ${number(n)}`),
  since: (when) => `בתוקף מאז ${when}`,
  delay: (time) => `שינויים נרשמים ${time} לפני שהם תקפים`,
  upcoming: (n, when) => `תיקון מספר ${number(n)} נכנס לתוקף ב־${when}`,
  logs: "היומנים הפומביים",
  keyLog: "יומן המפתחות: אילו מכשירים של מי",
  lawLog: "יומן החוק: כל צו וכל שחרור",
  logSize: (n) => count(n, { one: "רשומה אחת", two: "שתי רשומות", other: `${number(n)} רשומות` }),
  logState: {
    good: "שלם וחתום בידי עדים",
    behind: "לא מעודכן",
    forked: "מציג שתי היסטוריות",
    missing: "אינו מוגש",
  },
  logVoid: (n) =>
    count(n, {
      one: "רשומה אחת בלי תוקף",
      two: "שתי רשומות בלי תוקף",
      other: `${number(n)} רשומות בלי תוקף`,
    }),
  witnesses: (needed, seen, all) =>
    `${number(seen)} מתוך ${number(all)} עדים חתמו; דרושים ${number(needed)}`,
  root: "שורש",
  code: "הקוד של האפליקציה הזו",
  bundle: {
    logged: (n) => `הגיבוב שלו רשום ביומן החוק (רשומה ${n}), והמכשיר הזה השווה אותו.`,
    unlogged: "הגיבוב שלו אינו ביומן החוק. אין לסמוך על הדף הזה.",
    unknown: "לא ניתן היה להשוות כאן את הגיבוב שלו עם יומן החוק.",
  },
  version: "גרסה",
  hash: "גיבוב",
  notProtected: "על מה זה אינו מגן",
  notProtectedList: [
    "מי מדבר עם מי ומתי, מפני המפעיל.",
    "כל מה שבתוך זמן השמירה, מפני בית משפט יחד עם מניין נאמנים שמפרים את הכללים שלהם. איש לא היה רואה זאת.",
    "יום הוא היחידה הקטנה ביותר: צו מהצהריים פותח גם את אותו בוקר.",
    "מכשיר בידיים של אחר, אפליקציות אחרות בו, וחבר שמראה את ההודעות שלך לאחרים.",
    "מה שנכתב חתום: הודעה שנפתחה מוכיחה שאתה כתבת אותה.",
  ],
  notProtectedNone: [
    "מי מדבר עם מי ומתי, מפני המפעיל.",
    "מכשיר בידיים של אחר, אפליקציות אחרות בו, וחבר שמראה את ההודעות שלך לאחרים.",
    "מה שנכתב חתום: הודעה שחבר מראה מוכיחה שאתה כתבת אותה.",
  ],
  deployment: "פריסה",
};

export const notice: Words["notice"] = {
  title: "צו פתח הודעות שלך",
  titleMetadata: "צו גילה עם מי התכתבת",
  text: (agency, first, last) =>
    first === last
      ? `${name(agency)} פתחה את מה שכתבת ב־${first}.`
      : `${name(agency)} פתחה את מה שכתבת בין ${first} ל־${last}.`,
  metadata: (agency, first, last) =>
    first === last
      ? `${name(agency)} למדה עם מי התכתבת ב־${first}.`
      : `${name(agency)} למדה עם מי התכתבת בין ${first} ל־${last}.`,
  offence: "עבירה",
  basis: "בסיס חוקי",
  gag: "לא ניתן היה להודיע לך לפני",
  signedBy: "בחתימת",
  verified: (entry) => `אומת במכשיר הזה: יומן החוק נוקב בכך ברשומה ${entry}.`,
  proof: "הצגת ההוכחה",
  proofTitle: "ההוכחה",
  proofText:
    "המכשיר הזה בדק שמחזיק מפתח או המפעיל חתם על ההודעה הזו, שהרשומה ביומן החוק מתחייבת לצו הזה ואליך, ושדי עדים חתמו על אותו יומן. אף אחד אחר אינו יכול לראות שהרשומה היא עליך.",
  warrant: "הצו (התחייבות)",
  entry: "רשומה ביומן החוק",
  logSize: "ביומן של",
  save: "שמירת ההודעה החתומה",
  saveHint: "הקובץ חתום. עורך דין או מבקר יכולים לבדוק אותו בלי האפליקציה הזו.",
  committee: "תחום שיפוט",
};
