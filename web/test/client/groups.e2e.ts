/** Coming into groups by a link, and who may do what there, through a real server. */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { go, type Heard, open, Stage, utf8, write } from "./stage.ts";

let stage: Stage;
let page: Page;
let mira: Page;
let group: string;

beforeAll(async () => {
  stage = await Stage.begin();
  page = await stage.open(await stage.context());
  await stage.register(page, "noa");
  mira = await stage.open(await stage.context());
  await stage.register(mira, "mira");
  await stage.ask("person", { name: "bela" });
  group = await stage.ask<string>("group", { name: "bela", with: ["noa"], title: "Quay 7" });
  await stage.ask("admins", { name: "bela", conversation: group, with: ["bela", "noa"] });
  await page.locator(".item-open", { hasText: "Quay 7" }).waitFor();
});

afterAll(() => stage.end());

/** Waits until bela's client was told of a text. */
async function hears(text: string): Promise<void> {
  const heard = async () =>
    (await stage.ask<Heard[]>("hear", { name: "bela", count: 0 })).map((one) =>
      utf8(one.hex ?? ""),
    );
  await expect.poll(heard).toContain(text);
}

test("lets people in by a link, after a person's word or at once", async () => {
  await go(page, `#/c/${group}/info`);
  await page.getByRole("button", { name: "Make a link" }).click();
  const text = async (where = page) =>
    (await where.locator(".copy-line output").textContent()) ?? "";
  const link = await text();
  expect(link.length).toBeLessThan(400);
  await go(mira, "#/new");
  await mira.getByRole("button", { name: "Join a group by link" }).click();
  await mira.locator("dialog input").fill(link);
  await mira.locator("dialog bdi", { hasText: "Quay 7" }).waitFor();
  await mira.getByRole("button", { name: "Ask to join" }).click();
  await page.locator(".card", { hasText: "Asking to join" }).getByText("mira").waitFor();
  await page.getByRole("button", { name: "Let in" }).click();
  await open(mira, group);
  await mira.locator(".head-name", { hasText: "Quay 7" }).waitFor();
  await write(mira, "thanks for letting me in");
  await hears("thanks for letting me in");
  // A newcomer: the invite carries the link, and this time nobody is asked.
  await page.getByRole("switch", { name: "Let in at once whoever has the link" }).click();
  await expect.poll(() => text()).not.toBe(link);
  const fresh = await text();
  await page.getByRole("button", { name: "Invite somebody new" }).click();
  const invite = page.locator("dialog .copy-line output");
  await invite.waitFor();
  const line = (await invite.textContent()) ?? "";
  expect(line.startsWith(fresh.slice(0, -4))).toBe(true);
  await page.keyboard.press("Escape");
  const ora = await stage.open(await stage.context());
  await stage.register(ora, "ora", { invite: line });
  await ora.locator(".item-open", { hasText: "Quay 7" }).click();
  await write(ora, "new here");
  await hears("new here");
  // An older link serves nobody: what is asked by it is dropped.
  await open(ora, group);
  await go(ora, `#/c/${group}/info`);
  await ora.getByRole("button", { name: "Leave the group" }).click();
  await ora.locator("dialog .danger").click();
  const members = () => stage.ask<string[]>("members", { name: "bela", conversation: group });
  await expect.poll(async () => (await members()).length).toBe(3);
  await page.getByRole("button", { name: "Switch the link off" }).click();
  await page.getByRole("button", { name: "Make a link" }).waitFor();
  await page.getByRole("switch", { name: "Let in at once whoever has the link" }).click();
  await go(ora, "#/new");
  await ora.getByRole("button", { name: "Join a group by link" }).click();
  await ora.locator("dialog input").fill(fresh);
  await ora.getByRole("button", { name: "Ask to join" }).click();
  await ora.locator("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Make a link" }).click();
  const last = await text();
  await go(ora, "#/new");
  await ora.getByRole("button", { name: "Join a group by link" }).click();
  await ora.locator("dialog input").fill(last);
  await ora.getByRole("button", { name: "Ask to join" }).click();
  await page.locator(".card", { hasText: "Asking to join" }).getByText("ora").waitFor();
  await page
    .locator(".card", { hasText: "Asking to join" })
    .getByRole("button", { name: "Refuse" })
    .click();
  await page.locator(".card", { hasText: "Asking to join" }).waitFor({ state: "detached" });
  expect((await members()).length).toBe(3);
});

test("links lead from either client into the other's groups", async () => {
  const link = (await page.locator(".copy-line output").textContent()) ?? "";
  await stage.ask("person", { name: "carl" });
  await stage.ask("join", { name: "carl", link });
  await page.locator(".card", { hasText: "Asking to join" }).getByText("carl").waitFor();
  await page.getByRole("button", { name: "Let in" }).click();
  const theirs = () => stage.ask<string[]>("conversations", { name: "carl" });
  await expect.poll(theirs).toEqual([group]);
  const own = await stage.ask<string>("group", { name: "carl", with: ["bela"], title: "Pier 3" });
  const open = await stage.ask<string>("link", { name: "carl", conversation: own, at_once: true });
  await page.goto(open);
  await page.reload();
  await page.waitForSelector("html[data-ready]");
  await stage.unlock(page);
  await page.locator("dialog").getByRole("button", { name: "Ask to join" }).click();
  await page.locator(".item-open", { hasText: "Pier 3" }).waitFor();
});

test("tells that one is here, where both turned it on", async () => {
  await go(page, "#/new");
  await page.locator(".main-pane input[type=search]").fill("mira");
  await page.locator(".main-pane .row", { hasText: "mira" }).click();
  await page.locator(".head-name", { hasText: "mira" }).waitFor();
  await write(page, "are you there?");
  await mira.locator(".item-open", { hasText: "are you there?" }).click();
  const line = mira.locator(".conversation-head .head-text small");
  for (const where of [page, mira]) {
    const before = await where.evaluate(() => location.hash);
    await go(where, "#/settings");
    await where.getByRole("switch", { name: "Last seen" }).click();
    await go(where, before);
  }
  await line.filter({ hasText: "here now" }).waitFor();
  await page.locator(".conversation-head small", { hasText: "here now" }).waitFor();
  await go(page, "#/settings");
  await page.getByRole("switch", { name: "Last seen" }).click();
  await line.filter({ hasText: "last seen" }).waitFor();
});

test("hides somebody who was blocked, and folds what they say in groups", async () => {
  const direct = (await mira.evaluate(() => location.hash)).split("/")[2] ?? "";
  await go(page, "#/");
  const item = page.locator(".item", { hasText: "mira" });
  await item.first().waitFor();
  const account = await mira.evaluate(() => location.hash);
  expect(account).toContain(direct);
  await go(page, `#/c/${direct}/info`);
  await page.getByRole("button", { name: "Safety code" }).click();
  await page.getByRole("button", { name: "Block" }).click();
  await page.getByRole("button", { name: "Unblock" }).waitFor();
  await page.locator(".item", { hasText: "are you there?" }).waitFor({ state: "detached" });
  await open(mira, direct);
  await write(mira, "hello? hello?");
  await open(mira, group);
  await write(mira, "he does not answer");
  await hears("he does not answer");
  await open(page, group);
  const folded = page.locator(".message.theirs", { hasText: "somebody you blocked" }).last();
  await folded.waitFor();
  expect(await page.getByText("hello? hello?").count()).toBe(0);
  expect(await page.locator(".timeline").getByText("he does not answer").count()).toBe(0);
  await folded.getByRole("button", { name: "Show it" }).click();
  await page.locator(".timeline").getByText("he does not answer").waitFor();
  await go(page, "#/settings");
  await page.locator(".card", { hasText: "Blocked people" }).getByText("mira").click();
  await page.getByRole("button", { name: "Unblock" }).click();
  await page.locator(".item", { hasText: "hello? hello?" }).waitFor();
  expect(stage.problems).toEqual([]);
});
