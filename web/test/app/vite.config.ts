import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { interfaceBuild } from "../../scripts/interface_build.ts";

const here = fileURLToPath(new URL(".", import.meta.url));

/** The interface with the messenger in memory, for the tests in a browser. */
export default defineConfig({
  root: here,
  base: "./",
  publicDir: fileURLToPath(new URL("../../public", import.meta.url)),
  build: {
    ...interfaceBuild,
    outDir: fileURLToPath(new URL("../../dist/app-test", import.meta.url)),
    emptyOutDir: true,
  },
});
