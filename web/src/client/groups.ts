/** The MLS groups of one device, judged by our own rules: the hooks that keep ghosts out (spec G). */

import { Client, type KeyPackage } from "../mls/client.ts";
import { MlsError } from "../mls/failure.ts";
import type { Group } from "../mls/group.ts";
import type { CommitView, Member } from "../mls/views.ts";
import type { Code } from "../protocol/codes.ts";
import type { SigningKey } from "../protocol/ed25519.ts";
import { hex } from "../protocol/encoding.ts";
import { GroupRefused, Malformed, Refusal } from "../protocol/errors.ts";
import {
  type AcceptedChange,
  type Change,
  encodeCredential,
  type JoinedGroup,
  type Leaf,
  type Rules,
  readLeaf,
} from "../protocol/group_rules.ts";
import { type AccountId, type DeviceId, nameDevice } from "../protocol/identifiers.ts";
import type { Clock } from "./monitor.ts";

const CODES: Readonly<Record<string, Code>> = {
  "wrong-epoch": "epoch-superseded",
  malformed: "form",
  "too-large": "size",
  "invalid-signature": "bad-signature",
  "not-a-member": "not-a-member",
  removed: "not-a-member",
  "too-many-members": "group-full",
};

/** Our refusal for one of the MLS layer; its message holds no secret. */
export function nameFailure(error: MlsError): GroupRefused {
  return new GroupRefused(CODES[error.code] ?? "commit-invalid", error.code);
}

/** A problem as a Refusal. Throws what is no refusal: a defect of ours. */
export function asRefusal(problem: unknown): Refusal {
  if (problem instanceof Refusal) return problem;
  if (problem instanceof MlsError) return nameFailure(problem);
  throw problem;
}

/** The leaf of an MLS member. Throws Malformed, GroupRefused(ghost-member). */
export function readMember(member: Pick<Member, "credential" | "signatureKey">): Leaf {
  return readLeaf(member.credential, member.signatureKey);
}

/** The members of a group as leaves. */
export function rosterOf(group: Group): Leaf[] {
  return group.members().map(readMember);
}

function describeCommit(view: CommitView, timeMs: number): Change {
  const added: Leaf[] = [];
  const removed: Leaf[] = [];
  const left: Leaf[] = [];
  let contextAfter: Uint8Array | undefined;
  for (const proposal of view.proposals) {
    switch (proposal.kind) {
      case "external-init":
        break;
      case "context":
        if (proposal.contextData === undefined) throw new GroupRefused("group-context", "removed");
        contextAfter = proposal.contextData;
        break;
      case "add":
        added.push(readMember(proposal.newcomer));
        break;
      case "remove": {
        const wish = proposal.byReference && proposal.proposer === proposal.member.leafIndex;
        (wish ? left : removed).push(readMember(proposal.member));
        break;
      }
      default:
        throw new Malformed("form", "proposal");
    }
  }
  return {
    committer: readMember(view.committer),
    external: view.external,
    added,
    removed,
    left,
    contextBefore: view.contextData,
    contextAfter,
    roster: () => view.roster().map(readMember),
    timeMs,
  };
}

/** A group as the vault keeps it. */
export interface GroupState {
  readonly state: Uint8Array;
  readonly tree: Uint8Array;
  readonly epochs: readonly (readonly [number, Uint8Array])[];
  readonly sent: readonly [number, number] | undefined;
}

/** One device's MLS client; `judged` is the last commit that the rules accepted. */
export class Groups {
  readonly client: Client;
  readonly me: Leaf;
  judged: AcceptedChange | undefined;
  readonly #leaving = new Map<string, { epoch: number; accounts: readonly string[] }>();
  readonly #rules: () => Rules;
  readonly #clock: Clock;
  #timeMs: number | undefined;

  constructor(
    account: AccountId,
    key: SigningKey,
    seed: Uint8Array,
    rules: () => Rules,
    clock: Clock,
  ) {
    const device: DeviceId = nameDevice(key.public.encoded);
    this.me = { account, device, key: key.public.encoded };
    this.#rules = rules;
    this.#clock = clock;
    this.client = new Client(encodeCredential(account, device), seed, {
      identity: (credential, signatureKey, context) => {
        const timeMs = context === "new-group" ? undefined : this.#nowMs();
        this.#rules().checkLeaf(readLeaf(credential, signatureKey), timeMs);
      },
      commit: (view) => {
        const change = describeCommit(view, this.#nowMs());
        this.judged = this.#rules().checkChange(view.groupId, change);
        const accounts = change.left.map((leaf) => hex(leaf.account));
        this.#leaving.set(hex(view.groupId), { epoch: view.epoch, accounts });
      },
    });
  }

  /** Who went by their own wish with the commit that led a group into an epoch. */
  leaversOf(name: string, epoch: number): readonly string[] {
    const found = this.#leaving.get(name);
    return found?.epoch === epoch - 1 ? found.accounts : [];
  }

  /** Judges by a receipt's time while `work` runs. */
  async at<T>(timeMs: number, work: () => Promise<T>): Promise<T> {
    this.#timeMs = timeMs;
    try {
      return await work();
    } finally {
      this.#timeMs = undefined;
    }
  }

  /** Fresh key packages. */
  makePackages(count: number): Promise<KeyPackage[]> {
    const now = Math.floor(this.#clock() / 1000);
    return Promise.all(Array.from({ length: count }, () => this.client.generateKeyPackage(now)));
  }

  /** The group of the vault. Throws GroupRefused when it cannot be used: rejoin. */
  async load(kept: GroupState): Promise<Group> {
    try {
      return await this.client.loadGroup(kept, kept.sent);
    } catch (problem) {
      throw asRefusal(problem);
    }
  }

  /** Judges a group that a welcome led into, whole (spec G-9). */
  checkJoined(group: Group, adder: number, how: { known: boolean; timeMs: number }): JoinedGroup {
    return this.#rules().checkJoined(group.groupId, group.contextData, rosterOf(group), {
      adder: readMember(group.member(adder)),
      me: this.me,
      ...how,
    });
  }

  #nowMs(): number {
    return this.#timeMs ?? this.#clock();
  }
}
