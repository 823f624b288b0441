/** A person in a browser and one with the Python client, in one group, through a real server. */

import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Heard, Stage } from "./stage.ts";

let stage: Stage;
let context: BrowserContext;
let page: Page;
let conversation: string;
let made = "";
let early = "";

const ODD = "👩‍👩‍👧 שלום עולם مرحبا   <b>&amp;</b> \t ende";

beforeAll(async () => {
  stage = await Stage.begin();
  context = await stage.context();
  page = await stage.open(context);
});

afterAll(() => stage.end());

async function write(text: string): Promise<void> {
  await page.fill(".composer textarea", text);
  await page.press(".composer textarea", "Enter");
}

async function hear(count: number): Promise<Heard[]> {
  return stage.ask<Heard[]>("hear", { name: "bela", count });
}

function theirs(): Promise<string[]> {
  return stage.ask<string[]>("conversations", { name: "bela" });
}

const utf8 = (data: string) => Buffer.from(data, "hex").toString();

test("registers by an invite, through the interface", async () => {
  await stage.register(page, "noa");
  early = await (await fetch(`${stage.address}/log/key/checkpoint`)).text();
  expect(stage.problems).toEqual([]);
});

test("is welcomed into a group, reads and writes", async () => {
  await stage.ask("person", { name: "bela" });
  conversation = await stage.ask<string>("group", { name: "bela", with: ["noa"], title: "Quay 7" });
  await page.locator(".item-open", { hasText: "Quay 7" }).click();
  await stage.ask("send", { name: "bela", conversation, text: ODD });
  await page.locator(".timeline").getByText("שלום עולם").first().waitFor();
  await write(ODD);
  const heard = await hear(3);
  const own = heard.at(-1);
  expect(own?.kind).toBe("Text");
  expect(utf8(own?.hex ?? "")).toBe(ODD);
});

test("shows bytes that are no UTF-8 as what they were", async () => {
  await stage.ask("send", {
    name: "bela",
    conversation,
    hex: "63616665e9 20ff00".replace(" ", ""),
  });
  await page.locator(".timeline").getByText("cafeé").waitFor();
});

test("keeps its history over a reload", async () => {
  await page.reload();
  await page.waitForSelector("html[data-ready]");
  await stage.unlock(page);
  await page.locator(".timeline").getByText("cafeé").waitFor();
  await write("after the reload");
  expect(utf8((await hear(5)).at(-1)?.hex ?? "")).toBe("after the reload");
});

test("queues while offline, and delivers when it is back", async () => {
  await context.setOffline(true);
  await write("from the tunnel");
  await page.getByText("from the tunnel").last().waitFor();
  // Meanwhile the group moved on: what was written must be sealed for the new epoch.
  await stage.ask("renew", { name: "bela", conversation });
  await stage.ask("send", { name: "bela", conversation, text: "where are you?" });
  await context.setOffline(false);
  await page.getByText("where are you?").last().waitFor();
  const heard = await hear(7);
  expect(heard.map((one) => utf8(one.hex ?? ""))).toContain("from the tunnel");
  expect(heard.filter((one) => one.kind === "refused")).toEqual([]);
});

test("makes a group from the browser, which the others join", async () => {
  await page.evaluate(() => {
    location.hash = "#/new-group";
  });
  await page.locator("input:not([type=search]):not([type=file])").first().fill("Night shift");
  await page.locator(".main-pane input[type=search]").fill("bela");
  await page.locator(".people-choice label", { hasText: "bela" }).click();
  await page.locator(".foot .button.primary").click();
  await page.locator(".item-open", { hasText: "Night shift" }).waitFor();
  await expect.poll(async () => (await theirs()).length).toBe(2);
  made = (await theirs()).find((one) => one !== conversation) ?? "";
  await page.locator(".composer textarea").waitFor();
  await write("first of the night");
  await expect
    .poll(async () => (await hear(0)).map((one) => utf8(one.hex ?? "")))
    .toContain("first of the night");
});

test("shows replies, edits, reactions and marks of others", async () => {
  const id = await stage.ask<string>("send", { name: "bela", conversation: made, text: "draught" });
  await page.locator(".timeline").getByText("draught").waitFor();
  await stage.ask("edit", { name: "bela", conversation: made, to: id, text: "draft four metres" });
  await page.locator(".timeline").getByText("draft four metres").waitFor();
  await stage.ask("react", { name: "bela", conversation: made, to: id, mark: "⚓" });
  await page.locator(".reaction", { hasText: "⚓" }).waitFor();
  await stage.ask("send", { name: "bela", conversation: made, to: id, text: "in answer" });
  await page.locator(".quote").getByText("draft four metres").waitFor();
  await stage.ask("read", { name: "bela", conversation: made });
  await page.locator(".ticks.read").first().waitFor();
});

test("sends a file, sealed", async () => {
  const file = { name: "tide.txt", mimeType: "text/plain", buffer: Buffer.from("high at six") };
  await page.locator(".composer input[type=file]").last().setInputFiles(file);
  await page.press(".composer textarea", "Enter");
  await expect.poll(async () => (await hear(0)).map((one) => one.kind)).toContain("Attachment");
});

test("says that it was taken out of a group", async () => {
  await stage.ask("remove", { name: "bela", conversation, with: ["noa"] });
  await page.locator(".item-open", { hasText: "Quay 7" }).click();
  await page.locator(".news.removed").last().waitFor();
  await page.locator(".composer textarea").waitFor({ state: "detached" });
});

test("notices a key log that was rolled back, and says so", async () => {
  let shown = 0;
  await context.route("**/log/key/checkpoint", (route) => {
    shown += 1;
    return route.fulfill({ body: early, contentType: "text/plain" });
  });
  await page.evaluate(() => {
    location.hash = "#/trust";
  });
  const alarm = page.locator("dialog[open]");
  await alarm.waitFor();
  expect(shown).toBeGreaterThan(0);
  await context.unroute("**/log/key/checkpoint");
  await alarm.locator("button").last().click();
  await alarm.waitFor({ state: "detached" });
});

test("shares one device between two tabs, and takes over when the first is closed", async () => {
  await page.locator(".item-open", { hasText: "Night shift" }).click();
  const second = await stage.open(context);
  await second.locator(".item-open", { hasText: "Night shift" }).click();
  await second.fill(".composer textarea", "from the second tab");
  await second.press(".composer textarea", "Enter");
  await page.locator(".timeline").getByText("from the second tab").waitFor();
  await page.close();
  await second.getByText("No other tab keeps it").waitFor();
  await stage.unlock(second);
  await second.locator(".timeline").getByText("from the second tab").waitFor();
  expect(stage.problems).toEqual([]);
});
