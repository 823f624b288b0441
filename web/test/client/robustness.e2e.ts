/** What can go wrong on a device: killed tabs, a full disk, a wrong clock, lost answers. */

import type { BrowserContext, Page, Route } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Heard, PASSPHRASE, Stage } from "./stage.ts";

let stage: Stage;
let context: BrowserContext;
let other: BrowserContext;
let page: Page;
let maya: Page;
let conversation: string;
let attachments = 0;

const utf8 = (data: string) => Buffer.from(data, "hex").toString();

beforeAll(async () => {
  stage = await Stage.begin();
  [context, other] = await Promise.all([stage.context(), stage.context()]);
  [page, maya] = await Promise.all([stage.open(context), stage.open(other)]);
  await stage.register(page, "noa");
  await stage.register(maya, "maya");
  await stage.ask("person", { name: "bela" });
  await stage.ask("person", { name: "dov" });
});

afterAll(() => stage.end());

async function write(from: Page, text: string): Promise<void> {
  await from.fill(".composer textarea", text);
  await from.press(".composer textarea", "Enter");
}

/** The texts that the Python client was told of, until the last of these is there. */
async function heard(last: string): Promise<string[]> {
  const texts = async () =>
    (await stage.ask<Heard[]>("hear", { name: "bela", count: 0 })).map((one) =>
      one.kind === "refused" ? "refused" : utf8(one.hex ?? ""),
    );
  await expect.poll(texts).toContain(last);
  return texts();
}

async function open(where: Page, title: string): Promise<void> {
  await where.locator(".item-open", { hasText: title }).click();
  await where.locator(".composer textarea").waitFor();
}

/** Ends the tab as a crash does, and opens the app again. */
async function killAndReopen(): Promise<void> {
  await page.close({ runBeforeUnload: false });
  page = await stage.open(context);
  await stage.unlock(page);
}

function shown(where: Page, text: string) {
  return where.locator(".timeline").getByText(text, { exact: true });
}

test("two browsers and a Python client talk in one group", async () => {
  conversation = await stage.ask<string>("group", {
    name: "bela",
    with: ["noa", "maya"],
    title: "Quay 7",
  });
  await Promise.all([open(page, "Quay 7"), open(maya, "Quay 7")]);
  await write(page, "from noa");
  await write(maya, "from maya");
  await stage.ask("send", { name: "bela", conversation, text: "from bela" });
  for (const where of [page, maya]) {
    for (const text of ["from noa", "from maya", "from bela"]) {
      await shown(where, text).waitFor();
    }
  }
  expect(await heard("from maya")).toContain("from noa");
});

test("loses nothing and sends nothing twice when the answer to a message is lost", async () => {
  await stage.ask("lie", { name: "noa", how: "unacknowledged" });
  await write(page, "was it taken?");
  await heard("was it taken?");
  await shown(page, "was it taken?").waitFor();
  await stage.ask("lie", { name: "noa" });
  await killAndReopen();
  await open(page, "Quay 7");
  await shown(page, "was it taken?").waitFor();
  await write(page, "after it");
  const all = await heard("after it");
  expect(all.filter((text) => text === "was it taken?")).toHaveLength(1);
  expect(all).not.toContain("refused");
  expect(await shown(page, "was it taken?").count()).toBe(1);
});

/** Kills the tab while its commit is at a point on its way, and looks at what came of it. */
async function killDuringCommit(
  what: "asked for keys" | "before the server" | "behind the server",
  title: string,
): Promise<void> {
  const room = await stage.ask<string>("group", { name: "bela", with: ["noa"], title });
  await stage.ask("promote", { name: "bela", conversation: room, with: ["bela", "noa"] });
  await open(page, title);
  let reached: (route: Route) => void = () => undefined;
  const there = new Promise<Route>((done) => {
    reached = done;
  });
  const path = what === "asked for keys" ? "**/v1/key-packages/claim" : "**/commits";
  await context.route(path, async (route) => {
    if (what === "behind the server") await route.fetch();
    reached(route);
    // And never an answer.
  });
  await page.evaluate((id) => {
    location.hash = `#/c/${id}/info`;
  }, room);
  await addPerson(page, "dov");
  const held = await there;
  // A request that is held would go on its way with the end of its tab.
  if (what !== "behind the server") void held.abort();
  await page.close({ runBeforeUnload: false });
  await context.unroute(path);
  page = await stage.open(context);
  await stage.unlock(page);
  await open(page, title);
  await write(page, `${title}: still here`);
  const all = await heard(`${title}: still here`);
  expect(all).not.toContain("refused");
  const members = async () =>
    (await stage.ask<string[]>("members", { name: "bela", conversation: room })).length;
  if (what === "behind the server") await expect.poll(members).toBe(3);
  else {
    expect(await members()).toBe(2);
    // What never reached the server can be done again.
    await page.evaluate((id) => {
      location.hash = `#/c/${id}/info`;
    }, room);
    await addPerson(page, "dov");
    await expect.poll(members).toBe(3);
    await open(page, title);
  }
  await write(page, `${title}: and after`);
  await stage.ask("send", { name: "bela", conversation: room, text: `${title}: heard` });
  await shown(page, `${title}: heard`).waitFor();
  expect(await heard(`${title}: and after`)).not.toContain("refused");
}

async function addPerson(where: Page, handle: string): Promise<void> {
  await where.locator("button", { hasText: "Add people" }).first().click();
  const dialog = where.locator("dialog[open]");
  await dialog.locator("input[type=search]").fill(handle);
  await dialog.locator(".people-choice label", { hasText: handle }).click();
  await dialog.locator(".button.primary").click();
}

test("a tab killed before its commit was made", () => killDuringCommit("asked for keys", "Pier 1"));
test("a tab killed between its commit's writing and the server", () =>
  killDuringCommit("before the server", "Pier 2"));
test("a tab killed before it learned that its commit was taken", () =>
  killDuringCommit("behind the server", "Pier 3"));

/** Opens another tab, ends this one at a point of that, and expects that the other works. */
async function closeWhile(opened: (next: Page) => Promise<unknown>): Promise<void> {
  const next = await context.newPage();
  const there = opened(next);
  const loaded = next.goto(stage.address);
  await there;
  await page.close({ runBeforeUnload: false });
  await loaded;
  page = next;
  await page.waitForSelector("html[data-ready]");
  // It may have been told that all is open, by the tab that is gone.
  await page.locator("input[type=password]").waitFor();
  await stage.unlock(page);
  await open(page, "Quay 7");
}

test("a tab that opens while the leading one closes answers, whenever that is", async () => {
  const points: ((next: Page) => Promise<unknown>)[] = [
    async () => undefined,
    (next) => next.waitForEvent("framenavigated"),
    (next) => next.waitForEvent("worker"),
    (next) => next.waitForEvent("load"),
    (next) => next.waitForSelector("html[data-ready]"),
  ];
  for (const point of points) await closeWhile(point);
  await write(page, "one tab after the other");
  expect(await heard("one tab after the other")).not.toContain("refused");
});

test("a tab takes over from one that hears it and says nothing any more", async () => {
  for (let time = 0; time < 3; time += 1) {
    for (const worker of page.workers()) {
      await worker.evaluate(() => {
        BroadcastChannel.prototype.postMessage = () => undefined;
      });
    }
    await closeWhile(async (next) => {
      await next.waitForEvent("load");
      // Its questions are on their way, and nobody answers.
      await expect.poll(() => next.workers().length).toBe(1);
      await next.workers()[0]?.evaluate(() => new Promise((done) => setTimeout(done, 200)));
      expect(await next.getAttribute("html", "data-ready")).toBeNull();
    });
  }
});

test("a file waits for the network, and can be looked at until then", async () => {
  await open(page, "Quay 7");
  const choose = (name: string) => {
    const file = { name, mimeType: "text/plain", buffer: Buffer.from(`high at six: ${name}`) };
    return page.locator(".composer input[type=file]").last().setInputFiles(file);
  };
  // The code for attachments is there once one was sent.
  await choose("ebb.txt");
  await page.press(".composer textarea", "Enter");
  await page.locator(".timeline").getByText("ebb.txt").last().waitFor();
  await context.setOffline(true);
  await choose("tide.txt");
  await page.press(".composer textarea", "Enter");
  await page.locator(".timeline").getByText("tide.txt").last().waitFor();
  await page.close({ runBeforeUnload: false });
  await context.setOffline(false);
  page = await stage.open(context);
  await stage.unlock(page);
  await open(page, "Quay 7");
  const kinds = async () =>
    (await stage.ask<Heard[]>("hear", { name: "bela", count: 0 })).map((one) => one.kind);
  const files = async () => (await kinds()).filter((kind) => kind === "Attachment").length;
  await expect.poll(files).toBe(2);
  attachments = 2;
});

test("says that the disk is full, loses nothing, and recovers", async () => {
  const small = await stage.context();
  const tools = await small.newCDPSession(await small.newPage());
  const origin = stage.address;
  // From the beginning: while it is written to, Chromium believes in the room that there was.
  // Less than the file alone: it counts what the service worker keeps when it likes.
  const give = (mebibytes: number) =>
    tools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: mebibytes * 1024 * 1024 });
  await give(2.5);
  let ora = await stage.open(small);
  await stage.register(ora, "ora");
  const room = await stage.ask<string>("group", { name: "bela", with: ["ora"], title: "Attic" });
  await open(ora, "Attic");
  const file = {
    name: "plan.bin",
    mimeType: "application/octet-stream",
    buffer: Buffer.alloc(3 * 1024 * 1024, 7),
  };
  await ora.locator(".composer input[type=file]").last().setInputFiles(file);
  await write(ora, "the plan");
  const alarm = ora.locator("dialog[open]");
  await alarm.getByText("This device is full").waitFor();
  await alarm.locator("button").last().click();
  await alarm.waitFor({ state: "detached" });
  // What was to be sent is still in the field; what others wrote comes once there is room.
  await expect.poll(() => ora.inputValue(".composer textarea")).toBe("the plan");
  await stage.ask("send", { name: "bela", conversation: room, text: "while it was full" });
  await give(512);
  await shown(ora, "while it was full").waitFor();
  await ora.press(".composer textarea", "Enter");
  const got = async () =>
    (await stage.ask<Heard[]>("hear", { name: "bela", count: 0 })).filter(
      (one) => one.kind === "Attachment",
    ).length;
  const before = attachments;
  await expect.poll(got).toBe(before + 1);
  // A full disk keeps nobody from opening the app and reading.
  await ora.close({ runBeforeUnload: false });
  await give(0);
  ora = await stage.open(small);
  await stage.unlock(ora);
  await open(ora, "Attic");
  await shown(ora, "while it was full").waitFor();
  await small.close();
});

/** Opens the app by a clock that is wrong by so many days. */
async function openBy(days: number): Promise<void> {
  await page.close({ runBeforeUnload: false });
  page = await context.newPage();
  page.on("worker", (worker) => {
    void worker.evaluate((by) => {
      const now = Date.now.bind(Date);
      Date.now = () => now() + by;
    }, days * 86_400_000);
  });
  await page.goto(stage.address);
  await page.waitForSelector("html[data-ready]");
  await page.locator("input[type=password]").fill(PASSPHRASE);
  await page.click("form button[type=submit]");
}

test("says that the clock is before anything that it knows", async () => {
  await openBy(-2);
  await page.getByText("check your device's clock").first().waitFor();
});

test("says that the clock is wrong, and by how much, and stops nothing for it", async () => {
  await openBy(2);
  const alarm = page.locator("dialog[open]");
  await alarm.getByText("This device's clock is wrong").waitFor();
  await alarm.getByText(/2 days|48 hours/).waitFor();
  await stage.ask("send", { name: "bela", conversation, text: "in the right time" });
  await page.close({ runBeforeUnload: false });
  page = await stage.open(context);
  await stage.unlock(page);
  await forgetAlarms();
  await open(page, "Quay 7");
  await shown(page, "in the right time").waitFor();
});

test("comes back from a broken state, and says what it missed", async () => {
  await page.close({ runBeforeUnload: false });
  await stage.ask("send", { name: "bela", conversation, text: "missed by noa" });
  // A vault that lost the group's state, as a restored one may have.
  page = await stage.open(context);
  await page.evaluate(
    (name) =>
      new Promise<void>((done, fail) => {
        const request = indexedDB.open("doublelock");
        request.onerror = () => fail(request.error);
        request.onsuccess = () => {
          const change = request.result.transaction("rows", "readwrite");
          change.objectStore("rows").delete(["group", name]);
          change.oncomplete = () => {
            request.result.close();
            done();
          };
        };
      }),
    conversation,
  );
  await stage.unlock(page);
  await open(page, "Quay 7");
  await page.locator(".news.missed").waitFor();
  await stage.ask("send", { name: "bela", conversation, text: "back again" });
  await shown(page, "back again").waitFor();
  await write(page, "noa is back");
  expect(await heard("noa is back")).not.toContain("refused");
});

/** Takes the alarm of the wrong clock as seen, if it still stands: it goes once the clock is right. */
async function forgetAlarms(): Promise<void> {
  await expect.poll(() => page.locator("dialog[open]").count()).toBe(0);
}

test("shows a defect of the program by name, and goes on once it is gone", async () => {
  for (const worker of page.workers()) {
    await worker.evaluate(() => {
      crypto.subtle.encrypt = () => Promise.reject(new TypeError("never to be expected"));
    });
  }
  const broken = page.locator(".gate code", { hasText: "defect" });
  const field = page.locator(".composer textarea");
  // Once is an accident, and begun again from the vault; again and again is shown.
  while (!(await broken.isVisible())) {
    if (!(await field.isVisible())) await broken.waitFor();
    else await write(page, "what became of it?").catch(() => undefined);
    await Promise.race([
      broken.waitFor({ timeout: 15_000 }),
      expect.poll(() => field.inputValue({ timeout: 5_000 }), { timeout: 15_000 }).not.toBe(""),
    ]).catch(() => undefined);
  }
  await page.getByRole("button", { name: "Try again" }).click();
  await page.waitForSelector("html[data-ready]");
  await stage.unlock(page);
  await open(page, "Quay 7");
  await write(page, "here it is");
  const all = await heard("here it is");
  expect(all).not.toContain("what became of it?");
  expect(all).not.toContain("refused");
});
