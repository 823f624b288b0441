/** The structure that every commit of ours has, judged before the caller's hook sees it. */

import { bytesToBase64, type Commit, type Extension, type PublicMessage } from "ts-mls";
import type { ProposalOrRef } from "ts-mls/proposalOrRefType.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import type { UnappliedProposals } from "ts-mls/unappliedProposals.js";
import { equalBytes } from "../protocol/encoding.ts";
import { MlsError } from "./failure.ts";
import { CONTEXT_EXTENSION, MAX_CONTEXT_DATA, MAX_MEMBERS } from "./limits.ts";
import {
  type CommitView,
  identityOf,
  memberAt,
  membersOf,
  type Newcomer,
  type ProposalView,
} from "./views.ts";

/** Throws MlsError(context-refused) for every GroupContext extension but ours. */
export function checkExtensions(extensions: readonly Extension[]): void {
  const ours = extensions.every(
    ({ extensionType, extensionData }) =>
      extensionType === CONTEXT_EXTENSION && extensionData.length <= MAX_CONTEXT_DATA,
  );
  if (!ours || extensions.length > 1) {
    const words = "the group context holds an extension that is not ours, or too long";
    throw new MlsError("context-refused", words);
  }
}

/** The bytes of our extension. */
export function contextData(extensions: readonly Extension[]): Uint8Array | undefined {
  return extensions.find(({ extensionType }) => extensionType === CONTEXT_EXTENSION)?.extensionData;
}

/** Where a commit is judged: the group before it. */
export interface Before {
  readonly direction: "send" | "receive";
  readonly groupId: Uint8Array;
  readonly epoch: number;
  readonly tree: RatchetTree;
  readonly extensions: readonly Extension[];
  readonly wishes: UnappliedProposals;
}

/**
 * A commit as the hook sees it, once its structure is ours (RFC 9420 §12.2, and stricter).
 *
 * `committer` is the leaf index of a member; undefined for the newcomer of an external commit, whose
 * leaf is in the commit's path. `now` is in seconds: what is added must be within its lifetime.
 */
export function judge(
  before: Before,
  commit: Pick<Commit, "proposals" | "path">,
  committer: number | undefined,
  now: number,
): CommitView {
  const views = commit.proposals.map((each) => viewOf(before, each, committer, now));
  const removed = views.flatMap((view) => (view.kind === "remove" ? [view.member] : []));
  const added = views.filter((view) => view.kind === "add").length;
  if (new Set(removed.map((member) => member.leafIndex)).size !== removed.length) {
    throw new MlsError("proposal-refused", "one leaf is removed twice");
  }
  const newcomer = committer === undefined ? 1 : 0;
  if (membersOf(before.tree).length + newcomer + added - removed.length > MAX_MEMBERS) {
    throw new MlsError("too-many-members", `a group has ${MAX_MEMBERS} members at most`);
  }
  const who = committerOf(before, commit, committer);
  if (committer === undefined) checkResync(who, views);
  else if (views.some((view) => view.kind === "external-init")) {
    throw new MlsError("proposal-refused", "a member cannot enter again");
  }
  return {
    direction: before.direction,
    groupId: before.groupId,
    epoch: before.epoch,
    committer: { leafIndex: committer, ...who },
    external: committer === undefined,
    proposals: views,
    contextData: contextData(before.extensions),
    roster: () => membersOf(before.tree),
  };
}

function committerOf(
  before: Before,
  commit: Pick<Commit, "path">,
  committer: number | undefined,
): Newcomer {
  const renewed = commit.path === undefined ? undefined : identityOf(commit.path.leafNode);
  if (committer === undefined) {
    if (renewed === undefined) throw new MlsError("external-refused", "a commit without a leaf");
    return renewed;
  }
  const member = memberAt(before.tree, committer);
  // A leaf's successor is the same device's.
  if (renewed !== undefined && !equalBytes(renewed.credential, member.credential)) {
    throw new MlsError("identity-refused", "a commit changes who its committer is");
  }
  return { credential: member.credential, signatureKey: member.signatureKey };
}

/** An external commit replaces one's own old leaf and does nothing else: no ghost. */
function checkResync(who: Newcomer, views: readonly ProposalView[]): void {
  const removals = views.flatMap((view) => (view.kind === "remove" ? [view] : []));
  const inits = views.filter((view) => view.kind === "external-init").length;
  const [old] = removals;
  if (old === undefined || removals.length !== 1) {
    const words = "an external commit must remove one old leaf of the same device";
    throw new MlsError("external-refused", words);
  }
  const alone = inits === 1 && views.length === 2 && views.every((view) => !view.byReference);
  if (!alone || !equalBytes(old.member.credential, who.credential)) {
    const words = "an external commit may only replace the same device's leaf";
    throw new MlsError("external-refused", words);
  }
}

function viewOf(
  before: Before,
  given: ProposalOrRef,
  committer: number | undefined,
  now: number,
): ProposalView {
  const byReference = given.proposalOrRefType === "reference";
  const wish = byReference ? before.wishes[bytesToBase64(given.reference)] : undefined;
  const proposal = byReference ? wish?.proposal : given.proposal;
  if (proposal === undefined) {
    throw new MlsError("proposal-refused", "a proposal that nobody here has seen");
  }
  const proposer = byReference ? wish?.senderLeafIndex : committer;
  const how = { proposer, byReference };
  switch (proposal.proposalType) {
    case "remove": {
      const member = memberAt(before.tree, proposal.remove.removed);
      if (byReference && proposer !== member.leafIndex) {
        throw new MlsError("proposal-refused", "by reference, a member may remove itself only");
      }
      return { kind: "remove", member, ...how };
    }
    case "add": {
      if (byReference)
        throw new MlsError("proposal-refused", "by reference, a member may only leave");
      const { leafNode } = proposal.add.keyPackage;
      if (leafNode.leafNodeSource !== "key_package") {
        throw new MlsError("malformed", "a key package without a lifetime");
      }
      checkLifetime(leafNode.lifetime, now);
      return { kind: "add", newcomer: identityOf(leafNode), ...how };
    }
    case "group_context_extensions": {
      if (byReference)
        throw new MlsError("proposal-refused", "by reference, a member may only leave");
      const { extensions } = proposal.groupContextExtensions;
      checkExtensions(extensions);
      if (extensions.length === 0) {
        throw new MlsError("context-refused", "the context cannot be taken away");
      }
      return { kind: "context", contextData: contextData(extensions), ...how };
    }
    case "external_init":
      return { kind: "external-init", ...how };
    default:
      throw new MlsError(
        "proposal-refused",
        "only add, remove, context and resync are in use here",
      );
  }
}

/** Throws MlsError(invalid-lifetime) unless `now` (seconds) is within a key package's lifetime. */
export function checkLifetime(
  lifetime: { readonly notBefore: bigint; readonly notAfter: bigint },
  now: number,
): void {
  const time = BigInt(now);
  if (lifetime.notBefore > time || lifetime.notAfter < time) {
    throw new MlsError("invalid-lifetime", "a key package is not valid yet, or not any more");
  }
}

/** The leaf index of a handshake's sender; undefined for the newcomer of an external commit. */
export function senderOf(message: PublicMessage): number | undefined {
  const { sender, contentType } = message.content;
  if (sender.senderType === "member") return sender.leafIndex;
  if (sender.senderType === "new_member_commit" && contentType === "commit") return undefined;
  throw new MlsError("proposal-refused", "only members propose here");
}
