// Prints the medians of scripts/measure.ts in Node; MEMBERS sets the group's size.
import { createServer } from "vite";

const server = await createServer({ server: { middlewareMode: true }, logLevel: "error" });
const { measure } = await server.ssrLoadModule("/scripts/measure.ts");
for (const [name, value] of Object.entries(await measure(Number(process.env.MEMBERS ?? 50)))) {
  console.log(`${name.padEnd(32)} ${value.toFixed(2).padStart(9)}`);
}
await server.close();
