/** The page's side of the service worker: it is registered, heard, and asked for a new bundle. */

import type { BundleOutcome } from "../sw/bundle.ts";
import type { WorkerNews, WorkerWish } from "../sw/worker.ts";
import { type Route, readRoute } from "./route.ts";

interface PolicyMaker {
  createPolicy(
    name: string,
    rules: { createScriptURL(address: string): string },
  ): { createScriptURL(address: string): string };
}

const WORKER = "/sw.js";

/** The one script that this page starts besides its modules, as the page's policy wants it named. */
function workerAddress(): string {
  const types = (globalThis as { trustedTypes?: PolicyMaker }).trustedTypes;
  const policy = types?.createPolicy("doublelock-service-worker", {
    createScriptURL: (address) => {
      if (address !== WORKER) throw new TypeError("not the service worker");
      return address;
    },
  });
  return policy?.createScriptURL(WORKER) ?? WORKER;
}

/**
 * Registers the worker. `heard` is told of each bundle that it met, `shown` where a click leads.
 *
 * Gives what asks it to look again.
 */
export async function startServiceWorker(on: {
  readonly heard: (outcome: BundleOutcome) => void;
  readonly shown: (route: Route) => void;
}): Promise<() => void> {
  if (!("serviceWorker" in navigator)) return () => undefined;
  navigator.serviceWorker.addEventListener("message", (event) => {
    const news = event.data as
      | WorkerNews
      | { readonly kind: "show"; readonly fragment: string }
      | null;
    if (news?.kind === "bundle") on.heard(news.outcome);
    if (news?.kind === "show") on.shown(readRoute(news.fragment));
  });
  try {
    await navigator.serviceWorker.register(workerAddress(), { updateViaCache: "none" });
  } catch {
    // A private window may know workers and allow none; an old one goes on without the server.
    if (navigator.serviceWorker.controller === null) return () => undefined;
  }
  const registration = await navigator.serviceWorker.ready;
  const look = () => registration.active?.postMessage({ kind: "look" } satisfies WorkerWish);
  look();
  return look;
}
