/** The English words of the interface; every other language has exactly these (`Words`). */

import { alarm } from "./en/alarms.ts";
import { common, install, refusal, shortcuts } from "./en/common.ts";
import { composer, conversation, emoji, line, viewer } from "./en/conversation.ts";
import { broken, linking, unlock, welcome } from "./en/joining.ts";
import { create, list, preview, search } from "./en/list.ts";
import { group, person } from "./en/people.ts";
import { refused, rules } from "./en/rules.ts";
import { devices, settings } from "./en/settings.ts";
import { bytes, list as names, number, span } from "./en/tongue.ts";
import { notice, trust } from "./en/trust.ts";

export const en = {
  language: "English",
  direction: "ltr" as "ltr" | "rtl",
  product: "Doublelock",
  number,
  bytes,
  span,
  names,
  common,
  welcome,
  linking,
  unlock,
  broken,
  list,
  preview,
  conversation,
  line,
  composer,
  emoji,
  viewer,
  create,
  group,
  person,
  devices,
  settings,
  search,
  trust,
  rules,
  refused,
  notice,
  alarm,
  shortcuts,
  install,
  refusal,
};

/** Every catalogue has this shape: a missing or superfluous key does not compile. */
export type Words = typeof en;
