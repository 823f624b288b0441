/** The service worker's entry. It is built by itself into `sw.js`, one classic script. */

import { server } from "./sw/source.ts";
import { serveBundle } from "./sw/worker.ts";

serveBundle(self as unknown as ServiceWorkerGlobalScope, server);
