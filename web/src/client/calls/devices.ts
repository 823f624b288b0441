/** The devices of one's own account: listed, named, linked, revoked. */

import * as m from "../../messenger.ts";
import { encodeDeviceInvite } from "../../protocol/device_invite.ts";
import { hex } from "../../protocol/encoding.ts";
import type { Opened } from "../holder.ts";

export class DeviceCalls implements m.DeviceCalls {
  readonly #origin: string;
  readonly #open: Opened;

  /** `origin`: where a new device is led. */
  constructor(origin: string, open: Opened) {
    this.#origin = origin;
    this.#open = open;
  }

  async devices(): Promise<readonly m.Device[]> {
    return this.#open().siblings.devices.list();
  }

  async renameDevice(device: string, name: string): Promise<void> {
    const { core, siblings } = this.#open();
    if (device !== hex(core.device)) {
      throw new m.MessengerRefused({ code: "not-allowed", detail: "a device names itself" });
    }
    await siblings.rename(name);
  }

  async revokeDevice(device: string): Promise<void> {
    await this.#open().siblings.revoke(device);
  }

  async makeDeviceInvite(): Promise<string> {
    const { deployment, identity } = this.#open().core;
    return encodeDeviceInvite({ address: this.#origin, deployment, handle: identity.handle });
  }

  async readLinkRequest(text: string): Promise<m.LinkRequest> {
    return this.#open().siblings.devices.read(text);
  }

  async approveDevice(text: string, history: boolean): Promise<void> {
    await this.#open().siblings.approve(text, history);
  }
}
