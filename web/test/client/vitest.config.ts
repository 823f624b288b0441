import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** The built client in a real Chromium, against a real server with Python clients. */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: ["test/client/*.e2e.ts"],
    globalSetup: ["test/client/global_setup.ts"],
    environment: "node",
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // Vitest's own second is too short for a busy machine.
    expect: { poll: { timeout: 60_000 } },
    pool: "forks",
    maxWorkers: 1,
    fileParallelism: false,
  },
});
