/** Labels: what an escrowed key is for, and the unit of every warrant (spec E-1). */

import { type G1, hashToG1 } from "./curve.ts";
import { bigEndian, equalBytes, Reader, tagged, u16, u32, utf8 } from "./encoding.ts";
import { Malformed } from "./errors.ts";
import {
  ACCOUNT_SIZE,
  type AccountId,
  CONVERSATION_SIZE,
  type ConversationId,
  DEPLOYMENT_SIZE,
  type DeploymentId,
} from "./identifiers.ts";
import * as limits from "./limits.ts";

export const LABEL_SIZE = 137;
const TAG = "doublelock/v1/label";
const POINT_DST = utf8("DOUBLELOCK-V1-LABEL-with-BLS12381G1_XMD:SHA-256_SSWU_RO_");

/** A whole number from 0 to `most`. */
export function inRange(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}

/**
 * Deployment, committee (u16), key epoch (u16), conversation, sender account, day (u32).
 *
 * Making one throws Malformed(form) for a value out of range: a label is always encodable.
 */
export class Label {
  readonly deployment: DeploymentId;
  readonly committee: number;
  readonly keyEpoch: number;
  readonly conversation: ConversationId;
  readonly account: AccountId;
  readonly day: number;

  constructor(
    deployment: DeploymentId,
    committee: number,
    keyEpoch: number,
    conversation: ConversationId,
    account: AccountId,
    day: number,
  ) {
    if (
      deployment.length !== DEPLOYMENT_SIZE ||
      conversation.length !== CONVERSATION_SIZE ||
      account.length !== ACCOUNT_SIZE ||
      !inRange(committee, 0xffff) ||
      !inRange(keyEpoch, 0xffff) ||
      !inRange(day, limits.LAST_DAY)
    ) {
      throw new Malformed("form", "label field out of range");
    }
    this.deployment = deployment;
    this.committee = committee;
    this.keyEpoch = keyEpoch;
    this.conversation = conversation;
    this.account = account;
    this.day = day;
  }

  /** The label's 137 bytes: length-prefixed fields under a tag (spec E-1). */
  encode(): Uint8Array {
    return tagged(
      TAG,
      this.deployment,
      u16(this.committee),
      u16(this.keyEpoch),
      this.conversation,
      this.account,
      u32(this.day),
    );
  }

  /** The label of 137 bytes. Throws Malformed(size, form). */
  static decode(data: Uint8Array): Label {
    if (data.length !== LABEL_SIZE) {
      throw new Malformed("size", `label of ${data.length} bytes, not ${LABEL_SIZE}`);
    }
    const reader = new Reader(data);
    const next = () => reader.field();
    const tag = next();
    const deployment = next();
    const committee = next();
    const keyEpoch = next();
    const conversation = next();
    const account = next();
    const day = next();
    reader.end();
    const sizes = committee.length === 2 && keyEpoch.length === 2 && day.length === 4;
    if (!equalBytes(tag, utf8(TAG)) || !sizes) throw new Malformed("form", "not a label");
    return new Label(
      deployment,
      Number(bigEndian(committee)),
      Number(bigEndian(keyEpoch)),
      conversation,
      account,
      Number(bigEndian(day)),
    );
  }

  /** Q, the label's point in G1: hash_to_curve under a DST of ours (spec E-2). */
  point(): G1 {
    return hashToG1(this.encode(), POINT_DST);
  }
}
