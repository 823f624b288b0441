/**
 * What turns a built interface into the bundle that is served: integrity of its parts, the service
 * worker, and the compressed forms in which the server sends them.
 */

import { createHash } from "node:crypto";
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
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

/**
 * `index.html` with the service worker's name, which is made the hash of it: what comes under the
 * same name in other bytes is nobody's release, and the page can say so.
 */
export async function withWorker(html: string, folder: string): Promise<string> {
  const path = join(folder, "sw.js");
  const hash = createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
  const name = `sw-${hash.slice(0, 32)}.js`;
  await rename(path, join(folder, name));
  const out = html.replace('content="/sw.js"', `content="/${name}"`);
  if (out === html) throw new Error("index.html names no service worker");
  return out;
}

/** Writes `.br` and `.gz` beside every file that they make smaller; no manifest names them. */
async function compress(folder: string): Promise<void> {
  const forms = { br: promisify(brotliCompress), gz: promisify(gzip) } as const;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(?:js|css|html|svg|webmanifest)$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const data = await readFile(path);
    for (const [suffix, pack] of Object.entries(forms)) {
      const packed = await pack(data);
      if (packed.length < data.length) await writeFile(`${path}.${suffix}`, packed);
    }
  }
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
        await buildServiceWorker(dir);
        const html = await withWorker(await readFile(page, "utf8"), dir);
        await writeFile(page, await withIntegrity(html, dir));
        await compress(dir);
      },
    },
  };
}
