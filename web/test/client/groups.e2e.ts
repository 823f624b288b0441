/** Coming into groups by a link, and who may do what there, through a real server. */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Heard, Stage } from "./stage.ts";

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
}, 180_000);

afterAll(() => stage.end());

const utf8 = (data: string) => Buffer.from(data, "hex").toString();

async function go(where: Page, fragment: string): Promise<void> {
  await where.evaluate((hash) => {
    location.hash = hash;
  }, fragment);
}

async function open(where: Page, conversation: string): Promise<void> {
  await go(where, `#/c/${conversation}`);
  await where.locator(".composer textarea").waitFor();
}

async function write(where: Page, text: string): Promise<void> {
  await where.fill(".composer textarea", text);
  await where.press(".composer textarea", "Enter");
}

/** Waits until bela's client was told of a text. */
async function hears(text: string): Promise<void> {
  const heard = async () =>
    (await stage.ask<Heard[]>("hear", { name: "bela", count: 0 })).map((one) =>
      utf8(one.hex ?? ""),
    );
  await expect.poll(heard, { timeout: 20_000 }).toContain(text);
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
  await expect.poll(async () => (await members()).length, { timeout: 20_000 }).toBe(3);
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
