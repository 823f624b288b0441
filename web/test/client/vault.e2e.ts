/** What somebody who can write to the device's disk, but not unlock it, can make of the vault. */

import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PASSPHRASE, Stage } from "./stage.ts";

let stage: Stage;
let context: BrowserContext;
let page: Page;

type Name = readonly (string | number)[];

beforeAll(async () => {
  stage = await Stage.begin();
  // Without a service worker, the server alone says when a script comes.
  context = await stage.context({ serviceWorkers: "block" });
  page = await stage.open(context);
  await stage.register(page, "noa");
});

afterAll(async () => {
  await context.close();
  await stage.end();
});

/** Puts one row's sealed bytes in another's place, or none; gives what was there. */
function put(name: Name, sealed: number[] | undefined): Promise<number[]> {
  return page.evaluate(
    ([key, value]) =>
      new Promise<number[]>((done, fail) => {
        const request = indexedDB.open("doublelock");
        request.onerror = () => fail(request.error);
        request.onsuccess = () => {
          const change = request.result.transaction("rows", "readwrite");
          const store = change.objectStore("rows");
          const before = store.get([...key]);
          before.onsuccess = () => {
            if (value === null) store.delete([...key]);
            else store.put(Uint8Array.from(value), [...key]);
          };
          change.oncomplete = () => {
            request.result.close();
            done([...((before.result as Uint8Array | undefined) ?? [])]);
          };
          change.onabort = () => fail(change.error);
        };
      }),
    [name, sealed ?? null] as const,
  );
}

/** What a row has, sealed. */
async function sealed(name: Name): Promise<number[]> {
  const data = await put(name, undefined);
  expect(data.length).toBeGreaterThan(28);
  await put(name, data);
  return data;
}

async function reopen(): Promise<void> {
  await page.close();
  page = await stage.open(context);
}

/** Locks, lets the rows be changed, and expects that nothing of it is accepted. */
async function refused(change: () => Promise<void>): Promise<void> {
  await reopen();
  await change();
  await page.locator("input[type=password]").fill("correct horse battery staple");
  await page.click("form button[type=submit]");
  await page.getByText("A local file was cut or changed").waitFor();
  expect(await page.locator(".panes").count()).toBe(0);
}

test("keeps what it has verified, sealed", async () => {
  await reopen();
  await stage.unlock(page);
  await page.locator(".list-pane").waitFor();
  await reopen();
  await sealed(["verified", 0]);
});

test("shows the door, in its language, before the worker answers", async () => {
  await page.evaluate(() => {
    location.hash = "#/settings";
  });
  await stage.unlock(page);
  await page.locator("select").first().selectOption("he");
  await page.waitForSelector("html[lang=he]");
  await page.close();
  // Its script is held back, as by a slow device.
  let release: () => void = () => undefined;
  const held = new Promise<void>((done) => {
    release = done;
  });
  await context.route(/\/assets\/worker-/, async (route) => {
    await held;
    await route.continue();
  });
  page = await context.newPage();
  await page.goto(`${stage.address}/#/settings`);
  await page.locator("input[type=password]").fill(PASSPHRASE);
  expect(await page.getAttribute("html", "dir")).toBe("rtl");
  expect(await page.getAttribute("html", "data-ready")).toBeNull();
  // Whoever is quick is not told to wait.
  await page.click("form button[type=submit]");
  release();
  await page.waitForSelector(".panes");
  await page.locator("select").first().selectOption("en");
  await page.waitForSelector("html[lang=en]");
  await context.unroute(/\/assets\/worker-/);
});

test("refuses a row in another's place, a changed one and a gap", async () => {
  const kept = new Map<Name, number[]>();
  const names: Name[] = [
    ["verified", 0],
    ["log-law", 0],
    ["log-law", 1],
  ];
  for (const name of names) kept.set(name, await sealed(name));
  const [verified, first, second] = names as [Name, Name, Name];
  const restore = async () => {
    for (const [name, data] of kept) await put(name, data);
  };
  await refused(async () => {
    await put(first, kept.get(second));
    await put(second, kept.get(first));
  });
  await refused(async () => {
    await restore();
    await put(verified, kept.get(first));
  });
  await refused(async () => {
    await restore();
    await put(verified, kept.get(verified)?.with(20, ((kept.get(verified)?.[20] ?? 0) + 1) % 256));
  });
  await refused(async () => {
    await restore();
    await put(first, undefined);
  });
  // What was verified may be forgotten: then it is verified again.
  await reopen();
  await restore();
  await put(verified, undefined);
  await stage.unlock(page);
  await page.locator(".list-pane").waitFor();
  await reopen();
  await restore();
  await stage.unlock(page);
  expect(stage.problems).toEqual([]);
});
