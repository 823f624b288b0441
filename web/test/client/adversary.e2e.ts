/** A malicious server: each of its lies is noticed, and said with its reason, where one looks. */

import type { BrowserContext, Page, Route } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { go, type Heard, readTrust, Stage, utf8, write } from "./stage.ts";

let stage: Stage;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  stage = await Stage.begin();
  context = await stage.context();
  page = await stage.open(context);
  for (const name of ["bela", "dov"]) await stage.ask("person", { name });
  await stage.ask("bring_in", { by: "bela", name: "gil" });
  const invite = await stage.ask<string>("invite_by", { name: "bela" });
  await stage.register(page, "noa", { invite });
});

afterAll(() => stage.end());

/** A group of noa and bela, open in the browser. */
async function begin(title: string): Promise<string> {
  const conversation = await stage.ask<string>("group", { name: "bela", with: ["noa"], title });
  await open(title);
  return conversation;
}

async function open(title: string): Promise<void> {
  await page.locator(".item-open", { hasText: title }).click();
  await page.locator(".timeline").getByText(title).first().waitFor();
}

async function heardByBela(): Promise<string[]> {
  const heard = await stage.ask<Heard[]>("hear", { name: "bela", count: 0 });
  expect(heard.filter((one) => one.kind === "refused")).toEqual([]);
  return heard.map((one) => utf8(one.hex));
}

function say(conversation: string, text: string): Promise<unknown> {
  return stage.ask("send", { name: "bela", conversation, text });
}

function shown(text: string) {
  return page.locator(".timeline .bubble").getByText(text, { exact: true });
}

/** Waits for an alarm by its words, reads its reason, and takes it as seen. */
async function hearAlarm(words: string, code?: string): Promise<void> {
  const alarm = page.locator("dialog[open]", { hasText: words });
  await alarm.waitFor();
  if (code !== undefined) expect(await alarm.locator("details").textContent()).toContain(code);
  await alarm.getByText(/^(Understood|Go on unverified|That was me)$/).click();
  await alarm.waitFor({ state: "detached" });
}

/** Whether the conversation says that it was stopped, and why. */
async function isStopped(code: string): Promise<void> {
  await page.locator(".closed-note code", { hasText: code }).waitFor();
  expect(await page.locator(".composer textarea").count()).toBe(0);
}

/** Changes one byte of an answer, from the end. */
function spoil(at: number): (route: Route) => Promise<void> {
  return async (route) => {
    const answer = await route.fetch();
    const body = Buffer.from(await answer.body());
    body[body.length - at] = (body[body.length - at] ?? 0) ^ 1;
    await route.fulfill({ response: answer, body });
  };
}

/** What a stranger's first look says where `/v1/charters` is answered so. */
async function knock(answer: (route: Route) => Promise<void>): Promise<string> {
  const stranger = await stage.context();
  await stranger.route("**/v1/charters", answer);
  const door = await stage.open(stranger);
  await door.fill("input", await stage.ask<string>("invite"));
  const said = door.locator("small[role=alert]");
  await said.waitFor();
  expect(await door.locator("form.joining").count()).toBe(0);
  const text = (await said.textContent()) ?? "";
  await stranger.close();
  return text;
}

test("a charter that was changed on its way", async () => {
  expect(await knock(spoil(40))).toContain("A signature does not hold");
});

test("another charter, whole and signed, in the place of the invite's", async () => {
  const body = Buffer.from(await stage.ask<string>("usurp", { what: "genesis" }), "hex");
  const said = await knock(async (route) => {
    await route.fulfill({ response: await route.fetch(), body });
  });
  expect(said).toContain("This is not the charter that you were given");
});

test("a charter with other custodians, which the operator alone signed", async () => {
  await stage.ask("usurp", { what: "amendment" });
  await readTrust(page);
  await hearAlarm("The operator tried to change the charter alone", "charter-signatures");
  const trust = await page.locator(".trust").textContent();
  expect(trust).toContain("1 entry without effect");
  expect(trust).toContain("Custodian 1 of Northland");
  expect(trust).not.toContain("usurper");
  // Whoever comes later is told so as well, and gets the charter that holds.
  const stranger = await stage.context();
  const late = await stage.open(stranger);
  await stage.register(late, "late");
  const alarm = late.locator("dialog[open]", { hasText: "change the charter alone" });
  await alarm.getByText("Understood").click();
  await readTrust(late);
  expect(await late.locator(".trust").textContent()).not.toContain("usurper");
  await stranger.close();
});

test("a month's key that other holders signed", async () => {
  const conversation = await begin("Other key");
  await stage.ask("usurp", { what: "key" });
  await readTrust(page);
  await hearAlarm("a month's key of its own", "key-epoch-signatures");
  // What is written is sealed to the key that counts, or others would refuse it.
  await go(page, `#/c/${conversation}`);
  await write(page, "still to the right key");
  await expect.poll(heardByBela).toContain("still to the right key");
});

test("messages that come twice are shown once", async () => {
  const conversation = await begin("Twice");
  await stage.ask("lie", { name: "noa", how: "repeating" });
  for (const text of ["one", "two", "three"]) await say(conversation, text);
  await shown("three").waitFor();
  await stage.ask("lie", { name: "noa" });
  for (const text of ["one", "two", "three"]) expect(await shown(text).count()).toBe(1);
});

test("messages in another order are put in order", async () => {
  const conversation = await begin("Order");
  await stage.ask("lie", { name: "noa", how: "reordering" });
  for (const text of ["first", "second", "third"]) await say(conversation, text);
  await shown("third").waitFor();
  await stage.ask("lie", { name: "noa" });
  const texts = await page.locator(".timeline .bubble").allTextContents();
  const order = ["first", "second", "third"].map((text) =>
    texts.findIndex((each) => each.includes(text)),
  );
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(order[0]).toBeGreaterThanOrEqual(0);
});

test("a message lost on its way is asked for", async () => {
  const conversation = await begin("Lost");
  await stage.ask("lie", { name: "noa", how: "dropping once" });
  for (const text of ["lost", "found"]) await say(conversation, text);
  await shown("found").waitFor();
  await shown("lost").waitFor();
  await stage.ask("lie", { name: "noa" });
});

test("a message that is kept back", async () => {
  const conversation = await begin("Kept back");
  await stage.ask("lie", { name: "noa", how: "dropping" });
  for (const text of ["withheld", "what follows"]) await say(conversation, text);
  await hearAlarm("The server showed something that does not hold", "receipt-chain");
  await isStopped("receipt-chain");
  await stage.ask("lie", { name: "noa" });
  expect(await shown("what follows").count()).toBe(0);
});

test("a message that was changed under its receipt", async () => {
  const conversation = await begin("Changed");
  await stage.ask("lie", { name: "noa", how: "altering" });
  await say(conversation, "not as it was sent");
  await hearAlarm("The server showed something that does not hold", "receipt");
  await page.locator(".closed-note code", { hasText: /^receipt-/ }).waitFor();
  await stage.ask("lie", { name: "noa" });
  expect(await shown("not as it was sent").count()).toBe(0);
});

test("a ghost that a member and the server let in", async () => {
  const conversation = await begin("Haunted");
  await stage.ask("slip_in", { name: "bela", conversation, as: "dov" });
  await hearAlarm("Somebody was to be slipped into", "ghost-member");
  await isStopped("ghost-member");
});

test("another device's key package in place of a friend's", async () => {
  const package_ = await stage.ask<string>("ghost_package", { name: "dov" });
  const ghost = Buffer.from(package_, "hex");
  await context.route("**/v1/key-packages/claim", async (route) => {
    const answer = await route.fetch();
    // The one package of the answer: map {packages: [bin]}, of up to 64 KiB.
    const head = Buffer.concat([
      Buffer.from([0x81, 0xa8]),
      Buffer.from("packages"),
      Buffer.from([0x91, 0xc5, ghost.length >> 8, ghost.length & 255]),
    ]);
    await route.fulfill({ response: answer, body: Buffer.concat([head, ghost]) });
  });
  await go(page, "#/new-group");
  await page.locator("input:not([type=search]):not([type=file])").first().fill("With dov");
  await page.locator(".main-pane input[type=search]").fill("dov");
  await page.locator(".people-choice label", { hasText: "dov" }).click();
  await page.locator(".foot .button.primary").click();
  await page.getByText("A member that the key log does not know was refused").first().waitFor();
  await context.unroute("**/v1/key-packages/claim");
  expect(await stage.ask<string[]>("conversations", { name: "dov" })).toEqual([]);
});

test.each([
  ["key", "The key log shows two histories"],
  ["law", "The law log shows two histories"],
])("a %s log of another history", async (log, words) => {
  const path = `**/log/${log}/tile/entries/**`;
  await context.route(path, spoil(20));
  await stage.ask(log === "key" ? "person" : "bundle", { name: "newcomer" });
  await go(page, "#/");
  await go(page, "#/trust");
  await hearAlarm(words, "log-fork");
  await context.unroute(path);
});

test("a conversation that the server no longer lists", async () => {
  const conversation = await begin("Hidden");
  await stage.ask("lie", { name: "noa", how: "hiding", cut: true });
  await say(conversation, "nobody shows this");
  await hearAlarm("The server showed something that does not hold", "not-a-member");
  await stage.ask("lie", { name: "noa", cut: true });
  await shown("nobody shows this").waitFor();
});

test("a friend's account that begins anew with another device", async () => {
  const conversation = await stage.ask<string>("group", {
    name: "gil",
    with: ["noa"],
    title: "Gil's",
  });
  await open("Gil's");
  await stage.ask("send", { name: "gil", conversation, text: "it is me" });
  await shown("it is me").waitFor();
  await stage.ask("take_over", { by: "bela", name: "gil" });
  await go(page, "#/trust");
  await hearAlarm("The safety code with");
});

test("one's own account taken over", async () => {
  await stage.ask("take_over", { by: "bela", name: "noa" });
  await go(page, "#/");
  await go(page, "#/trust");
  // Both are said, in the order in which they were noticed.
  const both = ["This device was removed from your account", "Your account was changed"];
  const title = page.locator("dialog[open]").getByText(new RegExp(both.join("|")));
  const first = (await title.first().textContent()) ?? "";
  const [one, other] = first.includes("removed") ? both : [...both].reverse();
  await hearAlarm(one ?? "");
  await hearAlarm(other ?? "");
  await heardByBela();
});
