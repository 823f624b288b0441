/** Settings lie open beside the vault: the interface needs them before it is unlocked. */

import type { Settings } from "../messenger.ts";
import { readOpen, writeOpen } from "./vault.ts";

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

export async function readSettings(): Promise<Settings> {
  return { ...DEFAULT_SETTINGS, ...(await readOpen<Partial<Settings>>("settings")) };
}

export function writeSettings(settings: Settings): Promise<void> {
  return writeOpen("settings", settings);
}
