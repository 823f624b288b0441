/**
 * MLS (RFC 9420), suite 0x0001 only: what the Python binding `doublelock_mls` offers, in a browser.
 *
 * Every refusal is an `MlsError` with a stable kebab-case code, or the very error that a hook threw;
 * hostile bytes never cause anything else. All times are seconds since 1970 of the deployment's
 * clock; the system clock decides nothing.
 */

import {
  type ClientConfig,
  type ClientState,
  createGroup,
  emptyPskIndex,
  generateKeyPackageWithKey,
  joinGroup,
  joinGroupExternal,
  type Lifetime,
  type PrivateKeyPackage,
  type KeyPackage as PublicKeyPackage,
} from "ts-mls";
import { makeKeyPackageRef } from "ts-mls/keyPackage.js";
import { decryptGroupInfo, decryptGroupSecrets } from "ts-mls/welcome.js";
import { SigningKey } from "../protocol/ed25519.ts";
import { concat, equalBytes, field, Reader, u8, u32 } from "../protocol/encoding.ts";
import {
  decodeGroupInfo,
  decodeKeyPackage,
  decodeMessage,
  decodeTree,
  encodeMessage,
  unexpected,
} from "./codec.ts";
import { guarded, MlsError } from "./failure.ts";
import { Group, type Kept } from "./group.ts";
import {
  atMost,
  CLOCK_SKEW,
  CONTEXT_EXTENSION,
  MAX_CONTEXT_DATA,
  MAX_CREDENTIAL,
  MAX_GROUP_ID,
  MAX_MESSAGE,
  MAX_PLAINTEXT,
  MAX_SKIPPED,
  MAX_SKIPPED_AT_ONCE,
  PRIOR_EPOCHS,
} from "./limits.ts";
import { checkExtensions } from "./rules.ts";
import { decodeStored, settle } from "./stored.ts";
import { SUITE } from "./suite.ts";
import {
  checkUnique,
  findMember,
  type Hooks,
  type IdentityContext,
  identityOf,
  type StateChange,
} from "./views.ts";

/** 90 days, in seconds. */
const LIFETIME = 7_776_000;
const PRIVATE_VERSION = 1;
const NOTHING = new Uint8Array();

/**
 * A fresh key package: publish `message`, keep `private` (secret) under `reference` until it is used.
 *
 * `notAfter` is in seconds since 1970.
 */
export interface KeyPackage {
  readonly message: Uint8Array;
  readonly reference: Uint8Array;
  readonly private: Uint8Array;
  readonly notAfter: number;
}

/** What can be read of an MLSMessage without its group. */
export interface MessageInfo {
  readonly wireFormat: "public" | "private" | "welcome" | "group-info" | "key-package";
  readonly groupId: Uint8Array | undefined;
  readonly epoch: number | undefined;
  /** A PublicMessage's sender; undefined for a newcomer, or where it is encrypted. */
  readonly sender: number | undefined;
  readonly external: boolean;
  readonly authenticatedData: Uint8Array | undefined;
  /** The key package references of a Welcome. */
  readonly references: readonly Uint8Array[];
}

/** Reads an MLSMessage without its group. Throws MlsError(malformed, too-large). */
export function inspectMessage(data: Uint8Array): MessageInfo {
  const message = decodeMessage(data);
  const nothing = {
    groupId: undefined,
    epoch: undefined,
    sender: undefined,
    external: false,
    authenticatedData: undefined,
    references: [],
  };
  switch (message.wireformat) {
    case "mls_public_message": {
      const { groupId, epoch, sender, authenticatedData } = message.publicMessage.content;
      return {
        ...nothing,
        wireFormat: "public",
        groupId,
        epoch: Number(epoch),
        sender: sender.senderType === "member" ? sender.leafIndex : undefined,
        external: sender.senderType === "new_member_commit",
        authenticatedData,
      };
    }
    case "mls_private_message": {
      const { groupId, epoch, authenticatedData } = message.privateMessage;
      return {
        ...nothing,
        wireFormat: "private",
        groupId,
        epoch: Number(epoch),
        authenticatedData,
      };
    }
    case "mls_welcome": {
      const references = message.welcome.secrets.map((secret) => secret.newMember);
      return { ...nothing, wireFormat: "welcome", references };
    }
    case "mls_group_info": {
      const { groupId, epoch } = message.groupInfo.groupContext;
      return { ...nothing, wireFormat: "group-info", groupId, epoch: Number(epoch) };
    }
    default:
      return { ...nothing, wireFormat: "key-package" };
  }
}

/** The reference of a key package message (RFC 9420 §5.2): what its Welcome will name it by. */
export function referenceOf(data: Uint8Array): Promise<Uint8Array> {
  return guarded(() => {
    const message = decodeMessage(data);
    if (message.wireformat !== "mls_key_package") throw unexpected("a key package");
    return makeKeyPackageRef(message.keyPackage, SUITE.hash);
  });
}

/** One device: its credential, signing key and the hooks that judge others. */
export class Client {
  readonly credential: Uint8Array;
  readonly signatureKey: Uint8Array;
  readonly #seed: Uint8Array;
  readonly #hooks: Hooks;

  /**
   * `credential`: opaque identity bytes of the basic credential, 1 to 1,024; equal credentials are
   * the same device. `seed`: the 32-byte Ed25519 seed.
   */
  constructor(credential: Uint8Array, seed: Uint8Array, hooks: Hooks) {
    if (credential.length === 0) throw new MlsError("bad-credential", "the credential is empty");
    atMost("credential", credential.length, MAX_CREDENTIAL);
    this.credential = credential.slice();
    this.signatureKey = new SigningKey(seed).public.encoded;
    this.#seed = seed.slice();
    this.#hooks = hooks;
  }

  /** A key package valid from an hour before `now` to `lifetime` seconds after it. */
  async generateKeyPackage(now: number, lifetime = LIFETIME): Promise<KeyPackage> {
    const made = await this.#keyPackage(now, lifetime);
    const { publicPackage, privatePackage } = made;
    const reference = await makeKeyPackageRef(publicPackage, SUITE.hash);
    const message = encodeMessage({ wireformat: "mls_key_package", keyPackage: publicPackage });
    return {
      message,
      reference,
      private: concat(
        u8(PRIVATE_VERSION),
        field(reference),
        field(privatePackage.initPrivateKey),
        field(privatePackage.hpkePrivateKey),
        u32(message.length),
        message,
      ),
      notAfter: now + lifetime,
    };
  }

  /** A group of which this device is the only member. */
  createGroup(groupId: Uint8Array, now: number, contextData?: Uint8Array): Promise<Group> {
    return guarded(async () => {
      atMost("group id", groupId.length, MAX_GROUP_ID);
      if (groupId.length === 0) throw new MlsError("bad-group-id", "the group id is empty");
      atMost("context data", contextData?.length ?? 0, MAX_CONTEXT_DATA);
      const extensions =
        contextData === undefined
          ? []
          : [{ extensionType: CONTEXT_EXTENSION, extensionData: contextData }];
      const { publicPackage, privatePackage } = await this.#keyPackage(now, LIFETIME);
      const config = this.#config("new-group");
      this.#hooks.identity(this.credential, this.signatureKey, "new-group");
      const state = await createGroup(
        groupId,
        publicPackage,
        privatePackage,
        extensions,
        SUITE,
        config,
      );
      return this.#group(settle(state));
    });
  }

  /**
   * Joins from a Welcome with the `private` part of the key package that it names.
   *
   * Gives the group and the leaf index of whoever added this device. Delete the private part in the
   * transaction that writes the group's first `takeChanges()`. Members' lifetimes are not judged
   * again here (RFC 9420 §7.3). Throws MlsError(no-key-package, tree-mismatch), what the hooks throw.
   */
  join(
    welcome: Uint8Array,
    ratchetTree: Uint8Array,
    privatePart: Uint8Array,
  ): Promise<{ readonly group: Group; readonly adder: number }> {
    return guarded(async () => {
      const message = decodeMessage(welcome);
      if (message.wireformat !== "mls_welcome") throw unexpected("a welcome");
      const tree = decodeTree(ratchetTree);
      const kept = this.#openPrivate(privatePart);
      const named = message.welcome.secrets.some((each) =>
        equalBytes(each.newMember, kept.reference),
      );
      if (!named) throw new MlsError("no-key-package", "the welcome is for another key package");
      const initKey = await SUITE.hpke.importPrivateKey(kept.privatePackage.initPrivateKey);
      const secrets = await decryptGroupSecrets(
        initKey,
        kept.reference,
        message.welcome,
        SUITE.hpke,
      );
      if (secrets === undefined || secrets.psks.length > 0) {
        throw new MlsError("malformed", "a welcome that is not of our kind");
      }
      const noPsk = new Uint8Array(SUITE.kdf.size);
      const info = await decryptGroupInfo(message.welcome, secrets.joinerSecret, noPsk, SUITE);
      if (info === undefined) throw new MlsError("malformed", "a welcome without a group");
      checkExtensions(info.groupContext.extensions);
      const state = await joinGroup(
        message.welcome,
        kept.publicPackage,
        kept.privatePackage,
        emptyPskIndex,
        SUITE,
        tree,
        undefined,
        this.#config("new-group"),
      );
      checkUnique(state.ratchetTree);
      return { group: this.#group(settle(state)), adder: info.signer };
    });
  }

  /**
   * External commit as a resync: removes one's own old leaf, which must exist.
   *
   * Gives the group in its new epoch and the commit to send; drop the group if the server refuses
   * it. Throws MlsError(not-a-member).
   */
  rejoin(
    groupInfo: Uint8Array,
    ratchetTree: Uint8Array,
    now: number,
    authenticatedData: Uint8Array = NOTHING,
  ): Promise<{ readonly group: Group; readonly commit: Uint8Array }> {
    return guarded(async () => {
      atMost("authenticated data", authenticatedData.length, MAX_PLAINTEXT);
      const info = decodeGroupInfo(groupInfo);
      const tree = decodeTree(ratchetTree);
      checkExtensions(info.groupContext.extensions);
      checkUnique(tree);
      if (findMember(tree, this.credential) === undefined) {
        throw new MlsError("not-a-member", "this device has no leaf in the group");
      }
      const { publicPackage, privatePackage } = await this.#keyPackage(now, LIFETIME);
      const { publicMessage, newState } = await joinGroupExternal(
        info,
        publicPackage,
        privatePackage,
        true,
        SUITE,
        tree,
        this.#config("new-group"),
        authenticatedData,
      );
      checkUnique(newState.ratchetTree);
      const commit = encodeMessage({ wireformat: "mls_public_message", publicMessage });
      return { group: this.#group(settle(newState)), commit };
    });
  }

  /**
   * Loads what `takeChanges` gave.
   *
   * `sent` = [epoch, next generation] as persisted with the last message sent: generations below it
   * are burnt, so that no key is used twice. Throws MlsError(malformed), (state-behind): `sent` is of
   * a later epoch than the state, the vault lost a write, rejoin.
   */
  loadGroup(
    kept: Pick<StateChange, "state" | "epochs"> & { readonly tree: Uint8Array },
    sent?: readonly [epoch: number, generation: number],
  ): Promise<Group> {
    return guarded(async () => {
      const config = this.#config("commit");
      const stored = decodeStored(kept.state, decodeTree(kept.tree), kept.epochs, config);
      const state = { ...stored.state, signaturePrivateKey: this.#seed };
      const own = findMember(state.ratchetTree, this.credential);
      const ours =
        own?.leafIndex === state.privatePath.leafIndex &&
        equalBytes(own.signatureKey, this.signatureKey);
      if (!ours && !stored.removed) {
        throw new MlsError("not-a-member", "the own leaf is of another device");
      }
      const group = this.#group(state, {
        pending: stored.pending,
        removed: stored.removed,
        treeEpoch: Number(state.groupContext.epoch),
      });
      if (sent !== undefined) await group.burn(...sent);
      return group;
    });
  }

  #group(state: ClientState, kept?: Kept): Group {
    const device = { hooks: this.#hooks, config: this.#config.bind(this) };
    return new Group(device, { ...state, clientConfig: this.#config("commit") }, kept);
  }

  #config(context: IdentityContext): ClientConfig {
    return {
      keyRetentionConfig: {
        retainKeysForGenerations: MAX_SKIPPED,
        retainKeysForEpochs: PRIOR_EPOCHS,
        maximumForwardRatchetSteps: MAX_SKIPPED_AT_ONCE,
      },
      // Lifetimes are judged by `rules`, at the deployment's time.
      lifetimeConfig: { maximumTotalLifetime: 2n ** 40n, validateLifetimeOnReceive: false },
      // No padding: what is encrypted here has one fixed size.
      paddingConfig: { kind: "padUntilLength", padUntilLength: 0 },
      keyPackageEqualityConfig: {
        compareKeyPackages: (one, other) => sameDevice(one.leafNode, other.leafNode),
        compareKeyPackageToLeafNode: (one, leaf) => sameDevice(one.leafNode, leaf),
      },
      authService: {
        validateCredential: async (credential, key) => {
          if (credential.credentialType !== "basic") return false;
          this.#hooks.identity(credential.identity, key, context);
          return true;
        },
      },
    };
  }

  #keyPackage(now: number, lifetime: number) {
    const valid: Lifetime = {
      notBefore: BigInt(Math.max(0, now - CLOCK_SKEW)),
      notAfter: BigInt(now + lifetime),
    };
    return generateKeyPackageWithKey(
      { credentialType: "basic", identity: this.credential },
      {
        versions: ["mls10"],
        ciphersuites: [SUITE.name],
        extensions: [CONTEXT_EXTENSION],
        proposals: [],
        credentials: ["basic"],
      },
      valid,
      [],
      { signKey: this.#seed, publicKey: this.signatureKey },
      SUITE,
    );
  }

  #openPrivate(data: Uint8Array): {
    readonly reference: Uint8Array;
    readonly publicPackage: PublicKeyPackage;
    readonly privatePackage: PrivateKeyPackage;
  } {
    const reader = new Reader(data);
    if (reader.u8() !== PRIVATE_VERSION) {
      throw new MlsError("malformed", "the private part is of another version");
    }
    const reference = reader.field();
    const initPrivateKey = reader.field();
    const hpkePrivateKey = reader.field();
    const publicPackage = decodeKeyPackage(reader.longField(MAX_MESSAGE));
    reader.end();
    const own = identityOf(publicPackage.leafNode);
    if (
      !equalBytes(own.credential, this.credential) ||
      !equalBytes(own.signatureKey, this.signatureKey)
    ) {
      throw new MlsError("no-key-package", "the key package is of another device");
    }
    const privatePackage = { initPrivateKey, hpkePrivateKey, signaturePrivateKey: this.#seed };
    return { reference, publicPackage, privatePackage };
  }
}

function sameDevice(
  one: PublicKeyPackage["leafNode"] | Parameters<typeof identityOf>[0],
  other: Parameters<typeof identityOf>[0],
): boolean {
  return equalBytes(identityOf(one).credential, identityOf(other).credential);
}
