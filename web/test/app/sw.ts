/** The service worker of the tests: the real one, whose verdict the test's server gives. */

import type { BundleVerdict } from "../../src/sw/bundle.ts";
import { serveBundle } from "../../src/sw/worker.ts";

serveBundle(self as unknown as ServiceWorkerGlobalScope, {
  async manifest() {
    const answer = await fetch("/v1/manifest");
    if (!answer.ok) throw new Error("no manifest");
    return new Uint8Array(await answer.arrayBuffer());
  },
  async judge(hash) {
    const answer = await fetch(`/v1/verdict/${hash}`).catch(() => null);
    return answer?.ok ? ((await answer.text()) as BundleVerdict) : "unknown";
  },
  pinned: async () => false,
});
