/**
 * Repairs of ts-mls 1.6.4, made to its files as Vite and Vitest load them.
 *
 * Nothing in node_modules is changed, so `npm ci --ignore-scripts` is enough, and whoever updates
 * the library learns at once which repair no longer fits: each must match exactly once. Why each
 * is needed, docs/adr/0004-browser-mls.md tells; test/mls/repairs.test.ts shows it.
 */

import { readFileSync } from "node:fs";

/** One repair: in `file` of ts-mls, `before` becomes `after`. */
export interface Repair {
  readonly file: string;
  readonly why: string;
  readonly before: string;
  readonly after: string;
}

export const VERSION = "1.6.4";

export const REPAIRS: readonly Repair[] = [
  {
    file: "clientState.js",
    why: "RFC 9420 §7.9.2: a leaf in unmerged_leaves of a node must be below it, and in the lists of the nodes between; lists above the node, and other leaves in them, are their own matter.",
    before: `                if (tree[nodeIndex]?.nodeType !== "leaf" && !dp.includes(toNodeIndex(i)))
                    return new ValidationError("Unmerged leaf did not represent a non-blank descendant leaf node");
                for (const parentIdx of dp) {
                    const dpNode = tree[parentIdx];`,
    after: `                if (tree[nodeIndex]?.nodeType !== "leaf" || !dp.includes(toNodeIndex(i)))
                    return new ValidationError("Unmerged leaf did not represent a non-blank descendant leaf node");
                for (const parentIdx of dp.slice(0, dp.indexOf(toNodeIndex(i)))) {
                    const dpNode = tree[parentIdx];`,
  },
  {
    file: "clientState.js",
    why: "The second half of the repair above: membership, not equality of the lists.",
    before: `if (!arraysEqual(dpNode.parent.unmergedLeaves, n.parent.unmergedLeaves))`,
    after: `if (!dpNode.parent.unmergedLeaves.includes(unmergedLeaf))`,
  },
  {
    file: "clientState.js",
    why: "RFC 9420 §12.4, §17.4: a commit that changes the group context needs a path.",
    before: `const needsUpdatePath = allProposals.length === 0 || Object.values(grouped.update).length > 0 || Object.values(grouped.remove).length > 0;`,
    after: `const needsUpdatePath = allProposals.length === 0 || grouped.update.length > 0 || grouped.remove.length > 0 || grouped.group_context_extensions.length > 0;`,
  },
  {
    file: "clientState.js",
    why: "Whoever is removed is so, also where a newcomer of the same commit takes the empty leaf.",
    before: `const selfRemoved = mutatedTree[leafToNodeIndex(toLeafIndex(state.privatePath.leafIndex))] === undefined;`,
    after: `const selfRemoved = grouped.remove.some(({ proposal }) => proposal.remove.removed === state.privatePath.leafIndex);`,
  },
  {
    file: "clientState.js",
    why: "The same, where another session of the same device enters again from outside.",
    before: `                newMemberLeafIndex: nodeToLeafIndex(findBlankLeafNodeIndexOrExtend(treeAfterRemove)),
            },
            selfRemoved: false,`,
    after: `                newMemberLeafIndex: nodeToLeafIndex(findBlankLeafNodeIndexOrExtend(treeAfterRemove)),
            },
            selfRemoved: grouped.remove.some(({ proposal }) => proposal.remove.removed === state.privatePath.leafIndex),`,
  },
  {
    file: "clientState.js",
    why: "The time of a commit is the deployment's clock, which the caller judges; not this machine's.",
    before: `    if (sentByClient || config.validateLifetimeOnReceive) {`,
    after: `    if (config.validateLifetimeOnReceive) {`,
  },
  {
    file: "clientState.js",
    why: "RFC 9420 §12.3: adds apply after removes, so a device may be removed and added in one commit.",
    before: `        throwIfDefined(await validateKeyPackage(proposal.add.keyPackage, gc, ratchetTree, sentByClient, lifetimeConfig, authService, s));
        const [tree, ws] = await acc;`,
    after: `        const [tree, ws] = await acc;
        throwIfDefined(await validateKeyPackage(proposal.add.keyPackage, gc, tree, sentByClient, lifetimeConfig, authService, s));`,
  },
  {
    file: "clientState.js",
    why: "A mark by which the engine knows that it runs on the repaired library.",
    before: `export const groupStateEncoder = contramapBufferEncoders([`,
    after: `export const repaired = true;
export const groupStateEncoder = contramapBufferEncoders([`,
  },
  {
    file: "createCommit.js",
    why: "RFC 9420 §12.4.2: path secrets are sealed under the new group context, extensions included.",
    before: `        ? await createUpdatePath(res.tree, toLeafIndex(state.privatePath.leafIndex), state.groupContext, state.signaturePrivateKey, cipherSuite, excludeNodes)`,
    after: `        ? await createUpdatePath(res.tree, toLeafIndex(state.privatePath.leafIndex), {
            ...state.groupContext,
            extensions: res.additionalResult.kind === "memberCommit" && res.additionalResult.extensions.length > 0
                ? res.additionalResult.extensions
                : state.groupContext.extensions,
        }, state.signaturePrivateKey, cipherSuite, excludeNodes)`,
  },
  {
    file: "createCommit.js",
    why: "RFC 9420 §12.4.3.2: ExternalPub holds an opaque<V> public key; its length stands in front (writing).",
    before: `    const externalPub = await cs.hpke.exportPublicKey(externalKeyPair.publicKey);
    const gi = await createGroupInfo(state.groupContext, state.confirmationTag, state, [...extensions, { extensionType: "external_pub", extensionData: externalPub }], cs);`,
    after: `    const externalPub = encode(varLenDataEncoder)(await cs.hpke.exportPublicKey(externalKeyPair.publicKey));
    const gi = await createGroupInfo(state.groupContext, state.confirmationTag, state, [...extensions, { extensionType: "external_pub", extensionData: externalPub }], cs);`,
  },
  {
    file: "createCommit.js",
    why: "The same, reading; and nothing may follow the key.",
    before: `    const { enc, secret: initSecret } = await exportSecret(externalPub.extensionData, cs);`,
    after: `    const externalKey = decodeVarLenData(externalPub.extensionData, 0);
    if (externalKey === undefined || externalKey[1] !== externalPub.extensionData.length)
        throw new ValidationError("external_pub is not one public key");
    const { enc, secret: initSecret } = await exportSecret(externalKey[0], cs);`,
  },
  {
    file: "createCommit.js",
    why: "What the two repairs above need.",
    before: `import { encode } from "./codec/tlsEncoder.js";`,
    after: `import { encode } from "./codec/tlsEncoder.js";
import { decodeVarLenData, varLenDataEncoder } from "./codec/variableLength.js";`,
  },
  {
    file: "updatePath.js",
    why: "RFC 9420 §7.4, §12.4: the commit secret follows the last secret of the filtered path, be that the leaf's own: whoever remains alone had none, and whoever was removed could follow.",
    before: `    return [treeWithHashes, updatePath, pathSecrets, leafKeypair.privateKey];`,
    after: `    return [treeWithHashes, updatePath, pathSecrets, leafKeypair.privateKey, await deriveSecret(ps[0].secret, "path", cs.kdf)];`,
  },
  {
    file: "createCommit.js",
    why: "The same, for a member's commit.",
    before: `    const [tree, updatePath, pathSecrets, newPrivateKey] = res.needsUpdatePath`,
    after: `    const [tree, updatePath, pathSecrets, newPrivateKey, pathCommitSecret] = res.needsUpdatePath`,
  },
  {
    file: "createCommit.js",
    why: "The same, for a member's commit.",
    before: `    const lastPathSecret = pathSecrets.at(-1);
    const commitSecret = lastPathSecret === undefined
        ? new Uint8Array(cipherSuite.kdf.size)
        : await getCommitSecret(tree, toNodeIndex(lastPathSecret.nodeIndex), lastPathSecret.secret, cipherSuite.kdf);`,
    after: `    const commitSecret = pathCommitSecret ?? new Uint8Array(cipherSuite.kdf.size);`,
  },
  {
    file: "createCommit.js",
    why: "The same, for an external commit.",
    before: `    const [newTree, updatePath, pathSecrets, newPrivateKey] = await createUpdatePath(`,
    after: `    const [newTree, updatePath, pathSecrets, newPrivateKey, commitSecret] = await createUpdatePath(`,
  },
  {
    file: "createCommit.js",
    why: "The same, for an external commit.",
    before: `    const lastPathSecret = pathSecrets.at(-1);
    const commitSecret = lastPathSecret === undefined
        ? new Uint8Array(cs.kdf.size)
        : await getCommitSecret(newTree, toNodeIndex(lastPathSecret.nodeIndex), lastPathSecret.secret, cs.kdf);
`,
    after: "",
  },
  {
    file: "pathSecrets.js",
    why: "RFC 9420 §4.1.2, §7.4: a root whose other half is blank is not on the filtered path.",
    before: `        const nextIndex = findFirstNonBlankAncestor(tree, currentIndex);
        const nextSecret =`,
    after: `        const nextIndex = findFirstNonBlankAncestor(tree, currentIndex);
        if (tree[nextIndex] === undefined)
            break;
        const nextSecret =`,
  },
  {
    file: "processMessages.js",
    why: "The same for who receives a commit: its secret follows the path's last, wherever that is.",
    before: `    const rootIndex = root(leafWidth(tree.length));
    const rootSecret = pathSecrets[rootIndex];`,
    after: `    const rootIndex = root(leafWidth(tree.length));
    let top = toNodeIndex(secret.nodeIndex);
    while (top !== rootIndex) {
        const above = findFirstNonBlankAncestor(tree, top);
        if (tree[above] === undefined)
            break;
        top = above;
    }
    const rootSecret = pathSecrets[top];`,
  },
  {
    file: "processMessages.js",
    why: "What the repair above needs.",
    before: `import { findBlankLeafNodeIndex, addLeafNode } from "./ratchetTree.js";`,
    after: `import { findBlankLeafNodeIndex, findFirstNonBlankAncestor, addLeafNode } from "./ratchetTree.js";`,
  },
];

/** The repaired text of a file of ts-mls. Throws where a repair does not fit exactly once. */
export function repair(file: string, text: string): string {
  let out = text;
  for (const { before, after, why } of REPAIRS.filter((each) => each.file === file)) {
    const found = out.split(before).length - 1;
    if (found !== 1) throw new Error(`ts-mls ${file}: repair fits ${found} times: ${why}`);
    out = out.replace(before, () => after);
  }
  return out;
}

/** The Vite and Vitest plugin. */
export function repairTsMls() {
  return {
    name: "ts-mls-repairs",
    enforce: "pre" as const,
    load(id: string) {
      const [path = id] = id.split("?");
      const match = /\/ts-mls\/dist\/src\/(.+\.js)$/.exec(path);
      const file = match?.[1];
      if (file === undefined) return undefined;
      // The package comes without the sources that its source maps name.
      const text = readFileSync(path, "utf8").replace(/^\/\/# sourceMappingURL=.*$/m, "");
      return { code: repair(file, text), map: null };
    },
  };
}
