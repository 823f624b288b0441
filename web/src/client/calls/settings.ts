/** Settings, push, and whether the person is here. */

import type * as m from "../../messenger.ts";
import { pushState, subscribe } from "../../protocol/api.ts";
import type { Holder } from "../holder.ts";
import type { Preferences } from "../preferences.ts";

export class SettingCalls implements m.SettingCalls {
  readonly #holder: Holder;
  readonly #preferences: Preferences;

  constructor(holder: Holder, preferences: Preferences) {
    this.#holder = holder;
    this.#preferences = preferences;
  }

  settings(): Promise<m.Settings> {
    return this.#preferences.read();
  }

  changeSettings(change: Partial<m.Settings>): Promise<void> {
    return this.#preferences.change(change, this.#holder.device);
  }

  async setHere(here: boolean): Promise<void> {
    this.#preferences.here = here;
    await this.#holder.device?.presence.set(here);
  }

  async pushKey(): Promise<Uint8Array | null> {
    const { core } = this.#holder.open;
    const state = await core.http.ask("GET", "/v1/push", undefined, undefined, pushState);
    return state.key;
  }

  async setPush(target: m.PushTarget | null): Promise<void> {
    const { http } = this.#holder.open.core;
    if (target === null) await http.send("DELETE", "/v1/push", undefined);
    else await http.put("PUT", "/v1/push", subscribe, { endpoint: target.endpoint });
  }
}
