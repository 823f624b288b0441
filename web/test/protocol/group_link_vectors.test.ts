/** The vectors of links into groups, which the Python client reads too. */

import { describe, expect, it } from "vitest";
import { hex } from "../../src/protocol/encoding.ts";
import {
  checkJoinRequest,
  decodeGroupLink,
  decodeJoinRequest,
  encodeGroupLink,
  encodeJoinRequest,
  isGroupLink,
} from "../../src/protocol/group_link.ts";
import { encodeInvitation } from "../../src/protocol/keylog_entry.ts";
import { load, outcomeOf, raw, refusalOf } from "../vectors.ts";

interface Line {
  readonly line: string;
  readonly address: string;
  readonly conversation: string;
  readonly inviter: string;
  readonly device: string;
  readonly expires_ms: number;
  readonly secret: string;
  readonly name: string;
  readonly seed: string;
  readonly invitation: string;
}

interface Asked {
  readonly why: string;
  readonly request: string;
  readonly account: string;
  readonly device: string;
  readonly key: string;
  readonly answered_ms: number;
  readonly now_ms: number;
  readonly code: string | null;
}

const file = load<{
  skew_ms: number;
  good: Line[];
  bad: { why: string; line: string; code: string }[];
  requests: Asked[];
  malformed: { why: string; request: string; code: string }[];
}>("group_link");

describe("links into groups", () => {
  it.each(file.good)("reads and writes good %#", (given) => {
    const link = decodeGroupLink(` ${given.line}\n`);
    expect(encodeGroupLink(link)).toBe(given.line);
    expect(isGroupLink(given.line)).toBe(true);
    expect(link.address).toBe(given.address);
    expect(link.expiresMs).toBe(given.expires_ms);
    const { conversation, inviter, device, secret, name, newcomer } = link;
    expect([conversation, inviter, device, secret, name].map(hex)).toEqual([
      given.conversation,
      given.inviter,
      given.device,
      given.secret,
      given.name,
    ]);
    expect(newcomer === null ? "" : hex(newcomer.seed)).toBe(given.seed);
    expect(newcomer === null ? "" : hex(encodeInvitation(newcomer.invitation))).toBe(
      given.invitation,
    );
  });

  it.each(file.bad)("refuses what is $why", ({ line, code }) => {
    expect(refusalOf(() => decodeGroupLink(line))).toBe(code);
  });

  it.each(file.requests)("a request that is $why", (given) => {
    const request = decodeJoinRequest(raw(given.request));
    expect(hex(encodeJoinRequest(request))).toBe(given.request);
    const link = decodeGroupLink(file.good[0]?.line ?? "");
    const sender = {
      account: raw(given.account),
      device: raw(given.device),
      key: raw(given.key),
    };
    const times = { answeredMs: given.answered_ms, nowMs: given.now_ms, skewMs: file.skew_ms };
    expect(outcomeOf(() => checkJoinRequest(request, link, sender, times))).toBe(given.code);
  });

  it.each(file.malformed)("refuses a request that is $why", ({ request, code }) => {
    expect(refusalOf(() => decodeJoinRequest(raw(request)))).toBe(code);
  });
});
