/** Hebrew words for the list of conversations, finding and beginning one. */

import type { Words } from "../en.ts";
import { count, messages, name, number, people } from "./tongue.ts";

export const list: Words["list"] = {
  title: "הודעות",
  label: "שיחות",
  empty: "עדיין אין שיחות",
  emptyHint: (me) =>
    `הכינוי שלך כאן הוא ${name(me)}. אפשר למסור אותו לאחרים, לכתוב להם לפי הכינוי שלהם, או להזמין מישהו חדש.`,
  new: "שיחה חדשה",
  settings: "הגדרות",
  draft: "טיוטה:",
  unread: (n) =>
    count(n, {
      one: "הודעה אחת שלא נקראה",
      two: "שתי הודעות שלא נקראו",
      other: `${number(n)} הודעות שלא נקראו`,
    }),
  mentioned: "הוזכרת",
  muted: "מושתק",
  pinned: "נעוץ",
  pin: "נעיצה",
  unpin: "ביטול הנעיצה",
  mute: "השתקה",
  unmute: "ביטול ההשתקה",
  typing: "מקליד/ה…",
  someTyping: (names) =>
    names.length === 1 ? `${name(names[0] ?? "")} מקליד/ה…` : `${number(names.length)} מקלידים…`,
  yesterday: "אתמול",
  offline: "אין חיבור. מה שייכתב יישלח אחר כך.",
  offlineQueued: (n) => `אין חיבור. ${messages(n)} יישלחו אחר כך.`,
  disconnected: "מתחבר…",
  options: (who) => `אפשרויות עבור ${name(who)}`,
  service: "מאת השירות",
};

export const preview: Words["preview"] = {
  picture: "תמונה",
  file: "קובץ",
  voice: "הודעה קולית",
  deleted: "הודעה שנמחקה",
  refused: "הודעה שסורבה",
  notice: "צו נגע אליך",
  amended: "הכללים משתנים",
  line: "עדכון בשיחה",
  you: (text) => `אני: ${text}`,
  by: (who, text) => `${name(who)}: ${text}`,
};

export const search: Words["search"] = {
  label: "חיפוש בהודעות",
  hint: "חיפוש בהודעות שבמכשיר הזה. דבר אינו יוצא ממנו.",
  conversations: "שיחות",
  messages: "הודעות",
  none: "לא נמצא דבר",
  more: "להציג עוד",
  found: (n) => count(n, { one: "נמצאה אחת", two: "נמצאו שתיים", other: `נמצאו ${number(n)}` }),
  within: (who) => `בתוך ${name(who)}`,
};

export const create: Words["create"] = {
  title: "שיחה חדשה",
  find: "חיפוש לפי כינוי",
  findHint: "שם, או כינוי מדויק",
  known: "אנשים",
  nobody: "אין כאן איש בכינוי הזה.",
  group: "קבוצה חדשה",
  groupTitle: "קבוצה חדשה",
  groupName: "שם הקבוצה",
  groupNameMissing: "יש לתת לקבוצה שם.",
  chosen: (n) => (n === 0 ? "איש לא נבחר" : `נבחרו: ${people(n)}`),
  makeGroup: "יצירת הקבוצה",
  join: "הצטרפות לקבוצה בקישור",
  joinHint: "הדבקת קישור של קבוצה",
  joinAsk: "בקשה להצטרף",
  joinAsked: "הבקשה נשלחה. ההצטרפות תושלם ברגע שמכשיר של הניהול יאשר.",
  joinQuestion: (group: string) => `לבקש להצטרף אל ${name(group)}?`,
  joinText: "הכינוי שלך נמסר למנהלת או למנהל, שיכולים לצרף אותך.",
  joinAccount: "הקישור הזה מוביל לקבוצה. כדי לבקש להצטרף צריך קודם חשבון כאן.",
  invite: "הזמנת מישהו חדש",
  inviteGroupText: "הקישור הזה יוצר חשבון אחד כאן ומבקש להצטרף לקבוצה. תנו אותו לאדם אחד בלבד.",
  inviteText: "הקישור הזה יוצר כאן חשבון אחד. יש לתת אותו לאדם אחד בלבד.",
  choosePicture: "בחירת תמונה",
  badPicture: "לא ניתן לקרוא את התמונה הזו. יש לבחור אחרת.",
  removePicture: "הסרת התמונה",
};
