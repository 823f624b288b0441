/** Where a bundle comes from and what the law log says of it, by what this browser pinned. */

import { bounded } from "../client/bounded.ts";
import { PINNED, readOpen, writeOpen } from "../client/vault.ts";
import { bundle, charters, decodeBody } from "../protocol/api.ts";
import { equalBytes } from "../protocol/encoding.ts";
import { WireRefused } from "../protocol/errors.ts";
import * as limits from "../protocol/limits.ts";
import type { BundleSource, BundleVerdict } from "./bundle.ts";
import { beginLaw, followLaw, type KnownLaw } from "./law.ts";

/** What has another form has another name: it is read anew. */
const KNOWN = "law-2";

async function get(path: string, limit = limits.HTTP_ANSWER + limits.NOTE): Promise<Uint8Array> {
  const answer = await fetch(path, { cache: "no-store", credentials: "omit", redirect: "error" });
  if (!answer.ok) throw new WireRefused("server-answer", String(answer.status));
  return bounded(answer, limit);
}

async function signedCharters(): Promise<readonly Uint8Array[]> {
  return decodeBody(charters, await get("/v1/charters")).documents;
}

/** The server, held against its law log. */
export const server: BundleSource = {
  async manifest() {
    return decodeBody(bundle, await get("/v1/bundle")).manifest;
  },

  async pinned() {
    return (await readOpen(PINNED)) !== undefined;
  },

  async judge(hash: string): Promise<BundleVerdict> {
    const deployment = await readOpen<Uint8Array>(PINNED);
    if (deployment === undefined) return "unpinned";
    try {
      let known = await readOpen<KnownLaw>(KNOWN);
      if (known === undefined || !equalBytes(known.deployment, deployment)) {
        const [genesis = new Uint8Array()] = await signedCharters();
        known = beginLaw(deployment, genesis);
      }
      // What was seen of the log is kept whatever comes of the bundle: it may never be less again.
      const now = await followLaw(
        known,
        Date.now(),
        (path) => get(`/log/law/${path}`),
        signedCharters,
      );
      if (now.size > known.size || known.size === 0) await writeOpen(KNOWN, now);
      const withdrawn = now.bundles.get(hash);
      if (withdrawn === undefined) return "unlogged";
      return withdrawn ? "withdrawn" : "logged";
    } catch {
      return "unknown";
    }
  },
};
