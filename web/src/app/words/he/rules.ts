/** Hebrew words for the deployment's rules: how they change, month keys, refused messages. */

import type { refused as Refused, rules as Rules } from "../en/rules.ts";
import { count, name, number } from "./tongue.ts";

const personDays = (n: number) =>
  count(n, { one: "יום כתיבה אחד", two: "שני ימי כתיבה", other: `${number(n)} ימי כתיבה` });
const people = (n: number) =>
  count(n, { one: "אדם אחד", two: "שני אנשים", other: `${number(n)} אנשים` });
const warrants = (n: number) =>
  count(n, { one: "צו אחד", two: "שני צווים", other: `${number(n)} צווים` });

export const rules: typeof Rules = {
  coming: "הכללים עומדים להשתנות",
  changed: "הכללים השתנו",
  comingText: (deployment, when) => `האמנה של ${name(deployment)} תוקנה. החל ב־${when}:`,
  changedText: (deployment, when) => `האמנה של ${name(deployment)} תוקנה. מאז ${when}:`,
  verified: (n) => `אומת במכשיר הזה: תיקון ${number(n)} רשום ביומן החוק, בחתימת כל מי שחייב לחתום.`,
  look: "לקריאת הכללים",
  nothing: "משתנה רק מה שטכני.",
  history: "השינויים עד כה",
  upcomingTitle: "שינוי בדרך",
  both: (what, before, after) => `${what}: ${after} (קודם: ${before})`,
  fresh: (what, after) => `${what}, חדש: ${after}`,
  gone: (what, before) => `${what}, כבר לא: ${before}`,
  none: "אין",
  keyChanged: "מפתח אחר",
  days: (n) => count(n, { one: "יום אחד", two: "יומיים", other: `${number(n)} ימים` }),
  escrow: { threshold: "צו יכול לפתוח הודעות", none: "דבר אינו ניתן לפתיחה" },
  terms: {
    name: "שם הפריסה",
    operator: "מי מפעיל את השרת",
    receiptKey: "המפתח לאישורי השרת",
    witnesses: "העדים של היומנים",
    quorum: "מספר העדים שחייבים לחתום",
    skewMs: "ההפרש המותר בין שעונים",
    checkpointAgeMs: "הגיל המותר של ראש יומן",
    epochExtensionDays: "הזמן שבו אפשר להשלים מפתח חסר של חודש",
    amendmentDelayMs: "הזמן שבו שינוי רשום לפני שהוא תקף",
    escrow: "חריג",
    addresses: "כתובות השרת",
    committee: "ועדה",
    jurisdiction: "תחום שיפוט",
    custodians: "נאמן",
    threshold: "מספר הנאמנים שחייבים להסכים",
    court: "בית משפט",
    agencies: "מי רשאי לבקש",
    ministers: "שר",
    judges: "שופט",
    retentionDays: "הודעות ומפתחות מושמדים אחרי",
    "caps.accounts": "אנשים בכל 30 יום, לכל היותר",
    "caps.labels": "ימי כתיבה בכל 30 יום, לכל היותר",
    profile: "סוג של צו",
    approvals: "חייב אישור של",
    urgent: "בשעת חירום די ב",
    maxDays: "הימים שצו אחד מכסה, לכל היותר",
    validityMs: "צו תקף למשך, לכל היותר",
    urgentWindowMs: "שעת חירום נמשכת",
    gagMs: "אפשר למנוע ממך לדעת למשך, לכל היותר",
    noticeMs: "אחר כך יודיעו לך בתוך",
    renewals: "כמה פעמים אפשר לחדש צו",
    offences: "עבירות",
    unnamedSenders: "אנשים שצו אינו חייב לנקוב בשמם, לכל היותר",
  },

  months: "מפתחות החודשים",
  month: {
    coming: "מוכן",
    current: "בשימוש",
    past: "צו עדיין יכול לפתוח",
    destroyed: "הושמד: דבר מאותו חודש אינו ניתן עוד לפתיחה",
  },
  monthDone: (custodians, court) =>
    `הושמד בידי ${count(custodians, { one: "נאמן אחד", two: "שני נאמנים", other: `${number(custodians)} נאמנים` })}${court ? " ובית המשפט" : ""}`,
  monthKept: (n) =>
    `מלבד ${personDays(n)}, ${n === 1 ? "שנשמר" : "שנשמרו"} לפני כן בשביל צו שכבר היה בתוקף`,

  contentOpened: (labels, accounts, n) =>
    labels === 1
      ? `יום כתיבה אחד של אדם אחד, לפי ${warrants(n)}.`
      : `${personDays(labels)}, של ${people(accounts)} לכל היותר, לפי ${warrants(n)}.`,
  contentNone: "שום הודעה של אף אחד לא נפתחה.",
  metadataGiven: (labels, accounts, n) =>
    `מלבד זאת נמסר מי כתב למי ומתי: ${personDays(labels)}, של ${people(accounts)}, לפי ${warrants(n)}.`,
  metadataNone: "לא נמסר לאיש מי כתב למי.",
};

export const refused: typeof Refused = {
  title: "הודעה סורבה. היא אינה מוצגת.",
  from: (who) => `אם ציפית למשהו מאת ${name(who)}, יש לבקש אותו שוב.`,
  mine: "אם היא הייתה חשובה, יש לשלוח אותה שוב.",
  reasons: {
    "bad-signature": "היא אינה חתומה בידי המכשיר שהיא נוקבת בשמו: אולי מישהו אחר כתב אותה.",
    "sender-mismatch": "היא אינה באה מהאדם או מהמכשיר שהיא נוקבת בשמם.",
    "ghost-device": "היא באה ממכשיר שאינו ביומן המפתחות הפומבי.",
    "ghost-member": "היא באה ממי שיומן המפתחות הפומבי אינו מכיר.",
    "capsule-mismatch":
      "היא ננעלה כך שצו חוקי לא יוכל לפתוח אותה. שום אפליקציה אינה מציגה הודעות כאלה.",
    "capsule-missing": "היא נשלחה בעקיפת הכללים של הפריסה הזו, בלי החלק שצו יכול לפתוח.",
    "epoch-mismatch": "היא נעולה במפתח של חודש אחר או של תחום שיפוט אחר.",
    "day-mismatch": "היא נושאת תאריך של יום אחר מזה שבו הגיעה.",
    "receipt-time": "היא באה מהעתיד, לפי שעון השרת או לפי שעון המכשיר הזה.",
    "receipt-mismatch": "אישור השרת עליה הוא על משהו אחר.",
    "header-mismatch": "היא נעשתה לשיחה אחרת, או כהודעה אחרת.",
    "body-unreadable": "אי אפשר לפענח אותה במפתח שבא איתה.",
    "commitment-mismatch": "מה שבפנים אינו מה שהשולח ערב לו מבחוץ.",
    "ephemeral-content": "יש בה משהו שאינו הודעה.",
    form: "מה שבפנים אינו בצורה שאפליקציה כלשהי רשאית לשלוח.",
    "not-canonical": "מה שבפנים כתוב בדרך שכל אפליקציה חייבת לסרב לה.",
    size: "מה שבפנים גדול או קטן מהמותר.",
  },
};
