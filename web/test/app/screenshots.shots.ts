/**
 * Pictures of the main screens, phone and desktop, light and dark, left to right and right to left,
 * into `dist/screenshots` (kept out of git). `-t` takes only names that fit.
 */

import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ALARMS } from "./alarms.ts";
import { DESKTOP, type Look, PHONE, Stage, settle } from "./browser.ts";

const FOLDER = fileURLToPath(new URL("../../dist/screenshots/", import.meta.url));
const FIRST = "co00000000000000";
const PERSON = "#/p/ac00000000000001";

interface Shot {
  readonly name: string;
  readonly look?: Look;
  readonly act?: (page: Page) => Promise<unknown>;
}

const SHOTS: readonly Shot[] = [
  { name: "welcome", look: { state: "empty" } },
  {
    name: "join",
    look: { state: "empty" },
    act: async (page) => {
      await page.fill("input", "https://chat.example.org/#abc");
      await page.waitForSelector(".joining");
      await page.locator("input[value=passphrase]").check();
    },
  },
  { name: "unlock", look: { state: "locked" } },
  { name: "linking", look: { state: "linking" } },
  { name: "broken", look: { state: "broken" } },
  { name: "list", look: { route: "#/" } },
  { name: "conversation", look: { route: `#/c/${FIRST}` } },
  {
    name: "conversation-top",
    look: { route: `#/c/${FIRST}` },
    act: async (page) => {
      await page.waitForSelector(".message");
      await page.evaluate(() => document.querySelector(".timeline")?.scrollTo(0, 0));
    },
  },
  {
    name: "reply",
    look: { route: `#/c/${FIRST}` },
    act: async (page) => {
      await page.locator(".message").last().click({ button: "right" });
      await page.click("dialog.menu .menu-items button >> nth=0");
      await page.fill(
        "textarea",
        "I will be there at *six*, with the _blue folder_ and coffee for everybody who asks before five.",
      );
    },
  },
  {
    name: "menu",
    look: { route: `#/c/${FIRST}` },
    act: (page) => page.locator(".message.mine.text").nth(-2).click({ button: "right" }),
  },
  {
    name: "emoji",
    look: { route: `#/c/${FIRST}` },
    act: async (page) => {
      await page.click(".composer-field .icon-button >> nth=-1");
      await page.click("[role=tab] >> nth=1");
      await page.waitForSelector(".emoji-grid button >> nth=20");
    },
  },
  {
    name: "mention",
    look: { route: `#/c/${FIRST}` },
    act: (page) => page.locator("textarea").pressSequentially("Hello @a"),
  },
  {
    name: "viewer",
    look: { route: `#/c/${FIRST}` },
    act: async (page) => {
      await page.evaluate(() => document.querySelector(".timeline")?.scrollTo(0, 300));
      await page.locator(".picture-open").first().click();
      await page.waitForSelector(".viewer img");
    },
  },
  { name: "notice", look: { route: "#/c/service" } },
  { name: "changed", look: { route: "#/c/co00000000000002" } },
  { name: "stopped", look: { route: "#/c/co0000000000000b" } },
  { name: "unread", look: { route: "#/c/co00000000000003" } },
  { name: "new", look: { route: "#/new" } },
  { name: "new-group", look: { route: "#/new-group" } },
  { name: "info", look: { route: `#/c/${FIRST}/info` } },
  { name: "person", look: { route: PERSON } },
  { name: "devices", look: { route: "#/devices" } },
  { name: "link-device", look: { route: "#/link-device" } },
  {
    name: "approve",
    look: { route: "#/link-device" },
    act: async (page) => {
      await page.click(".steps .button.primary");
      await page.fill("dialog input", "doublelock-link:AAAA");
      await page.click("dialog footer .primary");
      await page.waitForSelector(".digits");
    },
  },
  { name: "settings", look: { route: "#/settings" } },
  { name: "trust", look: { route: "#/trust", height: 2600 } },
  {
    name: "trust-open",
    look: { route: "#/trust", height: 3900 },
    act: async (page) => {
      await page.waitForSelector(".trust");
      await page.evaluate(() => {
        for (const each of document.querySelectorAll("details")) each.open = true;
      });
    },
  },
  {
    name: "proof",
    look: { route: "#/c/service" },
    act: (page) => page.locator(".notice-card .button-row button").nth(1).click(),
  },
  {
    name: "amended",
    look: { route: "#/c/service" },
    act: async (page) => {
      await page.waitForSelector(".amendment-card");
      await page.evaluate(() => document.querySelector(".timeline")?.scrollTo(0, 0));
    },
  },
  { name: "trust-none", look: { route: "#/trust", escrow: "none" } },
  {
    name: "search",
    look: { route: "#/search" },
    act: async (page) => {
      await page.fill("[type=search]", "hull");
      await page.waitForSelector(".hit");
    },
  },
  { name: "alarm-code", look: { alarms: ALARMS.slice(0, 2) } },
  { name: "alarm-entry", look: { alarms: ALARMS.slice(1, 2) } },
  { name: "alarm-fork", look: { alarms: ALARMS.slice(2, 3) } },
  {
    name: "offline",
    look: { route: `#/c/${FIRST}` },
    act: (page) => page.evaluate(() => messenger.disconnect(false)),
  },
  { name: "shortcuts", look: {}, act: (page) => page.keyboard.press("Control+/") },
];

const KINDS: readonly (readonly [string, Look])[] = [
  ["phone-light-en", { ...PHONE, theme: "light", language: "en" }],
  ["phone-dark-he", { ...PHONE, theme: "dark", language: "he" }],
  ["desktop-dark-en", { ...DESKTOP, theme: "dark", language: "en" }],
  ["desktop-light-he", { ...DESKTOP, theme: "light", language: "he" }],
];

let stage: Stage;

beforeAll(async () => {
  await mkdir(FOLDER, { recursive: true });
  stage = await Stage.begin();
});

afterAll(() => stage.end());

for (const [kind, look] of KINDS) {
  for (const shot of SHOTS) {
    const name = `${shot.name}.${kind}`;
    test(name, async () => {
      const page = await stage.open({ ...look, ...shot.look });
      await settle(page);
      await shot.act?.(page);
      await settle(page);
      await page.screenshot({ path: `${FOLDER}${name}.png` });
      expect(stage.problems.splice(0)).toEqual([]);
    });
  }
}
