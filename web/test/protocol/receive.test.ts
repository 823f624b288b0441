/** The receive rule: what passes, and the name of every refusal. */

import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { seal } from "../../src/protocol/capsule.ts";
import { G2_GENERATOR, g2SecretMultiple } from "../../src/protocol/curve.ts";
import { dayOf, firstDay, keyEpochOf, lastDay } from "../../src/protocol/days.ts";
import { SigningKey } from "../../src/protocol/ed25519.ts";
import { tagged, utf8 } from "../../src/protocol/encoding.ts";
import {
  encodePayload,
  makeSendKeys,
  type SealedEnvelope,
  sealEnvelope,
} from "../../src/protocol/envelope.ts";
import { CharterRefused } from "../../src/protocol/errors.ts";
import { Form } from "../../src/protocol/header.ts";
import { makeMessageId, nameDevice } from "../../src/protocol/identifiers.ts";
import { Label } from "../../src/protocol/label.ts";
import {
  acceptReceipt,
  beginChain,
  describeItem,
  FIRST,
  hashReceipt,
  verifyReceipt,
} from "../../src/protocol/receipt.ts";
import {
  type Arrival,
  type ReceiveContext,
  receive,
  receiveEphemeral,
  SeenCapsules,
} from "../../src/protocol/receive.ts";
import { encodeRecord } from "../../src/protocol/record.ts";
import { outcomeOf, refusalOf } from "../vectors.ts";

const NOW = 1_262_606_400_000;
const DAY = dayOf(NOW);
const SKEW = 60_000;
const bytes = (name: string) => sha256(utf8(name));
const DEPLOYMENT = bytes("deployment");
const CONVERSATION = bytes("conversation");
const ACCOUNT = bytes("account");
const KEY = new SigningKey(bytes("device"));
const DEVICE = nameDevice(KEY.public.encoded);
const SERVER = new SigningKey(bytes("server"));
const MPK = g2SecretMultiple(G2_GENERATOR, 12345n);
const MLS = utf8("ciphertext");
const SEED = bytes("seed");

const context: ReceiveContext = {
  deployment: DEPLOYMENT,
  escrows: (committee, day) => committee === 1 && day === DAY,
  nowMs: NOW,
  skewMs: SKEW,
  sender: () => ({ committee: 1, key: KEY.public }),
  epochKey: (committee, keyEpoch) => ({
    committee,
    keyEpoch,
    mpk: MPK,
    firstDay: firstDay(keyEpoch),
    lastDay: lastDay(keyEpoch),
  }),
};

function labelOf(day = DAY, committee = 1): Label {
  return new Label(DEPLOYMENT, committee, keyEpochOf(day), CONVERSATION, ACCOUNT, day);
}

function envelope(form: Form = Form.SEALED, label = labelOf(), sealedTo = label): SealedEnvelope {
  const capsule = form === Form.SEALED ? seal(SEED, sealedTo, MPK).capsule : new Uint8Array();
  const keys = makeSendKeys(SEED, capsule, label, form);
  const record =
    form === Form.EPHEMERAL
      ? encodeRecord({ kind: "Typing", active: true })
      : encodeRecord({ kind: "Text", content: utf8("hello") });
  const id = makeMessageId(NOW, bytes("id"));
  return sealEnvelope(keys, id, DEVICE, KEY, bytes("franking"), record);
}

function arrival(sent: SealedEnvelope, changes: Partial<Arrival> = {}): Arrival {
  return {
    conversation: CONVERSATION,
    account: ACCOUNT,
    device: DEVICE,
    header: sent.header,
    body: sent.body,
    authenticatedData: sent.headerHash,
    plaintext: sent.payload,
    ...changes,
  };
}

function receiptFor(sent: SealedEnvelope, timeMs = NOW, mls = MLS) {
  const place = {
    conversation: CONVERSATION,
    sequence: 1,
    previous: FIRST,
    timeMs,
    account: ACCOUNT,
    device: DEVICE,
  };
  const fields = describeItem(place, sent.header, sent.body, mls);
  const root = hashReceipt(fields, DEPLOYMENT);
  const signature = SERVER.sign(tagged("doublelock/v1/receipt-batch", DEPLOYMENT, root));
  const receipt = { fields, index: 0, size: 1, path: new Uint8Array(), signature };
  return verifyReceipt(receipt, DEPLOYMENT, SERVER.public);
}

function accepted(sent: SealedEnvelope, timeMs = NOW) {
  return acceptReceipt(beginChain(CONVERSATION), receiptFor(sent, timeMs), timeMs, SKEW);
}

const SENT = envelope();
const RECEIPT = accepted(SENT);

describe("receive", () => {
  it("gives the text, and verifies a capsule once", () => {
    const seen = new SeenCapsules();
    const first = receive(arrival(SENT), MLS, RECEIPT, context, seen);
    expect(first.message.record).toEqual({ kind: "Text", content: utf8("hello") });
    if (first.newlySeen === undefined) expect.fail("not seen");
    seen.add(first.newlySeen);
    expect(receive(arrival(SENT), MLS, RECEIPT, context, seen).newlySeen).toBeUndefined();
    seen.forgetBefore(DAY + 1);
    expect(receive(arrival(SENT), MLS, RECEIPT, context, seen).newlySeen).toBeDefined();
  });

  const other = bytes("other");
  const cases: readonly (readonly [string, string, () => unknown])[] = [
    ["another group", "header-mismatch", () => take(arrival(SENT, { conversation: other }))],
    ["another account", "sender-mismatch", () => take(arrival(SENT, { account: other }))],
    [
      "another device",
      "sender-mismatch",
      () => take(arrival(SENT, { device: other.subarray(0, 16) })),
    ],
    [
      "other authenticated data",
      "header-mismatch",
      () => take(arrival(SENT, { authenticatedData: other })),
    ],
    [
      "a payload for another header",
      "header-mismatch",
      () => take(arrival(SENT, { plaintext: encodePayload({ seed: SEED, headerHash: other }) })),
    ],
    ["a payload of another size", "size", () => take(arrival(SENT, { plaintext: other }))],
    ["another ciphertext", "receipt-mismatch", () => take(arrival(SENT), context, utf8("x"))],
    [
      "an unknown device",
      "sender-mismatch",
      () => take(arrival(SENT), { ...context, sender: () => undefined }),
    ],
    [
      "another committee",
      "epoch-mismatch",
      () => take(arrival(SENT), { ...context, sender: () => ({ committee: 2, key: KEY.public }) }),
    ],
    [
      "an unknown key epoch",
      "epoch-mismatch",
      () => take(arrival(SENT), { ...context, epochKey: () => undefined }),
    ],
    [
      "another master key",
      "capsule-mismatch",
      () => {
        const mpk = g2SecretMultiple(G2_GENERATOR, 54321n);
        const epochKey = (...which: readonly [number, number]) => {
          const found = context.epochKey(...which);
          return found === undefined ? undefined : { ...found, mpk };
        };
        return take(arrival(SENT), { ...context, epochKey });
      },
    ],
    [
      "another seed",
      "capsule-mismatch",
      () => {
        const plaintext = encodePayload({ seed: other, headerHash: SENT.headerHash });
        return take(arrival(SENT, { plaintext }));
      },
    ],
    [
      "another device's signature",
      "bad-signature",
      () => {
        const { public: key } = new SigningKey(other);
        return take(arrival(SENT), { ...context, sender: () => ({ committee: 1, key }) });
      },
    ],
    [
      "the seed and capsule of another day",
      "capsule-mismatch",
      () => {
        const sent = envelope(Form.SEALED, labelOf(), labelOf(DAY - 1));
        return receive(arrival(sent), MLS, accepted(sent), context, new SeenCapsules());
      },
    ],
    [
      "another day than the receipt's",
      "day-mismatch",
      () => {
        const receipt = accepted(SENT, NOW + 86_400_000);
        return receive(arrival(SENT), MLS, receipt, context, new SeenCapsules());
      },
    ],
    [
      "no capsule where one is due",
      "capsule-missing",
      () => {
        const sent = envelope(Form.UNESCROWED);
        return receive(arrival(sent), MLS, accepted(sent), context, new SeenCapsules());
      },
    ],
    [
      "a capsule where there is no escrow",
      "epoch-mismatch",
      () => take(arrival(SENT), { ...context, escrows: () => false }),
    ],
    [
      "a committee that the charter does not know",
      "epoch-mismatch",
      () =>
        take(arrival(SENT), {
          ...context,
          escrows: () => {
            throw new CharterRefused("unknown-committee");
          },
        }),
    ],
    [
      "another committee, which has no escrow",
      "epoch-mismatch",
      () => {
        const sent = envelope(Form.UNESCROWED, labelOf(DAY, 2));
        const knowing = { ...context, escrows: (committee: number) => committee === 1 };
        return receive(arrival(sent), MLS, accepted(sent), knowing, new SeenCapsules());
      },
    ],
    [
      "an ephemeral message that was stored",
      "ephemeral-content",
      () => {
        const sent = envelope(Form.EPHEMERAL);
        return receive(arrival(sent), MLS, accepted(sent), context, new SeenCapsules());
      },
    ],
  ];
  const take = (given: Arrival, knowing = context, mls = MLS) =>
    receive(given, mls, RECEIPT, knowing, new SeenCapsules());
  it.each(cases)("refuses %s: %s", (_, code, act) => {
    expect(outcomeOf(act)).toBe(code);
  });

  it("without escrow", () => {
    const sent = envelope(Form.UNESCROWED);
    const knowing = { ...context, escrows: () => false };
    const got = receive(arrival(sent), MLS, accepted(sent), knowing, new SeenCapsules());
    expect(got.message.record.kind).toBe("Text");
  });

  it("ephemeral ones have no receipt, and their day is the clock's", () => {
    const sent = envelope(Form.EPHEMERAL);
    expect(receiveEphemeral(arrival(sent), context).message.record.kind).toBe("Typing");
    const late = { ...context, nowMs: NOW + 2 * 86_400_000 };
    expect(refusalOf(() => receiveEphemeral(arrival(sent), late))).toBe("day-mismatch");
    expect(refusalOf(() => receiveEphemeral(arrival(SENT), context))).toBe("ephemeral-content");
    const long = arrival(sent, { body: new Uint8Array(2000) });
    expect(refusalOf(() => receiveEphemeral(long, context))).toBe("size");
  });
});

describe("the chain of receipts", () => {
  const chain = beginChain(CONVERSATION);
  it("refuses gaps, other histories, and times that run backwards or ahead", () => {
    const receipt = receiptFor(SENT);
    const { chain: after } = acceptReceipt(chain, receipt, NOW, SKEW);
    expect(refusalOf(() => acceptReceipt(after, receipt, NOW, SKEW))).toBe("receipt-chain");
    const forked = { ...chain, hash: bytes("another history") };
    expect(refusalOf(() => acceptReceipt(forked, receipt, NOW, SKEW))).toBe("receipt-chain");
    const elsewhere = beginChain(bytes("elsewhere"));
    expect(refusalOf(() => acceptReceipt(elsewhere, receipt, NOW, SKEW))).toBe("receipt-chain");
    const later = { ...chain, timeMs: NOW + 1 };
    expect(refusalOf(() => acceptReceipt(later, receipt, NOW, SKEW))).toBe("receipt-time");
    const slow = NOW - SKEW - 1;
    expect(refusalOf(() => acceptReceipt(chain, receipt, slow, SKEW))).toBe("receipt-time");
  });
  it("its bytes are what the server signs", () => {
    const { fields } = receiptFor(SENT);
    expect(hashReceipt(fields, DEPLOYMENT)).not.toEqual(
      hashReceipt({ ...fields, sequence: 2 }, DEPLOYMENT),
    );
  });
});
