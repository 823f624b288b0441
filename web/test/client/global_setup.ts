import { fileURLToPath } from "node:url";
import { build } from "vite";

/** Builds the client once, as it is released. */
export default async function setup(): Promise<void> {
  const configFile = fileURLToPath(new URL("../../vite.config.ts", import.meta.url));
  await build({ configFile, logLevel: "error" });
}
