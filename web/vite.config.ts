import { defineConfig } from "vitest/config";
import { interfaceBuild } from "./scripts/interface_build.ts";
import { servedBundle } from "./scripts/served_bundle.ts";
import { repairTsMls } from "./scripts/ts_mls_repairs.ts";

export default defineConfig({
  plugins: [repairTsMls(), servedBundle()],
  // Vite's pre-bundling would bypass the repairs.
  optimizeDeps: { exclude: ["ts-mls"] },
  // For scripts that run in Node: they too get the repaired library.
  ssr: { noExternal: ["ts-mls"] },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  worker: { format: "es", plugins: () => [repairTsMls()] },
  build: interfaceBuild,
  test: {
    include: ["test/**/*.test.ts"],
    environment: "node",
    server: { deps: { inline: ["ts-mls"] } },
    testTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
