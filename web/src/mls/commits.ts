/** Commits and wishes to leave: making one's own, taking in another's. */

import {
  bytesToBase64,
  type ClientState,
  createCommit,
  createGroupInfoWithExternalPub,
  emptyPskIndex,
  type Proposal as LibraryProposal,
  type ProposalOrRef,
  type PublicMessage,
  processPublicMessage,
} from "ts-mls";
import { addHistoricalReceiverData } from "ts-mls/clientState.js";
import { decodeKeyPackage, decodeMessage, encodeMessage, encodeTree, unexpected } from "./codec.ts";
import { MlsError } from "./failure.ts";
import {
  atMost,
  CONTEXT_EXTENSION,
  MAX_CONTEXT_DATA,
  MAX_MEMBERS,
  MAX_PLAINTEXT,
} from "./limits.ts";
import { type Before, checkExtensions, contextData, judge } from "./rules.ts";
import { type Pending, settle } from "./stored.ts";
import { SUITE } from "./suite.ts";
import {
  type Commit,
  type CommitView,
  checkUnique,
  findMember,
  type Hooks,
  type PendingCommit,
  type Proposal,
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

/** A commit that was applied, with the state after it. */
export interface Moved {
  readonly commit: Commit;
  readonly state: ClientState;
}

function beforeOf(state: ClientState, direction: Before["direction"]): Before {
  const { ratchetTree: tree, groupContext, unappliedProposals: wishes } = state;
  const { groupId, extensions, epoch } = groupContext;
  return { direction, groupId, epoch: Number(epoch), tree, extensions, wishes };
}

/** A signed GroupInfo for the external resync of a state's epoch, without the tree. */
export async function groupInfoOf(state: ClientState): Promise<Uint8Array> {
  const groupInfo = await createGroupInfoWithExternalPub(state, [], SUITE);
  return encodeMessage({ wireformat: "mls_group_info", groupInfo });
}

function proposalsOf(state: ClientState, wish: CommitWish): LibraryProposal[] {
  const { add = [], remove = [], contextData: context } = wish;
  atMost("added members", add.length, MAX_MEMBERS);
  // Who wishes to leave is removed by that wish, and not a second time.
  const wishes = Object.values(state.unappliedProposals);
  const leaving = new Set(wishes.map((each) => each.senderLeafIndex));
  const proposals: LibraryProposal[] = [];
  for (const removed of new Set(remove)) {
    if (!leaving.has(removed)) proposals.push({ proposalType: "remove", remove: { removed } });
  }
  for (const message of add) {
    proposals.push({ proposalType: "add", add: { keyPackage: decodeKeyPackage(message) } });
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

/** Makes a commit; nothing moves until it is applied. Throws MlsError, and what the hooks throw. */
export async function makeCommit(
  state: ClientState,
  hooks: Hooks,
  wish: CommitWish,
): Promise<{ readonly pending: Pending; readonly made: PendingCommit }> {
  const authenticatedData = wish.authenticatedData ?? NOTHING;
  atMost("authenticated data", authenticatedData.length, MAX_PLAINTEXT);
  const extraProposals = proposalsOf(state, wish);
  const proposals: ProposalOrRef[] = [
    ...Object.keys(state.unappliedProposals).map((name) => ({
      proposalOrRefType: "reference" as const,
      reference: fromBase64(name),
    })),
    ...extraProposals.map((proposal) => ({ proposalOrRefType: "proposal" as const, proposal })),
  ];
  const { leafIndex } = state.privatePath;
  const commit = { proposals, path: undefined };
  hooks.commit(judge(beforeOf(state, "send"), commit, leafIndex, wish.now));
  const {
    commit: message,
    welcome,
    newState,
  } = await createCommit(
    { state, cipherSuite: SUITE, pskIndex: emptyPskIndex },
    { wireAsPublicMessage: true, extraProposals, authenticatedData },
  );
  if (message.wireformat !== "mls_public_message") throw unexpected("a commit");
  const next = settle(newState);
  checkUnique(next.ratchetTree);
  const bytes = encodeMessage(message);
  const welcomes = (welcome?.secrets ?? []).map((secret) => {
    const own = { ...welcome, secrets: [secret] } as NonNullable<typeof welcome>;
    return [secret.newMember, encodeMessage({ wireformat: "mls_welcome", welcome: own })] as const;
  });
  const made: PendingCommit = {
    message: bytes,
    welcomes,
    tree: encodeTree(next.ratchetTree),
    groupInfo: await groupInfoOf(next),
    epoch: Number(next.groupContext.epoch),
  };
  return { pending: { message: bytes, next }, made };
}

/**
 * Takes in another's commit; `sender` is its leaf, undefined for an external one.
 *
 * Throws MlsError, and what the hooks throw.
 */
export async function receiveCommit(
  state: ClientState,
  hooks: Hooks,
  message: PublicMessage,
  sender: number | undefined,
  now: number,
): Promise<Moved> {
  const { content } = message;
  if (content.contentType !== "commit") throw unexpected("a commit");
  const { commit } = content;
  const before = beforeOf(state, "receive");
  let seen: CommitView | undefined;
  const { newState } = await processPublicMessage(state, message, emptyPskIndex, SUITE, () => {
    seen = judge(before, commit, sender, now);
    hooks.commit(seen);
    return "accept";
  });
  if (seen === undefined) throw new MlsError("internal", "a commit that nobody judged");
  const selfRemoved = newState.groupActiveState.kind === "removedFromGroup";
  checkUnique(newState.ratchetTree);
  checkExtensions(newState.groupContext.extensions);
  const next = selfRemoved ? newState : settle(newState);
  const how = {
    path: commit.path !== undefined,
    selfRemoved,
    authenticatedData: content.authenticatedData,
  };
  return { commit: describe(seen, next, how), state: next };
}

/** Moves on to one's own commit, which the server took. */
export function applyPending(state: ClientState, { message, next }: Pending): Moved {
  const decoded = decodeMessage(message);
  if (decoded.wireformat !== "mls_public_message") throw unexpected("a commit");
  const { content } = decoded.publicMessage;
  if (content.contentType !== "commit") throw unexpected("a commit");
  const { proposals, path } = content.commit;
  // It was judged when it was made; whatever lifetimes are by now, it holds.
  const then = proposals.reduce((latest, each) => Math.max(latest, begins(each)), 0);
  const { leafIndex } = state.privatePath;
  const view = judge(beforeOf(state, "send"), { proposals, path: undefined }, leafIndex, then);
  // Keys of the old epoch may have been used up since the commit was made.
  const [historicalReceiverData] = addHistoricalReceiverData(state);
  const how = {
    path: path !== undefined,
    selfRemoved: false,
    authenticatedData: content.authenticatedData,
  };
  return { commit: describe(view, next, how), state: { ...next, historicalReceiverData } };
}

/** When what a proposal adds begins to be valid, in seconds. */
function begins(proposal: ProposalOrRef): number {
  if (proposal.proposalOrRefType !== "proposal") return 0;
  if (proposal.proposal.proposalType !== "add") return 0;
  const { leafNode } = proposal.proposal.add.keyPackage;
  return leafNode.leafNodeSource === "key_package" ? Number(leafNode.lifetime.notBefore) : 0;
}

/** The one proposal that travels alone: a member's own removal, once. */
export async function receiveWish(
  state: ClientState,
  message: PublicMessage,
  sender: number | undefined,
): Promise<{ readonly proposal: Proposal; readonly state: ClientState }> {
  const { content } = message;
  const target =
    content.contentType === "proposal" && content.proposal.proposalType === "remove"
      ? content.proposal.remove.removed
      : undefined;
  const wishes = Object.values(state.unappliedProposals);
  const again = wishes.some((each) => each.senderLeafIndex === sender);
  if (sender === undefined || target !== sender || again) {
    const words = "by itself a member may propose only its own removal, and once";
    throw new MlsError("proposal-refused", words);
  }
  const { newState } = await processPublicMessage(state, message, emptyPskIndex, SUITE);
  const { authenticatedData } = content;
  return { proposal: { kind: "proposal", sender, authenticatedData }, state: newState };
}

function describe(
  view: CommitView,
  after: ClientState,
  how: Pick<Commit, "path" | "selfRemoved" | "authenticatedData">,
): Commit {
  const tree = after.ratchetTree;
  const newcomers = view.proposals.flatMap((each) => (each.kind === "add" ? [each.newcomer] : []));
  const committer =
    view.committer.leafIndex ?? findMember(tree, view.committer.credential)?.leafIndex;
  // Who is removed by another session of its own device does not see where that one sits.
  if (committer === undefined && !how.selfRemoved) {
    throw new MlsError("internal", "a commit without its committer");
  }
  return {
    kind: "commit",
    committer,
    external: view.external,
    epoch: view.epoch + 1,
    added: newcomers.flatMap(({ credential }) => findMember(tree, credential) ?? []),
    removed: view.proposals.flatMap((each) => (each.kind === "remove" ? [each.member] : [])),
    contextChanged: view.proposals.some((each) => each.kind === "context"),
    contextData: contextData(after.groupContext.extensions),
    ...how,
  };
}

function fromBase64(text: string): Uint8Array {
  const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  if (bytesToBase64(data) !== text) throw new MlsError("internal", "a proposal's name");
  return data;
}
