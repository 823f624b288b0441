/** A vault that a passkey opens, with Chromium's virtual authenticator. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { Stage } from "./stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.begin();
});

afterAll(() => stage.end());

test("opens the vault with a passkey", async () => {
  const context = await stage.context();
  const page = await stage.open(context);
  const session = await context.newCDPSession(page);
  await session.send("WebAuthn.enable");
  await session.send("WebAuthn.addVirtualAuthenticator", {
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
  // A passkey is for a name, and an address in figures is none.
  await page.goto(stage.address.replace("127.0.0.1", "localhost"));
  await page.waitForSelector("html[data-ready]");
  await page.fill("input", await stage.ask<string>("invite"));
  await page.waitForSelector("form.joining");
  await page.locator("input[autocomplete=username]").fill("dora");
  await page.locator("input[value=passkey]").check();
  await page.click("form.joining button[type=submit]");
  await page.waitForSelector(".panes");
  await page.reload();
  await page.waitForSelector("html[data-ready]");
  expect(await page.locator("input[type=password]").count()).toBe(0);
  await page.click("form button[type=submit]");
  await page.waitForSelector(".panes");
  await page.close();
  expect(stage.problems).toEqual([]);
});
