/** Figures of the interface over the messenger in memory; they are printed, and assert nothing. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, it } from "vitest";
import { FOLDER, PHONE, Stage } from "./browser.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.begin();
});
afterAll(() => stage.end());

const print = (name: string, value: object) => console.log(JSON.stringify({ name, ...value }));
const middle = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

it("first load", async () => {
  const page = await stage.open({ route: "#/" });
  const paths = await page.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .map((each) => new URL(each.name).pathname)
      .filter((path) => /\.(js|css)$/.test(path) && !path.includes("memory_messenger")),
  );
  const files = await Promise.all(
    ["/index.html", ...new Set(paths)].map((path) => readFile(join(FOLDER, path))),
  );
  const sum = (size: (data: Buffer) => number) => files.reduce((all, each) => all + size(each), 0);
  print("first load, bytes", {
    files: files.length,
    plain: sum((each) => each.length),
    gzip: sum((each) => gzipSync(each, { level: 9 }).length),
    brotli: sum((each) => brotliCompressSync(each).length),
  });
});

it("opening with 200 conversations", async () => {
  const times: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    const page = await stage.open({ route: "#/" });
    times.push(
      await page.evaluate(async () => {
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        const [first] = performance.getEntriesByName("first-contentful-paint");
        return first?.startTime ?? 0;
      }),
    );
    await page.context().close();
  }
  print("first contentful paint of 200 conversations, ms", { middle: Math.round(middle(times)) });
});

/** Scrolls for two seconds, a wheel's step each frame; frames a second, and the longest frame. */
function scroll(page: Page, step: number): Promise<{ rate: number; longest: number }> {
  return page.evaluate(async (by) => {
    const view = document.querySelector(".timeline");
    if (view === null) throw new Error("no timeline");
    const frames: number[] = [];
    let last = performance.now();
    const end = last + 2_000;
    while (last < end) {
      view.scrollTop += by;
      const now = await new Promise<number>(requestAnimationFrame);
      frames.push(now - last);
      last = now;
    }
    const rate = (1000 * frames.length) / frames.reduce((a, b) => a + b, 0);
    return { rate: Math.round(rate), longest: Math.round(Math.max(...frames)) };
  }, step);
}

it.each([
  ["desktop", {}],
  ["phone", PHONE],
])("scrolling 10,000 messages on a %s", async (name, size) => {
  const page = await stage.open({ ...size, route: "#/c/long000000000000" });
  await page.waitForSelector(".message");
  await page.evaluate(async () => {
    const timeline = model.timeline("long000000000000");
    while (timeline.older.value) await timeline.loadOlder();
  });
  await page.waitForTimeout(500);
  print(`scrolling 10,000 messages, ${name}`, {
    up: await scroll(page, -60),
    fast: await scroll(page, -400),
    down: await scroll(page, 120),
  });
});

it("typed to shown", async () => {
  const page = await stage.open({ route: "#/c/co00000000000000" });
  const times: number[] = [];
  for (let n = 0; n < 9; n += 1) {
    await page.fill("textarea", `message ${n}`);
    times.push(
      await page.evaluate(
        (text) =>
          new Promise<number>((done) => {
            const begun = performance.now();
            const look = () =>
              document.querySelector(".message:last-child .rich")?.textContent === text
                ? done(performance.now() - begun)
                : requestAnimationFrame(look);
            document.querySelector<HTMLButtonElement>(".send")?.click();
            look();
          }),
        `message ${n}`,
      ),
    );
  }
  print("sent to shown in the list, ms", { middle: Math.round(middle(times)) });
});
