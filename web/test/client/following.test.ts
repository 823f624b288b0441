/** Calls of tabs that share one messenger, while the tab that holds it dies. */

import { expect, it } from "vitest";
import { beginLeading, follow } from "../../src/client/following.ts";
import { type Call, type Channel, connect, serve } from "../../src/client/port.ts";
import type { Messenger } from "../../src/messenger.ts";

type Hear = (event: MessageEvent) => void;

/** The tabs' common channel: everybody hears all but themselves, each message in its own turn. */
class Air {
  readonly #ends = new Set<{ hearers: Hear[]; alive: boolean }>();

  /** One worker's end; what is said there after `die` is not heard, nor does it hear. */
  join(): Channel & { die(): void } {
    const end = { hearers: [] as Hear[], alive: true };
    this.#ends.add(end);
    return {
      postMessage: (message) => {
        if (!end.alive) return;
        for (const other of this.#ends) {
          if (other !== end) queueMicrotask(() => tell(other, message));
        }
      },
      addEventListener: (_, hear) => end.hearers.push(hear),
      die: () => {
        end.alive = false;
      },
    };
  }
}

function tell(end: { hearers: Hear[]; alive: boolean }, data: unknown): void {
  if (end.alive) for (const hear of end.hearers) hear({ data } as MessageEvent);
}

/** A page and its worker, joined by a channel of their own. */
function tab(air: Air) {
  const [page, worker] = [
    { hearers: [] as Hear[], alive: true },
    { hearers: [] as Hear[], alive: true },
  ];
  const end = (own: typeof page, far: typeof page): Channel => ({
    postMessage: (message) => queueMicrotask(() => tell(far, message)),
    addEventListener: (_, hear) => own.hearers.push(hear),
  });
  const port = end(worker, page);
  const others = air.join();
  const messenger = connect(end(page, worker));
  const done: string[] = [];
  let stop: (() => Call[]) | undefined;
  return {
    messenger,
    others,
    done,
    follow: () => {
      stop = follow(port, others);
    },
    /** Answers with its own name whatever is asked, once `answers` says so. */
    lead: (name: string, answers: Promise<unknown> = Promise.resolve()) => {
      const asked = stop?.() ?? [];
      const own = new Proxy({} as Messenger, {
        get: (_, method) => {
          if (method === "listen") return () => () => undefined;
          return async (first: unknown) => {
            done.push(`${String(method)} ${String(first ?? "")}`.trim());
            await answers;
            return name;
          };
        },
      });
      serve(own, port);
      serve(own, beginLeading(others, name));
      for (const call of asked) tell(worker, call);
    },
  };
}

const settled = () => new Promise((done) => setTimeout(done));
const never = new Promise<never>(() => undefined);

it("passes calls on to the leader, each once", async () => {
  const air = new Air();
  const [first, second, third] = [tab(air), tab(air), tab(air)];
  first.lead("first");
  second.follow();
  third.follow();
  expect(await second.messenger.status()).toBe("first");
  expect(await second.messenger.forget("a")).toBe("first");
  expect(await third.messenger.forget("d")).toBe("first");
  expect(first.done).toEqual(["status", "forget a", "forget d"]);
});

it("asks the next leader what the dying one never heard", async () => {
  const air = new Air();
  const [first, second] = [tab(air), tab(air)];
  first.lead("first");
  first.others.die();
  second.follow();
  const answers = Promise.all([second.messenger.settings(), second.messenger.forget("a")]);
  await settled();
  second.lead("second");
  expect(await answers).toEqual(["second", "second"]);
  expect(second.done).toEqual(["settings", "forget a"]);
});

it("asks a leader that begins after the question", async () => {
  const air = new Air();
  const [first, second] = [tab(air), tab(air)];
  second.follow();
  const answers = Promise.all([second.messenger.settings(), second.messenger.forget("a")]);
  await settled();
  first.lead("first");
  expect(await answers).toEqual(["first", "first"]);
  expect(first.done).toEqual(["settings", "forget a"]);
});

it("asks again of another tab that takes over, and of this one", async () => {
  const air = new Air();
  const [first, second, third] = [tab(air), tab(air), tab(air)];
  first.lead("first", never);
  second.follow();
  third.follow();
  const answers = [second.messenger.status(), third.messenger.status()];
  await settled();
  expect(first.done).toEqual(["status", "status"]);
  first.others.die();
  second.lead("second");
  expect(await Promise.all(answers)).toEqual(["second", "second"]);
});

it("does nothing twice that the former leader may have done, and says so", async () => {
  const air = new Air();
  const [first, second, third] = [tab(air), tab(air), tab(air)];
  first.lead("first", never);
  second.follow();
  third.follow();
  const here = expect(second.messenger.forget("a")).rejects.toThrow("is gone");
  const there = expect(third.messenger.forget("b")).rejects.toThrow("is gone");
  await settled();
  expect(first.done).toEqual(["forget a", "forget b"]);
  first.others.die();
  second.lead("second");
  await Promise.all([here, there]);
  await settled();
  expect(second.done).toEqual([]);
});

it("does what was offered to a leader that died before it took it", async () => {
  const air = new Air();
  const [first, second, third] = [tab(air), tab(air), tab(air)];
  first.lead("first");
  second.follow();
  third.follow();
  await third.messenger.status();
  first.others.die();
  const answer = third.messenger.forget("a");
  await settled();
  second.lead("second");
  expect(await answer).toBe("second");
  expect(second.done).toEqual(["forget a"]);
});

it("is not led astray by a late word of the former leader", async () => {
  const air = new Air();
  const [first, second, third] = [tab(air), tab(air), tab(air)];
  second.follow();
  third.follow();
  await settled();
  second.lead("second");
  await settled();
  first.others.postMessage({ leads: "first", began: false });
  await settled();
  expect(await third.messenger.status()).toBe("second");
});
