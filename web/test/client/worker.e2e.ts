/** What a whole session asks of the network, and what the worker does when a push comes. */

import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Stage } from "./stage.ts";

// Requests of service workers are reported as well.
process.env["PW_EXPERIMENTAL_SERVICE_WORKER_NETWORK_EVENTS"] = "1";

let stage: Stage;
let context: BrowserContext;
let page: Page;
const asked: string[] = [];

beforeAll(async () => {
  stage = await Stage.begin();
  context = await stage.context();
  context.on("request", (request) => asked.push(request.url()));
  context.on("page", (one) => one.on("websocket", (socket) => asked.push(socket.url())));
  page = await stage.open(context);
  await stage.register(page, "noa");
});

afterAll(() => stage.end());

test("asks nobody but its own server, over a whole session", async () => {
  await stage.ask("person", { name: "bela" });
  const conversation = await stage.ask<string>("group", {
    name: "bela",
    with: ["noa"],
    title: "Quay 7",
  });
  await page.locator(".item-open", { hasText: "Quay 7" }).click();
  const text = "see https://example.org/tides and <img src=https://example.org/x.png>";
  await stage.ask("send", { name: "bela", conversation, text });
  await page.locator(".timeline").getByText("example.org/tides").waitFor();
  await page.fill(".composer textarea", "an answer");
  await page.press(".composer textarea", "Enter");
  await stage.ask("hear", { name: "bela", count: 3 });
  for (const [route, shown] of [
    ["#/trust", ".trust"],
    ["#/settings", ".main-pane h1"],
    ["#/devices", ".main-pane h1"],
    ["#/new-group", ".main-pane input"],
  ] as const) {
    await page.evaluate((to) => {
      location.hash = to;
    }, route);
    await page.locator(shown).first().waitFor();
  }
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.reload();
  await page.waitForSelector("html[data-ready]");
  await stage.unlock(page);
  await page.locator(".item-open", { hasText: "Quay 7" }).waitFor();

  const own = new Set([new URL(stage.address).host]);
  const stream = asked.filter((each) => each.startsWith("ws:"));
  expect(new Set(stream).size).toBe(1);
  own.add(new URL(stream[0] ?? "").host);
  const hosts = new Set(
    asked.filter((each) => !each.startsWith("blob:")).map((each) => new URL(each).host),
  );
  expect([...hosts].filter((host) => !own.has(host))).toEqual([]);
  // The record is whole: it has page, worker and service worker in it.
  for (const part of ["/sw-", "/v1/bundle", "/v1/session", "/log/key/checkpoint", "/assets/"]) {
    expect(asked.some((each) => each.includes(part))).toBe(true);
  }
  expect(stage.problems).toEqual([]);
});

test("shows a push as a notification without content, and opens the app", async () => {
  await context.grantPermissions(["notifications"], { origin: stage.address });
  const blank = await context.newPage();
  await blank.goto("about:blank");
  const session = await context.newCDPSession(blank);
  const registered = new Promise<string>((give) => {
    session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const found = registrations.find((one) => one.scopeURL.startsWith(stage.address));
      if (found !== undefined) give(found.registrationId);
    });
  });
  await session.send("ServiceWorker.enable");
  const registrationId = await registered;
  // Nobody looks at the app: then only does a push show anything.
  await page.close();
  const [worker] = context.serviceWorkers();
  if (worker === undefined) throw new Error("no service worker");
  const data = "Bela wrote: see you at the gate";
  await session.send("ServiceWorker.deliverPushMessage", {
    origin: stage.address,
    registrationId,
    data,
  });
  const shown = () =>
    worker.evaluate(async () => {
      const scope = self as unknown as ServiceWorkerGlobalScope;
      const all = await scope.registration.getNotifications();
      return all.map(({ title, body, tag }) => ({ title, body, tag }));
    });
  await expect
    .poll(shown)
    .toEqual([{ title: "Doublelock", body: "There is something new.", tag: "new" }]);
  // A click comes from the system; what it leads to is the worker's.
  const opened = await worker.evaluate(async () => {
    const scope = self as unknown as ServiceWorkerGlobalScope;
    const [notification] = await scope.registration.getNotifications();
    if (notification === undefined) return "";
    const led = new Promise<string>((give) => {
      scope.clients.openWindow = async (address) => {
        give(String(address));
        return null;
      };
    });
    scope.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
    return led;
  });
  expect(opened).toBe("/#/");
  await expect.poll(shown).toEqual([]);
  const again = await stage.open(context, opened);
  await stage.unlock(again);
  await again.locator(".item-open", { hasText: "Quay 7" }).waitFor();
});
