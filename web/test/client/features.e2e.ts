/** What people expect of conversations, each touched once, through a real server. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { go, type Heard, open, Stage, utf8, write } from "./stage.ts";

interface LayoutShift {
  readonly value: number;
  readonly hadRecentInput: boolean;
  readonly sources: readonly { readonly node: Node | null }[];
}

let stage: Stage;
let context: BrowserContext;
let page: Page;
let mira: Page;
let group: string;
let direct: string;

/** A PNG of one red pixel. */
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==",
  "base64",
);

beforeAll(async () => {
  stage = await Stage.begin();
  context = await stage.context();
  await context.grantPermissions(["microphone"]);
  page = await stage.open(context);
  await stage.register(page, "noa");
  mira = await stage.open(await stage.context());
  await stage.register(mira, "mira");
  await stage.ask("person", { name: "bela" });
  group = await stage.ask<string>("group", {
    name: "bela",
    with: ["noa", "mira"],
    title: "Quay 7",
  });
  await stage.ask("admins", { name: "bela", conversation: group, with: ["bela", "noa"] });
  await page.locator(".item-open", { hasText: "Quay 7" }).waitFor();
});

afterAll(() => stage.end());

/** Everything that bela's client was told of messages. */
function heard(): Promise<Heard[]> {
  return stage.ask<Heard[]>("hear", { name: "bela", count: 0 });
}

async function hears(kind: string, text: string): Promise<Heard> {
  let found: Heard | undefined;
  await expect
    .poll(async () => {
      found = (await heard()).find((one) => one.kind === kind && utf8(one.hex) === text);
      return found !== undefined;
    })
    .toBe(true);
  return found as Heard;
}

async function hearsFile(kind: "Attachment" | "Media", nth = 0): Promise<string> {
  const files = async () => (await heard()).filter((one) => one.kind === kind);
  await expect.poll(async () => (await files()).length).toBeGreaterThan(nth);
  return (await files())[nth]?.id ?? "";
}

function say(text: string, conversation = group): Promise<string> {
  return stage.ask<string>("send", { name: "bela", conversation, text });
}

function bubble(where: Page, text: string): Locator {
  return where.locator(".message", { hasText: text }).last();
}

async function choose(where: Page, text: string, action: string): Promise<void> {
  await bubble(where, text).locator(".bubble").click({ button: "right" });
  await where.locator("dialog.menu").getByRole("button", { name: action }).click();
}

/** What the messenger keeps of the timeline, by a count of the vault's rows. */
function rows(where: Page, table: string, conversation: string): Promise<number> {
  return where.evaluate(
    ([name, room]) =>
      new Promise<number>((give, fail) => {
        const opening = indexedDB.open("doublelock");
        opening.onerror = () => fail(opening.error);
        opening.onsuccess = () => {
          const range = IDBKeyRange.bound([name, room], [name, room, []]);
          const counting = opening.result.transaction("rows").objectStore("rows").count(range);
          counting.onsuccess = () => {
            opening.result.close();
            give(counting.result);
          };
        };
      }),
    [table, conversation] as const,
  );
}

async function setting(where: Page, label: string): Promise<void> {
  await go(where, "#/settings");
  await where.getByRole("switch", { name: label }).click();
}

test("begins a direct chat from the browser, and is found by one from Python", async () => {
  await go(page, "#/new");
  await page.locator(".main-pane input[type=search]").fill("bela");
  await page.locator(".main-pane .row", { hasText: "bela" }).click();
  await page.locator(".head-name", { hasText: "bela" }).waitFor();
  await write(page, "hello Bela");
  await hears("Text", "hello Bela");
  const [own] = await page.evaluate(() => location.hash.split("/").slice(2));
  direct = own ?? "";
  const other = await stage.ask<string>("group", { name: "bela", with: ["mira"], direct: true });
  await say("hello Mira", other);
  await mira.locator(".item-open", { hasText: "bela" }).click();
  await bubble(mira, "hello Mira").waitFor();
});

test("replies, reacts, edits and deletes its own", async () => {
  await open(page, group);
  const id = await say("when does she sail?");
  await bubble(page, "when does she sail?").waitFor();
  await choose(page, "when does she sail?", "Reply");
  await write(page, "at *six*");
  const reply = await hears("Reply", "at *six*");
  await page.locator(".message.mine .quote", { hasText: "when does she sail?" }).waitFor();
  await page.locator(".message.mine .rich strong", { hasText: "six" }).waitFor();
  await page.waitForSelector(".message.mine.last .ticks:is(.sent, .delivered, .read)");
  await choose(page, "at six", "Edit");
  await write(page, "at seven");
  await hears("Edit", "at seven");
  await bubble(page, "at seven").locator(".marks", { hasText: "edited" }).waitFor();
  await bubble(page, "when does she sail?").locator(".bubble").click({ button: "right" });
  await page.locator(".quick-marks button").first().click();
  await page.locator(".reaction.own").waitFor();
  await expect.poll(async () => (await heard()).some((one) => one.kind === "Reaction")).toBe(true);
  await choose(page, "at seven", "Delete for everyone");
  await page.locator("dialog .danger").click();
  await page.locator(".message.mine", { hasText: "You deleted this message." }).waitFor();
  await expect.poll(async () => (await heard()).some((one) => one.kind === "Delete")).toBe(true);
  expect(reply.id).not.toBe(id);
  await stage.ask("delete", { name: "bela", conversation: group, to: id });
  await page.locator(".message", { hasText: "This message was deleted." }).waitFor();
});

test("shows mentions, formatting, links and emoji", async () => {
  await page.locator(".composer textarea").pressSequentially("ask @be");
  await page.locator("[role=option]", { hasText: "bela" }).waitFor();
  await page.press(".composer textarea", "Enter");
  await page.locator(".composer textarea").pressSequentially("_now_ https://example.org/a ~x~");
  await page.press(".composer textarea", "Enter");
  await hears("Text", "ask @bela _now_ https://example.org/a ~x~");
  const shown = bubble(page, "ask @bela");
  await shown.locator(".mention", { hasText: "@bela" }).waitFor();
  await shown.locator("em", { hasText: "now" }).waitFor();
  await shown.locator("s", { hasText: "x" }).waitFor();
  expect(await shown.locator("a").getAttribute("href")).toBe("https://example.org/a");
  await page.getByRole("button", { name: "Emoji" }).click();
  await page.locator(".emoji-grid button").first().click();
  await page.locator(".composer textarea").press("Escape");
  const picked = await page.inputValue(".composer textarea");
  expect(picked).not.toBe("");
  await page.press(".composer textarea", "Enter");
  await hears("Text", picked);
  await page.locator(".message.mine.large").waitFor();
  await say("and @noa too");
  await page.locator(".message.to-me .mention", { hasText: "@noa" }).waitFor();
});

test("sends and shows pictures", async () => {
  const file = { name: "dot.png", mimeType: "image/png", buffer: PIXEL };
  await page.locator(".composer input[type=file]").last().setInputFiles(file);
  await page.fill(".composer textarea", "a dot");
  await page.press(".composer textarea", "Enter");
  const id = await hearsFile("Media");
  const fetched = await stage.ask<{ media: string; width: number; small: string; hex: string }>(
    "fetch",
    { name: "bela", to: id },
  );
  expect(fetched.width).toBe(1);
  expect(fetched.media).toMatch(/^image\//);
  expect(fetched.small.length).toBeGreaterThan(0);
  await page.locator(".message.mine.picture img").last().waitFor();
  await stage.ask("file", {
    name: "bela",
    conversation: group,
    file: "red.png",
    hex: PIXEL.toString("hex"),
    width: 1,
    height: 1,
  });
  const theirs = page.locator(".message.theirs.picture");
  await theirs.locator("img:not(.blurred)").waitFor();
  await theirs.locator(".picture-open").click();
  await page.locator(".viewer img").waitFor();
  const saved = page.waitForEvent("download");
  await page.locator(".viewer").getByRole("button", { name: "Save" }).click();
  expect(await readFile(await (await saved).path())).toEqual(PIXEL);
  await page.keyboard.press("Escape");
  await page.locator(".viewer").waitFor({ state: "detached" });
});

test("sends files and saves others'", async () => {
  const file = { name: "tide.txt", mimeType: "text/plain", buffer: Buffer.from("high at six") };
  await page.locator(".composer input[type=file]").last().setInputFiles(file);
  await page.press(".composer textarea", "Enter");
  const id = await hearsFile("Attachment");
  const fetched = await stage.ask<{ name: string; hex: string }>("fetch", { name: "bela", to: id });
  expect([fetched.name, utf8(fetched.hex)]).toEqual(["tide.txt", "high at six"]);
  const large = Buffer.alloc(3_000_000, "harbour");
  await stage.ask("file", {
    name: "bela",
    conversation: group,
    file: "log.bin",
    hex: large.toString("hex"),
  });
  const theirs = page.locator(".message.theirs.file", { hasText: "log.bin" });
  const saved = page.waitForEvent("download");
  await theirs.locator(".file-open").click();
  const download = await saved;
  expect(download.suggestedFilename()).toBe("log.bin");
  expect((await readFile(await download.path())).equals(large)).toBe(true);
});

test("records, sends and plays a voice note", async () => {
  await page.getByRole("button", { name: "Record a voice message" }).click();
  await page.locator(".recording .send:enabled").waitFor();
  await page.locator(".recording-state", { hasText: "0:02" }).waitFor();
  await page.locator(".recording .send").click();
  const note = page.locator(".message.mine.voice").last();
  await note.waitFor();
  const id = await hearsFile("Media", 2);
  const fetched = await stage.ask<{ ms: number; hex: string; small: string }>("fetch", {
    name: "bela",
    to: id,
  });
  expect(fetched.ms).toBeGreaterThan(1_400);
  expect(fetched.hex.length).toBeGreaterThan(200);
  // The microphone here beeps once a second: somewhere loud, somewhere silent.
  const peaks = [...Buffer.from(fetched.small, "hex")];
  expect(peaks.length).toBe(48);
  expect(Math.max(...peaks)).toBe(255);
  expect(Math.min(...peaks)).toBeLessThan(128);
  await note.locator(".voice-play").click();
  await page.waitForFunction(() => document.querySelector(".voice .played") !== null);
});

test("tells what came and was read, and who types", async () => {
  await open(mira, group);
  await mira.locator(".timeline").evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await write(page, "seen by all?");
  await hears("Text", "seen by all?");
  const ticks = bubble(page, "seen by all?").locator(".ticks");
  await bubble(mira, "seen by all?").waitFor();
  await stage.ask("read", { name: "bela", conversation: group });
  await expect.poll(() => ticks.getAttribute("class")).toContain("read");
  await choose(page, "seen by all?", "Who has read it");
  const facts = page.locator("dialog .row");
  await expect.poll(() => facts.allTextContents()).toEqual(["belaRead", "miraRead"]);
  await page.keyboard.press("Escape");
  await stage.ask("typing", { name: "bela", conversation: group });
  await page.locator(".conversation-head .typing").waitFor();
  await mira.locator(".composer textarea").pressSequentially("I th");
  const kinds = async () =>
    (await stage.ask<{ kind: string }[]>("whispers", { name: "bela" })).map((one) => one.kind);
  await expect.poll(kinds).toContain("Typing");
  expect(await kinds()).toContain("ReadMark");
});

test("sends no marks and no typing once they are turned off", async () => {
  await setting(mira, "Read marks");
  await setting(mira, "Typing");
  const whispers = async () =>
    (await stage.ask<{ kind: string; from: string }[]>("whispers", { name: "bela" })).length;
  await open(mira, group);
  await write(mira, "quietly");
  await hears("Text", "quietly");
  await page.waitForFunction(() => document.body.textContent?.includes("quietly"));
  // What Noa's client tells about these two comes after whatever Mira's would have told.
  const before = await whispers();
  await mira.locator(".composer textarea").pressSequentially("nothing of this");
  await say("you there?");
  await bubble(mira, "you there?").waitFor();
  await write(mira, "yes");
  await hears("Text", "yes");
  const members = await stage.ask<string[]>("members", { name: "bela", conversation: group });
  expect(members.length).toBe(3);
  await say("good");
  await bubble(page, "good").waitFor();
  await expect.poll(whispers).toBeGreaterThan(before);
  const all = await stage.ask<{ from: string }[]>("whispers", { name: "bela" });
  const after = new Set(all.slice(before).map((one) => one.from));
  const noa = (await heard()).find((one) => utf8(one.hex ?? "") === "hello Bela")?.from;
  expect([...after]).toEqual([noa]);
});

test("answers with a file", async () => {
  await say("where is the plan?");
  await choose(page, "where is the plan?", "Reply");
  const file = { name: "plan.txt", mimeType: "text/plain", buffer: Buffer.from("pier 9") };
  await page.locator(".composer input[type=file]").last().setInputFiles(file);
  await page.press(".composer textarea", "Enter");
  const id = await hearsFile("Media", 3);
  const fetched = await stage.ask<{ target: string; hex: string }>("fetch", {
    name: "bela",
    to: id,
  });
  const asked = (await heard()).find((one) => utf8(one.hex ?? "") === "where is the plan?");
  expect([fetched.target, utf8(fetched.hex)]).toEqual([asked?.id, "pier 9"]);
  await page.locator(".message.mine.file .quote", { hasText: "where is the plan?" }).waitFor();
});

test("shows pictures and sends them without a network", async () => {
  const shown = page.locator(".message.theirs.picture");
  await shown.locator("img:not(.blurred)").first().waitFor();
  await context.setOffline(true);
  // Seen before, it is here; written now, it goes later.
  await shown.locator(".picture-open").first().click();
  const saved = page.waitForEvent("download");
  await page.locator(".viewer").getByRole("button", { name: "Save" }).click();
  expect(await readFile(await (await saved).path())).toEqual(PIXEL);
  await page.keyboard.press("Escape");
  const file = { name: "late.txt", mimeType: "text/plain", buffer: Buffer.from("from the tunnel") };
  const before = (await heard()).filter((one) => one.kind === "Attachment").length;
  await page.locator(".composer input[type=file]").last().setInputFiles(file);
  await page.press(".composer textarea", "Enter");
  await page.locator(".message.mine.file .ticks.queued").waitFor();
  await context.setOffline(false);
  const id = await hearsFile("Attachment", before);
  const fetched = await stage.ask<{ name: string; hex: string }>("fetch", { name: "bela", to: id });
  expect([fetched.name, utf8(fetched.hex)]).toEqual(["late.txt", "from the tunnel"]);
  await bubble(page, "late.txt").locator(".ticks:is(.sent, .delivered, .read)").waitFor();
});

test("lets messages disappear on both sides, and out of the store", async () => {
  await open(page, direct);
  await write(page, "stays");
  await hears("Text", "stays");
  await stage.ask("timer", { name: "bela", conversation: direct, seconds: 4 });
  await page.locator(".timer-mark").waitFor();
  const kept = await rows(page, "history", direct);
  await write(page, "gone soon");
  const { id } = await hears("Text", "gone soon");
  await bubble(page, "gone soon").waitFor();
  await page.getByText("gone soon").last().waitFor({ state: "detached" });
  await expect.poll(() => rows(page, "history", direct)).toBe(kept);
  await bubble(page, "stays").waitFor();
  const shown = await stage.ask<string[]>("shown", { name: "bela", conversation: direct });
  expect(shown).not.toContain(id);
});

test("searches its own history", async () => {
  await page.keyboard.press("Control+k");
  await page.locator(".search-field").fill("SAILED");
  await page.locator(".quiet.center", { hasText: "Nothing found" }).waitFor();
  await page.locator(".search-field").fill("by ALL");
  await page.locator(".hit mark", { hasText: "by all" }).waitFor();
  await page.locator(".hit").first().click();
  await page.locator(".message.pointed", { hasText: "seen by all?" }).waitFor();
});

test("administers a group", async () => {
  await go(page, `#/c/${group}/info`);
  await page.getByRole("button", { name: "Change name" }).click();
  await page.locator("dialog input").fill("Quay 8");
  await page.locator("dialog").getByRole("button", { name: "Save" }).click();
  const title = () => stage.ask<[string, number]>("title", { name: "bela", conversation: group });
  await expect.poll(async () => (await title())[0]).toBe("Quay 8");
  const file = { name: "dot.png", mimeType: "image/png", buffer: PIXEL };
  await page.locator(".face input[type=file]").setInputFiles(file);
  await expect.poll(async () => (await title())[1]).toBeGreaterThan(0);
  await page.locator(".face img").waitFor();
  expect((await title())[0]).toBe("Quay 8");
  const admins = () => stage.ask<string[]>("admins", { name: "bela", conversation: group });
  const member = page.locator(".plain-list .row", { hasText: "mira" });
  await member.click();
  await page.getByRole("button", { name: "Make administrator" }).click();
  await expect.poll(async () => (await admins()).length).toBe(3);
  await member.locator(".chip", { hasText: "Administrator" }).waitFor();
  await mira.locator(".news.role", { hasText: /noa.+made.+mira.+an administrator/ }).waitFor();
  await member.click();
  await page.getByRole("button", { name: "Remove from the group" }).click();
  await page.locator("dialog .danger").click();
  const members = () => stage.ask<string[]>("members", { name: "bela", conversation: group });
  await expect.poll(async () => (await members()).length).toBe(2);
  await mira.locator(".closed-note").waitFor();
  await page.getByRole("button", { name: "Add people" }).click();
  await page.locator("dialog input[type=search]").fill("mira");
  await page.locator("dialog .people-choice label", { hasText: "mira" }).click();
  await page.locator("dialog .primary").click();
  await expect.poll(async () => (await members()).length).toBe(3);
  await mira.locator(".composer textarea").waitFor();
  await mira.locator(".head-name", { hasText: "Quay 8" }).waitFor();
  await go(mira, `#/c/${group}/info`);
  await mira.getByRole("button", { name: "Leave the group" }).click();
  await mira.locator("dialog .danger").click();
  await expect.poll(async () => (await members()).length).toBe(2);
  await open(page, group);
  await page.locator(".news.left", { hasText: /mira.+left/ }).waitFor();
});

test("lists conversations with previews, counts and drafts, and keeps these over a reload", async () => {
  await open(page, group);
  await say("what do you think?");
  await bubble(page, "what do you think?").waitFor();
  await choose(page, "what do you think?", "Reply");
  await page.fill(".composer textarea", "half a thought");
  await page.locator(".item.open .draft").waitFor();
  await go(page, "#/settings");
  await say("first");
  await say("second with @noa");
  const item = page.locator(".item", { hasText: "Quay 8" });
  await expect
    .poll(() => item.locator(".badge").allTextContents())
    .toEqual(["@", "22 unread messages"]);
  await page.reload();
  await page.waitForSelector("html[data-ready]");
  await stage.unlock(page);
  await page.locator(".item", { hasText: "Quay 8" }).locator(".draft").waitFor();
  await go(page, `#/c/${group}`);
  await expect.poll(() => page.inputValue(".composer textarea")).toBe("half a thought");
  await page.locator(".subject", { hasText: "what do you think?" }).waitFor();
  await page.locator(".divider.unread").waitFor();
  await page.fill(".composer textarea", "");
  await page.locator(".item.open .draft").waitFor({ state: "detached" });
  await page.locator(".item.open .item-preview", { hasText: "second with @noa" }).waitFor();
});

test("works by keyboard, in the dark and in Hebrew", async () => {
  await page.keyboard.press("Control+,");
  await page.locator("h1", { hasText: "Settings" }).waitFor();
  const ground = () =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  await page.locator("select").nth(1).selectOption("dark");
  await expect.poll(ground).not.toBe(light);
  await page.locator("select").nth(0).selectOption("he");
  await page.waitForSelector("html[lang=he][dir=rtl]");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Alt+ArrowDown");
  await page.locator(".conversation-head").waitFor();
  await page.keyboard.press("Control+/");
  await page.locator(".shortcuts").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".shortcuts").waitFor({ state: "detached" });
});

test("has no accessibility violation that axe finds", async () => {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const screens: [string, Page, string, string][] = [
    ["the list and a conversation", page, `#/c/${group}`, ".message"],
    ["about a group", page, `#/c/${group}/info`, ".card"],
    ["settings", page, "#/settings", ".card"],
    ["devices", page, "#/devices", ".card"],
    ["who can read this", page, "#/trust", ".trust"],
    ["a new conversation", page, "#/new", "input"],
    ["a search", page, "#/search", ".search-field"],
    ["a conversation in another's light scheme", mira, `#/c/${group}`, ".message"],
  ];
  await page.evaluate(axe);
  await mira.evaluate(axe);
  for (const [name, where, route, shown] of screens) {
    await go(where, route);
    await where.locator(shown).first().waitFor();
    const found = await where.evaluate(async () => {
      // What still fades in has no colours yet.
      await Promise.all(document.getAnimations().map((each) => each.finished));
      const { axe: runner } = globalThis as unknown as { axe: typeof import("axe-core") };
      const { violations } = await runner.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      });
      return violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map((each) => each.html.slice(0, 120)).join(" | ")}`,
      );
    });
    expect(found, name).toEqual([]);
  }
});

test("moves nothing about on a phone while one opens a conversation and writes", async () => {
  await mira.setViewportSize({ width: 360, height: 740 });
  await go(mira, "#/");
  await mira.locator(".item-open").first().waitFor();
  await mira.evaluate(() => {
    const moved: string[] = [];
    Object.assign(globalThis, { moved });
    new PerformanceObserver((list) => {
      for (const each of list.getEntries() as unknown as LayoutShift[]) {
        // A line that is sent moves those above it: that is what one sent it for.
        if (
          each.value < 0.005 ||
          (each.hadRecentInput && "sent" in document.documentElement.dataset)
        ) {
          continue;
        }
        for (const { node } of each.sources) {
          moved.push(`${each.value.toFixed(3)} ${(node as Element | null)?.className ?? ""}`);
        }
      }
    }).observe({ type: "layout-shift" });
  });
  await mira.locator(".item-open", { hasText: "bela" }).last().click();
  await mira.locator(".composer textarea").waitFor();
  await mira.locator(".composer textarea").pressSequentially("a short line");
  await mira.evaluate(async () => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    document.documentElement.dataset["sent"] = "";
  });
  await mira.press(".composer textarea", "Enter");
  await mira.locator(".message.mine.last .ticks:is(.sent, .delivered, .read)").waitFor();
  const { moved } = await mira.evaluate(async () => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return { moved: (globalThis as unknown as { moved: string[] }).moved };
  });
  expect(moved).toEqual([]);
  expect(await mira.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
  expect(stage.problems).toEqual([]);
});
