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
});

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
  await page.locator("input[value=passphrase]").check();
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

async function theirs(name: string): Promise<string[]> {
  return stage.ask<string[]>("conversations", { name });
}

/** Waits for an alarm that says so, and puts it away; others before it go too. */
async function alarm(page: Page, said: RegExp): Promise<void> {
  const dialog = page.locator("dialog[open].alarm");
  for (;;) {
    const element = await dialog.elementHandle();
    const text = (await element?.textContent()) ?? "";
    await (await element?.$("footer button"))?.click();
    await element?.waitForElementState("hidden");
    if (said.test(text)) return;
  }
}

test("has written something before there is a second device", async () => {
  await stage.ask("person", { name: "ines" });
  const invite = await stage.ask<string>("invite_by", { name: "ines" });
  await stage.register(first, "noa", { invite });
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
  await go(first, `#/p/${await stage.ask<string>("account", { name: "bela" })}`);
  await first.locator(".safety .button.primary").click();
  await first.locator(".safety.verified").waitFor();
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
  // Whom this person has verified is verified here too: their own keys are the same.
  await go(second, `#/p/${await stage.ask<string>("account", { name: "bela" })}`);
  await second.locator(".safety.verified").waitFor();
});

test("reads and writes on both", async () => {
  await open(second, "Quay 7");
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

test("lists the devices by their names, with the day of their last use", async () => {
  await go(second, "#/devices");
  const own = second.locator(".device", { hasText: "This device" });
  await own.locator("button").first().click();
  await second.locator("dialog[open] input").fill("Harbour tablet");
  await second.locator("dialog[open] footer .button.primary").click();
  await second.locator("dialog[open]").waitFor({ state: "detached" });
  await go(first, "#/devices");
  const here = first.locator(".device", { hasText: "This device" });
  await here.getByText(/approved by \u2068ines\u2069/).waitFor();
  const other = first.locator(".device", { hasText: "Harbour tablet" });
  await other.getByText("Last used").waitFor();
  await other.getByText("Added").waitFor();
  // A device names itself: another's name cannot be changed here, but it can be removed.
  expect(await other.locator("button").count()).toBe(1);
});

test("approves a Python device, and the other browser says so", async () => {
  const asked = await stage.ask<{ line: string; code: string }>("begin_link", {
    name: "noa-laptop",
    handle: "noa",
    near: "bela",
  });
  expect(await approve(first, asked.line)).toBe(asked.code);
  await stage.ask("end_link", { name: "noa-laptop" });
  await expect.poll(() => theirs("noa-laptop")).toContain(conversation);
  await alarm(second, /changed, and not from here/);
  await stage.ask("send", { name: "noa-laptop", conversation, text: "from the laptop" });
  await open(first, "Quay 7");
  await shown(first, "from the laptop").waitFor();
  await open(second, "Quay 7");
  await shown(second, "from the laptop").waitFor();
});

test("is approved by a Python device", async () => {
  const third = await stage.open(await stage.context());
  const line = await stage.ask<string>("address", { name: "noa-laptop" });
  const [request, code] = await ask(third, line, "noa");
  expect(await stage.ask("approve", { name: "noa-laptop", line: request })).toBe(code);
  await third.waitForSelector(".panes");
  await open(third, "Quay 7");
  await stage.ask("send", { name: "bela", conversation, text: "welcome, third" });
  await shown(third, "welcome, third").waitFor();
  // From the first browser to the Python device, and from there to here.
  await shown(third, "high at six").waitFor();
  await alarm(first, /changed, and not from here/);
  await alarm(second, /changed, and not from here/);
  await third.close();
});

test("says so when the server slips in a letter", async () => {
  await go(first, "#/devices");
  const id = await first
    .locator(".device", { hasText: "This device" })
    .locator("code")
    .textContent();
  await stage.ask("forge_letter", { name: "noa-laptop", device: id });
  await alarm(first, /server/i);
});

test("interrupts when another person's devices change, before anything is sent", async () => {
  await go(first, "#/");
  await open(first, "Quay 7");
  const asked = await stage.ask<{ line: string }>("begin_link", {
    name: "bela-laptop",
    handle: "bela",
    near: "bela",
  });
  await stage.ask("approve", { name: "bela", line: asked.line });
  await stage.ask("end_link", { name: "bela-laptop" });
  const dialog = first.locator("dialog[open].alarm");
  await dialog.getByText("bela").first().waitFor();
  // What is sent past the dialog is refused: the other may be somebody else now.
  const refused = await first.evaluate(async () => {
    const area = document.querySelector<HTMLTextAreaElement>(".composer textarea");
    if (area === null) return "no composer";
    area.value = "too early";
    area.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise((done) => setTimeout(done, 50));
    area.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    return "sent";
  });
  expect(refused).toBe("sent");
  await dialog.locator(".refusal", { hasText: "safety code" }).waitFor();
  await dialog.locator("footer button").first().click();
  await dialog.waitFor({ state: "detached" });
  await write(first, "now I know");
  await expect.poll(bela).toContain("now I know");
  expect(await bela()).not.toContain("too early");
});

test("compares the safety code with a person", async () => {
  await go(first, "#/");
  await open(first, "Quay 7");
  const account = await stage.ask<string>("account", { name: "bela" });
  await go(first, `#/p/${account}`);
  const digits = first.locator(".safety output.digits span");
  await digits.first().waitFor();
  const code = (await digits.allTextContents()).join(" ");
  expect(code).toBe(await stage.ask("safety", { name: "bela", with: "noa" }));
  await first.locator(".safety .button.primary").click();
  await first.locator(".safety.verified").waitFor();
});

test("says on a device that it was removed, and others read on without it", async () => {
  await go(first, "#/devices");
  const gone = first.locator(".device", { hasText: "Harbour tablet" });
  const id = (await gone.locator("code").textContent()) ?? "";
  await gone.locator("button.danger-text").click();
  await first.locator("dialog[open] .danger").click();
  await alarm(second, /removed/i);
  await expect
    .poll(async () => (await stage.ask<string[]>("devices", { name: "bela", conversation })).join())
    .not.toContain(id);
  await stage.ask("send", { name: "bela", conversation, text: "not for the tablet" });
  await go(first, "#/");
  await open(first, "Quay 7");
  await shown(first, "not for the tablet").waitFor();
  expect(await shown(second, "not for the tablet").count()).toBe(0);
  // And it says so again, however often it is opened.
  await second.reload();
  await second.waitForSelector("html[data-ready]");
  await stage.unlock(second);
  await alarm(second, /removed/i);
});
