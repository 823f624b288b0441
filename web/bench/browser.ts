/** The browser's figures: the built client in Chromium, beside what the browser alone takes. */

import { fileURLToPath } from "node:url";
import { build } from "vite";
import { buildInterface } from "../test/app/browser.ts";
import { measureClient } from "./client.ts";
import type { Figure } from "./figure.ts";
import { measureScrolling } from "./scrolling.ts";

/** Builds the client, and measures it: all of it, or the `client` or its `scrolling` alone. */
export async function measureBrowser(part?: string): Promise<Figure[]> {
  const configFile = fileURLToPath(new URL("../vite.config.ts", import.meta.url));
  await build({ configFile, logLevel: "error" });
  const client = part === "scrolling" ? [] : await measureClient();
  if (part === "client") return client;
  await buildInterface();
  return [...client, ...(await measureScrolling())];
}
