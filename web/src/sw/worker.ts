/** The service worker: the app from this device, notifications without content, and the bundle check. */

import { type BundleOutcome, type BundleSource, BundleStore } from "./bundle.ts";

/** What the worker tells the pages; they answer a `look` for a new bundle. */
export interface WorkerNews {
  readonly kind: "bundle";
  readonly outcome: BundleOutcome;
}

/** What pages ask of the worker. */
export type WorkerWish = { readonly kind: "look" };

const LOOK_EVERY_MS = 60 * 60_000;
const UNUSABLE =
  "Doublelock did not open: the server's code is not in the law log, or could not be compared.\n";
// The catalogues are the pages'; a worker that is woken by a push has only this.
const WORDS = {
  en: { title: "Doublelock", body: "There is something new." },
  he: { title: "Doublelock", body: "יש משהו חדש." },
} as const;

/** Begins to serve a worker's scope with the bundles of a source. */
export function serveBundle(scope: ServiceWorkerGlobalScope, source: BundleSource): void {
  const store = new BundleStore(scope.caches, (input, init) => scope.fetch(input, init), source);
  let lookedAt = 0;

  const look = async () => {
    lookedAt = Date.now();
    const outcome = await store.look();
    if (outcome.kind === "unreachable") return;
    const news: WorkerNews = { kind: "bundle", outcome };
    for (const client of await scope.clients.matchAll({ type: "window" })) client.postMessage(news);
  };

  scope.addEventListener("install", (event) => {
    event.waitUntil(store.look().then(() => scope.skipWaiting()));
  });

  scope.addEventListener("activate", (event) => {
    event.waitUntil(scope.clients.claim());
  });

  scope.addEventListener("message", (event) => {
    if ((event.data as WorkerWish | null)?.kind === "look") event.waitUntil(look());
  });

  scope.addEventListener("fetch", (event) => {
    const { request } = event;
    const url = new URL(request.url);
    if (url.origin !== scope.location.origin || request.method !== "GET") return;
    if (request.mode === "navigate") {
      // Every page of this origin is the app: an answer of the API is data, and never a page.
      event.respondWith(answer(request, "/index.html"));
      if (Date.now() - lookedAt > LOOK_EVERY_MS) event.waitUntil(look());
    } else if (!/^\/(?:v1|log)\//.test(url.pathname)) {
      event.respondWith(answer(request, url.pathname));
    }
  });

  const answer = async (request: Request, path: string): Promise<Response> => {
    const fresh = (await store.current()) === null;
    if (fresh && !(await source.pinned())) return scope.fetch(request);
    // The browser may have thrown the files away: then they come anew, and as strictly.
    if (fresh) await look();
    const file = await store.file(path);
    // With a bundle, nothing else is code or style of this app.
    if (file !== undefined) return file;
    const text = (await store.current()) === null ? UNUSABLE : "There is no such file.\n";
    return new Response(text, { status: 404, headers: { "content-type": "text/plain" } });
  };

  scope.addEventListener("push", (event) => {
    event.waitUntil(notify(scope));
  });

  scope.addEventListener("notificationclick", (event) => {
    event.notification.close();
    const data = event.notification.data as { readonly fragment?: unknown } | null;
    event.waitUntil(show(scope, data?.fragment));
  });
}

/** Says that something came. The push holds nothing, so neither does this. */
async function notify(scope: ServiceWorkerGlobalScope): Promise<void> {
  const windows = await scope.clients.matchAll({ type: "window" });
  // Whoever looks at the app sees it there.
  if (windows.some((each) => each.visibilityState === "visible")) return;
  const words = WORDS[/^(?:he|iw)\b/.test(scope.navigator.language) ? "he" : "en"];
  await scope.registration.showNotification(words.title, {
    body: words.body,
    tag: "new",
    icon: "/icons/icon-192.png",
    badge: "/icons/badge-96.png",
    data: { fragment: "#/" },
  });
}

/** Brings a window of the app to the front, at a conversation where one is named. */
async function show(scope: ServiceWorkerGlobalScope, fragment: unknown): Promise<void> {
  // Only a route of this app, never an address.
  const route = typeof fragment === "string" && /^#\/[\w/-]*$/.test(fragment) ? fragment : "#/";
  const [first] = await scope.clients.matchAll({ type: "window" });
  if (first === undefined) {
    await scope.clients.openWindow(`/${route}`);
    return;
  }
  await first.focus();
  first.postMessage({ kind: "show", fragment: route });
}
