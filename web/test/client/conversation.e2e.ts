/** A person in a browser and one with the Python client, in one group, through a real server. */

import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Heard, Stage } from "./stage.ts";

let stage: Stage;
let context: BrowserContext;
let page: Page;
let conversation: string;

const ODD = "👩‍👩‍👧 שלום עולם مرحبا   <b>&amp;</b> \t ende";

beforeAll(async () => {
  stage = await Stage.begin();
  context = await stage.context();
  page = await stage.open(context);
}, 180_000);

afterAll(() => stage.end());

async function write(text: string): Promise<void> {
  await page.fill(".composer textarea", text);
  await page.press(".composer textarea", "Enter");
}

async function hear(count: number): Promise<Heard[]> {
  return stage.ask<Heard[]>("hear", { name: "bela", count });
}

const utf8 = (data: string) => Buffer.from(data, "hex").toString();

test("registers by an invite, through the interface", async () => {
  await stage.register(page, "noa");
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
