/** The interface in a real Chromium: what a person does with mouse, keys and fingers. */

import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ALARMS } from "./alarms.ts";
import { DESKTOP, PHONE, Stage, settle } from "./browser.ts";

const FIRST = "#/c/co00000000000000";

interface LayoutShift {
  readonly value: number;
  readonly sources: readonly { readonly node: Node | null }[];
}

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.begin();
});
afterAll(() => stage.end());
// Nothing may break the policy, throw, or ask another host.
afterEach(() => expect(stage.problems.splice(0)).toEqual([]));

const lastText = (page: Page) => page.locator(".message .rich").last().textContent();
const asked = (page: Page, what: string) =>
  page.evaluate(
    (name) => messenger.asked.filter((each) => each.what === name).map((each) => each.with),
    what,
  );

describe("writing", () => {
  it("sends what is typed, and shows how far it came", async () => {
    const page = await stage.open({ route: FIRST });
    await page.fill("textarea", "On my way");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".message.mine.last .ticks.delivered");
    expect(await lastText(page)).toBe("On my way");
    expect(await page.inputValue("textarea")).toBe("");
    expect(await page.locator(".item.open .item-preview").textContent()).toContain("On my way");
  });

  it("shows others' text as text, never as markup", async () => {
    const page = await stage.open({ route: FIRST });
    const hostile = '<img src=x onerror="alert(1)"><b>no</b> javascript:alert(1)';
    await page.evaluate(
      (text) => messenger.receive("co00000000000000", "ac00000000000000", text),
      hostile,
    );
    await page.waitForFunction((text) => document.body.textContent?.includes(text), hostile);
    expect(
      await page.locator(".message b, .message img[src=x], .message a[href^=javascript]").count(),
    ).toBe(0);
  });

  it("answers, edits, reacts, deletes from the menu", async () => {
    const page = await stage.open({ route: FIRST });
    await page.locator(".message").last().click({ button: "right" });
    await page.getByRole("button", { name: "Reply" }).click();
    await page.fill("textarea", "Yes!");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".message.mine.last .quote >> text=See you on Friday then!");
    // An empty field and the arrow up edit the last one.
    await page.waitForSelector(".message.mine.last .ticks.delivered");
    await page.focus("textarea");
    await page.keyboard.press("ArrowUp");
    await expect.poll(() => page.inputValue("textarea")).toBe("Yes!");
    await page.fill("textarea", "Yes, *gladly*");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".message.mine.last strong >> text=gladly");
    expect(await page.locator(".message .marks").last().textContent()).toContain("edited");
    await page.locator(".message").last().click({ button: "right" });
    await page.locator(".quick-marks button").first().click();
    await page.waitForSelector(".message.mine.last .reaction.own");
    await page.locator(".message").last().click({ button: "right" });
    await page.getByRole("button", { name: "Delete for everyone" }).click();
    await page.locator("dialog .danger").click();
    await page.waitForSelector(".message.mine.last >> text=You deleted this message.");
  });

  it("mentions by the keyboard, and says whom", async () => {
    const page = await stage.open({ route: FIRST });
    await page.locator("textarea").pressSequentially("Ask @bru");
    await page.waitForSelector("[role=option]");
    await page.keyboard.press("Enter");
    await page.locator("textarea").pressSequentially("now");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".mention >> text=@bruno.keller");
    const [[, outgoing]] = (await asked(page, "send")) as [[string, { mentions: unknown }]];
    expect(outgoing.mentions).toEqual([{ start: 4, end: 17, account: "ac00000000000001" }]);
  });

  it("has the cursor where the text went before the next key comes", async () => {
    const page = await stage.open({ route: FIRST });
    await page.fill("textarea", "one two");
    await page.click(".composer button[aria-expanded] >> nth=0");
    const texts = await page.evaluate(() => {
      const area = document.querySelector("textarea");
      const bold = document.querySelector<HTMLElement>(".format-bold");
      if (area === null || bold === null) throw new Error("no composer");
      area.setSelectionRange(4, 7);
      bold.click();
      // In the same turn, as by a key that was waiting already.
      document.execCommand("insertText", false, "six");
      return [area.value, String(area.selectionStart)];
    });
    expect(texts).toEqual(["one *six*", "8"]);
    await expect.poll(() => page.inputValue("textarea")).toBe("one *six*");
  });

  it("keeps a draft for each conversation", async () => {
    const page = await stage.open({ route: FIRST });
    await page.fill("textarea", "half a thought");
    await page.waitForSelector(".item.open .draft");
    await page.keyboard.press("Alt+ArrowDown");
    await page.waitForSelector(".item.open >> text=Bruno Keller");
    await expect.poll(() => page.inputValue("textarea")).toBe("");
    await page.keyboard.press("Alt+ArrowUp");
    await page.waitForFunction(
      () => document.querySelector("textarea")?.value === "half a thought",
    );
  });

  it("queues while offline, and sends later", async () => {
    const page = await stage.open({ route: FIRST });
    await page.evaluate(() => messenger.disconnect(false));
    await page.waitForSelector(".connection-line");
    await page.fill("textarea", "from the tunnel");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".message.mine.last .ticks.queued");
    await page.evaluate(() => messenger.disconnect(true));
    await page.waitForSelector(".message.mine.last .ticks.sent");
  });

  it("sends a pasted picture made small, with a thumbnail", async () => {
    const page = await stage.open({ route: FIRST });
    await page.evaluate(async () => {
      const canvas = document.createElement("canvas");
      canvas.width = 3000;
      canvas.height = 1500;
      canvas.getContext("2d")?.fillRect(0, 0, 900, 900);
      const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg"));
      const data = new DataTransfer();
      data.items.add(new File([blob ?? ""], "IMG_2034.jpeg", { type: "image/jpeg" }));
      document
        .querySelector("textarea")
        ?.dispatchEvent(
          new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }),
        );
    });
    await page.waitForSelector(".attached li");
    await page.fill("textarea", "look");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".message.mine.last.picture img");
    const [picture] = await page.evaluate(() =>
      messenger.asked
        .filter((each) => each.what === "send")
        .map(
          (each) =>
            each.with[1] as { picture: { width: number; height: number; thumbnail: Uint8Array } },
        )
        .map(({ picture: { width, height, thumbnail } }) => ({
          width,
          height,
          bytes: thumbnail.length,
        })),
    );
    expect(picture).toMatchObject({ width: 2048, height: 1024 });
    expect(picture?.bytes).toBeGreaterThan(100);
    expect(picture?.bytes).toBeLessThanOrEqual(16 * 1024);
  });

  it("records and sends a voice note", async () => {
    const page = await stage.open({ route: FIRST });
    await page.click(".quiet-send");
    await page.waitForSelector(".recording .send:enabled");
    await page.waitForSelector(".recording-state >> text=0:01");
    await page.click(".recording .send");
    await page.waitForSelector(".message.mine.last.voice");
    const [[, outgoing]] = (await page.evaluate(() =>
      messenger.asked
        .filter((each) => each.what === "send")
        .map((each) => {
          const { blob, voice } = each.with[1] as {
            blob: Blob;
            voice: { durationMs: number; peaks: Uint8Array };
          };
          return [
            each.with[0],
            { size: blob.size, ms: voice.durationMs, peaks: voice.peaks.length },
          ];
        }),
    )) as [[string, { size: number; ms: number; peaks: number }]];
    expect(outgoing.size).toBeGreaterThan(0);
    expect(outgoing.ms).toBeGreaterThan(500);
    expect(outgoing.peaks).toBeGreaterThan(2);
  });

  it("shows a failed message with what to do", async () => {
    const page = await stage.open({ route: FIRST });
    await page.click(".not-sent button >> nth=0");
    await page.waitForSelector(".not-sent", { state: "detached" });
  });
});

describe("reading", () => {
  it("puts the view at the first unread message, and marks as read at the end", async () => {
    const page = await stage.open({ route: "#/c/co00000000000005" });
    await page.waitForSelector(".divider.unread");
    await page.click(".to-end");
    await expect
      .poll(() => page.evaluate(() => model.conversation("co00000000000005")?.unread))
      .toBe(0);
  });

  it("scrolls through 10,000 messages with few rows in the document, and holds its place", async () => {
    const page = await stage.open({ route: "#/c/long000000000000" });
    await page.waitForSelector(".message");
    await page.evaluate(async () => {
      const timeline = model.timeline("long000000000000");
      while (timeline.older.value) {
        document.querySelector(".timeline")?.scrollTo(0, 0);
        await timeline.loadOlder();
      }
    });
    expect(
      await page.evaluate(() => model.timeline("long000000000000").messages.value.length),
    ).toBe(10_000);
    await page.evaluate(() => document.querySelector(".timeline")?.scrollTo(0, 0));
    await page.waitForSelector(".beginning");
    // Down in steps of most of a view: each step shows what belongs there, without holes.
    const seen = await page.evaluate(async () => {
      const view = document.querySelector(".timeline");
      if (view === null) throw new Error("no timeline");
      const numbers = new Set<number>();
      let rows = 0;
      for (let step = 0; step < 120; step += 1) {
        view.scrollTop += 600;
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        const box = view.getBoundingClientRect();
        const there = [...view.querySelectorAll<HTMLElement>(".message")];
        rows = Math.max(rows, there.length);
        for (const each of there) {
          const { bottom, top } = each.getBoundingClientRect();
          if (bottom > box.top && top < box.bottom) {
            numbers.add(
              Number(/\((\d+)\)/.exec(each.querySelector(".rich")?.textContent ?? "")?.[1]),
            );
          }
        }
      }
      const sorted = [...numbers].sort((a, b) => a - b);
      const holes = sorted.filter((each, n) => n > 0 && each !== (sorted[n - 1] ?? 0) + 1).length;
      return { rows, count: sorted.length, holes };
    });
    expect(seen.rows).toBeLessThan(90);
    expect(seen.count).toBeGreaterThan(500);
    expect(seen.holes).toBe(0);
  });

  it("draws no more rows for a page of history than come into view, and holds its place", async () => {
    const page = await stage.open({ route: "#/c/long000000000000" });
    await page.waitForSelector(".message");
    await page.mouse.move(800, 400);
    await page.mouse.wheel(0, -1500);
    await page.waitForSelector(".to-end");
    await settle(page);
    const { made, moved, counted } = await page.evaluate(async () => {
      const list = document.querySelector(".timeline ol");
      const row = list?.children[12];
      if (list == null || row === undefined) throw new Error("no rows");
      const top = () => row.getBoundingClientRect().top;
      const before = top();
      const all = [...list.children];
      const timeline = model.timeline("long000000000000");
      for (let count = 0; count < 5; count += 1) await timeline.loadOlder();
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const after = [...list.children];
      return {
        made: after.filter((each) => !all.includes(each)).length,
        moved: Math.abs(top() - before),
        counted: after.map((each) => each.getAttribute("aria-posinset")),
      };
    });
    expect(made).toBeLessThan(4);
    expect(moved).toBeLessThan(1.5);
    // Every row still says which of them it is.
    const first = Number(counted[0]);
    expect(first).toBeGreaterThan(600);
    expect(counted).toEqual(counted.map((_, n) => String(first + n)));
  });

  it("keeps the row under the eye when something comes while one reads above", async () => {
    const page = await stage.open({ route: "#/c/long000000000000" });
    await page.waitForSelector(".message");
    await page.mouse.move(800, 400);
    await page.mouse.wheel(0, -1500);
    await page.waitForSelector(".to-end");
    const place = () =>
      page.evaluate(() => {
        const view = document.querySelector(".timeline")?.getBoundingClientRect();
        const row = [...document.querySelectorAll<HTMLElement>(".message")].find(
          (each) => each.getBoundingClientRect().top > (view?.top ?? 0) + 100,
        );
        return [row?.dataset["key"], Math.round(row?.getBoundingClientRect().top ?? 0)];
      });
    await settle(page);
    const before = await place();
    await page.evaluate(() =>
      messenger.receive("long000000000000", "ac00000000000001", "new ".repeat(60)),
    );
    await page.waitForSelector(".to-end .badge");
    await settle(page);
    expect(await place()).toEqual(before);
  });

  it("finds words, and leads to the message", async () => {
    const page = await stage.open({ route: "#/" });
    await page.keyboard.press("Control+k");
    await page.keyboard.type("(4321)");
    await page.locator(".hit", { hasText: "(4321)" }).click();
    await page.waitForSelector(".message.pointed >> text=(4321)");
  });

  it("opens pictures, steps, closes, and gives the focus back", async () => {
    const page = await stage.open({ route: FIRST });
    const shown = page.locator(".picture-open");
    await page.evaluate(() => document.querySelector(".timeline")?.scrollTo(0, 200));
    await shown.first().click();
    await page.waitForSelector(".viewer img");
    await page.keyboard.press("Escape");
    await page.waitForSelector(".viewer", { state: "detached" });
  });

  it("shows a refused message with its reason and without its text", async () => {
    const page = await stage.open({ route: FIRST });
    const refused = page.locator(".message.refused");
    await refused.scrollIntoViewIfNeeded();
    const text = (await refused.textContent()) ?? "";
    expect(text).toContain("A message was refused. It is not shown.");
    expect(text).toContain("capsule-mismatch");
  });

  it("shows a notice, its proof, and saves it as signed", async () => {
    const page = await stage.open({ route: "#/c/service" });
    await page.getByRole("button", { name: "Show the proof" }).click();
    await page.waitForSelector("dialog .hex");
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save the signed notice" }).click();
    expect((await saved).suggestedFilename()).toMatch(/^notice-.*\.jws\.json$/);
    expect(await page.locator("textarea").count()).toBe(0);
  });
});

describe("by the keyboard alone", () => {
  it("goes from the list into a conversation and to a message's menu", async () => {
    const page = await stage.open({ route: "#/" });
    await page.locator(".item-open").first().focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".message");
    await page.locator(".message[tabindex='0']").focus();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog.menu[open]");
    await page.keyboard.press("ArrowDown");
    expect(await page.evaluate(() => document.activeElement?.closest("dialog.menu") !== null)).toBe(
      true,
    );
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog.menu", { state: "detached" });
    expect(await page.evaluate(() => document.activeElement?.classList.contains("message"))).toBe(
      true,
    );
    await page.keyboard.press("Escape");
    await page.waitForSelector(".nothing");
  });

  it("offers the list of shortcuts, and Escape closes it", async () => {
    const page = await stage.open({ route: FIRST });
    await page.keyboard.press("Control+/");
    await page.waitForSelector(".shortcuts");
    await page.keyboard.press("Escape");
    await page.waitForSelector(".shortcuts", { state: "detached" });
    await page.waitForSelector("textarea");
  });

  it("skips to the conversation", async () => {
    const page = await stage.open({ route: FIRST });
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.className)).toBe("skip");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
  });
});

describe("the way in", () => {
  const begin = async (page: Page) => {
    await page.fill("input", "https://chat.example.org/#abc");
    await page.waitForSelector(".joining");
  };

  it("refuses what is no invite", async () => {
    const page = await stage.open({ state: "empty" });
    await page.fill("input", "hello");
    await page.waitForSelector("[role=alert]");
  });

  it("registers with a passphrase, after the charter could be read", async () => {
    const page = await stage.open({ state: "empty" });
    await begin(page);
    await page.click(".who");
    await page.waitForSelector("dialog .trust");
    await page.keyboard.press("Escape");
    await page.getByLabel("Your user name").fill("noa");
    // There is no passkey here: what works stands first.
    const ways = page.locator("input[name=way]");
    expect(await ways.first().getAttribute("value")).toBe("passphrase");
    expect(await ways.last().isDisabled()).toBe(true);
    await page.locator("input[value=passphrase]").check();
    await page.locator("[type=password]").nth(0).fill("short");
    await page.getByRole("button", { name: "Create account" }).click();
    await page.waitForSelector("text=Use at least 12 characters.");
    await page.locator("[type=password]").nth(0).fill("long enough words");
    await page.locator("[type=password]").nth(1).fill("long enough words");
    await page.getByRole("button", { name: "Create account" }).click();
    await page.waitForSelector(".conversations");
    const [[registration]] = (await asked(page, "register")) as [
      [{ secret: unknown; handle: string }],
    ];
    expect(registration).toMatchObject({ handle: "noa", secret: { kind: "passphrase" } });
  });

  it("registers with a passkey that gives 32 bytes", async () => {
    const page = await stage.open({ state: "empty" });
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("WebAuthn.enable");
    await devtools.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        ctap2Version: "ctap2_1",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
        hasPrf: true,
      },
    });
    await begin(page);
    await page.getByLabel("Your user name").fill("noa");
    await page.locator("input[value=passkey]").check();
    await page.getByRole("button", { name: "Create account" }).click();
    await page.waitForSelector(".conversations");
    const sizes = await page.evaluate(() => {
      const [registration] = (messenger.asked[0]?.with ?? []) as unknown as [
        { secret: { prf: Uint8Array; credential: Uint8Array } },
      ];
      return {
        prf: registration.secret.prf.length,
        credential: registration.secret.credential.length,
      };
    });
    expect(sizes.prf).toBe(32);
    expect(sizes.credential).toBeGreaterThan(15);
  });

  it("unlocks with the right passphrase alone", async () => {
    const page = await stage.open({ state: "locked" });
    await page.fill("[type=password]", "wrong");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[role=alert]");
    await page.fill("[type=password]", "correct horse battery");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".conversations");
  });

  it("links a device: compares codes before anything is approved", async () => {
    const page = await stage.open({ route: "#/link-device" });
    await page.waitForSelector(".qr path");
    await page.locator(".steps .button.primary").click();
    await page.fill("dialog input", "nonsense");
    await page.locator("dialog footer .primary").click();
    await page.waitForSelector("text=This is not a new device's request.");
    await page.locator(".steps .button.primary").click();
    await page.fill("dialog input", "doublelock-link:AAAA");
    await page.locator("dialog footer .primary").click();
    await page.waitForSelector(".digits");
    expect(await asked(page, "approveDevice")).toEqual([]);
    await page.getByRole("button", { name: "The same: approve" }).click();
    await expect.poll(() => asked(page, "approveDevice")).toEqual([["doublelock-link:AAAA", true]]);
  });
});

describe("trust", () => {
  it("interrupts with each alarm in turn, without a button in focus", async () => {
    const page = await stage.open({ route: FIRST, alarms: ALARMS });
    for (let n = 0; n < ALARMS.length; n += 1) {
      await page.waitForFunction((left) => model.alarms.value.length === left, ALARMS.length - n);
      await page.waitForSelector("[role=alertdialog]");
      expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("H2");
      await page.keyboard.press("Escape");
      await page.waitForSelector("[role=alertdialog][open]");
      await page.locator("[role=alertdialog] footer button").first().click();
    }
    await page.waitForSelector("[role=alertdialog]", { state: "detached" });
  });

  it("leads from a changed code to the comparison, and marks as verified", async () => {
    const page = await stage.open({ route: "#/c/co00000000000002" });
    await page.locator(".warning .button").click();
    await page.waitForSelector(".safety.changed .digits");
    await page.getByRole("button", { name: "Mark as verified" }).click();
    await page.waitForSelector(".safety.verified");
  });

  it("says so when the scanned code is another", async () => {
    const page = await stage.open({ route: "#/p/ac00000000000003" });
    await page.getByRole("button", { name: "Scan their code" }).click();
    await page.fill("dialog input", "doublelock-safety:00ff");
    await page.locator("dialog footer .primary").click();
    await page.waitForSelector(".toast >> text=The codes differ.");
  });

  it("counts what was opened, and names who holds keys", async () => {
    const page = await stage.open({ route: "#/trust" });
    const text = (await page.waitForSelector(".trust").then((each) => each.textContent())) ?? "";
    for (const wanted of [
      "3 of 5 custodians",
      "Court of Appeal, Division 4",
      "142",
      "365 days",
      "Press Council",
    ]) {
      expect(text).toContain(wanted);
    }
  });

  it("says that nothing can be opened where the charter has no contingency", async () => {
    const page = await stage.open({ route: "#/trust", escrow: "none" });
    const text = (await page.waitForSelector(".trust").then((each) => each.textContent())) ?? "";
    expect(text).toContain("nothing can be opened");
    expect(text).not.toContain("custodians together");
  });

  it("says whose messages can be opened where the own committee has no contingency", async () => {
    const page = await stage.open({ route: "#/trust", escrow: "elsewhere" });
    const text = (await page.waitForSelector(".trust").then((each) => each.textContent())) ?? "";
    expect(text).toContain("your committee has no contingency");
    expect(text).toContain("Island Committee");
    expect(text.split("What has been opened so far")).toHaveLength(2);
  });
});

describe("groups", () => {
  it("makes one, names it, lets somebody in, makes a link", async () => {
    const page = await stage.open({ route: "#/new" });
    await page.getByRole("button", { name: "New group" }).click();
    await page.getByRole("button", { name: "Make the group" }).click();
    await page.waitForSelector("text=Give the group a name.");
    await page.getByLabel("Name of the group").fill("Pier walk");
    await page.locator(".people-choice label").nth(0).click();
    await page.locator(".people-choice label").nth(2).click();
    await page.waitForSelector("text=2 people chosen");
    await page.getByRole("button", { name: "Make the group" }).click();
    await page.waitForSelector(".head-name >> text=Pier walk");
    await page.goto(`${page.url().split("#")[0]}${FIRST}/info`);
    await page.getByRole("button", { name: "Let in" }).first().click();
    await expect
      .poll(() => asked(page, "answerJoinRequest"))
      .toEqual([["co00000000000000", "ac0000000000000c", true]]);
    await page.getByRole("button", { name: "Make a link" }).click();
    await page.waitForSelector(".copy-line output");
  });
});

describe("looks", () => {
  it("changes language, direction and colours at once", async () => {
    const page = await stage.open({ route: "#/settings" });
    const select = (n: number) => page.locator("select").nth(n);
    await select(0).selectOption("he");
    await page.waitForSelector("html[lang=he][dir=rtl]");
    await page.waitForSelector("h1 >> text=הגדרות");
    const ground = () =>
      page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await ground();
    await select(1).selectOption("dark");
    await expect.poll(ground).not.toBe(light);
  });

  it.each([
    ["phone", PHONE],
    ["desktop", DESKTOP],
  ])("shifts nothing on a %s, and is never wider than the window", async (_, size) => {
    const routes = [
      ["#/", ".item-open"],
      [FIRST, ".message"],
      ["#/c/long000000000000", ".message"],
      ["#/trust", ".trust"],
      ["#/settings", ".screen select"],
      ["#/devices", ".device"],
      ["#/new", ".screen .plain-list li"],
      [`${FIRST}/info`, ".screen .plain-list li"],
    ] as const;
    for (const [route, sign] of routes) {
      for (const language of ["en", "he"] as const) {
        const page = await stage.open({ ...size, route, language });
        await page.waitForSelector(sign);
        await settle(page);
        const found = await page.evaluate(
          () =>
            new Promise<{ shift: number; wide: number; moved: string[] }>((done) => {
              let shift = 0;
              const moved: string[] = [];
              const observer = new PerformanceObserver((list) => {
                const entries = list.getEntries();
                for (const each of entries) {
                  if (each.entryType !== "layout-shift") continue;
                  const { value, sources } = each as unknown as LayoutShift;
                  shift += value;
                  for (const { node } of sources)
                    moved.push((node as Element | null)?.className ?? "");
                }
                // The mark was made last: all that came before it has been told.
                if (!entries.some((each) => each.entryType === "mark")) return;
                const wide = document.documentElement.scrollWidth - innerWidth;
                done({ shift, moved, wide });
              });
              observer.observe({ type: "layout-shift", buffered: true });
              observer.observe({ type: "mark" });
              performance.mark("settled");
            }),
        );
        expect(found.shift, `${route} ${language} ${found.moved.join(", ")}`).toBeLessThan(0.02);
        expect(found.wide, `${route} ${language}`).toBeLessThanOrEqual(0);
      }
    }
  });
});
