/** What turns a built interface into the bundle that is served: integrity of its parts, and the worker. */

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Plugin } from "vite";
import { buildServiceWorker } from "./service_worker_build.ts";

/** The integrity of some bytes, as an attribute has it. */
function integrityOf(data: Uint8Array): string {
  return `sha384-${createHash("sha384").update(data).digest("base64")}`;
}

/** `index.html` with the hash of every script and style that it names. */
export async function withIntegrity(html: string, folder: string): Promise<string> {
  let out = html;
  for (const [tag, , path] of html.matchAll(
    /<(script|link)\b[^>]*\b(?:src|href)="\/([^"]+)"[^>]*>/g,
  )) {
    const loaded = /^<script|\brel="(?:stylesheet|modulepreload)"/.test(tag);
    if (!loaded || path === undefined) continue;
    const integrity = integrityOf(await readFile(join(folder, path)));
    out = out.replace(tag, `${tag.slice(0, -1)} integrity="${integrity}">`);
  }
  return out;
}

/** Works on the files as they were written: what is hashed is what is served. */
export function servedBundle(): Plugin {
  return {
    name: "served-bundle",
    apply: "build",
    writeBundle: {
      order: "post",
      async handler({ dir }) {
        if (dir === undefined) throw new Error("no folder");
        const page = join(dir, "index.html");
        await writeFile(page, await withIntegrity(await readFile(page, "utf8"), dir));
        await buildServiceWorker(dir);
      },
    },
  };
}
