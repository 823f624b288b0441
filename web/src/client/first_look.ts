/** What a page can tell before its worker answers: the settings, and whether a vault is here. */

import type { Settings, Status } from "../messenger.ts";
import { DEFAULT_SETTINGS } from "./default_settings.ts";
import { readOpen } from "./open_store.ts";
import type { Door } from "./vault.ts";

/** The lock of the worker that runs this device's messenger, and where it hears the others. */
export const LEADER = "doublelock-device";

export interface FirstLook {
  readonly settings: Settings;
  /** Null where another tab's worker knows it: there the vault may be open. */
  readonly status: Status | null;
}

/** Reads what lies open. Throws DOMException where the browser keeps nothing. */
export async function lookFirst(): Promise<FirstLook> {
  const [found, { held }] = await Promise.all([
    readOpen(["settings", "door"]),
    navigator.locks.query(),
  ]);
  const [kept, door] = found as [Partial<Settings> | undefined, Door | undefined];
  const settings = { ...DEFAULT_SETTINGS, ...kept };
  if (held?.some(({ name }) => name === LEADER)) return { settings, status: null };
  if (door === undefined) return { settings, status: { state: "empty" } };
  return { settings, status: { state: "locked", handle: door.handle, lock: door.box.lock } };
}
