/** The Hebrew words of the interface. Loaded when they are wanted. */

import type { Words } from "./en.ts";
import { alarm } from "./he/alarms.ts";
import { common, install, refusal, shortcuts } from "./he/common.ts";
import { composer, conversation, emoji, line, viewer } from "./he/conversation.ts";
import { broken, linking, unlock, welcome } from "./he/joining.ts";
import { create, list, preview, search } from "./he/list.ts";
import { group, person } from "./he/people.ts";
import { refused, rules } from "./he/rules.ts";
import { devices, settings } from "./he/settings.ts";
import { bytes, list as names, number, span } from "./he/tongue.ts";
import { notice, trust } from "./he/trust.ts";

export const he: Words = {
  language: "עברית",
  direction: "rtl",
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
