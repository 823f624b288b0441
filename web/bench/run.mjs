// Prints the browser's figures as one line of JSON, for `make bench` (bench/browser.py).
import { createServer } from "vite";

const server = await createServer({
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
  logLevel: "error",
});
try {
  const { measureBrowser } = await server.ssrLoadModule("/bench/browser.ts");
  console.log(JSON.stringify(await measureBrowser()));
} finally {
  await server.close();
}
