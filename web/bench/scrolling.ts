/**
 * Scrolling, by the interface over the messenger in memory: 10,000 messages are not sent for this.
 *
 * Frames a second say what a person sees, and fall with whatever else the machine does; the main
 * thread's own time for a frame says what the interface costs. Both stand beside the same rows on a
 * page without a script, which nothing that scrolls them can beat.
 */

import type { CDPSession, Page } from "playwright-core";
import { DESKTOP, PHONE, Stage } from "../test/app/browser.ts";
import type { Figure } from "./figure.ts";

const SECONDS = 3;
const STEP = -120;
const LONG = "long000000000000";
const VIEW = ".timeline";
/** How often the still page has the rows that are drawn at once: more than is scrolled over. */
const COPIES = 40;

interface Run {
  /** Frames a second, and the longest in ms. */
  readonly rate: number;
  readonly longest: number;
  /** What the main thread computed for one, in ms. */
  readonly cost: number;
}

/** The seconds that a page's main thread has computed so far, whatever else ran beside it. */
async function computed(session: CDPSession): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN;
}

async function listenIn(page: Page): Promise<CDPSession> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  return session;
}

/** Scrolls for some seconds, a wheel's step each frame. */
async function scroll(page: Page): Promise<Run> {
  const session = await listenIn(page);
  const before = await computed(session);
  const frames = await page.evaluate(
    async ([name, by, seconds]) => {
      const view = document.querySelector(name);
      if (view === null) throw new Error(`no ${name}`);
      const times: number[] = [];
      let last = await new Promise<number>(requestAnimationFrame);
      const end = last + seconds * 1000;
      while (last < end) {
        view.scrollTop += by;
        const now = await new Promise<number>(requestAnimationFrame);
        times.push(now - last);
        last = now;
      }
      return times;
    },
    [VIEW, STEP, SECONDS] as const,
  );
  const cost = (1000 * ((await computed(session)) - before)) / frames.length;
  await session.detach();
  const whole = frames.reduce((sum, each) => sum + each, 0);
  return { rate: (1000 * frames.length) / whole, longest: Math.max(...frames), cost };
}

/** The rows that a page shows, many times over, on a page that has nothing but them. */
async function scrollStill(page: Page): Promise<Run> {
  const [rows, rules] = await page.evaluate(() => [
    document.querySelector(".timeline ol")?.outerHTML ?? "",
    [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).map((one) => one.cssText),
  ]);
  const still = await page.context().newPage();
  await still.setContent(
    `<style>${rules.join("\n")}</style><div class="conversation"><div class="timeline-frame">` +
      `<div class="timeline">${rows.repeat(COPIES)}</div></div></div>`,
  );
  await still.addStyleTag({ content: ".conversation { height: 100vh }" });
  await still.evaluate((name) => document.querySelector(name)?.scrollTo(0, 1e9), VIEW);
  const run = await scroll(still);
  await still.close();
  return run;
}

/** Loads all history; what the main thread computed for it, in ms. */
async function loadAll(page: Page): Promise<number> {
  const session = await listenIn(page);
  const before = await computed(session);
  await page.evaluate(async (id) => {
    const timeline = model.timeline(id);
    while (timeline.older.value) await timeline.loadOlder();
  }, LONG);
  const cost = 1000 * ((await computed(session)) - before);
  await session.detach();
  return cost;
}

export async function measureScrolling(): Promise<Figure[]> {
  const stage = await Stage.begin();
  try {
    const figures: Figure[] = [];
    for (const [name, size] of [
      ["desktop", DESKTOP],
      ["phone", PHONE],
    ] as const) {
      const page = await stage.open({ ...size, route: `#/c/${LONG}` });
      await page.waitForSelector(".message");
      const bare = await scrollStill(page);
      const loading = await loadAll(page);
      const run = await scroll(page);
      await stage.clear();
      const beside = { ceiling_name: "the same rows without a script" };
      const less = { unit: "ms", smaller_is_better: true, ...beside };
      figures.push(
        {
          name: `scrolling 10,000 messages, ${name}`,
          value: run.rate,
          unit: "frames/s",
          ceiling: bare.rate,
          ...beside,
        },
        {
          name: `  its longest frame, ${name}`,
          value: run.longest,
          ceiling: bare.longest,
          ...less,
        },
        {
          name: `  the main thread for a frame, ${name}`,
          value: run.cost,
          ceiling: bare.cost,
          ...less,
        },
        {
          name: `  the main thread for loading all of them, ${name}`,
          value: loading,
          unit: "ms",
          smaller_is_better: true,
        },
      );
    }
    return figures;
  } finally {
    await stage.end();
  }
}
