/** Hebrew words for what every screen uses. */

import type { Words } from "../en.ts";
import { ADVICE } from "./advice.ts";

export const common: Words["common"] = {
  back: "חזרה",
  close: "סגירה",
  cancel: "ביטול",
  save: "שמירה",
  done: "סיום",
  continue: "המשך",
  copy: "העתקה",
  copied: "הועתק",
  remove: "הסרה",
  delete: "מחיקה",
  more: "עוד",
  loading: "טוען…",
  you: "אני",
  search: "חיפוש",
  share: "שיתוף",
  retry: "ניסיון חוזר",
  yes: "כן",
  no: "לא",
  unknown: "לא ידוע",
  toMessages: "דילוג אל השיחה",
  somethingFailed: "זה לא הצליח.",
  advice: (code, detail) => (detail ? `${code} (${detail})` : code),
};

export const shortcuts: Words["shortcuts"] = {
  title: "קיצורי מקלדת",
  search: "חיפוש",
  new: "שיחה חדשה",
  next: "השיחה הבאה",
  previous: "השיחה הקודמת",
  nextUnread: "השיחה הבאה שלא נקראה",
  close: "סגירה או חזרה",
  editLast: "עריכת ההודעה האחרונה שלך (בשדה ריק)",
  messages: "תנועה בין ההודעות",
  menu: "אפשרויות של הודעה",
  bold: "מודגש, נטוי",
  send: "שליחה",
  newline: "שורה חדשה",
  mute: "השתקה או ביטולה",
  help: "הרשימה הזו",
  settings: "הגדרות",
};

export const install: Words["install"] = {
  offer: "להתקין את Doublelock במכשיר הזה?",
  yes: "התקנה",
  later: "לא עכשיו",
};

export const refusal: Words["refusal"] = {
  unknownCode: "המסנג׳ר סירב לזה.",
  advice: ADVICE,
};
