/**
 * Every screen on phone and desktop, each in light and dark: axe finds nothing, and on the phone
 * nothing is too small for a finger. One loading serves both schemes.
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
  /** Whether the list of conversations is judged: beside the other screens it is the same. */
  readonly list?: true;
}

const SCREENS: readonly Shown[] = [
  { name: "welcome", look: { state: "empty" }, sign: ".gate-box input" },
  {
    name: "join",
    look: { state: "empty" },
    sign: ".gate-box input",
    act: async (page) => {
      await page.fill("input", "https://chat.example.org/#abc");
      await page.waitForSelector(".joining");
    },
  },
  { name: "unlock", look: { state: "locked" }, sign: "[type=password]" },
  { name: "linking", look: { state: "linking" }, sign: ".qr path" },
  { name: "broken", look: { state: "broken" }, sign: ".gate-box h1" },
  { name: "list", look: { route: "#/" }, sign: ".item-open", list: true },
  { name: "conversation", look: { route: FIRST }, sign: ".message" },
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
  { name: "notice", look: { route: "#/c/service" }, sign: ".notice-card" },
  { name: "changed code", look: { route: "#/c/co00000000000002" }, sign: ".warning" },
  { name: "unread", look: { route: "#/c/co00000000000003" }, sign: ".divider.unread" },
  { name: "stopped", look: { route: "#/c/co0000000000000b" }, sign: ".closed-note" },
  { name: "new", look: { route: "#/new" }, sign: ".screen .plain-list li" },
  { name: "new group", look: { route: "#/new-group" }, sign: ".people-choice li" },
  { name: "info", look: { route: `${FIRST}/info` }, sign: ".screen .plain-list li" },
  { name: "person", look: { route: "#/p/ac00000000000002" }, sign: ".safety .digits" },
  { name: "devices", look: { route: "#/devices" }, sign: ".device" },
  { name: "linking another", look: { route: "#/link-device" }, sign: ".qr path" },
  { name: "settings", look: { route: "#/settings" }, sign: ".screen select" },
  { name: "trust", look: { route: "#/trust" }, sign: ".trust" },
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
  {
    name: "a wrong passphrase",
    look: { state: "locked" },
    sign: "[type=password]",
    act: async (page) => {
      await page.fill("[type=password]", "wrong");
      await page.click("form button[type=submit]");
      await page.waitForSelector("[role=alert]");
    },
  },
  {
    name: "a refusal that stays",
    look: { route: FIRST },
    sign: ".message",
    act: async (page) => {
      await page.evaluate(() => model.complain("The server does not answer."));
      await page.waitForSelector(".toast.lasting");
    },
  },
  {
    name: "approving a device",
    look: { route: "#/link-device" },
    sign: ".qr path",
    act: async (page) => {
      await page.click(".steps .button.primary");
      await page.fill("dialog input", "doublelock-link:AAAA");
      await page.click("dialog footer .primary");
      await page.waitForSelector("dialog .digits");
    },
  },
  {
    name: "proof",
    look: { route: "#/c/service" },
    sign: ".notice-card",
    act: async (page) => {
      await page.locator(".notice-card .button-row button").nth(1).click();
      await page.waitForSelector("dialog[open]");
    },
  },
];

/** Axe's rules whose verdict a colour scheme can change. */
const COLOURS = ["color-contrast", "link-in-text-block"];

const KINDS: readonly (readonly [string, Look])[] = [
  ["phone, left to right", { ...PHONE, theme: "light", language: "en" }],
  ["desktop, right to left", { ...DESKTOP, theme: "dark", language: "he" }],
];

describe.each(KINDS)("%s", (_, kind) => {
  it.each(SCREENS)("$name", async ({ look, sign, act, list }) => {
    const page = await stage.open({ ...kind, ...look });
    await page.waitForSelector(sign);
    await settle(page);
    await act?.(page);
    await settle(page);
    // Evaluated by the debugger, which the page's policy does not bind.
    await page.evaluate(axe);
    const aside = list ? null : "nav.list-pane";
    expect(await judge(page, aside)).toEqual([]);
    await page.emulateMedia({ colorScheme: kind.theme === "dark" ? "light" : "dark" });
    await settle(page);
    expect(await judge(page, aside, COLOURS)).toEqual([]);
    await page.emulateMedia({ colorScheme: kind.theme ?? null });
    if (kind.touch) expect(await page.evaluate(tooSmall)).toEqual([]);
  });
});

/** What axe finds, but in `aside`; by all its rules, or only by some. */
function judge(page: Page, aside: string | null, rules?: readonly string[]): Promise<string[]> {
  return page.evaluate(
    async ({ aside, rules }) => {
      const { axe: runner } = globalThis as unknown as { axe: typeof import("axe-core") };
      const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
      const { violations } = await runner.run(aside === null ? document : { exclude: [aside] }, {
        runOnly: rules === undefined ? tags : { type: "rule", values: [...rules] },
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
    { aside, rules },
  );
}

/** What can be touched but is smaller than 44 px for a finger; links within a text are exempt. */
function tooSmall(): string[] {
  const REACH = 21;
  const owns = (element: Element, x: number, y: number) => {
    const hit = document.elementFromPoint(x, y);
    // What lies over the page for a while hides, and makes nothing smaller.
    if (hit === null || (hit.closest("[popover]")?.contains(element) ?? true) === false)
      return true;
    const label = hit.closest("label");
    return element.contains(hit) || (label?.contains(element) ?? false);
  };
  /** Whether nothing that scrolls cuts it off. */
  const whole = (element: Element) => {
    const box = element.getBoundingClientRect();
    for (let at = element.parentElement; at !== null; at = at.parentElement) {
      if (!/auto|scroll/.test(getComputedStyle(at).overflowY)) continue;
      const frame = at.getBoundingClientRect();
      const [middle, half] = [(box.top + box.bottom) / 2, Math.max(REACH, box.height / 2)];
      if (middle - half < frame.top || middle + half > frame.bottom) return false;
    }
    return true;
  };
  return (
    [...document.querySelectorAll("button, a[href], input, select, textarea, summary")]
      .filter((each) => each.checkVisibility() && getComputedStyle(each).display !== "inline")
      // A name above a message: the group's page leads to the person too.
      .filter((each) => !each.matches(".author"))
      .filter((each) => {
        const box = each.getBoundingClientRect();
        const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
        if (box.width < 2 || !owns(each, x, y) || !whole(each)) return false;
        const around = [
          [x - REACH, y],
          [x + REACH, y],
          [x, y - REACH],
          [x, y + REACH],
        ] as const;
        return around.some(([right, down]) => !owns(each, right, down));
      })
      .map((each) => each.outerHTML.slice(0, 120))
  );
}
