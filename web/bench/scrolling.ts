/** Scrolling, by the interface over the messenger in memory: 10,000 messages are not sent for this. */

import type { Page } from "playwright-core";
import { DESKTOP, PHONE, Stage } from "../test/app/browser.ts";
import type { Figure } from "./figure.ts";

const SECONDS = 3;

/** Scrolls for some seconds, a wheel's step each frame: frames a second, and the longest in ms. */
function scroll(page: Page, where: string, step: number): Promise<[rate: number, longest: number]> {
  return page.evaluate(
    async ([name, by, seconds]) => {
      const view = document.querySelector(name);
      if (view === null) throw new Error(`no ${name}`);
      const frames: number[] = [];
      let last = await new Promise<number>(requestAnimationFrame);
      const end = last + seconds * 1000;
      while (last < end) {
        view.scrollTop += by;
        const now = await new Promise<number>(requestAnimationFrame);
        frames.push(now - last);
        last = now;
      }
      const whole = frames.reduce((sum, each) => sum + each, 0);
      return [(1000 * frames.length) / whole, Math.max(...frames)] as [number, number];
    },
    [where, step, SECONDS] as const,
  );
}

export async function measureScrolling(): Promise<Figure[]> {
  const stage = await Stage.begin();
  try {
    const figures: Figure[] = [];
    for (const [name, size] of [
      ["desktop", DESKTOP],
      ["phone", PHONE],
    ] as const) {
      // A list that has nothing to draw anew: what this browser's frames are worth on this machine.
      const idle = await stage.open({ ...size, route: "#/trust" });
      await idle.waitForSelector(".trust");
      const [bare, bareLongest] = await scroll(idle, "html", 1);
      await stage.clear();
      const page = await stage.open({ ...size, route: "#/c/long000000000000" });
      await page.waitForSelector(".message");
      await page.evaluate(async () => {
        const timeline = model.timeline("long000000000000");
        while (timeline.older.value) await timeline.loadOlder();
      });
      await page.locator(".message").first().waitFor();
      const [rate, longest] = await scroll(page, ".timeline", -120);
      await stage.clear();
      figures.push(
        {
          name: `scrolling 10,000 messages, ${name}`,
          value: rate,
          unit: "frames/s",
          ceiling: bare,
          ceiling_name: "a page that does not change",
        },
        {
          name: `  its longest frame, ${name}`,
          value: longest,
          unit: "ms",
          ceiling: bareLongest,
          ceiling_name: "a page that does not change",
          smaller_is_better: true,
        },
      );
    }
    return figures;
  } finally {
    await stage.end();
  }
}
