/**
 * The devices of one account, seen from one of them: approve, revoke, keep groups in step (Y-13).
 *
 * The key log says which devices an account has. Its groups follow: an own device that the log
 * lists is brought in, a device that the log dropped is taken out.
 */

import type { Device as DeviceFacts, LinkRequest as RequestFacts } from "../messenger.ts";
import { appendEntry, appended, devices as deviceUses } from "../protocol/api.ts";
import { equalBytes, hex, unhex } from "../protocol/encoding.ts";
import { KeyLogRefused } from "../protocol/errors.ts";
import { ConversationKind } from "../protocol/group_rules.ts";
import { type DeviceId, nameDevice } from "../protocol/identifiers.ts";
import { type Applied, type DeviceRecord, validAt } from "../protocol/keylog.ts";
import {
  draftUpdate,
  type Entry,
  encodeEntry,
  hashEntry,
  Kind,
  NOBODY,
  signUpdate,
} from "../protocol/keylog_entry.ts";
import {
  decodeLinkRequest,
  type LinkRequest,
  linkCode,
  signLinkRequest,
} from "../protocol/link_request.ts";
import type { Changes } from "./changes.ts";
import type { Core } from "./core.ts";
import { waitFor } from "./enrolment.ts";
import { asRefusal, rosterOf } from "./groups.ts";
import type { People } from "./people.ts";
import type { Room } from "./room.ts";
import { put } from "./vault.ts";

const TURN_MS = 2_000;
const TURN_STEP_MS = 200;
const LONGEST_TURN_MS = 20_000;
const DAY_MS = 86_400_000;

export class Devices {
  readonly #core: Core;
  readonly #people: People;
  readonly #changes: Changes;
  /** Conversations to be looked at: the log or the group has changed. */
  readonly #due = new Set<string>();
  /** What its person calls a sibling, or undefined. */
  nameOf: (device: DeviceId) => string | undefined = () => undefined;

  constructor(core: Core, people: People, changes: Changes) {
    this.#core = core;
    this.#people = people;
    this.#changes = changes;
  }

  /** The other devices that the log lists for this account now. */
  siblings(): DeviceId[] {
    const { monitor, account, device } = this.#core;
    return monitor.keyLog
      .account(account)
      .keys.map(nameDevice)
      .filter((one) => !equalBytes(one, device));
  }

  /** Whether the key log says that this very device is no longer one of its account. */
  isRemoved(): boolean {
    const { monitor, device } = this.#core;
    return monitor.keyLog.device(device).removed !== undefined;
  }

  /** Every device that this account ever had, with the day of its last use where the server has it. */
  async list(): Promise<DeviceFacts[]> {
    const { monitor, account, device } = this.#core;
    const lastDays = await this.#lastDays();
    await this.#learnInviters();
    return monitor.applied.flatMap((applied) =>
      equalBytes(applied.account, account)
        ? applied.added.map((id) => {
            const record = monitor.keyLog.device(id);
            const day = lastDays.get(hex(id)) ?? -1;
            return {
              id: hex(id),
              name: this.name(id),
              addedMs: Number(record.addedMs),
              lastSeenMs: day < 0 ? null : day * DAY_MS,
              own: equalBytes(id, device),
              approvedBy: this.#authorOf(applied),
              revokedMs: record.removed === undefined ? null : Number(record.removed.ms),
            };
          })
        : [],
    );
  }

  /** A name to show for a device of this account: its id's first letters where it has none. */
  name(device: DeviceId): string {
    const isOwn = equalBytes(device, this.#core.device);
    const name = isOwn ? this.#core.identity.deviceName : this.nameOf(device);
    return name || hex(device).slice(0, 8);
  }

  /** Learns what those are called who vouched for this account's beginnings. */
  async #learnInviters(): Promise<void> {
    const core = this.#core;
    const inviters = core.monitor.applied
      .filter((applied) => equalBytes(applied.account, core.account))
      .map(({ version }) => version.inviter)
      .filter((inviter) => !equalBytes(inviter, NOBODY));
    const learn = async () => {
      await this.#people.learn(inviters.map(hex));
      await core.flush();
    };
    await core.alone(learn).catch(asRefusal);
  }

  #authorOf(applied: Applied): string {
    if (applied.kind === Kind.UPDATE) return this.name(applied.author);
    const { inviter } = applied.version;
    if (equalBytes(inviter, NOBODY)) return this.#core.monitor.charter.terms.operator.name;
    return this.#people.name(hex(inviter));
  }

  async #lastDays(): Promise<ReadonlyMap<string, number>> {
    try {
      const answer = await this.#core.http.ask(
        "GET",
        "/v1/devices",
        undefined,
        undefined,
        deviceUses,
      );
      return new Map(answer.devices.map(({ device, day }) => [hex(device), day]));
    } catch (problem) {
      asRefusal(problem);
      return new Map();
    }
  }

  // --- approving and revoking --------------------------------------------------------------

  /** What a new device asks for. Throws Malformed, KeyLogRefused(unknown-account, entry-order). */
  async read(text: string): Promise<RequestFacts> {
    const request = decodeLinkRequest(text);
    await this.#core.monitor.syncKeys();
    this.#sign(request);
    return {
      device: hex(nameDevice(request.key)),
      code: linkCode(request),
      timeMs: Number(request.timeMs),
    };
  }

  /**
   * Lists a new device by this one's word, after the person has compared the codes.
   *
   * Throws KeyLogRefused: unknown-account, entry-order, entry-time (the request is too old or from
   * a wrong clock: ask again), ghost-device, device-taken; Malformed(bad-signature); WireRefused.
   */
  async approve(text: string): Promise<DeviceId> {
    const { monitor } = this.#core;
    const request = decodeLinkRequest(text);
    await monitor.syncKeys();
    await this.#append(this.#sign(request));
    this.stir();
    return nameDevice(request.key);
  }

  #sign(request: LinkRequest): Entry {
    const { deployment, monitor, account, key, clock, skewMs } = this.#core;
    if (request.timeMs > BigInt(clock() + skewMs)) {
      throw new KeyLogRefused("entry-time", "a request from the future");
    }
    const now = monitor.keyLog.account(account);
    return signLinkRequest(request, deployment, now, key.public.encoded, key.sign);
  }

  /**
   * Takes a device of this account out of the key log, then out of this device's groups.
   *
   * From the entry on the server serves it nothing, and from the commit on no message of a group
   * can be read with its keys. Throws KeyLogRefused(ghost-device, not-allowed), WireRefused.
   */
  async revoke(name: string): Promise<void> {
    const core = this.#core;
    const device = unhex(name);
    if (equalBytes(device, core.device)) {
      throw new KeyLogRefused("not-allowed", "a device is revoked from another one");
    }
    await core.monitor.syncKeys();
    const now = core.monitor.keyLog.account(core.account);
    const keys = now.keys.filter((key) => !equalBytes(nameDevice(key), device));
    if (keys.length === now.keys.length) {
      throw new KeyLogRefused("ghost-device", "the account has no such device");
    }
    const place = { ...now, number: now.number + 1, previous: BigInt(now.index) };
    const { encoded } = core.key.public;
    const draft = draftUpdate(core.account, place, keys, encoded, core.clock());
    await this.#append(signUpdate(core.deployment, draft, core.key.sign, []));
    this.stir();
    const rooms = [...core.rooms.values()].filter((room) => room.usable);
    // A conversation in which this fails is tidied later.
    await Promise.allSettled(rooms.map((room) => this.tidy(room)));
  }

  /** Appends an entry that this device made, and waits until the witnesses have seen it. */
  async #append(entry: Entry): Promise<void> {
    const core = this.#core;
    const data = encodeEntry(entry);
    core.monitor.keyLog.check(data);
    await core.alone(async () => {
      // First the vault, so that it is no alarm even when the answer is lost.
      const made = [...core.identity.made, hex(hashEntry(data))];
      core.identity = { ...core.identity, made };
      core.write(put(["fact", "identity"], core.identity));
      await core.flush();
    });
    const { index } = await core.http.ask(
      "POST",
      "/v1/key-log/entries",
      appendEntry,
      { entry: data },
      appended,
    );
    await waitFor(core.monitor, () => core.monitor.keyLog.size > index);
  }

  // --- groups in step ----------------------------------------------------------------------

  /** Lets every conversation be looked at: the key log has changed. */
  stir(): void {
    for (const name of this.#core.rooms.keys()) this.#due.add(name);
  }

  /** Lets one be looked at: this device has just caught up with it. */
  touch(room: Room): void {
    this.#due.add(room.name);
  }

  /** Whether a conversation waits to be looked at. */
  isDue(room: Room): boolean {
    return this.#due.has(room.name);
  }

  /** Lets a group follow the key log; owners and admins go first. Not to be awaited alone. */
  async tidy(room: Room): Promise<void> {
    const core = this.#core;
    this.#due.delete(room.name);
    const look = async () => {
      const roster = rosterOf(await core.group(room)).map((leaf) => leaf.device);
      const lists = (device: DeviceId) => roster.some((one) => equalBytes(one, device));
      return {
        missing: this.siblings().filter((device) => !lists(device)),
        stale: roster.flatMap((device) => {
          const record = this.#dropped(device);
          return record === undefined ? [] : [record];
        }),
      };
    };
    const before = await core.alone(look);
    const isOurs = (record: DeviceRecord) => equalBytes(record.account, core.account);
    // In a group its owner and the admins go first, or all its members would commit at once.
    const rules = () =>
      room.context.kind === ConversationKind.DIRECT ||
      room.context.admins.some((admin) => equalBytes(admin, core.account));
    const ours = before.missing.length > 0 || before.stale.some(isOurs) || rules();
    if (!ours && before.stale.length === 0) return;
    if (!ours) {
      const turn = TURN_MS + (await core.group(room)).ownLeafIndex * TURN_STEP_MS;
      await new Promise((done) => setTimeout(done, Math.min(turn, LONGEST_TURN_MS)));
      if (!room.usable) return;
    }
    const { missing, stale } = await core.alone(look);
    const { account } = core;
    if (missing.length > 0) {
      await this.#changes.addDevices(
        room,
        missing.map((device) => ({ account, device })),
      );
    }
    const gone = stale.filter(
      (record) => isOurs(record) || rules() || !validAt(record, core.clock(), core.skewMs),
    );
    if (gone.length > 0) {
      await this.#changes.removeDevices(
        room,
        gone.map((record) => record.device),
      );
    }
  }

  #dropped(device: DeviceId): DeviceRecord | undefined {
    const record = this.#core.monitor.keyLog.device(device);
    return record.removed === undefined ? undefined : record;
  }
}
