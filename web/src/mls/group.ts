/**
 * A member's own state of one group: sending, receiving, committing, storing.
 *
 * Every method that changes it runs alone, in the order of the calls; on any error the group is as
 * it was before. Times are seconds since 1970 of the deployment's clock.
 */

import {
  bytesToBase64,
  type ClientConfig,
  type ClientState,
  createApplicationMessage,
  createCommit,
  createGroupInfoWithExternalPub,
  createProposal,
  emptyPskIndex,
  mlsExporter,
  type PrivateMessage,
  type ProposalOrRef,
  processPublicMessage,
  type Proposal as LibraryProposal,
  type PublicMessage,
} from "ts-mls";
import { addHistoricalReceiverData } from "ts-mls/clientState.js";
import { unprotectPrivateMessage } from "ts-mls/messageProtection.js";
import { ratchetUntil } from "ts-mls/secretTree.js";
import { equalBytes } from "../protocol/encoding.ts";
import {
  decodeKeyPackage,
  decodeMessage,
  encodeMessage,
  encodeTree,
  unexpected,
} from "./codec.ts";
import { guarded, MlsError } from "./failure.ts";
import {
  atMost,
  CONTEXT_EXTENSION,
  MAX_CONTEXT_DATA,
  MAX_GENERATION_SKIP,
  MAX_MEMBERS,
  MAX_PLAINTEXT,
  PRIOR_EPOCHS,
} from "./limits.ts";
import { checkExtensions, contextData, judge, senderOf } from "./rules.ts";
import { encodeEpoch, encodeStored, slim } from "./stored.ts";
import { SUITE } from "./suite.ts";
import {
  type Application,
  type Commit,
  type CommitView,
  checkUnique,
  type Encrypted,
  type Event,
  findMember,
  type Hooks,
  leafAt,
  type Member,
  memberAt,
  membersOf,
  type PendingCommit,
  type Proposal,
  type StateChange,
} from "./views.ts";

const NOTHING = new Uint8Array();

/** What `Group.commit` shall do; nothing renews one's own leaf and path. */
export interface CommitWish {
  /** Key package messages of newcomers. */
  readonly add?: readonly Uint8Array[];
  /** Leaf indices. */
  readonly remove?: readonly number[];
  readonly contextData?: Uint8Array;
  readonly authenticatedData?: Uint8Array;
  readonly now: number;
}

/** A commit of one's own that the server has not yet taken. */
export interface Pending {
  readonly message: Uint8Array;
  readonly next: ClientState;
}

/** What a group needs of its device. */
export interface Device {
  readonly hooks: Hooks;
  readonly config: (context: "commit" | "new-group") => ClientConfig;
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
  constructor(
    device: Device,
    state: ClientState,
    kept: {
      readonly pending?: Pending | undefined;
      readonly removed?: boolean;
      readonly treeEpoch?: number;
    } = {},
  ) {
    this.#device = device;
    this.#state = slim(state);
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
      const { generation } = this.#ownRatchet();
      const made = await createApplicationMessage(
        this.#state,
        plaintext,
        SUITE,
        authenticatedData,
      );
      this.#state = made.newState;
      const ciphertext = encodeMessage({
        wireformat: "mls_private_message",
        privateMessage: made.privateMessage,
      });
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
        return this.#applyPending(this.#pending);
      }
      const decoded = decodeMessage(message);
      if (decoded.wireformat === "mls_private_message") return this.#open(decoded.privateMessage);
      if (decoded.wireformat !== "mls_public_message") throw unexpected("a message of a group");
      const { content } = decoded.publicMessage;
      if (!equalBytes(content.groupId, this.groupId)) throw wrongGroup();
      const sender = senderOf(decoded.publicMessage);
      if (sender === this.ownLeafIndex) throw new MlsError("own-message", "of this device");
      if (content.epoch !== this.#state.groupContext.epoch) {
        throw new MlsError("wrong-epoch", `epoch ${content.epoch}, not ${this.epoch}`);
      }
      return content.contentType === "commit"
        ? this.#commitReceived(decoded.publicMessage, sender, now)
        : this.#wishReceived(decoded.publicMessage, sender);
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
      const authenticatedData = wish.authenticatedData ?? NOTHING;
      atMost("authenticated data", authenticatedData.length, MAX_PLAINTEXT);
      const state = this.#configured("commit");
      const extraProposals = this.#proposals(wish);
      const references = Object.keys(state.unappliedProposals).map((reference) =>
        fromBase64(reference),
      );
      const proposals: ProposalOrRef[] = [
        ...references.map((reference) => ({ proposalOrRefType: "reference" as const, reference })),
        ...extraProposals.map((proposal) => ({ proposalOrRefType: "proposal" as const, proposal })),
      ];
      const commit = { proposals, path: undefined };
      const view = judge(this.#before("send"), commit, this.ownLeafIndex, wish.now);
      this.#device.hooks.commit(view);
      const made = await createCommit(
        { state, cipherSuite: SUITE, pskIndex: emptyPskIndex },
        { wireAsPublicMessage: true, extraProposals, authenticatedData },
      );
      const next = slim(made.newState);
      checkUnique(next.ratchetTree);
      if (made.commit.wireformat !== "mls_public_message") throw unexpected("a commit");
      const message = encodeMessage(made.commit);
      const welcomes = (made.welcome?.secrets ?? []).map((secret) => {
        const own = { ...made.welcome, secrets: [secret] } as NonNullable<typeof made.welcome>;
        const bytes = encodeMessage({ wireformat: "mls_welcome", welcome: own });
        return [secret.newMember, bytes] as const;
      });
      const groupInfo = await groupInfoOf(next);
      this.#pending = { message, next };
      return {
        message,
        welcomes,
        tree: encodeTree(next.ratchetTree),
        groupInfo,
        epoch: Number(next.groupContext.epoch),
      };
    });
  }

  /** Applies one's own commit once the server took it. Throws MlsError(no-pending-commit). */
  applyPendingCommit(): Promise<Commit> {
    return this.#alone(async () => {
      this.#present();
      if (this.#pending === undefined) {
        throw new MlsError("no-pending-commit", "nothing waits for the server's answer");
      }
      return this.#applyPending(this.#pending);
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
      const proposal: LibraryProposal = {
        proposalType: "remove",
        remove: { removed: this.ownLeafIndex },
      };
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
      if (epoch > this.epoch) {
        const words = "a message was sent in a later epoch than this state knows; rejoin";
        throw new MlsError("state-behind", words);
      }
      const ratchet = this.#ownRatchet();
      if (epoch < this.epoch || next <= ratchet.generation) return;
      if (next - ratchet.generation > MAX_GENERATION_SKIP) {
        throw new MlsError("state-behind", "the state is too old; rejoin");
      }
      const config = {
        maximumForwardRatchetSteps: MAX_GENERATION_SKIP,
        retainKeysForGenerations: 0,
        retainKeysForEpochs: 0,
      };
      const [application] = await ratchetUntil(ratchet, next, config, SUITE.kdf);
      const secretTree = [...this.#state.secretTree];
      const own = secretTree[2 * this.ownLeafIndex];
      if (own !== undefined) secretTree[2 * this.ownLeafIndex] = { ...own, application };
      this.#state = { ...this.#state, secretTree };
    });
  }

  // --- inside ------------------------------------------------------------------------------

  #alone<T>(act: () => Promise<T>): Promise<T> {
    const run = this.#last.then(() => guarded(act));
    this.#last = run.catch(() => undefined);
    return run;
  }

  #present(): void {
    if (this.#removed) throw new MlsError("removed", "this device was removed from the group");
  }

  #ownRatchet() {
    const own = this.#state.secretTree[2 * this.ownLeafIndex];
    if (own === undefined) throw new MlsError("internal", "no key to send with");
    return own.application;
  }

  #configured(context: "commit" | "new-group"): ClientState {
    return { ...this.#state, clientConfig: this.#device.config(context) };
  }

  #before(direction: "send" | "receive") {
    const { ratchetTree: tree, groupContext, unappliedProposals: wishes } = this.#state;
    const { groupId, extensions } = groupContext;
    return { direction, groupId, epoch: this.epoch, tree, extensions, wishes };
  }

  #proposals(wish: CommitWish): LibraryProposal[] {
    const { add = [], remove = [], contextData: context } = wish;
    atMost("added members", add.length, MAX_MEMBERS);
    // Who wishes to leave is removed by that wish, and not a second time.
    const wishes = Object.values(this.#state.unappliedProposals);
    const leaving = new Set(wishes.map((each) => each.senderLeafIndex));
    const proposals: LibraryProposal[] = [];
    for (const removed of new Set(remove)) {
      if (!leaving.has(removed)) proposals.push({ proposalType: "remove", remove: { removed } });
    }
    for (const message of add) {
      const keyPackage = decodeKeyPackage(message);
      proposals.push({ proposalType: "add", add: { keyPackage } });
    }
    if (context !== undefined) {
      atMost("context data", context.length, MAX_CONTEXT_DATA);
      const extension = { extensionType: CONTEXT_EXTENSION, extensionData: context };
      proposals.push({
        proposalType: "group_context_extensions",
        groupContextExtensions: { extensions: [extension] },
      });
    }
    return proposals;
  }

  async #open(message: PrivateMessage): Promise<Application> {
    if (message.contentType !== "application") {
      throw new MlsError("encrypted-handshake", "commits and proposals travel unencrypted here");
    }
    if (!equalBytes(message.groupId, this.groupId)) throw wrongGroup();
    const { groupContext, historicalReceiverData, keySchedule, clientConfig } = this.#state;
    const current = message.epoch === groupContext.epoch;
    if (message.epoch > groupContext.epoch) {
      throw new MlsError("wrong-epoch", "the message is of a later epoch");
    }
    const source = current
      ? { ...this.#state, senderDataSecret: keySchedule.senderDataSecret }
      : historicalReceiverData.get(message.epoch);
    if (source === undefined) {
      throw new MlsError("epoch-gone", "the message is of too old an epoch");
    }
    const opened = await unprotectPrivateMessage(
      source.senderDataSecret,
      message,
      source.secretTree,
      source.ratchetTree,
      source.groupContext,
      clientConfig.keyRetentionConfig,
      SUITE,
    );
    const { content } = opened.content;
    if (content.contentType !== "application" || content.sender.senderType !== "member") {
      throw unexpected("an application message");
    }
    const sender = memberAt(source.ratchetTree, content.sender.leafIndex);
    if (current && sender.leafIndex === this.ownLeafIndex) {
      throw new MlsError("own-message", "of this device");
    }
    const now = leafAt(this.#state.ratchetTree, sender.leafIndex);
    if (now === undefined || !equalBytes(now.signaturePublicKey, sender.signatureKey)) {
      throw new MlsError("member-not-found", "the sender is no member any more");
    }
    if (current) {
      this.#state = { ...this.#state, secretTree: opened.tree };
    } else {
      const historical = new Map(historicalReceiverData);
      const { resumptionPsk } = historicalReceiverData.get(message.epoch) ?? { resumptionPsk: NOTHING };
      const { senderDataSecret, ratchetTree, groupContext: context } = source;
      historical.set(message.epoch, {
        senderDataSecret,
        ratchetTree,
        groupContext: context,
        resumptionPsk,
        secretTree: opened.tree,
      });
      this.#state = { ...this.#state, historicalReceiverData: historical };
      this.#dirty.add(message.epoch);
    }
    return {
      kind: "application",
      sender,
      epoch: Number(message.epoch),
      plaintext: content.applicationData,
      authenticatedData: message.authenticatedData,
    };
  }

  /** The one proposal that travels alone: a member's own removal, once. */
  async #wishReceived(message: PublicMessage, sender: number | undefined): Promise<Proposal> {
    const { content } = message;
    const target =
      content.contentType === "proposal" && content.proposal.proposalType === "remove"
        ? content.proposal.remove.removed
        : undefined;
    const wishes = Object.values(this.#state.unappliedProposals);
    const again = wishes.some((each) => each.senderLeafIndex === sender);
    if (sender === undefined || target !== sender || again) {
      const words = "by itself a member may propose only its own removal, and once";
      throw new MlsError("proposal-refused", words);
    }
    const { newState } = await processPublicMessage(this.#state, message, emptyPskIndex, SUITE);
    this.#state = newState;
    return { kind: "proposal", sender, authenticatedData: content.authenticatedData };
  }

  async #commitReceived(
    message: PublicMessage,
    sender: number | undefined,
    now: number,
  ): Promise<Commit> {
    const { content } = message;
    if (content.contentType !== "commit") throw unexpected("a commit");
    const { commit } = content;
    const before = this.#before("receive");
    let seen: CommitView | undefined;
    const { newState } = await processPublicMessage(
      this.#configured("commit"),
      message,
      emptyPskIndex,
      SUITE,
      () => {
        seen = judge(before, commit, sender, now);
        this.#device.hooks.commit(seen);
        return "accept";
      },
    );
    if (seen === undefined) throw new MlsError("internal", "a commit that nobody judged");
    checkUnique(newState.ratchetTree);
    checkExtensions(newState.groupContext.extensions);
    const selfRemoved = newState.groupActiveState.kind === "removedFromGroup";
    const event = describe(seen, this.#state, newState, {
      path: commit.path !== undefined,
      selfRemoved,
      authenticatedData: content.authenticatedData,
    });
    this.#moved(newState, selfRemoved);
    return event;
  }

  #applyPending({ message, next }: Pending): Commit {
    const decoded = decodeMessage(message);
    if (decoded.wireformat !== "mls_public_message") throw unexpected("a commit");
    const { content } = decoded.publicMessage;
    if (content.contentType !== "commit") throw unexpected("a commit");
    const view = judgeOwn(this.#before("send"), content.commit.proposals, this.ownLeafIndex);
    const event = describe(view, this.#state, next, {
      path: content.commit.path !== undefined,
      selfRemoved: false,
      authenticatedData: content.authenticatedData,
    });
    // Keys of the old epoch may have been used up since the commit was made.
    const [historicalReceiverData] = addHistoricalReceiverData(this.#state);
    this.#moved({ ...next, historicalReceiverData }, false);
    return event;
  }

  #moved(next: ClientState, removed: boolean): void {
    this.#dirty.add(this.#state.groupContext.epoch);
    this.#state = slim({ ...next, clientConfig: this.#device.config("commit") });
    this.#pending = undefined;
    this.#removed = removed;
  }
}

/** One's own commit was judged when it was made; whatever its lifetimes are by now, it holds. */
function judgeOwn(
  before: Parameters<typeof judge>[0],
  proposals: readonly ProposalOrRef[],
  own: number,
): CommitView {
  const adds = proposals.flatMap((each) =>
    each.proposalOrRefType === "proposal" && each.proposal.proposalType === "add"
      ? [each.proposal.add.keyPackage.leafNode]
      : [],
  );
  const [first] = adds;
  const then = first?.leafNodeSource === "key_package" ? Number(first.lifetime.notBefore) : 0;
  const inTime = adds.reduce(
    (latest, leaf) =>
      leaf.leafNodeSource === "key_package"
        ? Math.max(latest, Number(leaf.lifetime.notBefore))
        : latest,
    then,
  );
  return judge(before, { proposals: [...proposals], path: undefined }, own, inTime);
}

function describe(
  view: CommitView,
  before: ClientState,
  after: ClientState,
  how: Pick<Commit, "path" | "selfRemoved" | "authenticatedData">,
): Commit {
  const tree = after.ratchetTree;
  const newcomers = view.proposals.flatMap((each) => (each.kind === "add" ? [each.newcomer] : []));
  const committer =
    view.committer.leafIndex ?? findMember(tree, view.committer.credential)?.leafIndex;
  if (committer === undefined) throw new MlsError("internal", "a commit without its committer");
  return {
    kind: "commit",
    committer,
    external: view.external,
    epoch: view.epoch + 1,
    added: newcomers.flatMap(({ credential }) => findMember(tree, credential) ?? []),
    removed: view.proposals.flatMap((each) => (each.kind === "remove" ? [each.member] : [])),
    contextChanged: view.proposals.some((each) => each.kind === "context"),
    contextData: contextData(
      (how.selfRemoved ? before : after).groupContext.extensions,
    ),
    ...how,
  };
}

async function groupInfoOf(state: ClientState): Promise<Uint8Array> {
  const groupInfo = await createGroupInfoWithExternalPub(state, [], SUITE);
  return encodeMessage({ wireformat: "mls_group_info", groupInfo });
}

function wrongGroup(): MlsError {
  return new MlsError("wrong-group", "the message is of another group");
}

function fromBase64(text: string): Uint8Array {
  const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  if (bytesToBase64(data) !== text) throw new MlsError("internal", "a proposal's name");
  return data;
}
