/** What the parts of one client share: its vault, monitor, keys and conversations. */

import { type MessengerEvent, MessengerRefused } from "../messenger.ts";
import type { Group } from "../mls/group.ts";
import { receiptKeyAt, requiresCapsuleOn } from "../protocol/charter.ts";
import { SigningKey, verifyKey } from "../protocol/ed25519.ts";
import { hex, unhex } from "../protocol/encoding.ts";
import {
  CharterRefused,
  DoublelockError,
  GroupRefused,
  KeyLogRefused,
  Refusal,
  VaultRefused,
} from "../protocol/errors.ts";
import { Rules } from "../protocol/group_rules.ts";
import type { AccountId, DeploymentId, DeviceId } from "../protocol/identifiers.ts";
import { SeenRoots } from "../protocol/receipt.ts";
import {
  type EpochKey,
  type ReceiveContext,
  SeenCapsules,
  type SenderEntry,
} from "../protocol/receive.ts";
import { type GroupState, Groups } from "./groups.ts";
import type { Http } from "./http.ts";
import { KeptLogs } from "./kept_logs.ts";
import type { Clock, Monitor } from "./monitor.ts";
import { Room } from "./room.ts";
import type { Row, Vault, Write } from "./vault.ts";

/** Who this device is, and where; `seed` (32 bytes, secret) is the device's Ed25519 key. */
export interface Identity {
  readonly address: string;
  readonly deployment: Uint8Array;
  readonly handle: string;
  readonly account: Uint8Array;
  readonly seed: Uint8Array;
  /** Hashes in hex of the key-log entries that this device made. */
  readonly made: readonly string[];
  readonly deviceName: string;
}

/** One client's shared state. It decides nothing; see the modules that use it. */
export class Core {
  readonly vault: Vault;
  readonly http: Http;
  readonly monitor: Monitor;
  readonly clock: Clock;
  identity: Identity;
  readonly deployment: DeploymentId;
  readonly account: AccountId;
  readonly key: SigningKey;
  readonly device: DeviceId;
  readonly groups: Groups;
  readonly logs: KeptLogs;
  readonly rooms = new Map<string, Room>();
  readonly seen = new SeenCapsules();
  readonly roots = new SeenRoots();
  readonly #hear: (event: MessengerEvent) => void;
  readonly #wakers = new Set<() => void>();
  /** Called once what was written is durable. */
  flushed: () => void = () => undefined;
  /** Called once memory is no longer what the vault holds: the device must be opened anew. */
  failed: (refusal: Refusal) => void = () => undefined;
  #failure: Refusal | undefined;
  #told: MessengerEvent[] = [];
  #writes: Write[] = [];
  #rules: Rules | undefined;
  #ruledBy = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    vault: Vault,
    http: Http,
    monitor: Monitor,
    identity: Identity,
    hear: (event: MessengerEvent) => void,
  ) {
    this.vault = vault;
    this.http = http;
    this.monitor = monitor;
    this.logs = new KeptLogs(monitor);
    this.clock = monitor.clock;
    this.identity = identity;
    this.deployment = identity.deployment;
    this.account = identity.account;
    this.key = new SigningKey(identity.seed);
    this.groups = new Groups(this.account, this.key, identity.seed, () => this.rules(), this.clock);
    this.device = this.groups.me.device;
    this.#hear = hear;
  }

  /**
   * Does one thing of the conversations after the other.
   *
   * A defect leaves nobody knows what behind, so it fails the whole: see `fail`.
   */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        return await work();
      } catch (problem) {
        if (problem instanceof DoublelockError || problem instanceof MessengerRefused) {
          throw problem;
        }
        throw this.fail(new VaultRefused("defect", nameOf(problem)));
      }
    });
    this.#turn = run.catch(() => undefined);
    return run;
  }

  /**
   * Gives up what is in memory: the vault alone counts, and the device begins again from it.
   *
   * So no key, nonce or generation that the vault does not know can leave this device: whatever
   * was not written was not sent either.
   */
  fail(refusal: Refusal): Refusal {
    if (this.#failure === undefined) {
      this.#failure = refusal;
      this.failed(refusal);
      this.stir();
    }
    return refusal;
  }

  /** Lets something run by itself; a defect in it fails the whole. */
  loose(work: Promise<unknown>): void {
    work.catch((problem: unknown) => {
      if (problem instanceof DoublelockError) return;
      this.fail(new VaultRefused("defect", nameOf(problem)));
    });
  }

  get failure(): Refusal | undefined {
    return this.#failure;
  }

  /** Reads every conversation from the vault; groups are loaded when first needed. */
  async loadRooms(): Promise<void> {
    for (const [row, value] of await this.vault.list(["room"])) {
      const room = Room.load(unhex(String(row[1])), value);
      this.rooms.set(room.name, room);
    }
  }

  /** A conversation by its id in hex. Throws GroupRefused(not-a-member). */
  room(name: string): Room {
    const room = this.rooms.get(name);
    if (room === undefined) throw new GroupRefused("not-a-member", "unknown conversation");
    return room;
  }

  /** A conversation's group. Throws GroupRefused where there is none: rejoin. */
  async group(room: Room): Promise<Group> {
    if (room.group === undefined) {
      const [state, tree, sent, epochs] = await Promise.all([
        this.vault.read(["group", room.name]),
        this.vault.read(["tree", room.name]),
        this.vault.find<[number, number]>(["sent", room.name]),
        this.vault.list(["epoch", room.name]),
      ]);
      if (state === undefined || tree === undefined) {
        throw new GroupRefused("not-a-member", "the group's state is gone");
      }
      const kept: GroupState = {
        state,
        tree,
        sent,
        epochs: epochs.map(([row, value]) => [Number(row[2]), value] as const),
      };
      room.group = await this.groups.load(kept);
    }
    return room.group;
  }

  /** Whether a member's group can be loaded; where it cannot, the room is broken. */
  async isUsable(room: Room): Promise<boolean> {
    if (room.status !== "member") return false;
    try {
      await this.group(room);
      return true;
    } catch (problem) {
      if (!(problem instanceof GroupRefused)) throw problem;
      room.status = "broken";
      room.dirty = true;
      return false;
    }
  }

  // --- what the rules need -----------------------------------------------------------------

  /** Whether any committee of the charter in force escrows: what a new group says (G-2). */
  get escrow(): boolean {
    return this.monitor.charter.terms.escrow === "threshold";
  }

  get skewMs(): number {
    return this.monitor.charter.terms.skewMs;
  }

  /** The key by which receipts of a time count (C-13). */
  receiptKey(timeMs: number) {
    return verifyKey(receiptKeyAt(this.monitor.law.facts.charters, timeMs));
  }

  /** Whether a committee's accounts seal a day's messages (C-6). Throws CharterRefused. */
  escrowsOn(committee: number, day: number): boolean {
    return requiresCapsuleOn(this.monitor.law.facts.charters, committee, day);
  }

  rules(): Rules {
    const { monitor } = this;
    const charters = monitor.chartersSoFar;
    if (this.#rules === undefined || this.#ruledBy !== charters.length) {
      const earlier = charters.map(({ terms }) => terms.escrow === "threshold");
      const skew = (timeMs: number) => monitor.skewMs(timeMs);
      this.#rules = new Rules(this.deployment, this.escrow, monitor.keyLog, skew, earlier);
      this.#ruledBy = charters.length;
    }
    return this.#rules;
  }

  /** What the receive rule needs to know now. */
  receiveContext(): ReceiveContext {
    return {
      deployment: this.deployment,
      escrows: (committee, day) => this.escrowsOn(committee, day),
      nowMs: this.clock(),
      skewMs: this.skewMs,
      sender: (account, device) => this.#findSender(account, device),
      epochKey: (committee, keyEpoch) => this.#findEpoch(committee, keyEpoch),
    };
  }

  #findSender(account: AccountId, device: DeviceId): SenderEntry | undefined {
    const log = this.monitor.keyLog;
    try {
      const record = log.device(device);
      if (hex(record.account) !== hex(account)) return undefined;
      const { committee } = log.accountAsOf(account, { index: record.addedIndex });
      return { committee, key: verifyKey(record.key) };
    } catch (problem) {
      if (problem instanceof KeyLogRefused) return undefined;
      throw problem;
    }
  }

  #findEpoch(committee: number, keyEpoch: number): EpochKey | undefined {
    try {
      const { masterKey } = this.monitor.epoch(committee, keyEpoch);
      const [firstDay, lastDay] = this.monitor.daysOf(committee, keyEpoch);
      return { committee, keyEpoch, mpk: masterKey, firstDay, lastDay };
    } catch (problem) {
      if (problem instanceof CharterRefused) return undefined;
      throw problem;
    }
  }

  // --- telling and keeping -----------------------------------------------------------------

  /** Tells an event once the present transaction is durable. */
  tell(event: MessengerEvent): void {
    this.#told.push(event);
  }

  /** Tells at once what changed nothing in the vault. */
  tellNow(event: MessengerEvent): void {
    this.#hear(event);
  }

  /** Writes with the next `flush`, and not before. */
  write(...writes: readonly Write[]): void {
    this.#writes.push(...writes);
  }

  /** Writes at once. Throws VaultRefused, and then nothing goes on with what is in memory. */
  async keep(writes: readonly Write[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await this.vault.write(writes);
    } catch (problem) {
      throw problem instanceof Refusal ? this.fail(problem) : problem;
    }
  }

  /** Writes every room that changed and what came with it, as one; then tells and wakes. */
  async flush(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const writes = this.#writes;
    const told = this.#told;
    this.#writes = [];
    this.#told = [];
    for (const room of this.rooms.values()) {
      if (!room.dirty) continue;
      room.dirty = false;
      if (room.group !== undefined && !room.group.removed) {
        writes.push(...(await this.#groupWrites(room, room.group)));
      }
      writes.push(room.write());
    }
    await this.keep(writes);
    this.flushed();
    for (const event of told) this.#hear(event);
    for (const wake of [...this.#wakers]) wake();
  }

  async #groupWrites(room: Room, group: Group): Promise<Write[]> {
    const change = await group.takeChanges();
    const old = await this.vault.list(["epoch", room.name], { before: change.dropEpochsBelow });
    const writes: Write[] = [
      [["group", room.name], change.state],
      [["sent", room.name], undefined],
      ...old.map(([row]) => [row, undefined] as const),
      ...change.epochs.map(([epoch, data]) => [["epoch", room.name, epoch], data] as const),
    ];
    if (change.tree !== undefined) writes.push([["tree", room.name], change.tree]);
    return writes;
  }

  /** The writes that forget a group's state; a new state written in the same flush stays. */
  async dropGroup(room: Room): Promise<void> {
    const rows: Row[] = (await this.vault.list(["epoch", room.name])).map(([row]) => row);
    rows.push(["group", room.name], ["tree", room.name], ["sent", room.name]);
    this.write(...rows.map((row) => [row, undefined] as const));
  }

  /** Keeps what came to both logs since; the caller flushes. */
  keepLogs(): void {
    this.write(...this.logs.takeFresh());
  }

  /** Wakes who waits for a room without anything to write. */
  stir(): void {
    for (const wake of [...this.#wakers]) wake();
  }

  /** Waits until something is so; false when the time is over. It is asked after every flush. */
  async until(reached: () => boolean, patienceMs: number): Promise<boolean> {
    const end = Date.now() + patienceMs;
    while (!reached()) {
      if (this.#failure !== undefined) throw this.#failure;
      const left = end - Date.now();
      if (left <= 0) return false;
      await new Promise<void>((give) => {
        const wake = () => {
          clearTimeout(timer);
          this.#wakers.delete(wake);
          give();
        };
        const timer = setTimeout(wake, left);
        this.#wakers.add(wake);
      });
    }
    return true;
  }

  /** Ends a conversation for a refusal that the server is to answer for. */
  stop(room: Room, refusal: Refusal): void {
    room.status = "stopped";
    room.refusal = { code: refusal.code, detail: refusal.detail };
    room.dirty = true;
  }

  random(size: number): Uint8Array {
    return crypto.getRandomValues(new Uint8Array(size));
  }
}

/** What may be said of a defect: the kind of error, and nothing that it holds. */
function nameOf(problem: unknown): string {
  return problem instanceof Error ? problem.name : "unknown";
}
