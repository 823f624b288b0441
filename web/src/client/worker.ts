/**
 * The worker that holds the messenger, so that cryptography never makes typing stutter.
 *
 * The tabs of one device share one messenger: whoever holds the lock runs it, and answers the other
 * tabs' workers over a BroadcastChannel. When its tab is closed, the next takes over.
 */

import { BrowserMessenger } from "./browser_messenger.ts";
import { LEADER } from "./first_look.ts";
import { beginLeading, follow } from "./following.ts";
import { type Call, type Channel, serve } from "./port.ts";

const page = self as unknown as Channel;
const others = new BroadcastChannel(LEADER);
const forever = new Promise<never>(() => undefined);

/** Answers this page and the other tabs' workers; first of all what was asked and not answered. */
function lead(asked: readonly Call[]): void {
  const messenger = new BrowserMessenger(self.location.origin);
  serve(messenger, page);
  serve(messenger, beginLeading(others, crypto.randomUUID()));
  // Whoever was told of an open vault by the former leader learns that this one is locked.
  void messenger.status().then((status) => {
    page.postMessage({ event: { kind: "status", status } });
    others.postMessage({ event: { kind: "status", status } });
  });
  for (const data of asked) self.dispatchEvent(new MessageEvent("message", { data }));
}

const early: Call[] = [];
const keep = (event: Event) => early.push((event as MessageEvent<Call>).data);
self.addEventListener("message", keep);

void navigator.locks.request(LEADER, { ifAvailable: true }, async (lock) => {
  self.removeEventListener("message", keep);
  if (lock !== null) {
    lead(early);
    await forever;
  }
  const stop = follow(page, others);
  for (const data of early) self.dispatchEvent(new MessageEvent("message", { data }));
  void navigator.locks.request(LEADER, async () => {
    lead(stop());
    await forever;
  });
});
