/** One conversation of a device, in memory and as the vault keeps it. */

import type { Group } from "../mls/group.ts";
import { hex } from "../protocol/encoding.ts";
import type { SendKeys } from "../protocol/envelope.ts";
import { type Context, decodeContext } from "../protocol/group_rules.ts";
import type { ConversationId } from "../protocol/identifiers.ts";
import type { ReceiptChain } from "../protocol/receipt.ts";
import { unpack } from "./pack.ts";
import { put, type Write } from "./vault.ts";

/** `broken`: to be rejoined; `stopped`: the server let through what the rules refuse. */
type RoomStatus = "member" | "broken" | "left" | "stopped";

/** Where a conversation stands, as the vault keeps it. */
interface Place {
  readonly status: RoomStatus;
  readonly sequence: number;
  readonly chain: Omit<ReceiptChain, "conversation"> | null;
  readonly refusal: { readonly code: string; readonly detail: string } | null;
}

/**
 * One conversation in memory. `sequence` is the last item taken; `chain` its receipt, undefined
 * where the timeline was entered or skipped in the middle: the next receipt starts it afresh.
 */
export class Room {
  readonly conversation: ConversationId;
  /** The id in hex. */
  readonly name: string;
  status: RoomStatus = "member";
  sequence = 0;
  chain: ReceiptChain | undefined;
  refusal: { readonly code: string; readonly detail: string } | null = null;
  group: Group | undefined;
  keys: SendKeys | undefined;
  keysEpoch = -1;
  /** A gap is being closed. */
  catching = false;
  live = false;
  dirty = false;
  /** How often the server was asked in vain for what follows the last item. */
  vain = 0;
  /** Somebody else asked to leave. */
  wish = false;
  /** Nobody has looked here at the GroupInfo that came with the last commit. */
  unchecked = false;
  #context: Context | undefined;

  constructor(conversation: ConversationId) {
    this.conversation = conversation;
    this.name = hex(conversation);
  }

  /** What is known of the group's settings; forgotten after each commit. */
  get context(): Context {
    this.#context ??= decodeContext(this.group?.contextData);
    return this.#context;
  }

  forgetContext(): void {
    this.#context = undefined;
    this.keys = undefined;
  }

  get usable(): boolean {
    return this.status === "member" && this.live && !this.catching;
  }

  /** A conversation as the vault keeps it; its group is loaded when first needed. */
  static load(conversation: ConversationId, value: Uint8Array): Room {
    const room = new Room(conversation);
    const { status, sequence, refusal, chain } = unpack<Place>(value);
    room.status = status;
    room.sequence = sequence;
    room.refusal = refusal;
    room.chain = chain === null ? undefined : { conversation, ...chain };
    return room;
  }

  /** The write that keeps where it stands. */
  write(): Write {
    const { chain, status, sequence, refusal } = this;
    const place: Place = {
      status,
      sequence,
      refusal,
      chain: chain ? { sequence: chain.sequence, hash: chain.hash, timeMs: chain.timeMs } : null,
    };
    return put(["room", this.name], place);
  }
}
