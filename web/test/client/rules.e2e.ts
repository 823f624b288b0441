/** Rules that change while the app is open, messages that disappear, months whose keys are destroyed. */

import { mkdir } from "node:fs/promises";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Clocked } from "./clocked.ts";
import { go as goTo, readTrust, Stage } from "./stage.ts";

const PICTURES = process.env["SCREENSHOTS"];
const DAY_MS = 86_400_000;
let stage: Stage;
let clocked: Clocked;
let context: BrowserContext;
let page: Page;
let conversation = "";
/** The last day of the month in which everything begins. */
let last = 0;

beforeAll(async () => {
  stage = await Stage.begin({ moving: true });
  clocked = new Clocked(stage);
  const now = new Date(await stage.ask<number>("law", { step: "now" }));
  last = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 0) / DAY_MS;
  await clocked.move({ to_day: last });
  context = await clocked.context();
  page = await clocked.open(context);
  await stage.register(page, "noa");
  await stage.ask("person", { name: "bela" });
});

afterAll(async () => {
  await clocked.end();
  await stage.end();
});

const law = <T = unknown>(step: string, how: object = {}) => stage.ask<T>("law", { step, ...how });

const go = (hash: string) => goTo(page, hash);
const trust = () => readTrust(page);

async function picture(name: string): Promise<void> {
  if (PICTURES === undefined) return;
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path: `${PICTURES}/${name}.png` });
}

/** What the browser's vault holds of a conversation: its rows lie open, their values are sealed. */
function rows(): Promise<string[]> {
  return page.evaluate(async (name) => {
    const opening = indexedDB.open("doublelock");
    await new Promise((done) => {
      opening.onsuccess = done;
    });
    const asked = opening.result.transaction("rows").objectStore("rows").getAllKeys();
    await new Promise((done) => {
      asked.onsuccess = done;
    });
    opening.result.close();
    return asked.result
      .map((key) => (key as unknown[]).join("/"))
      .filter((key) => key.startsWith(`history/${name}/`) || key.startsWith(`place/${name}/`));
  }, conversation);
}

test("lets messages disappear from the screen, the list and the vault", async () => {
  conversation = await stage.ask<string>("group", { name: "bela", with: ["noa"], direct: true });
  await page.locator(".item-open", { hasText: "bela" }).click();
  await page.fill(".composer textarea", "for a month at most");
  await page.press(".composer textarea", "Enter");
  await stage.ask("hear", { name: "bela", count: 1 });
  const before = (await rows()).length;
  await stage.ask("timer", { name: "bela", conversation, seconds: 4 });
  await page.locator(".news.timer").waitFor();
  const id = await stage.ask<string>("send", { name: "bela", conversation, text: "burns soon" });
  await page.locator(".timeline").getByText("burns soon").waitFor();
  await page.locator(".item-preview", { hasText: "burns soon" }).waitFor();
  expect((await rows()).some((row) => row.endsWith(id))).toBe(true);
  await page.locator(".timeline").getByText("burns soon").waitFor({ state: "detached" });
  await page.locator(".item-preview", { hasText: "for a month at most" }).waitFor();
  // What stays is the line that says that a timer was set.
  await expect.poll(async () => (await rows()).length).toBe(before + 2);
  expect((await rows()).some((row) => row.endsWith(id))).toBe(false);
  await stage.ask("timer", { name: "bela", conversation, seconds: 0 });
});

test("follows an amendment: says what will change, then that it has, and goes by it", async () => {
  const how = { retention_days: 30, cap: 500, rename: "Crown Office of Northland", gag_days: 10 };
  await law("amend", { ...how, new_keys: true });
  let text = await trust();
  expect(text).toContain("Amendment number 1 takes effect on");
  expect(text).toContain("destroyed after 92 days");
  await go("#/c/service");
  const card = page.locator(".amendment-card");
  await card.first().waitFor();
  const words = await card.first().innerText();
  for (const said of [
    "The rules will change",
    "Messages and keys are destroyed after: 30 days (before: 92 days)",
    "Person-days in any 30 days, at most: 500 (before: 20,000)",
    "Who may ask:",
    "Crown Office of Northland",
    "You may be kept from knowing for, at most: 10 days (before: 30 days)",
    "Key for the server's receipts",
    "Verified on this device: amendment 1 is in the law log",
  ]) {
    expect(words).toContain(said);
  }
  await picture("amendment");
  await clocked.move({ to_day: last + 8 });
  text = await trust();
  expect(text).toContain("Amendment number 1, in force since");
  expect(text).toContain("destroyed after 30 days");
  expect(text).toContain("At most 500 person-days");
  expect(text).toContain("Changes so far");
  expect(text).toContain("Crown Office of Northland");
  await picture("trust-amended");
  await go("#/c/service");
  await card.nth(1).waitFor();
  expect(await card.nth(1).innerText()).toContain("The rules have changed");
  expect(await card.count()).toBe(2);
  await go(`#/c/${conversation}`);
  await page.fill(".composer textarea", "under the new rules");
  await page.press(".composer textarea", "Enter");
  await stage.ask("hear", { name: "bela", count: 2 });
});

test("tells which months' keys were destroyed, and what was preserved before", async () => {
  await law("look", { times: 4 });
  await clocked.move({ to_day: last + 27 });
  await law("warrant", { on: ["noa"], day: last, until: "requested" });
  await clocked.move({ to_day: last + 31 });
  await law("look", { times: 2 });
  await clocked.move({ to_day: last + 32 });
  await law("look", { times: 2 });
  const text = await trust();
  expect(text).toContain("1 destroyed so far");
  await page.locator("summary", { hasText: "Month keys" }).click();
  const month = page.locator(".months .destroyed");
  const words = await month.innerText();
  expect(words).toContain("destroyed: nothing of that month can be opened any more");
  expect(words).toContain("Destroyed by 5 custodians and the court");
  expect(words).toContain(
    "Except 1 person-day, preserved before that for a warrant already in force",
  );
  expect(await page.locator(".months .coming").count()).toBeGreaterThan(0);
  await month.scrollIntoViewIfNeeded();
  await picture("months");
});

test("deletes in the vault what the charter's retention has ended", async () => {
  await page.reload();
  await page.waitForSelector("html[data-ready]");
  await stage.unlock(page);
  await go(`#/c/${conversation}`);
  await page.locator(".timeline").getByText("under the new rules").waitFor();
  await page.getByText("for a month at most").waitFor({ state: "detached" });
  // Only what is younger than 30 days is left: the last message, and its place.
  await expect.poll(async () => (await rows()).length).toBe(2);
  await picture("retention");
  expect(stage.problems).toEqual([]);
});
