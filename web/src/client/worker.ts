/**
 * The worker that holds the messenger, so that cryptography never makes typing stutter.
 *
 * The tabs of one device share one messenger: whoever holds the lock runs it, and answers the other
 * tabs' workers over a BroadcastChannel. When its tab is closed, the next takes over.
 */

import { BrowserMessenger } from "./browser_messenger.ts";
import { LEADER } from "./first_look.ts";
import { type Channel, serve } from "./port.ts";

const page = self as unknown as Channel;
const others = new BroadcastChannel(LEADER);

function lead(): void {
  const messenger = new BrowserMessenger(self.location.origin);
  serve(messenger, page);
  serve(messenger, others);
  // Whoever was told of an open vault by the former leader learns that this one is locked.
  void messenger.status().then((status) => {
    page.postMessage({ event: { kind: "status", status } });
    others.postMessage({ event: { kind: "status", status } });
  });
}

/** Passes on what the page asks and what the leader says, until this worker leads itself. */
function follow(until: Promise<unknown>): void {
  let following = true;
  page.addEventListener("message", ({ data }) => {
    if (following) others.postMessage(data);
  });
  others.addEventListener("message", ({ data }) => {
    if (following && !("call" in data)) page.postMessage(data);
  });
  void until.then(() => {
    following = false;
  });
}

const forever = new Promise<never>(() => undefined);
const early: MessageEvent[] = [];
const keep = (event: Event) => early.push(event as MessageEvent);
self.addEventListener("message", keep);

void navigator.locks.request(LEADER, { ifAvailable: true }, async (lock) => {
  self.removeEventListener("message", keep);
  if (lock !== null) {
    lead();
  } else {
    let led: () => void = () => undefined;
    follow(
      new Promise<void>((done) => {
        led = done;
      }),
    );
    void navigator.locks.request(LEADER, async () => {
      led();
      lead();
      await forever;
    });
  }
  for (const event of early) self.dispatchEvent(new MessageEvent("message", { data: event.data }));
  if (lock !== null) await forever;
});
