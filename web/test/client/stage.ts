/** A deployment with Python clients, and browsers on the client that it serves. */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";

const SCRIPT = fileURLToPath(new URL("world.py", import.meta.url));
const WEB = fileURLToPath(new URL("../../dist", import.meta.url));
const VENV = fileURLToPath(new URL("../../../.venv/bin/python", import.meta.url));
const PYTHON = process.env["DOUBLELOCK_PYTHON"] ?? (existsSync(VENV) ? VENV : "python3");

/** How long a busy machine is given for one thing to be seen; nothing waits for it to pass. */
const PATIENCE_MS = 60_000;

export const PASSPHRASE = "correct horse battery staple";

export interface Heard {
  readonly kind: string;
  readonly from: string;
  readonly id: string;
  readonly hex: string;
}

export const utf8 = (data: string) => Buffer.from(data, "hex").toString();

/** Goes to a place in the app. */
export async function go(where: Page, fragment: string): Promise<void> {
  await where.evaluate((hash) => {
    location.hash = hash;
  }, fragment);
}

/** Opens a conversation that can be written to. */
export async function open(where: Page, conversation: string): Promise<void> {
  await go(where, `#/c/${conversation}`);
  await where.locator(".composer textarea").waitFor();
}

export async function write(where: Page, text: string): Promise<void> {
  await where.fill(".composer textarea", text);
  await where.press(".composer textarea", "Enter");
}

/** Opens the honest page anew, which reads both logs first; gives its words. */
export async function readTrust(where: Page): Promise<string> {
  await go(where, "#/settings");
  await where.waitForSelector("select");
  await go(where, "#/trust");
  await where.waitForSelector(".trust");
  return where.locator(".trust").innerText();
}

/** How a person comes in: by a given invite, or by a fresh one to a committee. */
export interface Entrance {
  readonly invite?: string;
  readonly committee?: number;
}

export class Stage {
  readonly problems: string[] = [];
  readonly address: string;
  readonly browser: Browser;
  readonly #child: ChildProcess;
  readonly #answers: ((line: string) => void)[];
  readonly #contexts: BrowserContext[] = [];
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    address: string,
    browser: Browser,
    child: ChildProcess,
    answers: ((line: string) => void)[],
  ) {
    this.address = address;
    this.browser = browser;
    this.#child = child;
    this.#answers = answers;
  }

  /**
   * `wish` is for `world.py`: a clock that moves, jurisdictions, a proxy's address. `film` is what
   * the camera sees.
   */
  static async begin(wish: Readonly<Record<string, unknown>> = {}, film?: string): Promise<Stage> {
    const asked = [SCRIPT, WEB, JSON.stringify(wish)];
    const child = spawn(PYTHON, asked, { stdio: ["pipe", "pipe", "inherit"] });
    const { stdout } = child;
    const answers: ((line: string) => void)[] = [];
    const first = new Promise<string>((give, fail) => {
      answers.push(give);
      child.on("exit", (code) => fail(new Error(`the world ended with ${code}`)));
    });
    child.once("exit", (code) => {
      for (const give of answers.splice(0)) {
        give(JSON.stringify({ code: "Ended", detail: `the world ended with ${code}` }));
      }
    });
    createInterface({ input: stdout }).on("line", (line) => answers.shift()?.(line));
    const { address } = JSON.parse(await first) as { address: string };
    const args = [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
    ];
    if (film !== undefined) args.push(`--use-file-for-fake-video-capture=${film}`);
    // A worker's script that a test has changed counts as of an unknown network.
    if (wish["moving"] === true) args.push("--disable-features=LocalNetworkAccessChecks");
    const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
    const browser = await chromium.launch({ executablePath, args });
    return new Stage(address, browser, child, answers);
  }

  /** Asks the Python side. */
  ask<T = unknown>(what: string, how: Readonly<Record<string, unknown>> = {}): Promise<T> {
    const run = this.#last.then(async () => {
      if (this.#child.exitCode !== null) throw new Error("the world has ended");
      const line = await new Promise<string>((give) => {
        this.#answers.push(give);
        this.#child.stdin?.write(`${JSON.stringify({ do: what, ...how })}\n`);
      });
      const answer = JSON.parse(line) as { value?: T; code?: string; detail?: string };
      if (answer.code !== undefined) throw new Error(`${what}: ${answer.code} ${answer.detail}`);
      return answer.value as T;
    });
    this.#last = run.catch(() => undefined);
    return run;
  }

  async context(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext({
      viewport: { width: 1280, height: 820 },
      locale: "en-GB",
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    this.#contexts.push(context);
    return context;
  }

  async open(context: BrowserContext, path = "/"): Promise<Page> {
    const page = await context.newPage();
    page.on("pageerror", (error) => this.problems.push(String(error)));
    page.on("console", (message) => {
      const text = message.text();
      // Being offline is part of the test.
      const known = /ERR_INTERNET_DISCONNECTED/.test(text);
      if (message.type() === "error" && !known) this.problems.push(text);
    });
    await page.goto(`${this.address}${path}`);
    await page.waitForSelector("html[data-ready]");
    return page;
  }

  /** Registers a person through the interface. */
  async register(page: Page, handle: string, given: Entrance = {}): Promise<void> {
    const { invite, committee = 1 } = given;
    await page.fill("input", invite ?? (await this.ask<string>("invite", { committee })));
    await page.waitForSelector("form.joining");
    await page.locator("input[autocomplete=username]").fill(handle);
    await page.locator("input[value=passphrase]").check();
    const secrets = page.locator("input[type=password]");
    await secrets.nth(0).fill(PASSPHRASE);
    await secrets.nth(1).fill(PASSPHRASE);
    await page.click("form.joining button[type=submit]");
    await page.waitForSelector(".panes");
  }

  async unlock(page: Page): Promise<void> {
    await page.locator("input[type=password]").fill(PASSPHRASE);
    await page.click("form button[type=submit]");
    await page.waitForSelector(".panes");
  }

  async end(): Promise<void> {
    await Promise.all(this.#contexts.map((each) => each.close()));
    await this.browser.close();
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((done) => this.#child.once("exit", done));
    this.#child.stdin?.end();
    await ended;
  }
}
