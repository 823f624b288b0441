/** A server that serves other code: the worker refuses it, the old one goes on, the page says so. */

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { bundle, encodeBody } from "../../src/protocol/api.ts";
import { Between } from "./between.ts";
import { Stage } from "./stage.ts";

const FOLDER = fileURLToPath(new URL("../../dist", import.meta.url));
const EVIL = "<!doctype html><title>evil</title><h1>evil</h1>";

let between: Between;
let stage: Stage;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  between = await Between.begin();
  stage = await Stage.begin({ public: between.address, port: between.port });
  context = await stage.context();
  page = await stage.open(context);
  await stage.register(page, "noa");
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
});

afterAll(async () => {
  await stage.end();
  await between.end();
});

beforeEach(() => between.lies.clear());

/** Files by their path that are other than the built ones; null: there is no such file. */
type Changes = Readonly<Record<string, string | null>>;

/** A manifest of the built files with changes: its bytes, and its name. */
async function manifestOf(changed: Changes) {
  const names = (await readdir(FOLDER, { recursive: true, withFileTypes: true }))
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(FOLDER.length + 1))
    .filter((name) => name !== "bundle.json" && !/\.(?:br|gz)$/.test(name))
    .concat(Object.keys(changed))
    .filter((name, at, all) => changed[name] !== null && all.indexOf(name) === at)
    .sort();
  const files = await Promise.all(
    names.map(async (path) => {
      const data = changed[path] ?? (await readFile(join(FOLDER, path)));
      const digest = (kind: string) => createHash(kind).update(data);
      return {
        path,
        size: Buffer.byteLength(data),
        sha256: digest("sha256").digest("base64url"),
        integrity: `sha384-${digest("sha384").digest("base64")}`,
      };
    }),
  );
  const data = Buffer.from(JSON.stringify({ format: 1, version: "0.0.1", wasm: false, files }));
  return { data, hash: createHash("sha256").update(data).digest("hex") };
}

/** Lets the server serve the built files with changes, under a manifest that fits. */
async function offer(changed: Changes): Promise<string> {
  const { data, hash } = await manifestOf(changed);
  const made = {
    manifest: new Uint8Array(data),
    line: new Uint8Array(1),
    proof: new Uint8Array(1),
  };
  between.lies.set("/v1/bundle", { body: encodeBody(bundle, made), type: "application/msgpack" });
  for (const [path, body] of Object.entries(changed)) {
    const type = path.endsWith(".js") ? "text/javascript" : "text/html; charset=utf-8";
    const lie = body === null ? { body: "", type, status: 404 } : { body, type };
    between.lies.set(`/${path}`, lie);
    if (path === "index.html") between.lies.set("/", lie);
  }
  return hash;
}

async function log(changed: Changes): Promise<string> {
  const { data } = await manifestOf(changed);
  return stage.ask<string>("log_bundle", { manifest: data.toString("hex"), version: "0.0.1" });
}

/** What the page is told of the next look. */
function look(): Promise<unknown> {
  return page.evaluate(
    () =>
      new Promise((told) => {
        const hear = ({ data }: MessageEvent) => {
          if (data?.kind !== "bundle") return;
          navigator.serviceWorker.removeEventListener("message", hear);
          told(data.outcome);
        };
        navigator.serviceWorker.addEventListener("message", hear);
        void navigator.serviceWorker.ready.then(({ active }) =>
          active?.postMessage({ kind: "look" }),
        );
      }),
  );
}

async function reload(): Promise<void> {
  await page.reload();
  await page.waitForSelector("html[data-ready]");
  await stage.unlock(page);
}

async function alarmed(words: RegExp): Promise<void> {
  const alarm = page.locator("[role=alertdialog]");
  await alarm.getByText("This app's code is not in the law log").waitFor();
  await alarm.getByText(words).waitFor();
  await alarm.locator("button").last().click();
  await alarm.waitFor({ state: "hidden" });
}

const OTHER = /It was refused: you go on with the code you had/;
const OWN = /It is the code that runs here/;

test("holds the served bundle against the law log", async () => {
  expect(await look()).toMatchObject({ kind: "same", verdict: "logged" });
});

test("refuses an unlogged bundle, says so, and goes on with the old one", async () => {
  const hash = await offer({ "index.html": EVIL });
  const verdict = "unlogged";
  expect(await look()).toEqual({ kind: "refused", hash, verdict, running: false });
  await alarmed(OTHER);
  await page.reload();
  await page.waitForSelector("html[data-ready]");
  expect(await page.title()).not.toBe("evil");
  await stage.unlock(page);
  await alarmed(OTHER);
});

test("opens what it has when the server serves other files for the same manifest", async () => {
  const { files } = JSON.parse(await readFile(join(FOLDER, "bundle.json"), "utf8")) as {
    files: { path: string }[];
  };
  for (const { path } of files) {
    if (!path.startsWith("sw-")) between.lies.set(`/${path}`, { body: EVIL, type: "text/html" });
  }
  between.lies.set("/", { body: EVIL, type: "text/html" });
  await reload();
  expect(await page.title()).not.toBe("evil");
});

test("opens no answer of the API as a page", async () => {
  between.lies.set("/v1/page.html", { body: EVIL, type: "text/html" });
  await page.goto(`${stage.address}/v1/page.html`);
  await page.waitForSelector("html[data-ready]");
  expect(await page.title()).not.toBe("evil");
  await stage.unlock(page);
});

test("refuses a logged bundle with a changed file", async () => {
  const changed = {
    "index.html": await readFile(join(FOLDER, "index.html"), "utf8"),
    "icons/icon.svg": "<svg>1</svg>",
  };
  const hash = await log(changed);
  await offer(changed);
  between.lies.set("/icons/icon.svg", { body: "<svg>evil</svg>", type: "image/svg+xml" });
  const verdict = "changed";
  expect(await look()).toEqual({ kind: "refused", hash, verdict, running: false });
  await alarmed(OTHER);
});

test("refuses a bundle that was withdrawn", async () => {
  const changed = { "icons/icon.svg": "<svg>2</svg>" };
  const hash = await log(changed);
  await stage.ask("withdraw_bundle", { hash });
  await offer(changed);
  const verdict = "withdrawn";
  expect(await look()).toEqual({ kind: "refused", hash, verdict, running: false });
  await alarmed(OTHER);
});

test("never takes a shorter law log than it saw", async () => {
  const early = await fetch(`${between.behind}/log/law/checkpoint`).then((one) => one.text());
  const changed = { "icons/icon.svg": "<svg>3</svg>" };
  const hash = await log(changed);
  await offer(changed);
  // It sees the log in which the bundle is, takes the bundle, and then an older log again.
  expect(await look()).toEqual({ kind: "taken", hash, verdict: "logged" });
  between.lies.set("/log/law/checkpoint", { body: early, type: "text/plain" });
  const next = await offer({ "icons/icon.svg": "<svg>4</svg>" });
  const verdict = "unknown";
  expect(await look()).toEqual({ kind: "refused", hash: next, verdict, running: false });
});

test("takes a logged update, which the next start shows, offline too", async () => {
  const now = await readFile(join(FOLDER, "index.html"), "utf8");
  const changed = {
    "index.html": now.replace("<title>", '<meta name="release" content="2"><title>'),
  };
  const hash = await log(changed);
  await offer(changed);
  expect(await look()).toEqual({ kind: "taken", hash, verdict: "logged" });
  between.lies.clear();
  between.lies.set("*", null);
  await page.reload();
  await page.waitForSelector("html[data-ready]");
  expect(await page.locator('meta[name="release"]').getAttribute("content")).toBe("2");
  await stage.unlock(page);
});

/** The name of a worker's code, as the build gives it. */
function nameWorker(code: string): string {
  return `sw-${createHash("sha256").update(code).digest("hex").slice(0, 32)}.js`;
}

function controller(): Promise<string | undefined> {
  return page.evaluate(() => navigator.serviceWorker.controller?.scriptURL);
}

test("takes a logged release with another worker, and says when the server alone changes that", async () => {
  const old = (await readdir(FOLDER)).find((each) => /^sw-.*\.js$/.test(each)) ?? "";
  const code = await readFile(join(FOLDER, old), "utf8");
  expect(nameWorker(code)).toBe(old);
  expect(await controller()).toContain(old);
  const next = `${code}\n// Another release.\n`;
  const name = nameWorker(next);
  const html = await readFile(join(FOLDER, "index.html"), "utf8");
  const changed = { "index.html": html.replace(old, name), [name]: next, [old]: null };
  const hash = await log(changed);
  await offer(changed);
  expect(await look()).toEqual({ kind: "taken", hash, verdict: "logged" });
  await reload();
  await page.waitForFunction(
    (wanted) => navigator.serviceWorker.controller?.scriptURL.endsWith(wanted),
    name,
  );
  // It serves, and a release that changed its worker is no cause for alarm.
  expect(await look()).toEqual({ kind: "same", hash, verdict: "logged" });
  await reload();
  const update = () =>
    page.evaluate(async () => {
      await (await navigator.serviceWorker.ready).update();
    });
  await update();
  expect(await page.locator("[role=alertdialog]").count()).toBe(0);
  between.lies.set(`/${name}`, { body: `${next}// Evil.\n`, type: "text/javascript" });
  await update();
  const alarm = page.locator("[role=alertdialog]");
  await alarm.getByText("The server put other code into this browser").waitFor();
  await alarm.locator("button").last().click();
  await alarm.waitFor({ state: "hidden" });
});

test("says that the bundle in use was withdrawn, though the server gives none", async () => {
  const hash = await log({ "icons/icon.svg": "<svg>5</svg>" });
  await offer({ "icons/icon.svg": "<svg>5</svg>" });
  expect(await look()).toEqual({ kind: "taken", hash, verdict: "logged" });
  between.lies.set("/v1/bundle", null);
  await stage.ask("withdraw_bundle", { hash });
  const verdict = "withdrawn";
  expect(await look()).toEqual({ kind: "refused", hash, verdict, running: true });
  await alarmed(OWN);
});
