import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** The tests in a real Chromium; they build the interface once, before all. */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: [`test/app/*.${process.env["APP"] ?? "page"}.ts`],
    globalSetup: ["test/app/global_setup.ts"],
    environment: "node",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 1,
    fileParallelism: false,
  },
});
