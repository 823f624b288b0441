/** The seam over a channel of messages: calls and answers one way, events the other. */

import { type Messenger, type MessengerEvent, MessengerRefused } from "../messenger.ts";
import { Refusal } from "../protocol/errors.ts";

/** A question: which method with what. `from` names the asker where many share a channel. */
export interface Call {
  readonly call: number;
  readonly from: string;
  readonly method: string;
  readonly with: readonly unknown[];
}

export interface Answer {
  readonly answer: number;
  readonly to: string;
  readonly value?: unknown;
  readonly refused?: { readonly code: string; readonly detail: string };
  readonly failed?: string;
}

export interface Told {
  readonly event: MessengerEvent;
}

/** What both a MessagePort, a Worker and a BroadcastChannel are. */
export interface Channel {
  postMessage(message: unknown): void;
  addEventListener(kind: "message", hear: (event: MessageEvent) => void): void;
}

/** Answers the calls of a channel by a messenger, and tells its events there. */
export function serve(messenger: Messenger, channel: Channel): () => void {
  const methods = messenger as unknown as Record<string, unknown>;
  let serving = true;
  channel.addEventListener("message", ({ data }: MessageEvent<Call>) => {
    if (!serving || typeof data.call !== "number") return;
    const reply = (answer: Omit<Answer, "answer" | "to">) =>
      channel.postMessage({ answer: data.call, to: data.from, ...answer } satisfies Answer);
    const method = methods[data.method];
    if (typeof method !== "function") {
      reply({ failed: "no such method" });
      return;
    }
    (method.apply(messenger, [...data.with]) as Promise<unknown>).then(
      (value) => reply({ value }),
      (problem: unknown) => {
        if (problem instanceof MessengerRefused) reply({ refused: problem.facts });
        else if (problem instanceof Refusal) {
          reply({ refused: { code: problem.code, detail: problem.detail } });
        } else reply({ failed: problem instanceof Error ? problem.message : "unknown" });
      },
    );
  });
  const stop = messenger.listen((event) => {
    if (serving) channel.postMessage({ event } satisfies Told);
  });
  return () => {
    serving = false;
    stop();
  };
}

/** A messenger at the other end of a channel. */
export function connect(channel: Channel): Messenger {
  const from = crypto.randomUUID();
  const waiting = new Map<number, { give: (value: unknown) => void; fail: (e: Error) => void }>();
  const hearers = new Set<(event: MessengerEvent) => void>();
  let next = 1;
  channel.addEventListener("message", ({ data }: MessageEvent<Answer | Told>) => {
    if ("event" in data) {
      for (const hear of hearers) hear(data.event);
      return;
    }
    if (!("answer" in data) || data.to !== from) return;
    const asked = waiting.get(data.answer);
    waiting.delete(data.answer);
    if (data.refused !== undefined) asked?.fail(new MessengerRefused(data.refused));
    else if (data.failed !== undefined) asked?.fail(new Error(data.failed));
    else asked?.give(data.value);
  });
  const listen = (hear: (event: MessengerEvent) => void) => {
    hearers.add(hear);
    return () => hearers.delete(hear);
  };
  return new Proxy({} as Messenger, {
    get: (_, method) => {
      if (method === "listen") return listen;
      if (typeof method !== "string" || method === "then") return undefined;
      return (...given: readonly unknown[]) =>
        new Promise((give, fail) => {
          const call = next++;
          waiting.set(call, { give, fail });
          channel.postMessage({ call, from, method, with: given } satisfies Call);
        });
    },
  });
}
