/** The service worker in a real Chromium, against a server that lies in several ways. */

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { BundleOutcome } from "../../src/sw/bundle.ts";
import { FOLDER, Stage } from "./browser.ts";

declare global {
  var bundles: BundleOutcome[];
}

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.begin();
});
// Each test begins with no worker, no cache, and an honest server.
afterEach(async () => {
  await stage.clear();
  stage.answers.clear();
});
afterAll(() => stage.end());

/** The built files' manifest as the server's has it, with changes; and its hash. */
async function manifestOf(changed: Readonly<Record<string, string>> = {}) {
  const names = (await readdir(FOLDER, { recursive: true, withFileTypes: true }))
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(FOLDER.length + 1))
    .sort();
  const files = await Promise.all(
    names.map(async (path) => {
      const data = changed[path] ?? (await readFile(join(FOLDER, path)));
      const digest = (kind: string) => createHash(kind).update(data);
      return {
        path,
        size: data.length,
        sha256: digest("sha256").digest("hex"),
        integrity: `sha384-${digest("sha384").digest("base64")}`,
      };
    }),
  );
  const text = JSON.stringify({ format: 1, version: "0.1.0", wasm: false, files });
  return { text, hash: createHash("sha256").update(text).digest("hex") };
}

async function offer(
  verdict: string,
  changed: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { text, hash } = await manifestOf(changed);
  stage.answers.set("/v1/manifest", text);
  stage.answers.set(`/v1/verdict/${hash}`, verdict);
  for (const [path, body] of Object.entries(changed)) stage.answers.set(`/${path}`, body);
  return hash;
}

async function look(page: Page) {
  const before = await page.evaluate(async () => {
    const count = bundles.length;
    (await navigator.serviceWorker.ready).active?.postMessage({ kind: "look" });
    return count;
  });
  await page.waitForFunction((count) => bundles.length > count, before);
  return page.evaluate(() => bundles.at(-1));
}
const served = (page: Page, path: string) =>
  page.evaluate(async (at) => {
    const answer = await fetch(at);
    return [answer.status, (await answer.text()).slice(0, 40)] as const;
  }, path);

async function begun(): Promise<Page> {
  await offer("logged");
  const page = await stage.open({ worker: true, route: "#/trust" });
  // The page looks once by itself; what comes of that is not what comes of the test's look.
  await page.waitForFunction(
    () => navigator.serviceWorker.controller !== null && bundles.length > 0,
  );
  return page;
}

describe("the service worker", () => {
  it("opens the app with no server at all", async () => {
    const page = await begun();
    stage.answers.set("*", null);
    await page.reload();
    await page.waitForSelector(".trust");
  });

  it("takes a new bundle that is logged", async () => {
    const page = await begun();
    const hash = await offer("logged", { "icons/icon.svg": "<svg>new</svg>" });
    expect(await look(page)).toEqual({ kind: "taken", hash, verdict: "logged" });
    expect(await served(page, "/icons/icon.svg")).toEqual([200, "<svg>new</svg>"]);
  });

  it.each(["unlogged", "unknown", "withdrawn"])(
    "refuses a new bundle that is %s, says so, keeps the old",
    async (verdict) => {
      const page = await begun();
      const hash = await offer(verdict, { "icons/icon.svg": "<svg>evil</svg>" });
      expect(await look(page)).toEqual({ kind: "refused", hash, verdict, running: false });
      const [status, text] = await served(page, "/icons/icon.svg");
      expect(status).toBe(200);
      expect(text).not.toContain("evil");
    },
  );

  it("takes no file that is not what the manifest says", async () => {
    const page = await begun();
    const hash = await offer("logged", { "icons/icon.svg": "<svg>new</svg>" });
    stage.answers.set("/icons/icon.svg", "<svg>evil</svg>");
    const verdict = "changed";
    expect(await look(page)).toEqual({ kind: "refused", hash, verdict, running: false });
    expect((await served(page, "/icons/icon.svg"))[1]).not.toContain("evil");
  });

  it("asks the server for no code that the manifest does not name", async () => {
    const page = await begun();
    stage.answers.set("/assets/extra.js", "alert(1)");
    expect((await served(page, "/assets/extra.js"))[0]).toBe(404);
  });
});
