/** Settings lie open beside the vault: the interface needs them before it is unlocked. */

import type { MessengerEvent, Settings } from "../messenger.ts";
import { DEFAULT_SETTINGS } from "./default_settings.ts";
import type { Device } from "./device.ts";
import { asRefusal } from "./groups.ts";
import { readOpen, writeOpen } from "./vault.ts";

/** Knows the settings, and lets the open device follow them. */
export class Preferences {
  readonly #tell: (event: MessengerEvent) => void;
  #settings: Settings = DEFAULT_SETTINGS;
  /** The person looks at a window of it. */
  here = false;

  constructor(tell: (event: MessengerEvent) => void) {
    this.#tell = tell;
  }

  /** The settings as they were last read. */
  get settings(): Settings {
    return this.#settings;
  }

  async read(): Promise<Settings> {
    const kept = await readOpen<Partial<Settings>>("settings");
    this.#settings = { ...DEFAULT_SETTINGS, ...kept };
    return this.#settings;
  }

  async change(change: Partial<Settings>, device: Device | undefined): Promise<void> {
    this.#settings = { ...(await this.read()), ...change };
    await writeOpen("settings", this.#settings);
    if (device !== undefined) this.#apply(device);
    this.#tell({ kind: "settings", settings: this.#settings });
  }

  /** A device was opened: it follows the settings. */
  async entered(device: Device): Promise<void> {
    await this.read();
    this.#apply(device);
  }

  #apply({ marks, presence }: Device): void {
    const { receipts, typing, lastSeen } = this.#settings;
    marks.receipts = receipts;
    marks.typing = typing;
    void presence.turn(lastSeen).catch(asRefusal);
    void presence.set(this.here).catch(asRefusal);
  }
}
