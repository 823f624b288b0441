/** Who can read this: what the logs and the charter say, and what is wrong with them. */

import type * as m from "../../messenger.ts";
import type { Device } from "../device.ts";
import { asRefusal } from "../groups.ts";
import type { Holder } from "../holder.ts";
import { readBundle, readTrust } from "../trust.ts";

/** What the service worker met; `running`: it is the code that runs here. */
interface Met {
  readonly hash: string;
  readonly running: boolean;
}

export class TrustCalls implements m.TrustCalls {
  readonly #holder: Holder;
  /** What the service worker said; undefined where there is none, or it has not spoken. */
  #met: Met | null | undefined;
  #workerReplaced = false;

  constructor(holder: Holder) {
    this.#holder = holder;
  }

  async trust(): Promise<m.Trust> {
    const { core, alarms, amendments } = this.#holder.open;
    const { monitor } = core;
    for (const sync of [() => monitor.syncKeys(), () => monitor.syncLaw()]) {
      await sync().catch(asRefusal);
    }
    const running = await readBundle(core.http, monitor);
    const { logged, hash } = running;
    await core.alone(async () => {
      core.keepLogs();
      alarms.look();
      // Without a service worker this page's code came from the server as it is now.
      if (logged === "unlogged" && this.#met === undefined) {
        alarms.raise({ kind: "unlogged-bundle", hash, running: true });
      }
      await amendments.look();
      await core.flush();
    });
    return readTrust(monitor, running, monitor.keyLog.committee(core.account));
  }

  async noticeDocument(notice: string): Promise<Uint8Array> {
    return this.#holder.open.notices.document(notice);
  }

  async alarms(): Promise<readonly m.Alarm[]> {
    return this.#holder.open.alarms.all();
  }

  async dismissAlarm(id: string): Promise<void> {
    const { core, alarms, people, sending } = this.#holder.open;
    const alarm = alarms.find(id);
    await core.alone(async () => {
      if (alarm?.cause.kind === "code-changed") people.setVerified(alarm.cause.account, false);
      alarms.dismiss(id);
      await core.flush();
      await sending.resumeAll();
    });
  }

  async bundleMet(refused: Met | null) {
    this.#met = refused;
    const { device } = this.#holder;
    if (device !== undefined) await this.entered(device);
  }

  async workerReplaced() {
    this.#workerReplaced = true;
    const { device } = this.#holder;
    if (device !== undefined) await this.entered(device);
  }

  /** A device was opened: tells it what the service worker met, and what became of that. */
  async entered({ core, alarms }: Device): Promise<void> {
    const met = this.#met;
    if (met == null && !this.#workerReplaced) return;
    await core.alone(async () => {
      if (this.#workerReplaced) alarms.raise({ kind: "worker-replaced" });
      if (met != null) {
        alarms.raise({ kind: "unlogged-bundle", hash: met.hash, running: met.running });
      }
      await core.flush();
      this.#workerReplaced = false; // kept now
    });
  }
}
