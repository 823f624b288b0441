/** The devices of one account, and how another is linked. */

export interface Device {
  readonly id: string;
  readonly name: string;
  readonly addedMs: number;
  /** The beginning of the UTC day on which it last connected; null where none is kept. */
  readonly lastSeenMs: number | null;
  /** This very device: the others name themselves. */
  readonly own: boolean;
  /** Who vouched for it in the key log: a device's name, or the inviter's handle. */
  readonly approvedBy: string;
  readonly revokedMs: number | null;
}

/** What a new device shows: a line as QR, and a code of 4 groups of 5 digits to compare. */
export interface LinkOffer {
  readonly text: string;
  readonly code: string;
}

/** What an existing device reads from that line. */
export interface LinkRequest {
  readonly device: string;
  readonly code: string;
  readonly timeMs: number;
}

/** What is asked about an account's devices. */
export interface DeviceCalls {
  devices(): Promise<readonly Device[]>;
  renameDevice(device: string, name: string): Promise<void>;
  revokeDevice(device: string): Promise<void>;
  /** A line that leads a new device here: address, deployment and handle, and no secret. */
  makeDeviceInvite(): Promise<string>;
  readLinkRequest(text: string): Promise<LinkRequest>;
  /** Lists the device, after its person has compared the codes; hands over the history if wished. */
  approveDevice(text: string, history: boolean): Promise<void>;
}
