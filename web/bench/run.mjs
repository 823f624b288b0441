// Prints the browser's figures as one line of JSON, for `make bench` (bench/browser.py).
// `npm run bench -- client` or `-- scrolling` measures that alone.
import { createServer } from "vite";

const server = await createServer({
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
  logLevel: "error",
});
try {
  const { measureBrowser } = await server.ssrLoadModule("/bench/browser.ts");
  console.log(JSON.stringify(await measureBrowser(process.argv[2])));
} finally {
  await server.close();
}
