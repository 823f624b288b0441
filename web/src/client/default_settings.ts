/** What the settings are until somebody changes them. */

import type { Settings } from "../messenger.ts";

export const DEFAULT_SETTINGS: Settings = {
  language: null,
  theme: "system",
  textSize: "normal",
  receipts: true,
  typing: true,
  lastSeen: false,
  enterSends: true,
  sounds: true,
  fetchPictures: true,
  lockMinutes: 0,
  defaultTimerSeconds: 0,
};
