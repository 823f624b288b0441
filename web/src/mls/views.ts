/** What the MLS layer shows its caller: members, commits before and after, messages. */

import type { LeafNode } from "ts-mls";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { equalBytes, hex } from "../protocol/encoding.ts";
import { MlsError } from "./failure.ts";
import { MAX_CREDENTIAL } from "./limits.ts";

/** One leaf: its index, credential identity bytes and Ed25519 key (32 bytes). */
export interface Member {
  readonly leafIndex: number;
  readonly credential: Uint8Array;
  readonly signatureKey: Uint8Array;
}

/** A newcomer has no index yet. */
export type Newcomer = Omit<Member, "leafIndex">;

/**
 * One proposal of a commit.
 *
 * `proposer` is a leaf index, undefined for the newcomer of an external commit; `byReference` is
 * true where a member asked for it in a message of its own (only to leave).
 */
export type ProposalView = {
  readonly proposer: number | undefined;
  readonly byReference: boolean;
} & (
  | { readonly kind: "add"; readonly newcomer: Newcomer }
  | { readonly kind: "remove"; readonly member: Member }
  | { readonly kind: "context"; readonly contextData: Uint8Array | undefined }
  | { readonly kind: "external-init" }
);

/** What a commit would do, shown to the commit check before it takes effect. */
export interface CommitView {
  readonly direction: "send" | "receive";
  readonly groupId: Uint8Array;
  /** The epoch that the commit would end. */
  readonly epoch: number;
  /** The committer; its index is undefined for an external commit. */
  readonly committer: Newcomer & { readonly leafIndex: number | undefined };
  readonly external: boolean;
  readonly proposals: readonly ProposalView[];
  /** The context extension's bytes before the commit. */
  readonly contextData: Uint8Array | undefined;
  /** The members before the commit. */
  readonly roster: () => Member[];
}

export type IdentityContext = "commit" | "new-group" | "key-package";

/**
 * The two hooks that judge others; each throws to refuse.
 *
 * `identity` is called for every leaf that enters a group, and for every leaf of a group that is
 * joined or rejoined; `commit` once for every commit, received or made, before it takes effect.
 */
export interface Hooks {
  readonly identity: (credential: Uint8Array, key: Uint8Array, context: IdentityContext) => void;
  readonly commit: (view: CommitView) => void;
}

/** A decrypted application message, its sender's signature and leaf verified. */
export interface Application {
  readonly kind: "application";
  readonly sender: Member;
  readonly epoch: number;
  readonly plaintext: Uint8Array;
  readonly authenticatedData: Uint8Array;
}

/** A commit that was applied. */
export interface Commit {
  readonly kind: "commit";
  /** Undefined only where another session of the removed device entered again from outside. */
  readonly committer: number | undefined;
  readonly external: boolean;
  /** The new epoch. */
  readonly epoch: number;
  readonly added: readonly Member[];
  readonly removed: readonly Member[];
  /** Whether the committer's leaf and path were renewed. */
  readonly path: boolean;
  readonly contextChanged: boolean;
  /** The context extension's bytes after the commit. */
  readonly contextData: Uint8Array | undefined;
  readonly selfRemoved: boolean;
  readonly authenticatedData: Uint8Array;
}

/** A member asked to leave; nobody can encrypt until some other member commits. */
export interface Proposal {
  readonly kind: "proposal";
  readonly sender: number;
  readonly authenticatedData: Uint8Array;
}

export type Event = Application | Commit | Proposal;

/** A PrivateMessage with the epoch and ratchet generation that it used up. */
export interface Encrypted {
  readonly ciphertext: Uint8Array;
  readonly epoch: number;
  readonly generation: number;
}

/**
 * What the vault must write, in one transaction with whatever leaves the device.
 *
 * Write `state`; replace the stored tree unless `tree` is undefined; upsert `epochs`; delete epochs
 * below `dropEpochsBelow`. All of it is secret.
 */
export interface StateChange {
  readonly groupId: Uint8Array;
  readonly epoch: number;
  readonly state: Uint8Array;
  readonly tree: Uint8Array | undefined;
  readonly epochs: readonly (readonly [number, Uint8Array])[];
  readonly dropEpochsBelow: number;
}

/**
 * A commit of one's own: send `message`; hand out the rest once the server took it.
 *
 * `welcomes` pairs each newcomer's key package reference with its own Welcome. `groupInfo` allows
 * the external resync of the *new* epoch; `tree` is the new ratchet tree.
 */
export interface PendingCommit {
  readonly message: Uint8Array;
  readonly welcomes: readonly (readonly [Uint8Array, Uint8Array])[];
  readonly tree: Uint8Array;
  readonly groupInfo: Uint8Array;
  /** The epoch that it would begin. */
  readonly epoch: number;
}

/** Who a leaf is. Throws MlsError(identity-refused, too-large). */
export function identityOf(leaf: LeafNode): Newcomer {
  const { credential, signaturePublicKey } = leaf;
  if (credential.credentialType !== "basic") {
    throw new MlsError("identity-refused", "the credential is not basic");
  }
  if (credential.identity.length === 0 || credential.identity.length > MAX_CREDENTIAL) {
    throw new MlsError("too-large", "credential");
  }
  if (signaturePublicKey.length !== 32) {
    throw new MlsError("identity-refused", "the signature key is not Ed25519");
  }
  return { credential: credential.identity, signatureKey: signaturePublicKey };
}

/** The leaf at an index, or undefined where it is blank or beyond the tree. */
export function leafAt(tree: RatchetTree, index: number): LeafNode | undefined {
  const node = tree[2 * index];
  return node?.nodeType === "leaf" ? node.leaf : undefined;
}

/** The member at a leaf index. Throws MlsError(no-such-member). */
export function memberAt(tree: RatchetTree, index: number): Member {
  const leaf = leafAt(tree, index);
  if (leaf === undefined) throw new MlsError("no-such-member", `leaf ${index}`);
  return { leafIndex: index, ...identityOf(leaf) };
}

/** Every member, in the order of the leaves. */
export function membersOf(tree: RatchetTree): Member[] {
  return tree.flatMap((node, at) =>
    node?.nodeType === "leaf" ? [{ leafIndex: at / 2, ...identityOf(node.leaf) }] : [],
  );
}

/** The member of a credential, or undefined. */
export function findMember(tree: RatchetTree, credential: Uint8Array): Member | undefined {
  return membersOf(tree).find((member) => equalBytes(member.credential, credential));
}

/**
 * Throws MlsError(refused) unless no HPKE key, signature key or credential is in a tree twice
 * (RFC 9420 §7.3, §12.4.2).
 */
export function checkUnique(tree: RatchetTree): void {
  const keys = new Set<string>();
  const once = (what: string, value: Uint8Array) => {
    const name = `${what} ${hex(value)}`;
    if (keys.has(name)) throw new MlsError("refused", `one ${what} twice`);
    keys.add(name);
  };
  for (const node of tree) {
    if (node === undefined) continue;
    once("key", node.nodeType === "leaf" ? node.leaf.hpkePublicKey : node.parent.hpkePublicKey);
    if (node.nodeType === "leaf") {
      const { credential, signatureKey } = identityOf(node.leaf);
      once("signature key", signatureKey);
      once("credential", credential);
    }
  }
}
