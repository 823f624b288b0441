/** What a camera reads: a new device's request, and a person's safety code, the right and a wrong one. */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Camera } from "./camera.ts";
import { go, PASSPHRASE, Stage } from "./stage.ts";

let camera: Camera;
let stage: Stage;
let noa: Page;

beforeAll(async () => {
  camera = await Camera.begin();
  stage = await Stage.begin({}, camera.film);
  noa = await stage.open(await stage.context());
  await stage.register(noa, "noa");
});

afterAll(async () => {
  await stage.end();
  await camera.end();
});

async function digitsOf(page: Page, within: string): Promise<string> {
  const digits = page.locator(`${within} output.digits span`);
  await digits.first().waitFor();
  return (await digits.allTextContents()).join(" ");
}

/** Scans what the camera sees, on a page that offers it. */
async function scan(page: Page): Promise<void> {
  await page.locator(".main-pane button", { hasText: /^Scan/ }).click();
}

test("a new device is approved by the code that it shows", async () => {
  await go(noa, "#/link-device");
  const invite = (await noa.locator(".copy-line output").textContent()) ?? "";
  const second = await stage.open(await stage.context());
  await second.fill("input", invite);
  await second.waitForSelector("form.joining");
  await second.locator("input[value=passphrase]").check();
  for (const at of [0, 1]) {
    await second.locator("input[type=password]").nth(at).fill(PASSPHRASE);
  }
  await second.click("form.joining button[type=submit]");
  const shown = await digitsOf(second, "main");
  await camera.pointAt(second);
  await scan(noa);
  expect(await digitsOf(noa, "dialog[open]")).toBe(shown);
  await noa.locator("dialog[open] footer .button.primary").click();
  await second.waitForSelector(".panes");
  // The camera is off again.
  expect(await noa.locator("video").count()).toBe(0);
});

test("a person is verified by their code, and by no other", async () => {
  const rui = await stage.open(await stage.context());
  await stage.register(rui, "rui");
  await stage.ask("person", { name: "bela" });
  await stage.ask("group", { name: "bela", with: ["noa", "rui"], title: "Quay 7" });
  for (const page of [noa, rui]) {
    await go(page, "#/");
    await page.locator(".item-open", { hasText: "Quay 7" }).waitFor();
  }
  const see = async (page: Page, whom: string) => {
    await go(page, `#/p/${await stage.ask<string>("account", { name: whom })}`);
    await page.locator(".safety h2", { hasText: "Not verified" }).waitFor();
    return digitsOf(page, ".safety");
  };
  const code = await see(noa, "rui");
  // Another person's code, as of somebody in between.
  expect(await see(rui, "bela")).not.toBe(code);
  await camera.pointAt(rui);
  await scan(noa);
  await noa.locator(".safety .problem", { hasText: "The codes differ" }).waitFor();
  expect(await noa.locator(".safety.verified").count()).toBe(0);
  expect(await see(rui, "noa")).toBe(code);
  await camera.pointAt(rui);
  await scan(noa);
  await noa.locator(".safety.verified").waitFor();
  expect(stage.problems).toEqual([]);
});
