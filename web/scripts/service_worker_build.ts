import { fileURLToPath } from "node:url";
import { build } from "vite";

const ENTRY = fileURLToPath(new URL("../src/sw.ts", import.meta.url));

/** Builds `sw.js` into a folder: one classic script that imports nothing. */
export async function buildServiceWorker(outDir: string, entry = ENTRY): Promise<void> {
  await build({
    configFile: false,
    logLevel: "error",
    publicDir: false,
    build: {
      outDir,
      emptyOutDir: false,
      target: "es2022",
      sourcemap: false,
      lib: {
        entry,
        formats: ["iife"],
        name: "doublelock",
        fileName: () => "sw.js",
      },
    },
  });
}
