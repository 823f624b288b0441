/** Settings of this device. */

export interface Settings {
  /** A BCP 47 tag that there is a catalogue for, or null for the browser's. */
  readonly language: string | null;
  readonly theme: "system" | "light" | "dark";
  readonly textSize: "small" | "normal" | "large";
  /** Each shows others what this person does, and shows theirs; off is off both ways. */
  readonly receipts: boolean;
  readonly typing: boolean;
  readonly lastSeen: boolean;
  readonly enterSends: boolean;
  readonly sounds: boolean;
  readonly fetchPictures: boolean;
  /** Lock after so many minutes without use; 0 for never. */
  readonly lockMinutes: number;
  /** Seconds after which messages of new conversations disappear; 0 for never. */
  readonly defaultTimerSeconds: number;
}

/** A browser's push subscription, as its `toJSON` gives it, in bytes. */
export interface PushTarget {
  readonly endpoint: string;
  readonly p256dh: Uint8Array;
  readonly auth: Uint8Array;
}

/** What is asked about settings, push and presence. */
export interface SettingCalls {
  settings(): Promise<Settings>;
  changeSettings(change: Partial<Settings>): Promise<void>;
  /** The server's public key for push (65 bytes, uncompressed P-256); null where it has none. */
  pushKey(): Promise<Uint8Array | null>;
  setPush(target: PushTarget | null): Promise<void>;
  /** The person looks at this window, or does not any more: told others where that is turned on. */
  setHere(here: boolean): Promise<void>;
}
