/** A real Chromium on the built interface, served under the policy that the server sends. */

import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { buildServiceWorker } from "../../scripts/service_worker_build.ts";
import type { Model } from "../../src/app/model.ts";
import type { Alarm, Settings, Status } from "../../src/messenger.ts";
import type { MemoryMessenger } from "./memory_messenger.ts";
import type { Escrow } from "./world.ts";

declare global {
  // What main.ts of the tests leaves for them.
  var messenger: MemoryMessenger;
  var model: Model;
}

/** What the server is to send; every page of these tests must live under it. */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "media-src blob:",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

export const FOLDER = fileURLToPath(new URL("../../dist/app-test", import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
};

export async function buildInterface(): Promise<void> {
  const configFile = fileURLToPath(new URL("./vite.config.ts", import.meta.url));
  await build({ configFile, logLevel: "error" });
  await buildServiceWorker(FOLDER, fileURLToPath(new URL("./sw.ts", import.meta.url)));
}

/** What a test lets the server answer for a path instead of the file; null: nothing at all. */
export type Answers = Map<string, Uint8Array | string | null>;

function serve(folder: string, answers: Answers): Promise<Server> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const other = answers.has("*") ? null : answers.get(pathname);
    if (other === null) {
      request.socket.destroy();
      return;
    }
    const path = join(folder, normalize(pathname === "/" ? "/index.html" : pathname));
    try {
      const data = other ?? (await readFile(path));
      response.writeHead(200, {
        "content-type": TYPES[extname(path)] ?? "application/octet-stream",
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
      });
      response.end(data);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly theme?: "light" | "dark";
  readonly language?: "en" | "he";
  readonly state?: Status["state"];
  readonly escrow?: Escrow;
  readonly settings?: Partial<Settings>;
  readonly alarms?: readonly Alarm[];
  readonly route?: string;
  readonly touch?: boolean;
  readonly worker?: boolean;
}

export const PHONE = { width: 360, height: 740, touch: true } as const;
export const DESKTOP = { width: 1280, height: 820 } as const;

// A busy machine is no defect: what is waited for comes late, and is then there.
const PATIENCE_MS = 60_000;

/** A browser with its server. `open` gives a page that is ready; `problems` must stay empty. */
export class Stage {
  readonly problems: string[] = [];
  readonly answers: Answers;
  readonly browser: Browser;
  readonly #server: Server;
  /** One window for each kind that was asked for; each look loads it anew. */
  readonly #windows = new Map<string, Page>();
  #looks = 0;

  private constructor(browser: Browser, server: Server, answers: Answers) {
    this.answers = answers;
    this.browser = browser;
    this.#server = server;
  }

  static async begin(): Promise<Stage> {
    const answers: Answers = new Map();
    const server = await serve(FOLDER, answers);
    const browser = await chromium.launch({
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
      ],
    });
    return new Stage(browser, server, answers);
  }

  get address(): string {
    const at = this.#server.address();
    if (at === null || typeof at === "string") throw new Error("no port");
    // A name, since passkeys are bound to one.
    return `http://localhost:${at.port}/`;
  }

  /** A page of its own for what leaves something in the browser (a worker); else the window's. */
  async open(look: Look = {}): Promise<Page> {
    const kind: BrowserContextOptions = {
      viewport: { width: look.width ?? DESKTOP.width, height: look.height ?? DESKTOP.height },
      colorScheme: look.theme ?? "light",
      locale: look.language === "he" ? "he-IL" : "en-GB",
      hasTouch: look.touch ?? false,
    };
    const name = `${JSON.stringify(kind)}${look.worker ? "worker" : ""}`;
    const page = this.#windows.get(name) ?? (await this.#window(kind));
    this.#windows.set(name, page);
    this.#looks += 1;
    const wish = new URLSearchParams({
      // No two looks have the same address, else only the fragment would change.
      look: String(this.#looks),
      state: look.state ?? "open",
      escrow: look.escrow ?? "threshold",
      settings: JSON.stringify(look.settings ?? {}),
      alarms: JSON.stringify(look.alarms ?? []),
      ...(look.worker ? { worker: "yes" } : {}),
    });
    await page.mouse.move(0, 0);
    await page.goto(`${this.address}?${wish}${look.route ?? ""}`);
    await page.waitForSelector("html[data-ready]");
    return page;
  }

  async #window(kind: BrowserContextOptions): Promise<Page> {
    const context = await this.browser.newContext({
      ...kind,
      timezoneId: "Europe/Berlin",
      permissions: ["clipboard-read", "clipboard-write", "microphone"],
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    page.on("pageerror", (error) => this.problems.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") this.problems.push(message.text());
    });
    page.on("request", (request) => {
      const own = request.url().startsWith(this.address) || request.url().startsWith("blob:");
      if (!own) this.problems.push(`a request to ${request.url()}`);
    });
    return page;
  }

  /** Closes every window, with all that the pages kept. */
  async clear(): Promise<void> {
    const windows = [...this.#windows.values()];
    this.#windows.clear();
    await Promise.all(windows.map((each) => each.context().close()));
  }

  async end(): Promise<void> {
    await this.browser.close();
    this.#server.close();
  }
}

/** Waits until a page stands still: some frames without a change, a scroll, or a movement. */
export async function settle(page: Page): Promise<void> {
  await page.evaluate(async () => {
    let still = 0;
    const stir = () => {
      still = 0;
    };
    const observer = new MutationObserver(stir);
    observer.observe(document, {
      subtree: true,
      childList: true,
      attributes: true,
      characterData: true,
    });
    document.addEventListener("scroll", stir, { capture: true, passive: true });
    // What turns for ever, such as a spinner, is not waited for.
    const moving = () =>
      document
        .getAnimations()
        .some(
          (each) =>
            each.playState === "running" && each.effect?.getComputedTiming().endTime !== Infinity,
        );
    while (still < 4) {
      await new Promise(requestAnimationFrame);
      still = moving() ? 0 : still + 1;
    }
    observer.disconnect();
    document.removeEventListener("scroll", stir, { capture: true });
  });
}
