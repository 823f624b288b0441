/**
 * How the workers of a device's tabs lose no call, and do none twice, when the leading tab dies.
 *
 * A follower keeps what its page asked until that is answered, and hands it to the leader by name.
 * What may be done twice is simply asked again of the next leader. Anything else is first offered,
 * and handed over once the leader has said that it is there: so the follower knows which calls
 * nobody ever had. A call that was handed over and not answered may have been done: it fails.
 */

import type { Messenger } from "../messenger.ts";
import type { Answer, Call, Channel, Told } from "./port.ts";

/** Calls that change nothing, or nothing more when they are made again. */
const AGAIN: ReadonlySet<string> = new Set<keyof Messenger>([
  "alarms",
  "bundleMet",
  "connection",
  "conversations",
  "devices",
  "findPerson",
  "groupLink",
  "joinRequests",
  "lock",
  "members",
  "messages",
  "noticeDocument",
  "openFile",
  "people",
  "person",
  "pushKey",
  "readInvite",
  "readLinkRequest",
  "receipts",
  "safety",
  "search",
  "setHere",
  "settings",
  "status",
  "storage",
  "trust",
  "unlock",
  "workerReplaced",
]);

/** Asks who leads. */
interface Who {
  readonly who: true;
}

/** Says who leads; `began`: from now on. */
interface Leads {
  readonly leads: string;
  readonly began: boolean;
}

/** Asks a leader whether it would take a call. */
interface Offer {
  readonly offer: number;
  readonly from: string;
  readonly leader: string;
}

/** A leader is there for what was offered. */
interface Ready {
  readonly ready: number;
  readonly to: string;
  readonly leader: string;
}

/** A call for one leader, which any other passes over. */
interface Handed extends Call {
  readonly leader: string;
}

/** What a page asked; `had`: a leader has it, or had it. */
interface Waiting {
  readonly call: Call;
  had: boolean;
}

/** Begins to lead: answers offers, and gives the channel of the calls that are for this leader. */
export function beginLeading(others: Channel, leader: string): Channel {
  others.addEventListener("message", ({ data }: MessageEvent<Who | Offer>) => {
    if ("who" in data) others.postMessage({ leads: leader, began: false } satisfies Leads);
    else if ("offer" in data && data.leader === leader) {
      others.postMessage({ ready: data.offer, to: data.from, leader } satisfies Ready);
    }
  });
  others.postMessage({ leads: leader, began: true } satisfies Leads);
  return {
    postMessage: (message) => others.postMessage(message),
    addEventListener: (kind, hear) =>
      others.addEventListener(kind, (event: MessageEvent<Handed>) => {
        if ("call" in event.data && event.data.leader === leader) hear(event);
      }),
  };
}

/**
 * Passes on what the page asks and what the leader says.
 *
 * The returned function ends that, and gives the calls that this worker is now to answer itself.
 */
export function follow(page: Channel, others: Channel): () => Call[] {
  const waiting = new Map<number, Waiting>();
  let leader: string | undefined;
  let following = true;

  const ask = (one: Waiting) => {
    const { call } = one;
    if (leader === undefined) return;
    if (!AGAIN.has(call.method)) {
      const offer: Offer = { offer: call.call, from: call.from, leader };
      others.postMessage(offer);
      return;
    }
    others.postMessage({ ...call, leader } satisfies Handed);
  };
  const hand = (ready: Ready) => {
    const one = waiting.get(ready.ready);
    if (one?.call.from !== ready.to || one.had || leader !== ready.leader) return;
    one.had = true;
    others.postMessage({ ...one.call, leader } satisfies Handed);
  };
  /** The former leader is gone: what it may have done is not to be done by another. */
  const giveUp = () => {
    for (const { call, had } of [...waiting.values()]) {
      if (!had) continue;
      waiting.delete(call.call);
      const failed = "the tab that was to do it is gone";
      page.postMessage({ answer: call.call, to: call.from, failed } satisfies Answer);
    }
  };

  page.addEventListener("message", ({ data }: MessageEvent<Call>) => {
    if (!following) return;
    const one = { call: data, had: false };
    waiting.set(data.call, one);
    ask(one);
  });
  others.addEventListener("message", ({ data }: MessageEvent<Answer | Told | Leads | Ready>) => {
    if (!following) return;
    if ("event" in data) page.postMessage(data);
    else if ("answer" in data) {
      if (waiting.get(data.answer)?.call.from !== data.to) return;
      waiting.delete(data.answer);
      page.postMessage(data);
    } else if ("ready" in data) hand(data);
    else if ("leads" in data) {
      // An answer to `who` may be older than the news that another leads.
      if (data.leads === leader || (leader !== undefined && !data.began)) return;
      leader = data.leads;
      giveUp();
      for (const one of waiting.values()) ask(one);
    }
  });
  others.postMessage({ who: true } satisfies Who);

  return () => {
    following = false;
    giveUp();
    return [...waiting.values()].map(({ call }) => call);
  };
}
