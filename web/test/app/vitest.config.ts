import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** The tests in a real Chromium; they build the interface once, before all. One browser a file. */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: [`test/app/*.${process.env["APP"] ?? "page"}.ts`],
    globalSetup: ["test/app/global_setup.ts"],
    environment: "node",
    // For a busy machine; nothing waits as long as this, or for any time at all.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    pool: "forks",
    maxWorkers: 2,
  },
});
