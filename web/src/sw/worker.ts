/** The service worker: the app from this device, notifications without content, and the bundle check. */

import { type BundleCheck, type BundleOutcome, BundleStore } from "./bundle.ts";

/** What the worker tells the pages; they answer a `look` for a new bundle. */
export interface WorkerNews {
  readonly kind: "bundle";
  readonly outcome: BundleOutcome;
}

/** What pages ask of the worker. */
export type WorkerWish = { readonly kind: "look" };

const LOOK_EVERY_MS = 60 * 60_000;
// The catalogues are the pages'; a worker that is woken by a push has only this.
const WORDS = {
  en: { title: "Doublelock", body: "There is something new." },
  he: { title: "Doublelock", body: "יש משהו חדש." },
} as const;

/** Begins to serve a worker's scope; `check` holds manifests against the law log. */
export function serveBundle(scope: ServiceWorkerGlobalScope, check: BundleCheck): void {
  const store = new BundleStore(scope.caches, (input, init) => scope.fetch(input, init));
  let lookedAt = 0;

  const look = async () => {
    lookedAt = Date.now();
    const outcome = await store.look(check);
    if (outcome.kind === "unreachable") return;
    const news: WorkerNews = { kind: "bundle", outcome };
    for (const client of await scope.clients.matchAll({ type: "window" })) client.postMessage(news);
  };

  scope.addEventListener("install", (event) => {
    event.waitUntil(store.look(check).then(() => scope.skipWaiting()));
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
    const ours = url.origin === scope.location.origin && request.method === "GET";
    if (!ours || /^\/(?:v1|log)\//.test(url.pathname) || url.pathname === "/bundle.json") return;
    event.respondWith(answer(request, url.pathname));
    if (request.mode === "navigate" && Date.now() - lookedAt > LOOK_EVERY_MS)
      event.waitUntil(look());
  });

  const answer = async (request: Request, path: string): Promise<Response> => {
    if ((await store.current()) === null) return scope.fetch(request);
    const file = await store.file(request.mode === "navigate" ? "/" : path);
    // With a bundle, nothing else is code or style of this app.
    return file ?? new Response("There is no such file.\n", { status: 404 });
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
