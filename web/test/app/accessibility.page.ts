/** axe on every screen: phone and desktop, light and dark, left to right and right to left. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ALARMS } from "./alarms.ts";
import { DESKTOP, type Look, PHONE, Stage } from "./browser.ts";

const FIRST = "#/c/co00000000000000";
let stage: Stage;
let axe: string;
beforeAll(async () => {
  stage = await Stage.begin();
  axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
});
afterAll(() => stage.end());

type Act = (page: Page) => Promise<unknown>;

const SCREENS: readonly (readonly [string, Look, Act?])[] = [
  ["welcome", { state: "empty" }],
  [
    "join",
    { state: "empty" },
    async (page) => {
      await page.fill("input", "https://chat.example.org/#abc");
      await page.waitForSelector(".joining");
    },
  ],
  ["unlock", { state: "locked" }],
  ["linking", { state: "linking" }],
  ["broken", { state: "broken" }],
  ["list", { route: "#/" }],
  ["conversation", { route: FIRST }],
  [
    "the top of a conversation",
    { route: FIRST },
    async (page) => {
      await page.waitForSelector(".message");
      await page.evaluate(() => document.querySelector(".timeline")?.scrollTo(0, 0));
    },
  ],
  ["menu", { route: FIRST }, (page) => page.locator(".message").last().click({ button: "right" })],
  [
    "emoji",
    { route: FIRST },
    async (page) => {
      await page.locator(".composer-field .icon-button").last().click();
      await page.waitForSelector(".emoji-grid button");
    },
  ],
  ["mention", { route: FIRST }, (page) => page.locator("textarea").pressSequentially("@")],
  [
    "viewer",
    { route: FIRST },
    async (page) => {
      await page.evaluate(() => document.querySelector(".timeline")?.scrollTo(0, 300));
      await page.locator(".picture-open").first().click();
      await page.waitForSelector(".viewer img");
    },
  ],
  ["notice", { route: "#/c/service" }],
  ["changed code", { route: "#/c/co00000000000002" }],
  ["unread", { route: "#/c/co00000000000003" }],
  ["stopped", { route: "#/c/co0000000000000b" }],
  ["new", { route: "#/new" }],
  ["new group", { route: "#/new-group" }],
  ["info", { route: `${FIRST}/info` }],
  ["person", { route: "#/p/ac00000000000002" }],
  ["devices", { route: "#/devices" }],
  ["linking another", { route: "#/link-device" }],
  ["settings", { route: "#/settings" }],
  ["trust", { route: "#/trust" }],
  [
    "trust, unfolded",
    { route: "#/trust" },
    async (page) => {
      await page.waitForSelector(".trust");
      await page.evaluate(() => {
        for (const each of document.querySelectorAll("details")) each.open = true;
      });
    },
  ],
  [
    "search",
    { route: "#/search" },
    async (page) => {
      await page.fill("[type=search]", "hull");
      await page.waitForSelector(".hit");
    },
  ],
  ["alarm", { alarms: ALARMS.slice(1, 3) }],
  ["shortcuts", { route: "#/" }, (page) => page.keyboard.press("Control+/")],
  ["offline", { route: "#/" }, (page) => page.evaluate(() => messenger.disconnect(false))],
];

const KINDS: readonly (readonly [string, Look])[] = [
  ["phone, light, left to right", { ...PHONE, theme: "light", language: "en" }],
  ["phone, dark, right to left", { ...PHONE, theme: "dark", language: "he" }],
  ["desktop, dark, left to right", { ...DESKTOP, theme: "dark", language: "en" }],
  ["desktop, light, right to left", { ...DESKTOP, theme: "light", language: "he" }],
];

describe.each(KINDS)("%s", (_, kind) => {
  it.each(SCREENS.map(([name, look, act]) => ({ name, look, act })))(
    "$name",
    async ({ look, act }) => {
      const page = await stage.open({ ...kind, ...look });
      await page.waitForTimeout(120);
      await act?.(page);
      await page.waitForTimeout(150);
      // Evaluated by the debugger, which the page's policy does not bind.
      await page.evaluate(axe);
      const found = await page.evaluate(async () => {
        const { axe: runner } = globalThis as unknown as { axe: typeof import("axe-core") };
        const { violations } = await runner.run(document, {
          runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        });
        return violations.map(
          ({ id, nodes }) =>
            `${id}: ${nodes
              .map((each) => each.html.slice(0, 160))
              .slice(0, 3)
              .join(" | ")}`,
        );
      });
      await page.context().close();
      expect(found).toEqual([]);
    },
  );
});
