/** Several devices of one person: two browsers and Python clients, linked, read and revoked. */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Heard, PASSPHRASE, Stage } from "./stage.ts";

let stage: Stage;
let first: Page;
let second: Page;
let conversation: string;

beforeAll(async () => {
  stage = await Stage.begin();
  first = await stage.open(await stage.context());
  second = await stage.open(await stage.context());
}, 180_000);

afterAll(() => stage.end());

const utf8 = (data: string) => Buffer.from(data, "hex").toString();

async function go(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
}

async function open(page: Page, title: string): Promise<void> {
  await page.locator(".item-open", { hasText: title }).click();
  await page.locator(".composer textarea").waitFor();
}

async function write(page: Page, text: string): Promise<void> {
  await page.fill(".composer textarea", text);
  await page.press(".composer textarea", "Enter");
}

function shown(page: Page, text: string) {
  return page.locator(".timeline").getByText(text).first();
}

/** Brings a fresh browser to where it shows its request; gives that line and its code. */
async function ask(page: Page, line: string, handle?: string): Promise<[string, string]> {
  await page.fill("input", line);
  await page.waitForSelector("form.joining");
  if (handle !== undefined) await page.locator("input[autocomplete=username]").fill(handle);
  await page.locator("input[type=radio]").nth(1).check();
  const secrets = page.locator("input[type=password]");
  await secrets.nth(0).fill(PASSPHRASE);
  await secrets.nth(1).fill(PASSPHRASE);
  await page.click("form.joining button[type=submit]");
  await page.locator("output.digits").waitFor();
  return requestOf(page);
}

async function requestOf(page: Page): Promise<[string, string]> {
  const digits = await page.locator("output.digits span").allTextContents();
  const text = await page.locator(".copy-line output").textContent();
  return [text ?? "", digits.join(" ")];
}

/** Approves a line on a browser that is open; gives the code that it showed. */
async function approve(page: Page, line: string): Promise<string> {
  await go(page, "#/link-device");
  await page.locator(".steps .button.primary").click();
  await page.locator("dialog[open] input").fill(line);
  await page.locator("dialog[open] footer .button.primary").click();
  const digits = page.locator("dialog[open] output.digits span");
  await digits.first().waitFor();
  const code = (await digits.allTextContents()).join(" ");
  await page.locator("dialog[open] footer .button.primary").click();
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  return code;
}

async function inviteFrom(page: Page): Promise<string> {
  await go(page, "#/link-device");
  return (await page.locator(".copy-line output").textContent()) ?? "";
}

async function bela(): Promise<string[]> {
  const heard = await stage.ask<Heard[]>("hear", { name: "bela", count: 0 });
  return heard.map((one) => utf8(one.hex ?? ""));
}

test("has written something before there is a second device", async () => {
  await stage.register(first, "noa");
  await stage.ask("person", { name: "bela" });
  conversation = await stage.ask<string>("group", { name: "bela", with: ["noa"], title: "Quay 7" });
  await open(first, "Quay 7");
  const id = await stage.ask<string>("send", { name: "bela", conversation, text: "high at five" });
  await shown(first, "high at five").waitFor();
  await stage.ask("edit", { name: "bela", conversation, to: id, text: "high at six" });
  await stage.ask("react", { name: "bela", conversation, to: id, mark: "⚓" });
  await write(first, "seen, thank you");
  await expect.poll(bela).toContain("seen, thank you");
  await shown(first, "high at six").waitFor();
});

test("links a second browser, whose code is the same on both", async () => {
  const [line, code] = await ask(second, await inviteFrom(first));
  expect(line).toMatch(/^doublelock-link:/);
  // A reload in between asks for the secret again, and shows the same line.
  await second.reload();
  await second.waitForSelector("html[data-ready]");
  await second.locator("input[type=password]").fill(PASSPHRASE);
  await second.click("form button[type=submit]");
  await second.locator("output.digits").waitFor();
  expect(await requestOf(second)).toEqual([line, code]);
  expect(await approve(first, line)).toBe(code);
  await second.waitForSelector(".panes");
});

test("hands the history over, and says whose word it is", async () => {
  await second.locator(".item-open", { hasText: "Quay 7" }).click();
  await shown(second, "high at six").waitFor();
  await shown(second, "seen, thank you").waitFor();
  await second.locator(".reaction", { hasText: "⚓" }).waitFor();
  await shown(second, "above came from your device").waitFor();
  expect(await second.locator(".timeline").getByText("high at five").count()).toBe(0);
});

test("reads and writes on both", async () => {
  await second.locator(".composer textarea").waitFor();
  await stage.ask("send", { name: "bela", conversation, text: "now to both of you" });
  await open(first, "Quay 7");
  await shown(first, "now to both of you").waitFor();
  await shown(second, "now to both of you").waitFor();
  await write(second, "from the second device");
  await shown(first, "from the second device").waitFor();
  await write(first, "from the first device");
  await shown(second, "from the first device").waitFor();
  await expect
    .poll(bela)
    .toEqual(expect.arrayContaining(["from the second device", "from the first device"]));
});
