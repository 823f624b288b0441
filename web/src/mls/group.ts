/**
 * A member's own state of one group: sending, receiving, committing, storing.
 *
 * Every method that changes it runs alone, in the order of the calls; on any error the group is as
 * it was before. Times are seconds since 1970 of the deployment's clock.
 */

import {
  type ClientConfig,
  type ClientState,
  createApplicationMessage,
  createProposal,
  type Proposal as LibraryProposal,
  mlsExporter,
} from "ts-mls";
import { equalBytes } from "../protocol/encoding.ts";
import { burnGenerations, openApplication, ownRatchet } from "./applications.ts";
import { decodeMessage, encodeMessage, encodeTree, unexpected } from "./codec.ts";
import {
  applyPending,
  type CommitWish,
  groupInfoOf,
  type Moved,
  makeCommit,
  receiveCommit,
  receiveWish,
} from "./commits.ts";
import { guarded, MlsError } from "./failure.ts";
import { atMost, MAX_PLAINTEXT, PRIOR_EPOCHS } from "./limits.ts";
import { contextData, senderOf } from "./rules.ts";
import { encodeEpoch, encodeStored, type Pending } from "./stored.ts";
import { SUITE } from "./suite.ts";
import {
  type Commit,
  type Encrypted,
  type Event,
  type Hooks,
  type Member,
  memberAt,
  membersOf,
  type PendingCommit,
  type StateChange,
} from "./views.ts";

const NOTHING = new Uint8Array();

/** What a group needs of its device. */
export interface Device {
  readonly hooks: Hooks;
  readonly config: (context: "commit" | "new-group") => ClientConfig;
}

/** What of a group is known besides its state. */
export interface Kept {
  readonly pending?: Pending | undefined;
  readonly removed?: boolean;
  readonly treeEpoch?: number;
}

export class Group {
  readonly #device: Device;
  #state: ClientState;
  #pending: Pending | undefined;
  #removed: boolean;
  #treeEpoch: number | undefined;
  readonly #dirty = new Set<bigint>();
  #last: Promise<unknown> = Promise.resolve();

  /** Only for `Client`, which makes groups. */
  constructor(device: Device, state: ClientState, kept: Kept = {}) {
    this.#device = device;
    this.#state = state;
    this.#pending = kept.pending;
    this.#removed = kept.removed ?? false;
    this.#treeEpoch = kept.treeEpoch;
  }

  get groupId(): Uint8Array {
    return this.#state.groupContext.groupId;
  }

  get epoch(): number {
    return Number(this.#state.groupContext.epoch);
  }

  get ownLeafIndex(): number {
    return this.#state.privatePath.leafIndex;
  }

  get contextData(): Uint8Array | undefined {
    return contextData(this.#state.groupContext.extensions);
  }

  get epochAuthenticator(): Uint8Array {
    return this.#state.keySchedule.epochAuthenticator;
  }

  get hasPendingCommit(): boolean {
    return this.#pending !== undefined;
  }

  /** True while somebody's wish to leave waits for a commit; encryption is refused then. */
  get commitRequired(): boolean {
    return Object.keys(this.#state.unappliedProposals).length > 0;
  }

  /** True once a commit removed this device; only `takeChanges` makes sense then. */
  get removed(): boolean {
    return this.#removed;
  }

  members(): Member[] {
    return membersOf(this.#state.ratchetTree);
  }

  /** The member at a leaf index. Throws MlsError(no-such-member). */
  member(leafIndex: number): Member {
    return memberAt(this.#state.ratchetTree, leafIndex);
  }

  ratchetTree(): Uint8Array {
    return encodeTree(this.#state.ratchetTree);
  }

  /** RFC 9420 §8.5. */
  exportSecret(label: string, context: Uint8Array, length: number): Promise<Uint8Array> {
    const { exporterSecret } = this.#state.keySchedule;
    return mlsExporter(exporterSecret, label, context, length, SUITE);
  }

  /** A signed GroupInfo for the external resync of the current epoch, without the tree. */
  groupInfo(): Promise<Uint8Array> {
    return groupInfoOf(this.#state);
  }

  /**
   * Encrypts an application message.
   *
   * Before `ciphertext` leaves the device, persist either `takeChanges()` or, much cheaper, the pair
   * (epoch, generation + 1), which `Client.loadGroup` takes as `sent`.
   * Throws MlsError(commit-required, too-large, removed).
   */
  encrypt(plaintext: Uint8Array, authenticatedData: Uint8Array = NOTHING): Promise<Encrypted> {
    return this.#alone(async () => {
      this.#present();
      atMost("plaintext", plaintext.length, MAX_PLAINTEXT);
      atMost("authenticated data", authenticatedData.length, MAX_PLAINTEXT);
      const { generation } = ownRatchet(this.#state);
      const { newState, privateMessage } = await createApplicationMessage(
        this.#state,
        plaintext,
        SUITE,
        authenticatedData,
      );
      this.#state = newState;
      const ciphertext = encodeMessage({ wireformat: "mls_private_message", privateMessage });
      return { ciphertext, epoch: this.epoch, generation };
    });
  }

  /**
   * Processes one message; `now` is when the server took it.
   *
   * Throws what the hooks throw and MlsError, among others: wrong-epoch (a commit that lost its race,
   * or came early), epoch-gone, key-used (a duplicate), generation-too-far, own-message, wrong-group,
   * malformed, invalid-signature. One's own pending commit is recognised and applied; another's
   * commit discards it.
   */
  process(message: Uint8Array, now: number): Promise<Event> {
    return this.#alone(async () => {
      this.#present();
      if (this.#pending !== undefined && equalBytes(message, this.#pending.message)) {
        return this.#move(applyPending(this.#state, this.#pending));
      }
      const decoded = decodeMessage(message);
      if (decoded.wireformat === "mls_private_message") {
        this.#ours(decoded.privateMessage.groupId);
        const opened = await openApplication(this.#state, decoded.privateMessage);
        this.#state = opened.state;
        if (opened.past !== undefined) this.#dirty.add(opened.past);
        return opened.application;
      }
      if (decoded.wireformat !== "mls_public_message") throw unexpected("a message of a group");
      const { publicMessage } = decoded;
      const { contentType, epoch, groupId } = publicMessage.content;
      this.#ours(groupId);
      const sender = senderOf(publicMessage);
      if (sender === this.ownLeafIndex) throw new MlsError("own-message", "of this device");
      if (epoch !== this.#state.groupContext.epoch) {
        throw new MlsError("wrong-epoch", `epoch ${epoch}, not ${this.epoch}`);
      }
      if (contentType === "commit") {
        const { hooks } = this.#device;
        return this.#move(await receiveCommit(this.#state, hooks, publicMessage, sender, now));
      }
      const { proposal, state } = await receiveWish(this.#state, publicMessage, sender);
      this.#state = state;
      return proposal;
    });
  }

  /**
   * Makes a commit, and keeps it pending until it is applied, processed or cleared.
   *
   * Wishes to leave that were received are committed too. Throws MlsError(commit-pending,
   * too-many-members, invalid-lifetime) and what the hooks throw.
   */
  commit(wish: CommitWish): Promise<PendingCommit> {
    return this.#alone(async () => {
      this.#present();
      if (this.#pending !== undefined) {
        throw new MlsError("commit-pending", "a commit waits for the server's answer");
      }
      const { pending, made } = await makeCommit(this.#state, this.#device.hooks, wish);
      this.#pending = pending;
      return made;
    });
  }

  /** Applies one's own commit once the server took it. Throws MlsError(no-pending-commit). */
  applyPendingCommit(): Promise<Commit> {
    return this.#alone(async () => {
      this.#present();
      if (this.#pending === undefined) {
        throw new MlsError("no-pending-commit", "nothing waits for the server's answer");
      }
      return this.#move(applyPending(this.#state, this.#pending));
    });
  }

  clearPendingCommit(): Promise<void> {
    return this.#alone(async () => {
      this.#pending = undefined;
    });
  }

  /** A PublicMessage that asks the others to remove this leaf; one's own encryption ends. */
  proposeSelfRemove(authenticatedData: Uint8Array = NOTHING): Promise<Uint8Array> {
    return this.#alone(async () => {
      this.#present();
      atMost("authenticated data", authenticatedData.length, MAX_PLAINTEXT);
      const remove = { removed: this.ownLeafIndex };
      const proposal: LibraryProposal = { proposalType: "remove", remove };
      const made = await createProposal(this.#state, true, proposal, SUITE, authenticatedData);
      this.#state = made.newState;
      return encodeMessage(made.message);
    });
  }

  /** Forgets wishes to leave that nobody has committed. */
  clearProposals(): Promise<void> {
    return this.#alone(async () => {
      this.#state = { ...this.#state, unappliedProposals: {} };
    });
  }

  /** What to persist now; the next call gives only what came since. */
  takeChanges(): Promise<StateChange> {
    return this.#alone(async () => {
      const { epoch, groupId } = this;
      const known = this.#treeEpoch === epoch;
      const epochs = [...this.#dirty].flatMap((each) => {
        const data = this.#state.historicalReceiverData.get(each);
        return data === undefined ? [] : [[Number(each), encodeEpoch(data)] as const];
      });
      const stored = { state: this.#state, pending: this.#pending, removed: this.#removed };
      const change = {
        groupId,
        epoch,
        state: encodeStored(stored),
        tree: known ? undefined : this.ratchetTree(),
        epochs,
        dropEpochsBelow: Math.max(0, epoch - PRIOR_EPOCHS),
      };
      this.#dirty.clear();
      this.#treeEpoch = epoch;
      return change;
    });
  }

  /** Burns generations that were used after the state was stored: no key is used twice. */
  burn(epoch: number, next: number): Promise<void> {
    return this.#alone(async () => {
      this.#state = await burnGenerations(this.#state, epoch, next);
    });
  }

  #alone<T>(act: () => Promise<T>): Promise<T> {
    const run = this.#last.then(() => guarded(act));
    this.#last = run.catch(() => undefined);
    return run;
  }

  #present(): void {
    if (this.#removed) throw new MlsError("removed", "this device was removed from the group");
  }

  #ours(groupId: Uint8Array): void {
    if (!equalBytes(groupId, this.groupId)) {
      throw new MlsError("wrong-group", "the message is of another group");
    }
  }

  #move({ commit, state }: Moved): Commit {
    this.#dirty.add(this.#state.groupContext.epoch);
    this.#state = { ...state, clientConfig: this.#device.config("commit") };
    this.#pending = undefined;
    this.#removed = commit.selfRemoved;
    return commit;
  }
}
