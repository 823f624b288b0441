/** Settings lie open beside the vault: the interface needs them before it is unlocked. */

import type { Settings } from "../messenger.ts";
import { DEFAULT_SETTINGS } from "./default_settings.ts";
import { readOpen, writeOpen } from "./vault.ts";

export { DEFAULT_SETTINGS };

export async function readSettings(): Promise<Settings> {
  return { ...DEFAULT_SETTINGS, ...(await readOpen<Partial<Settings>>("settings")) };
}

export function writeSettings(settings: Settings): Promise<void> {
  return writeOpen("settings", settings);
}
