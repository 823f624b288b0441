/**
 * axe on every screen: each on phone and desktop, light and dark, left to right and right to left;
 * the main ones, on both sizes in both.
 */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ALARMS } from "./alarms.ts";
import { DESKTOP, type Look, PHONE, Stage, settle } from "./browser.ts";

const FIRST = "#/c/co00000000000000";
let stage: Stage;
let axe: string;
beforeAll(async () => {
  stage = await Stage.begin();
  axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
});
afterAll(() => stage.end());
afterEach(() => expect(stage.problems.splice(0)).toEqual([]));

type Act = (page: Page) => Promise<unknown>;

interface Shown {
  readonly name: string;
  readonly look: Look;
  /** What is there once the screen is; before what is done on it. */
  readonly sign: string;
  readonly act?: Act;
  readonly main?: true;
  /** Whether the list of conversations is judged: beside the other screens it is the same. */
  readonly list?: true;
}

const SCREENS: readonly Shown[] = [
  { name: "welcome", look: { state: "empty" }, sign: ".gate-box input", main: true },
  {
    name: "join",
    look: { state: "empty" },
    sign: ".gate-box input",
    act: async (page) => {
      await page.fill("input", "https://chat.example.org/#abc");
      await page.waitForSelector(".joining");
    },
  },
  { name: "unlock", look: { state: "locked" }, sign: "[type=password]", main: true },
  { name: "linking", look: { state: "linking" }, sign: ".qr path" },
  { name: "broken", look: { state: "broken" }, sign: ".gate-box h1" },
  { name: "list", look: { route: "#/" }, sign: ".item-open", main: true, list: true },
  { name: "conversation", look: { route: FIRST }, sign: ".message", main: true },
  {
    name: "the top of a conversation",
    look: { route: FIRST },
    sign: ".message",
    act: async (page) => {
      await page.evaluate(() => document.querySelector(".timeline")?.scrollTo(0, 0));
      await page.waitForSelector(".beginning");
    },
  },
  {
    name: "menu",
    look: { route: FIRST },
    sign: ".message",
    act: async (page) => {
      await page.locator(".message").last().click({ button: "right" });
      await page.waitForSelector("dialog.menu[open]");
    },
  },
  {
    name: "emoji",
    look: { route: FIRST },
    sign: ".composer-field",
    act: async (page) => {
      await page.locator(".composer-field .icon-button").last().click();
      await page.waitForSelector(".emoji-grid button");
    },
  },
  {
    name: "mention",
    look: { route: FIRST },
    sign: ".composer-field",
    act: async (page) => {
      await page.locator("textarea").pressSequentially("@");
      await page.waitForSelector("[role=option]");
    },
  },
  {
    name: "viewer",
    look: { route: FIRST },
    sign: ".message",
    act: async (page) => {
      await page.evaluate(() => document.querySelector(".timeline")?.scrollTo(0, 300));
      await page.locator(".picture-open").first().click();
      await page.waitForSelector(".viewer img");
    },
  },
  { name: "notice", look: { route: "#/c/service" }, sign: ".notice-card", main: true },
  { name: "changed code", look: { route: "#/c/co00000000000002" }, sign: ".warning" },
  { name: "unread", look: { route: "#/c/co00000000000003" }, sign: ".divider.unread" },
  { name: "stopped", look: { route: "#/c/co0000000000000b" }, sign: ".closed-note" },
  { name: "new", look: { route: "#/new" }, sign: ".screen .plain-list li" },
  { name: "new group", look: { route: "#/new-group" }, sign: ".people-choice li" },
  { name: "info", look: { route: `${FIRST}/info` }, sign: ".screen .plain-list li", main: true },
  { name: "person", look: { route: "#/p/ac00000000000002" }, sign: ".safety .digits" },
  { name: "devices", look: { route: "#/devices" }, sign: ".device" },
  { name: "linking another", look: { route: "#/link-device" }, sign: ".qr path" },
  { name: "settings", look: { route: "#/settings" }, sign: ".screen select", main: true },
  { name: "trust", look: { route: "#/trust" }, sign: ".trust", main: true },
  {
    name: "trust, unfolded",
    look: { route: "#/trust" },
    sign: ".trust",
    act: (page) =>
      page.evaluate(() => {
        for (const each of document.querySelectorAll("details")) each.open = true;
      }),
  },
  {
    name: "search",
    look: { route: "#/search" },
    sign: "[type=search]",
    act: async (page) => {
      await page.fill("[type=search]", "hull");
      await page.waitForSelector(".hit");
    },
  },
  {
    name: "alarm",
    look: { alarms: ALARMS.slice(1, 3) },
    sign: "[role=alertdialog] h2",
    main: true,
  },
  {
    name: "shortcuts",
    look: { route: "#/" },
    sign: ".item-open",
    act: async (page) => {
      await page.keyboard.press("Control+/");
      await page.waitForSelector(".shortcuts");
    },
  },
  {
    name: "offline",
    look: { route: "#/" },
    sign: ".item-open",
    list: true,
    act: async (page) => {
      await page.evaluate(() => messenger.disconnect(false));
      await page.waitForSelector(".connection-line");
    },
  },
];
const MAIN = SCREENS.filter((each) => each.main);

const KINDS: readonly (readonly [string, Look, readonly Shown[]])[] = [
  ["phone, light, left to right", { ...PHONE, theme: "light", language: "en" }, SCREENS],
  ["desktop, dark, right to left", { ...DESKTOP, theme: "dark", language: "he" }, SCREENS],
  ["phone, dark, right to left", { ...PHONE, theme: "dark", language: "he" }, MAIN],
  ["desktop, light, left to right", { ...DESKTOP, theme: "light", language: "en" }, MAIN],
];

describe.each(KINDS)("%s", (_, kind, screens) => {
  it.each(screens)("$name", async ({ look, sign, act, list }) => {
    const page = await stage.open({ ...kind, ...look });
    await page.waitForSelector(sign);
    await settle(page);
    await act?.(page);
    await settle(page);
    // Evaluated by the debugger, which the page's policy does not bind.
    await page.evaluate(axe);
    const found = await page.evaluate(
      async (aside) => {
        const { axe: runner } = globalThis as unknown as { axe: typeof import("axe-core") };
        const { violations } = await runner.run(aside === null ? document : { exclude: [aside] }, {
          runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
          resultTypes: ["violations"],
        });
        return violations.map(
          ({ id, nodes }) =>
            `${id}: ${nodes
              .map((each) => each.html.slice(0, 160))
              .slice(0, 3)
              .join(" | ")}`,
        );
      },
      list ? null : "nav.list-pane",
    );
    expect(found).toEqual([]);
  });
});
