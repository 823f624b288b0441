/** The service worker's entry. It is built by itself into `sw.js`, one classic script. */

import type { BundleCheck } from "./sw/bundle.ts";
import { serveBundle } from "./sw/worker.ts";

/**
 * Whether a manifest stands in the law log. The client's log verifier takes this place; as long as
 * nothing can be asked, the first bundle is kept and no other replaces it.
 */
const isBundleLogged: BundleCheck = async () => "unknown";

serveBundle(self as unknown as ServiceWorkerGlobalScope, isBundleLogged);
