/** A real Chromium on the built interface, served under the policy that the server sends. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { buildServiceWorker } from "../../scripts/service_worker_build.ts";
import type { Model } from "../../src/app/model.ts";
import type { Alarm, Settings, Status } from "../../src/messenger.ts";
import type { MemoryMessenger } from "./memory_messenger.ts";

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
  readonly escrow?: "threshold" | "none";
  readonly settings?: Partial<Settings>;
  readonly alarms?: readonly Alarm[];
  readonly route?: string;
  readonly touch?: boolean;
  readonly worker?: boolean;
}

export const PHONE = { width: 360, height: 740, touch: true } as const;
export const DESKTOP = { width: 1280, height: 820 } as const;

/** A browser with its server. `open` gives a page that is ready; `problems` must stay empty. */
export class Stage {
  readonly problems: string[] = [];
  readonly answers: Answers;
  readonly browser: Browser;
  readonly #server: Server;
  readonly #profile: string;
  readonly #contexts: BrowserContext[] = [];

  private constructor(browser: Browser, server: Server, profile: string, answers: Answers) {
    this.answers = answers;
    this.browser = browser;
    this.#server = server;
    this.#profile = profile;
  }

  static async begin(): Promise<Stage> {
    const answers: Answers = new Map();
    const server = await serve(FOLDER, answers);
    const profile = await mkdtemp(join(tmpdir(), "doublelock-app-"));
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
    return new Stage(browser, server, profile, answers);
  }

  get address(): string {
    const at = this.#server.address();
    if (at === null || typeof at === "string") throw new Error("no port");
    // A name, since passkeys are bound to one.
    return `http://localhost:${at.port}/`;
  }

  async open(look: Look = {}): Promise<Page> {
    const context = await this.browser.newContext({
      viewport: { width: look.width ?? DESKTOP.width, height: look.height ?? DESKTOP.height },
      colorScheme: look.theme ?? "light",
      locale: look.language === "he" ? "he-IL" : "en-GB",
      timezoneId: "Europe/Berlin",
      hasTouch: look.touch ?? false,
      permissions: ["clipboard-read", "clipboard-write", "microphone"],
    });
    this.#contexts.push(context);
    const page = await context.newPage();
    page.on("pageerror", (error) => this.problems.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") this.problems.push(message.text());
    });
    page.on("request", (request) => {
      const own = request.url().startsWith(this.address) || request.url().startsWith("blob:");
      if (!own) this.problems.push(`a request to ${request.url()}`);
    });
    const wish = new URLSearchParams({
      state: look.state ?? "open",
      escrow: look.escrow ?? "threshold",
      settings: JSON.stringify(look.settings ?? {}),
      alarms: JSON.stringify(look.alarms ?? []),
      ...(look.worker ? { worker: "yes" } : {}),
    });
    await page.goto(`${this.address}?${wish}${look.route ?? ""}`);
    await page.waitForSelector("html[data-ready]");
    return page;
  }

  async end(): Promise<void> {
    await Promise.all(this.#contexts.map((each) => each.close()));
    await this.browser.close();
    this.#server.close();
    await rm(this.#profile, { recursive: true, force: true });
  }
}
