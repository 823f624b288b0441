/** Browsers whose clock is moved together with the deployment's. */

import type { BrowserContext, Page } from "playwright-core";
import type { Stage } from "./stage.ts";

const CHANNEL = "test-clock";
const WORKER = /\/assets\/worker[^/]*\.js$/;

/** Runs in the page and in its worker: both live on another day, by `ms`, until told of another. */
function shift(channel: string, ms: number): void {
  let by = ms;
  const RealDate = Date;
  class MovedDate extends RealDate {
    constructor(...given: unknown[]) {
      if (given.length === 0) super(RealDate.now() + by);
      else super(...(given as [number]));
    }
    static override now(): number {
      return RealDate.now() + by;
    }
  }
  globalThis.Date = MovedDate as DateConstructor;
  new BroadcastChannel(channel).onmessage = ({ data }) => {
    by = data as number;
  };
}

export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly locale?: string;
  readonly dark?: boolean;
}

/** The contexts of one stage that go by its deployment's clock. */
export class Clocked {
  readonly #stage: Stage;
  readonly #pages: Page[] = [];
  readonly #contexts: BrowserContext[] = [];
  #by = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  get #script(): string {
    return `(${shift})(${JSON.stringify(CHANNEL)}, ${this.#by});`;
  }

  async #measure(): Promise<void> {
    const now = await this.#stage.ask<number>("law", { step: "now" });
    this.#by = now - Date.now();
  }

  async context(look: Look = {}): Promise<BrowserContext> {
    await this.#measure();
    const context = await this.#stage.browser.newContext({
      viewport: { width: look.width ?? 1280, height: look.height ?? 820 },
      locale: look.locale ?? "en-GB",
      colorScheme: look.dark === true ? "dark" : "light",
      serviceWorkers: "block",
    });
    await context.addInitScript(this.#script);
    await context.route(WORKER, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, body: this.#script + (await answer.text()) });
    });
    this.#contexts.push(context);
    return context;
  }

  async open(context: BrowserContext): Promise<Page> {
    const page = await this.#stage.open(context);
    this.#pages.push(page);
    return page;
  }

  /** Moves the deployment's clock and every browser's, by days or to the noon of a day. */
  async move(how: { readonly days: number } | { readonly to_day: number }): Promise<void> {
    await this.#stage.ask("law", { step: "move", ...how });
    await this.#measure();
    for (const context of this.#contexts) await context.addInitScript(this.#script);
    for (const page of this.#pages) {
      await page.evaluate(
        ([channel, by]) => new BroadcastChannel(channel as string).postMessage(by),
        [CHANNEL, this.#by],
      );
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#contexts.map((each) => each.close()));
  }
}
