/** Devices of either engine behind one interface, so that a test can mix them freely. */

import { Client, type KeyPackage } from "../../src/mls/client.ts";
import { MlsError } from "../../src/mls/failure.ts";
import type { Group } from "../../src/mls/group.ts";
import type { Event, Hooks, StateChange } from "../../src/mls/views.ts";
import { hex, utf8 } from "../../src/protocol/encoding.ts";
import { raw } from "../vectors.ts";
import type { Answer, PythonProcess } from "./python_member.ts";

/** What all members must agree on. */
export interface Agreed {
  readonly epoch: number;
  readonly authenticator: string;
  readonly exporter: string;
  readonly tree: string;
  readonly context: string;
  readonly members: readonly (readonly [number, string, string])[];
}

/** A made commit, by either engine. */
export interface Made {
  readonly message: Uint8Array;
  readonly welcomes: readonly (readonly [reference: string, welcome: Uint8Array])[];
  readonly tree: Uint8Array;
  readonly info: Uint8Array;
  readonly epoch: number;
}

/** What a test wants committed. */
export interface Wish {
  readonly add?: readonly Uint8Array[];
  readonly remove?: readonly number[];
  readonly context?: Uint8Array;
  readonly data?: Uint8Array;
}

/** An event in the words of the Python side. */
export type Told = Answer;

export interface Device {
  readonly name: string;
  readonly engine: "python" | "typescript";
  readonly credential: Uint8Array;
  package(now: number): Promise<{ readonly message: Uint8Array; readonly reference: string }>;
  create(group: Uint8Array, now: number, context: Uint8Array): Promise<void>;
  join(reference: string, welcome: Uint8Array, tree: Uint8Array): Promise<number>;
  rejoin(info: Uint8Array, tree: Uint8Array, now: number): Promise<Uint8Array>;
  commit(wish: Wish, now: number): Promise<Made>;
  apply(): Promise<Told>;
  clear(): Promise<void>;
  leave(): Promise<Uint8Array>;
  encrypt(plaintext: Uint8Array, data: Uint8Array): Promise<Uint8Array>;
  process(message: Uint8Array, now: number): Promise<Told>;
  /** The GroupInfo of the present epoch, signed by this device. */
  info(): Promise<Uint8Array>;
  state(): Promise<Agreed>;
  restart(): Promise<void>;
}

function seedOf(name: string): Uint8Array {
  const out = new Uint8Array(32);
  Array.from(utf8(name)).forEach((byte, at) => {
    out[at % 32] = (out[at % 32] ?? 0) ^ byte;
  });
  return out;
}

const credentialOf = (name: string) => utf8(`device ${name}`);

/** A device by the Python binding. */
export class PythonDevice implements Device {
  readonly engine = "python";
  readonly name: string;
  readonly credential: Uint8Array;
  readonly #process: PythonProcess;

  private constructor(process: PythonProcess, name: string) {
    this.#process = process;
    this.name = name;
    this.credential = credentialOf(name);
  }

  static async start(process: PythonProcess, name: string): Promise<PythonDevice> {
    const device = new PythonDevice(process, name);
    await device.#ask("start", {
      credential: hex(device.credential),
      seed: hex(seedOf(name)),
    });
    return device;
  }

  #ask(action: string, rest: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    return this.#process.ask({ do: action, who: this.name, ...rest });
  }

  async package(now: number) {
    const made = await this.#ask("package", { now });
    return { message: raw(String(made["message"])), reference: String(made["reference"]) };
  }

  async create(group: Uint8Array, now: number, context: Uint8Array): Promise<void> {
    await this.#ask("create", { group: hex(group), now, context: hex(context) });
  }

  async join(reference: string, welcome: Uint8Array, tree: Uint8Array): Promise<number> {
    const rest = { reference, welcome: hex(welcome), tree: hex(tree) };
    return Number((await this.#ask("join", rest))["adder"]);
  }

  async rejoin(info: Uint8Array, tree: Uint8Array): Promise<Uint8Array> {
    const answer = await this.#ask("rejoin", { info: hex(info), tree: hex(tree) });
    return raw(String(answer["commit"]));
  }

  async commit(wish: Wish, now: number): Promise<Made> {
    const made = await this.#ask("commit", {
      add: (wish.add ?? []).map((each) => hex(each)),
      remove: wish.remove ?? [],
      ...(wish.context === undefined ? {} : { context: hex(wish.context) }),
      data: hex(wish.data ?? new Uint8Array()),
      now,
    });
    const welcomes = made["welcomes"] as readonly (readonly [string, string])[];
    return {
      message: raw(String(made["message"])),
      welcomes: welcomes.map(([reference, welcome]) => [reference, raw(welcome)]),
      tree: raw(String(made["tree"])),
      info: raw(String(made["info"])),
      epoch: Number(made["epoch"]),
    };
  }

  apply(): Promise<Told> {
    return this.#ask("apply");
  }

  async clear(): Promise<void> {
    await this.#ask("clear");
  }

  async info(): Promise<Uint8Array> {
    return raw(String((await this.#ask("info"))["info"]));
  }

  async leave(): Promise<Uint8Array> {
    return raw(String((await this.#ask("leave", { data: "" }))["message"]));
  }

  async encrypt(plaintext: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
    const rest = { plaintext: hex(plaintext), data: hex(data) };
    return raw(String((await this.#ask("encrypt", rest))["message"]));
  }

  process(message: Uint8Array, now: number): Promise<Told> {
    return this.#ask("process", { message: hex(message), now });
  }

  async state(): Promise<Agreed> {
    return (await this.#ask("state")) as unknown as Agreed;
  }

  async restart(): Promise<void> {
    await this.#ask("restart");
  }
}

/** Hooks that let everybody in but the ghost, whose credential says so. */
export const OPEN: Hooks = {
  identity(credential) {
    if (hex(credential).startsWith(hex(utf8("ghost")))) {
      throw new MlsError("ghost", "no such device");
    }
  },
  commit() {},
};

/** A device by the engine in TypeScript. */
export class TypeScriptDevice implements Device {
  readonly engine = "typescript";
  readonly name: string;
  readonly client: Client;
  readonly #packages = new Map<string, KeyPackage>();
  readonly #epochs = new Map<number, Uint8Array>();
  #group: Group | undefined;
  #tree: Uint8Array | undefined;

  constructor(name: string, hooks: Hooks = OPEN) {
    this.name = name;
    this.client = new Client(credentialOf(name), seedOf(name), hooks);
  }

  get credential(): Uint8Array {
    return this.client.credential;
  }

  get group(): Group {
    if (this.#group === undefined) throw new Error(`${this.name} is in no group`);
    return this.#group;
  }

  async package(now: number) {
    const made = await this.client.generateKeyPackage(now);
    this.#packages.set(hex(made.reference), made);
    return { message: made.message, reference: hex(made.reference) };
  }

  async create(group: Uint8Array, now: number, context: Uint8Array): Promise<void> {
    this.#group = await this.client.createGroup(group, now, context);
  }

  async join(reference: string, welcome: Uint8Array, tree: Uint8Array): Promise<number> {
    const kept = this.#packages.get(reference);
    if (kept === undefined) throw new Error("no such key package");
    const joined = await this.client.join(welcome, tree, kept.private);
    this.#packages.delete(reference);
    this.#enter(joined.group);
    return joined.adder;
  }

  async rejoin(info: Uint8Array, tree: Uint8Array, now: number): Promise<Uint8Array> {
    const { group, commit } = await this.client.rejoin(info, tree, now);
    this.#enter(group);
    return commit;
  }

  #enter(group: Group): void {
    this.#group = group;
    this.#tree = undefined;
    this.#epochs.clear();
  }

  async commit(wish: Wish, now: number): Promise<Made> {
    const made = await this.group.commit({
      add: wish.add ?? [],
      remove: wish.remove ?? [],
      ...(wish.context === undefined ? {} : { contextData: wish.context }),
      authenticatedData: wish.data ?? new Uint8Array(),
      now,
    });
    const welcomes = made.welcomes.map(([name, welcome]) => [hex(name), welcome] as const);
    return { ...made, welcomes, info: made.groupInfo };
  }

  async apply(): Promise<Told> {
    return told(await this.group.applyPendingCommit());
  }

  clear(): Promise<void> {
    return this.group.clearPendingCommit();
  }

  info(): Promise<Uint8Array> {
    return this.group.groupInfo();
  }

  leave(): Promise<Uint8Array> {
    return this.group.proposeSelfRemove();
  }

  async encrypt(plaintext: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
    return (await this.group.encrypt(plaintext, data)).ciphertext;
  }

  async process(message: Uint8Array, now: number): Promise<Told> {
    return told(await this.group.process(message, now));
  }

  async state(): Promise<Agreed> {
    const { group } = this;
    return {
      epoch: group.epoch,
      authenticator: hex(group.epochAuthenticator),
      exporter: hex(await group.exportSecret("interop", utf8("context"), 32)),
      tree: hex(group.ratchetTree()),
      context: hex(group.contextData ?? new Uint8Array()),
      members: group
        .members()
        .map(({ leafIndex, credential, signatureKey }) => [
          leafIndex,
          hex(credential),
          hex(signatureKey),
        ]),
    };
  }

  async restart(): Promise<void> {
    const change: StateChange = await this.group.takeChanges();
    this.#tree = change.tree ?? this.#tree;
    for (const [epoch, data] of change.epochs) this.#epochs.set(epoch, data);
    for (const epoch of [...this.#epochs.keys()]) {
      if (epoch < change.dropEpochsBelow) this.#epochs.delete(epoch);
    }
    if (this.#tree === undefined) throw new Error("no tree was ever stored");
    const kept = { state: change.state, tree: this.#tree, epochs: [...this.#epochs] };
    this.#group = await this.client.loadGroup(kept);
  }
}

function told(event: Event): Told {
  const pairs = (members: readonly { leafIndex: number; credential: Uint8Array }[]) =>
    members.map(({ leafIndex, credential }) => [leafIndex, hex(credential)]);
  switch (event.kind) {
    case "application":
      return {
        kind: "application",
        sender: event.sender.leafIndex,
        credential: hex(event.sender.credential),
        plaintext: hex(event.plaintext),
        data: hex(event.authenticatedData),
      };
    case "commit":
      return {
        kind: "commit",
        committer: event.committer,
        external: event.external,
        epoch: event.epoch,
        added: pairs(event.added),
        removed: pairs(event.removed),
        path: event.path,
        context_changed: event.contextChanged,
        context: event.contextData === undefined ? null : hex(event.contextData),
        self_removed: event.selfRemoved,
        data: hex(event.authenticatedData),
      };
    default:
      return { kind: "proposal" };
  }
}
