/**
 * The bundle on this device: files by a manifest, taken in whole or not at all (spec R-34, W-40).
 *
 * A manifest counts once its hash is known to stand in the law log, and a file counts when it is
 * what the manifest says. What is not in the manifest is not fetched as code, whatever the server
 * would answer.
 */

/**
 * A manifest's verdict from the law log: `unknown` when the log could not be read or does not hold,
 * `unpinned` while no registration has said whose log it is.
 */
export type BundleVerdict = "logged" | "unlogged" | "withdrawn" | "unknown" | "unpinned";

/** Where bundles come from, and who judges them. */
export interface BundleSource {
  /** The manifest of what the server serves now; throws when it gives none. */
  manifest(): Promise<Uint8Array>;
  /** Holds a manifest's hash (SHA-256, hexadecimal) against the law log; never throws. */
  judge(hash: string): Promise<BundleVerdict>;
  /** Whether a registration pinned a deployment: from then on nothing unjudged is run. */
  pinned(): Promise<boolean>;
}

/** Why a bundle was refused: the log's verdict, or that a file is not what its manifest says. */
export type Refused = Exclude<BundleVerdict, "logged" | "unpinned"> | "changed";

/** What came of a look for a new bundle; `running`: the refused one is the one in use. */
export type BundleOutcome =
  | { readonly kind: "same" | "taken"; readonly hash: string; readonly verdict: BundleVerdict }
  | {
      readonly kind: "refused";
      readonly hash: string;
      readonly verdict: Refused;
      readonly running: boolean;
    }
  | { readonly kind: "unreachable" };

interface ManifestFile {
  readonly path: string;
  readonly integrity: string;
}

interface Pointer {
  readonly hash: string;
  /** The one before: pages that began with it still load its parts. */
  readonly before: string | null;
}

const POINTER = "bundle";
const POINTER_AT = "/current";
const FILES = "bundle-";
const ASSETS = "/assets/";
const MANIFEST_BYTES = 256 * 1024;
/** What a kept answer keeps of the server's headers: nothing that sends a page elsewhere. */
const KEPT_HEADERS = [
  "content-type",
  "content-security-policy",
  "cross-origin-opener-policy",
  "cross-origin-resource-policy",
  "permissions-policy",
  "referrer-policy",
  "x-content-type-options",
] as const;

class Changed extends Error {}

/** The bundle that this device uses: which one, and its files. */
export class BundleStore {
  readonly #caches: CacheStorage;
  readonly #fetch: typeof fetch;
  readonly #source: BundleSource;
  #looking: Promise<BundleOutcome> | null = null;

  constructor(caches: CacheStorage, fetcher: typeof fetch, source: BundleSource) {
    this.#caches = caches;
    this.#fetch = fetcher;
    this.#source = source;
  }

  /** The hash of the bundle in use, or null before the first. */
  async current(): Promise<string | null> {
    return (await this.#pointer())?.hash ?? null;
  }

  /** The bundle's file at a path (with its slash), or undefined. */
  async file(path: string): Promise<Response | undefined> {
    const pointer = await this.#pointer();
    if (pointer === null) return undefined;
    const found = await (await this.#caches.open(FILES + pointer.hash)).match(path);
    if (found !== undefined || pointer.before === null || !path.startsWith(ASSETS)) return found;
    return (await this.#caches.open(FILES + pointer.before)).match(path);
  }

  /** Looks whether the server has another bundle, and takes it if it may be used. */
  look(): Promise<BundleOutcome> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look(): Promise<BundleOutcome> {
    const now = await this.current();
    let manifest: Uint8Array;
    try {
      manifest = await this.#source.manifest();
    } catch {
      // An operator who withdrew a bundle gives it no more; the log says so to those who have it.
      if (now === null || (await this.#source.judge(now)) !== "withdrawn") {
        return { kind: "unreachable" };
      }
      return { kind: "refused", hash: now, verdict: "withdrawn", running: true };
    }
    const digest = await crypto.subtle.digest("SHA-256", manifest as BufferSource);
    const hash = hex(new Uint8Array(digest));
    const verdict = await this.#source.judge(hash);
    const running = now === hash;
    const usable = verdict === "logged" || verdict === "unpinned";
    if (!usable && !(running && verdict === "unknown")) {
      return { kind: "refused", hash, verdict, running };
    }
    if (running) return { kind: "same", hash, verdict };
    const files = readManifest(manifest);
    if (files === null) return { kind: "refused", hash, verdict: "changed", running };
    try {
      await this.#take({ hash, before: now }, files);
    } catch (problem) {
      await this.#caches.delete(FILES + hash);
      if (!(problem instanceof Changed)) return { kind: "unreachable" };
      return { kind: "refused", hash, verdict: "changed", running };
    }
    return { kind: "taken", hash, verdict };
  }

  async #pointer(): Promise<Pointer | null> {
    const kept = await (await this.#caches.open(POINTER)).match(POINTER_AT);
    return kept === undefined ? null : ((await kept.json()) as Pointer);
  }

  async #take(pointer: Pointer, files: readonly ManifestFile[]): Promise<void> {
    const cache = await this.#caches.open(FILES + pointer.hash);
    await Promise.all(
      files.map(async ({ path, integrity }) => {
        const how = { cache: "no-cache", credentials: "omit", redirect: "error" } as const;
        const answer = await this.#fetch(`/${path}`, how);
        if (!answer.ok) throw new Error(path);
        const body = await answer.arrayBuffer();
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-384", body));
        if (`sha384-${btoa(String.fromCharCode(...digest))}` !== integrity) throw new Changed(path);
        const headers = new Headers();
        for (const name of KEPT_HEADERS) {
          const value = answer.headers.get(name);
          if (value !== null) headers.set(name, value);
        }
        await cache.put(`/${path}`, new Response(body, { headers }));
      }),
    );
    await (await this.#caches.open(POINTER)).put(POINTER_AT, Response.json(pointer));
    const kept = [FILES + pointer.hash, FILES + pointer.before];
    for (const name of await this.#caches.keys()) {
      if (name.startsWith(FILES) && !kept.includes(name)) await this.#caches.delete(name);
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
