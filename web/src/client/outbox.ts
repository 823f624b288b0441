/** Messages of one's own that the server does not have yet; they outlive every connection (G-12). */

import type { RefusalFacts, SendState } from "../messenger.ts";
import { hex } from "../protocol/encoding.ts";
import type { Chronicle } from "./chronicle.ts";
import type { Core } from "./core.ts";
import { unpack } from "./pack.ts";
import type { Underway } from "./showing.ts";
import { put, type Write } from "./vault.ts";

/** A message on its way, sealed or not; `id` is its 16 bytes. `header` is empty until it is sealed. */
export interface Outgoing {
  readonly conversation: string;
  readonly id: Uint8Array;
  readonly order: number;
  readonly record: Uint8Array;
  readonly createdMs: number;
  readonly header: Uint8Array;
  readonly body: Uint8Array;
  readonly mls: Uint8Array;
  readonly epoch: number;
  readonly day: number;
  /** A file of `size` sealed bytes that the server does not have yet; the vault keeps its pieces. */
  readonly upload: { readonly size: number; readonly digest: Uint8Array } | null;
  /** Given up for this reason, until `retry` or `discard`. */
  readonly refusal: RefusalFacts | null;
}

export class Outbox {
  readonly #core: Core;
  readonly #chronicle: Chronicle;
  readonly #waiting = new Map<string, Outgoing>();
  /** Which requests on the present connection carry which message. */
  readonly flying = new Map<number, string>();
  #next = 1;

  constructor(core: Core, chronicle: Chronicle) {
    this.#core = core;
    this.#chronicle = chronicle;
    chronicle.pages.underway = (conversation) =>
      this.of(conversation).map((outgoing) => this.#underway(outgoing));
  }

  async load(): Promise<void> {
    const rows = await this.#core.vault.list(["outbox"]);
    const all = rows.map(([, value]) => unpack<Outgoing>(value));
    for (const outgoing of all.sort((a, b) => a.order - b.order)) {
      this.#waiting.set(hex(outgoing.id), outgoing);
      this.#next = Math.max(this.#next, outgoing.order + 1);
    }
  }

  get size(): number {
    return [...this.#waiting.values()].filter((one) => one.refusal === null).length;
  }

  /** The next number in the order of sending. */
  order(): number {
    return this.#next++;
  }

  of(conversation: string): Outgoing[] {
    return [...this.#waiting.values()].filter((one) => one.conversation === conversation);
  }

  find(id: string): Outgoing | undefined {
    return this.#waiting.get(id);
  }

  /** Keeps a message; the write goes into the caller's transaction. */
  keep(outgoing: Outgoing): Write {
    const id = hex(outgoing.id);
    this.#waiting.set(id, outgoing);
    return put(["outbox", id], outgoing);
  }

  /** Messages whose files the server does not have yet, in the order of sending. */
  uploads(): Outgoing[] {
    return [...this.#waiting.values()].filter((one) => one.upload !== null && !one.refusal);
  }

  /** The server has it, or nobody wants it any more; the caller flushes. */
  settle(outgoing: Outgoing): void {
    const id = hex(outgoing.id);
    this.#waiting.delete(id);
    this.#core.write([["outbox", id], undefined]);
  }

  isAloft(outgoing: Outgoing): boolean {
    const id = hex(outgoing.id);
    return [...this.flying.values()].includes(id);
  }

  /** Tells how a message that is on its way stands now. */
  async tell(outgoing: Outgoing, fresh: boolean): Promise<void> {
    const name = outgoing.conversation;
    const message = await this.#chronicle.showing.underway(name, this.#underway(outgoing));
    if (message !== undefined) this.#core.tell({ kind: "message", message, fresh });
  }

  #underway(outgoing: Outgoing): Underway {
    const aloft = this.isAloft(outgoing);
    const state: SendState = outgoing.refusal ? "failed" : aloft ? "sending" : "queued";
    const { order, createdMs, record, refusal } = outgoing;
    return { id: hex(outgoing.id), order, createdMs, record, refusal, state };
  }
}
