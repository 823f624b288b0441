/** "Who can read this?", real warrants and their notices, and what a modified client sends. */

import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Clocked } from "./clocked.ts";
import { go as goTo, readTrust, Stage } from "./stage.ts";

/** Where pictures go, if anywhere. */
const PICTURES = process.env["SCREENSHOTS"];
let stage: Stage;
let clocked: Clocked;
let context: BrowserContext;
let page: Page;
let axe: string;
let conversation = "";

beforeAll(async () => {
  axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  stage = await Stage.begin({ moving: true, jurisdictions: ["Northland", "Southland"] });
  clocked = new Clocked(stage);
  context = await clocked.context();
  page = await clocked.open(context);
  await stage.register(page, "noa");
});

afterAll(async () => {
  await clocked.end();
  await stage.end();
});

interface Counts {
  readonly tally: Readonly<Record<string, number>>;
  readonly size: number;
  readonly void: number;
}

const law = <T = unknown>(step: string, how: object = {}) => stage.ask<T>("law", { step, ...how });

const go = (hash: string) => goTo(page, hash);
const trust = () => readTrust(page);

/** What the page counts, by its words. */
async function counted(): Promise<Record<string, number>> {
  return page
    .locator(".trust > .card .counts")
    .first()
    .locator("div")
    .evaluateAll((rows) =>
      Object.fromEntries(
        rows.map((row) => [
          row.querySelector("dt")?.textContent ?? "",
          Number(row.querySelector("dd")?.textContent),
        ]),
      ),
    );
}

/** Holds a screen against axe, and leaves a picture where one is wanted. */
async function look(name: string, at = page): Promise<void> {
  if (PICTURES !== undefined) {
    await mkdir(PICTURES, { recursive: true });
    await at.screenshot({ path: `${PICTURES}/${name}.png` });
  }
  await at.evaluate(axe);
  const found = await at.evaluate(async () => {
    const { axe: runner } = globalThis as unknown as { axe: typeof import("axe-core") };
    const { violations } = await runner.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`);
  });
  expect(found).toEqual([]);
}

test("shows the charter in plain words before anything was opened", async () => {
  await stage.ask("person", { name: "bela" });
  conversation = await stage.ask<string>("group", { name: "bela", with: ["noa"], direct: true });
  await page.locator(".item-open", { hasText: "bela" }).click();
  await page.fill(".composer textarea", "the hull is thin");
  await page.press(".composer textarea", "Enter");
  await stage.ask("hear", { name: "bela", count: 1 });
  const text = await trust();
  for (const words of [
    "3 of 5 custodians together with",
    "District court of Northland",
    "Custodian 4 of Northland",
    "Minister of Justice of Northland",
    "Investigating judge of Northland",
    "Prosecutor of Northland",
    "At most 20,000 person-days and 50 people in any 30 days",
    "destroyed after 92 days",
    "4 months' keys ready, 0 destroyed",
    "No message of anybody has been opened.",
    "Committee of Southland",
    "3 of 3 witnesses cosigned",
  ]) {
    expect(text).toContain(words);
  }
  expect(Object.values(await counted()).every((count) => count === 0)).toBe(true);
  await look("trust-before");
});

test("counts a warrant that was opened, one that was refused, and one for metadata", async () => {
  const { opened } = await law<{ opened: number }>("warrant", { on: ["noa"], until: "opened" });
  expect(opened).toBe(1);
  await law("warrant", { on: ["noa"], until: "refused" });
  await law("warrant", { on: ["noa"], until: "opened", kind: "metadata" });
  await law("warrant", { on: ["noa"], until: "requested" });
  const text = await trust();
  expect(text).toContain("One day of one person's writing, under 1 warrant.");
  expect(text).toContain("who wrote to whom and when was given for 1 person-day, of 1 person");
  const facts = await law<Counts>("counts");
  expect(facts.void).toBe(0);
  const shown = await counted();
  expect(shown).toMatchObject({
    "Warrants asked for": facts.tally["filed"],
    "Fully approved": facts.tally["approved"],
    Refused: facts.tally["refused"],
    "Openings asked for": facts.tally["requests"],
    "Person-days asked for": facts.tally["labels"],
    "Releases by key holders": facts.tally["releases"],
    "Notices delivered": 0,
  });
  expect(facts.tally).toMatchObject({ filed: 4, approved: 3, refused: 1, requests: 3 });
  await look("trust-after");
});

test("tells of each warrant once, by a message whose proof was verified here", async () => {
  await clocked.move({ days: 1.1 });
  await law("look", { times: 2 });
  await go("#/c/service");
  const cards = page.locator(".notice-card");
  await cards.nth(2).waitFor();
  expect(await cards.count()).toBe(3);
  const texts = await cards.allInnerTexts();
  expect(texts.filter((text) => text.includes("opened what you wrote on"))).toHaveLength(2);
  const [metadata] = texts.filter((text) => text.includes("learned with whom you wrote on"));
  expect(metadata).toContain("A warrant told whom you wrote to");
  expect(metadata).toMatch(/the law log names this in entry \d+/);
  await look("notices");
  await cards.first().getByRole("button", { name: "Show the proof" }).click();
  const proof = page.locator("dialog[open]");
  await proof.waitFor();
  const [, entry, size] = /entry\s+(\d+)\s+In a log of\s+(\d+)/.exec(await proof.innerText()) ?? [];
  expect(Number(entry)).toBeLessThan(Number(size));
  await look("proof");
  const saved = page.waitForEvent("download");
  await proof.getByRole("button", { name: "Save the signed notice" }).click();
  const path = await (await saved).path();
  const { account, kind } = await law<{ account: string; kind: string }>("notice", {
    document: (await readFile(path)).toString("base64"),
    to: "noa",
  });
  expect([account, kind]).toEqual(["noa", "content-stored"]);
  await page.keyboard.press("Escape");
  await proof.waitFor({ state: "detached" });
  await trust();
  expect((await law<Counts>("counts")).void).toBe(0);
  expect(await counted()).toMatchObject({ "Notices delivered": 3, "Notices overdue": 0 });
});

const TRICKS: readonly (readonly [trick: string, code: string, words: string])[] = [
  ["bad-signature", "bad-signature", "not signed by the device that it names"],
  ["capsule-mismatch", "capsule-mismatch", "a lawful warrant could not open it"],
  ["capsule-garbage", "capsule-mismatch", "a lawful warrant could not open it"],
  ["capsule-missing", "capsule-missing", "sent around the rules of this deployment"],
  ["epoch-mismatch", "epoch-mismatch", "the key of another month"],
  ["commitment-mismatch", "commitment-mismatch", "not what its sender vouched for"],
  ["body-unreadable", "body-unreadable", "cannot be decrypted"],
  ["header-mismatch", "header-mismatch", "made for another conversation"],
  ["ephemeral-content", "ephemeral-content", "something that is not a message"],
  ["form", "form", "not of a form that anybody's app may send"],
];

test("shows what breaks the receive rule as refused, with its reason and never its text", async () => {
  for (const [trick] of TRICKS) {
    await stage.ask("forge", { name: "bela", conversation, trick, text: `secret ${trick}` });
  }
  await stage.ask("send", { name: "bela", conversation, text: "still here" });
  await go(`#/c/${conversation}`);
  const timeline = page.locator(".timeline");
  await timeline.getByText("still here").waitFor();
  const refused = await page.locator(".message.refused").allInnerTexts();
  expect(refused).toHaveLength(TRICKS.length);
  for (const [index, [, code, words]] of TRICKS.entries()) {
    expect(refused[index]).toContain(code);
    expect(refused[index]).toContain(words);
  }
  expect(await timeline.innerText()).not.toContain("secret");
  await look("refused");
  // What is refused is not found by searching, either.
  await go("#/search");
  await page.fill("input[type=search]", "secret");
  await page.getByText("Nothing found").waitFor();
  expect(stage.problems).toEqual([]);
});

test("keeps two committees apart, and says which one is one's own", async () => {
  const phone = await clocked.context({ width: 390, height: 844, locale: "he", dark: true });
  const other = await clocked.open(phone);
  await stage.register(other, "omer", { committee: 2 });
  const group = await stage.ask<string>("group", { name: "bela", with: ["omer"], direct: true });
  await other.locator(".item-open", { hasText: "bela" }).click();
  await other.fill(".composer textarea", "שלום מהדרום");
  await other.press(".composer textarea", "Enter");
  const hex = Buffer.from("שלום מהדרום").toString("hex");
  await expect
    .poll(() => stage.ask("hear", { name: "bela", count: 0 }))
    .toContainEqual(expect.objectContaining({ hex }));
  const how = { on: ["omer"], committee: 2, until: "opened" };
  expect((await law<{ opened: number }>("warrant", how)).opened).toBe(1);
  await other.evaluate(() => {
    location.hash = "#/trust";
  });
  const opened = other.locator(".trust .opened");
  await opened.first().waitFor();
  // The own committee comes first; the other one is folded below it.
  expect(await other.locator(".trust .row.names bdi").first().textContent()).toContain("Southland");
  await expect.poll(() => opened.first().textContent()).toContain("צו אחד");
  await look("trust-phone-he", other);
  await trust();
  const north = page.locator(".trust .opened").first();
  expect(await north.textContent()).toContain("under 2 warrants");
  await page.locator("details.card summary", { hasText: "Southland" }).click();
  expect(await page.locator("details.card .opened").textContent()).toContain("under 1 warrant.");
  expect((await law<Counts>("counts", { committee: 2 })).tally).toMatchObject({ filed: 1 });
  expect(group).not.toBe(conversation);
  await look("trust-two");
});
