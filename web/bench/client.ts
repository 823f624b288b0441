/** The client that the server serves, with a real server and a Python client to talk with. */

import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page, Request } from "playwright-core";
import { PASSPHRASE, Stage } from "../test/client/stage.ts";
import { atMost, type Figure, middle } from "./figure.ts";

const FOLDER = fileURLToPath(new URL("../dist", import.meta.url));
const ROOMS = Number(process.env["ROOMS"] ?? 200);
const TIMES = 5;
const SENT = 60;
const BUDGET_KB = 250;
const BARE = "<!doctype html><title>bare</title><p>bare</p>";

export async function measureClient(): Promise<Figure[]> {
  const stage = await Stage.begin();
  try {
    const context = await stage.context();
    const sizes = await measureSizes(stage, context);
    const page = context.pages()[0] ?? (await stage.open(context));
    await stage.register(page, "noa");
    await stage.ask("person", { name: "bela" });
    for (let at = 0; at < ROOMS; at += 1) {
      await stage.ask("group", { name: "bela", with: ["noa"], title: `Room ${at}` });
    }
    
    console.error(`browser: ${ROOMS} conversations are made`);
    const last = `Room ${ROOMS - 1}`;
    await page.locator(".item-open", { hasText: last }).waitFor({ timeout: 300_000 });
    console.error("browser: all of them are joined");
    const loads = await measureLoads(stage, page, last);
    console.error("browser: starts are measured");
    const sends = await measureSends(stage, page, last);
    return [...sizes, ...loads, ...sends];
  } finally {
    await stage.end();
  }
}

/** Bytes in KB of files as gzip and brotli have them, from the forms that are served. */
async function weigh(paths: readonly string[]): Promise<readonly [gzip: number, brotli: number]> {
  let [gzip, brotli] = [0, 0];
  for (const path of paths) {
    const plain = await readFile(join(FOLDER, path));
    const form = (suffix: string) => readFile(join(FOLDER, path + suffix)).catch(() => plain);
    gzip += (await form(".gz")).length;
    brotli += (await form(".br")).length;
  }
  return [gzip / 1000, brotli / 1000];
}

async function measureSizes(stage: Stage, context: BrowserContext): Promise<Figure[]> {
  const asked = new Set<string>();
  const hear = (request: Request) => {
    // The service worker takes the whole bundle, once the page is there.
    if (request.serviceWorker() !== null) return;
    const { pathname } = new URL(request.url());
    if (/\.(?:js|css)$/.test(pathname)) asked.add(pathname.slice(1));
  };
  context.on("request", hear);
  await stage.open(context);
  const first = ["index.html", ...asked].filter((path) => !/^sw-/.test(path));
  context.off("request", hear);
  const crypto = first.filter((path) => /^assets\/worker-/.test(path));
  const names = (await readdir(FOLDER, { recursive: true, withFileTypes: true }))
    .map((each) => join(each.parentPath, each.name).slice(FOLDER.length + 1))
    .filter((name) => /\.(?:js|css|html)$/.test(name));
  const figures: Figure[] = [];
  for (const [name, paths, goal] of [
    ["first load, its crypto included", first, BUDGET_KB],
    ["  of it the interface", first.filter((path) => !crypto.includes(path))],
    ["  of it the crypto, in its own worker", crypto],
    ["service worker, fetched afterwards", names.filter((name) => /^sw-/.test(name))],
    ["everything there is", names],
  ] as const) {
    const [gzip, brotli] = await weigh(paths);
    const common = { unit: "KB", smaller_is_better: true, ...(goal === undefined ? {} : { goal }) };
    figures.push({ name: `${name}, gzip`, value: gzip, ...common });
    figures.push({ name: `${name}, brotli`, value: brotli, ...common });
  }
  return figures;
}

/** Milliseconds from the start of a page's load to its first content. */
async function paintOf(page: Page): Promise<number> {
  await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length);
  return page.evaluate(
    () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
  );
}

async function measureLoads(stage: Stage, page: Page, last: string): Promise<Figure[]> {
  const [shown, listed, bare, derived]: number[][] = [[], [], [], []];
  const server = createServer((_, answer) => {
    answer.writeHead(200, { "content-type": "text/html" }).end(BARE);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const at = server.address();
  const port = typeof at === "object" && at !== null ? at.port : 0;
  const other = await (await stage.context()).newPage();
  for (let time = 0; time < TIMES; time += 1) {
    await other.goto(`http://127.0.0.1:${port}/`);
    bare?.push(await paintOf(other));
    await page.goto("about:blank");
    await page.goto(`${stage.address}/`);
    await page.waitForSelector("html[data-ready]");
    shown?.push(await paintOf(page));
    await page.locator("input[type=password]").fill(PASSPHRASE);
    listed?.push(await unlock(page, last));
    derived?.push(await derive(page));
  }
  await other.context().close();
  server.close();
  return [
    {
      name: "start from the device's own copy, to first content",
      value: middle(shown ?? []),
      unit: "ms",
      ceiling: middle(bare ?? []),
      ceiling_name: "a page of one paragraph",
      smaller_is_better: true,
    },
    {
      name: `unlock to a usable list of ${ROOMS} conversations`,
      value: middle(listed ?? []),
      unit: "ms",
      ceiling: middle(derived ?? []),
      ceiling_name: "its passphrase's PBKDF2 alone",
      smaller_is_better: true,
    },
  ];
}

/** Presses the button, and waits for the list; in ms, by the page's own clock. */
function unlock(page: Page, last: string): Promise<number> {
  return page.evaluate(
    (name) =>
      new Promise<number>((done) => {
        const begun = performance.now();
        const look = () => {
          const items = document.querySelectorAll(".item-open");
          const there = items.length > 1 && [...items].some((one) => one.textContent?.includes(name));
          if (there) done(performance.now() - begun);
          else requestAnimationFrame(look);
        };
        document.querySelector<HTMLButtonElement>("form button[type=submit]")?.click();
        look();
      }),
    last,
  );
}

/** What the passphrase costs by design, in ms: PBKDF2 with the rounds of client/lockbox.ts. */
function derive(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const begun = performance.now();
    const text = new TextEncoder().encode("correct horse battery staple");
    const base = await crypto.subtle.importKey("raw", text, "PBKDF2", false, ["deriveBits"]);
    const salt = new Uint8Array(16);
    const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations: 1_000_000 };
    await crypto.subtle.deriveBits(how, base, 256);
    return performance.now() - begun;
  });
}

async function measureSends(stage: Stage, page: Page, room: string): Promise<Figure[]> {
  await page.locator(".item-open", { hasText: room }).click();
  await page.locator(".composer textarea").waitFor();
  await page.evaluate(() => {
    addEventListener(
      "keydown",
      (event) => {
        if ((event as KeyboardEvent).key !== "Enter") return;
        document.documentElement.dataset["typed"] = String(Date.now());
      },
      { capture: true },
    );
  });
  const delivered: number[] = [];
  for (let at = 0; at < SENT; at += 1) {
    const text = `message ${at}`;
    const heard = stage.ask<number>("heard_at", { name: "bela", text });
    await page.fill(".composer textarea", text);
    await page.press(".composer textarea", "Enter");
    const heardMs = await heard;
    const typedMs = await page.evaluate(() => Number(document.documentElement.dataset["typed"]));
    delivered.push(heardMs - typedMs);
  }
  const address = await stage.ask<string>("echo");
  const bare = await (await stage.context()).newPage();
  // A page under no policy: the API's answers are none of the client's.
  await bare.goto(`${stage.address}/v1/deployment`);
  const echoed = await bare.evaluate(
    async ([where, count]) => {
      const socket = new WebSocket(where);
      await new Promise((done, fail) => {
        socket.addEventListener("open", done);
        socket.addEventListener("error", () => fail(new Error("no echo")));
      });
      const times: number[] = [];
      const data = new Uint8Array(600);
      for (let at = 0; at < count; at += 1) {
        const begun = performance.now();
        const back = new Promise((done) => socket.addEventListener("message", done, { once: true }));
        socket.send(data);
        await back;
        times.push(performance.now() - begun);
      }
      socket.close();
      return times;
    },
    [address, SENT] as const,
  );
  await bare.context().close();
  const name = "typed in Chromium to decrypted by a Python client";
  const common = { unit: "ms", smaller_is_better: true, ceiling_name: "a bare WebSocket echo" };
  return [
    { name: `${name}, median`, value: middle(delivered), ceiling: middle(echoed), ...common },
    { name: `${name}, p95`, value: atMost(delivered, 0.95), ceiling: atMost(echoed, 0.95), ...common },
  ];
}
