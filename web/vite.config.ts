import { defineConfig } from "vitest/config";
import { repairTsMls } from "./scripts/ts_mls_repairs.ts";

export default defineConfig({
  plugins: [repairTsMls()],
  // Vite's pre-bundling would bypass the repairs.
  optimizeDeps: { exclude: ["ts-mls"] },
  // For scripts that run in Node: they too get the repaired library.
  ssr: { noExternal: ["ts-mls"] },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  worker: { format: "es", plugins: () => [repairTsMls()] },
  build: {
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  test: {
    include: ["test/**/*.test.ts"],
    environment: "node",
    server: { deps: { inline: ["ts-mls"] } },
    testTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
