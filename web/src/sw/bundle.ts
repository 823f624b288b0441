/**
 * The bundle on this device: files by a manifest, taken in whole or not at all (spec R-34, W-40).
 *
 * A manifest counts once its hash is known to stand in the law log. A file counts when it is what
 * the manifest says; the browser checks that itself (Subresource Integrity). What is not in the
 * manifest is not fetched as code, whatever the server would answer.
 */

/** The manifest's verdict from the law log; `unknown` when it could not be asked. */
export type BundleVerdict = "logged" | "unlogged" | "unknown";

/** Holds a manifest (its SHA-256 in hex, and its bytes) against the law log. */
export type BundleCheck = (manifestHash: string, manifest: Uint8Array) => Promise<BundleVerdict>;

/** What came of a look for a new bundle. */
export type BundleOutcome =
  | { readonly kind: "same" | "taken"; readonly hash: string; readonly verdict: BundleVerdict }
  | { readonly kind: "refused"; readonly hash: string; readonly verdict: BundleVerdict }
  | { readonly kind: "unreachable" };

interface ManifestFile {
  readonly path: string;
  readonly integrity: string;
}

const POINTER = "bundle";
const POINTER_AT = "/current";
const FILES = "bundle-";
const MANIFEST = "/bundle.json";
const MANIFEST_BYTES = 256 * 1024;

/** The bundle that this device uses: which one, and its files. */
export class BundleStore {
  readonly #caches: CacheStorage;
  readonly #fetch: typeof fetch;
  #looking: Promise<BundleOutcome> | null = null;

  constructor(caches: CacheStorage, fetcher: typeof fetch) {
    this.#caches = caches;
    this.#fetch = fetcher;
  }

  /** The hash of the bundle in use, or null before the first. */
  async current(): Promise<string | null> {
    const pointer = await (await this.#caches.open(POINTER)).match(POINTER_AT);
    return pointer === undefined ? null : await pointer.text();
  }

  /** The bundle's file at a path (with its slash), or undefined. */
  async file(path: string): Promise<Response | undefined> {
    const hash = await this.current();
    if (hash === null) return undefined;
    return (await this.#caches.open(FILES + hash)).match(path === "/" ? "/index.html" : path);
  }

  /** Looks whether the server has another bundle, and takes it if it may be used. */
  look(check: BundleCheck): Promise<BundleOutcome> {
    this.#looking ??= this.#look(check).finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look(check: BundleCheck): Promise<BundleOutcome> {
    let manifest: Uint8Array<ArrayBuffer>;
    try {
      const answer = await this.#fetch(MANIFEST, { cache: "no-store", credentials: "omit" });
      if (!answer.ok) return { kind: "unreachable" };
      manifest = new Uint8Array(await answer.arrayBuffer());
    } catch {
      return { kind: "unreachable" };
    }
    const hash = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", manifest)));
    const now = await this.current();
    const verdict = await check(hash, manifest);
    // In doubt a device that has a bundle keeps it; one that has none must begin somewhere.
    const usable =
      verdict === "logged" || (verdict === "unknown" && (now === null || now === hash));
    if (!usable) return { kind: "refused", hash, verdict };
    if (now === hash) return { kind: "same", hash, verdict };
    const files = readManifest(manifest);
    if (files === null) return { kind: "refused", hash, verdict };
    try {
      await this.#take(hash, files);
    } catch {
      await this.#caches.delete(FILES + hash);
      return { kind: "unreachable" };
    }
    return { kind: "taken", hash, verdict };
  }

  async #take(hash: string, files: readonly ManifestFile[]): Promise<void> {
    const cache = await this.#caches.open(FILES + hash);
    await Promise.all(
      files.map(async ({ path, integrity }) => {
        const answer = await this.#fetch(`/${path}`, {
          integrity,
          cache: "no-cache",
          credentials: "omit",
        });
        if (!answer.ok) throw new Error(path);
        await cache.put(`/${path}`, answer);
      }),
    );
    await (await this.#caches.open(POINTER)).put(POINTER_AT, new Response(hash));
    for (const name of await this.#caches.keys()) {
      if (name.startsWith(FILES) && name !== FILES + hash) await this.#caches.delete(name);
    }
  }
}

/** The files that a manifest names, or null when it is none. */
export function readManifest(data: Uint8Array): readonly ManifestFile[] | null {
  if (data.length > MANIFEST_BYTES) return null;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch {
    return null;
  }
  const files = (value as { files?: unknown } | null)?.files;
  if (!Array.isArray(files) || !files.every(isFile)) return null;
  return files.some(({ path }) => path === "index.html") ? files : null;
}

function isFile(value: unknown): value is ManifestFile {
  const { path, integrity } = (value ?? {}) as { path?: unknown; integrity?: unknown };
  return (
    typeof path === "string" &&
    /^(?!v1\/|log\/|bundle\.json$)[\w-][\w.-]*(\/[\w-][\w.-]*)*$/.test(path) &&
    typeof integrity === "string" &&
    /^sha384-[A-Za-z0-9+/]{64}$/.test(integrity)
  );
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
