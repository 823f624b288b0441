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

/** A name that is the hash of what it names. */
const LASTING = /^\/sw-[0-9a-f]{32}\.js$/;

/** Where the page says that its worker is; a page that was not released names none. */
function workerPath(): string {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="service-worker"]');
  return meta !== null && LASTING.test(meta.content) ? meta.content : "/sw.js";
}

/** The one script that this page starts besides its modules, as the page's policy wants it named. */
function workerAddress(): string {
  const path = workerPath();
  const types = (globalThis as { trustedTypes?: PolicyMaker }).trustedTypes;
  const policy = types?.createPolicy("doublelock-service-worker", {
    createScriptURL: (address) => {
      if (address !== path) throw new TypeError("not the service worker");
      return address;
    },
  });
  return policy?.createScriptURL(path) ?? path;
}

/**
 * Watches for other code under the name of the active worker: browsers fetch a worker past every
 * page and worker, so nobody can refuse it, but no release gives it without another name.
 */
function watch(registration: ServiceWorkerRegistration, replaced: () => void): void {
  const known = new Map<string, ServiceWorker>();
  const look = () => {
    const { active, waiting, installing } = registration;
    if (active !== null && !known.has(active.scriptURL)) known.set(active.scriptURL, active);
    for (const worker of [active, waiting, installing]) {
      if (worker === null || !LASTING.test(new URL(worker.scriptURL).pathname)) continue;
      const before = known.get(worker.scriptURL);
      if (before === undefined || before === worker) continue;
      known.set(worker.scriptURL, worker);
      replaced();
    }
  };
  registration.addEventListener("updatefound", look);
  navigator.serviceWorker.addEventListener("controllerchange", look);
  look();
}

/**
 * Registers the worker. `heard` is told of each bundle that it met, `shown` where a click leads,
 * `replaced` that the server put other code in its place.
 *
 * Gives what asks it to look again.
 */
export async function startServiceWorker(on: {
  readonly heard: (outcome: BundleOutcome) => void;
  readonly shown: (route: Route) => void;
  readonly replaced: () => void;
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
  // Before anything is asked: the browser may have looked for a new one with the page itself.
  const before = await navigator.serviceWorker.getRegistration();
  if (before !== undefined) watch(before, on.replaced);
  try {
    await navigator.serviceWorker.register(workerAddress(), { updateViaCache: "none" });
  } catch {
    // A private window may know workers and allow none; an old one goes on without the server.
    if (navigator.serviceWorker.controller === null) return () => undefined;
  }
  const registration = await navigator.serviceWorker.ready;
  if (registration !== before) watch(registration, on.replaced);
  const look = () => registration.active?.postMessage({ kind: "look" } satisfies WorkerWish);
  look();
  return look;
}
