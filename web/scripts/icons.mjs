// Makes the PNG icons from the SVG drawings, by a Chromium: node scripts/icons.mjs
import { readFile, writeFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const folder = new URL("../public/icons/", import.meta.url);
const icon = await readFile(new URL("icon.svg", folder), "utf8");
const badge = await readFile(new URL("badge.svg", folder), "utf8");
// A maskable icon fills its square, and keeps what matters in the middle four fifths.
const square = icon.replace(' rx="112"', "");

const made = [
  ["icon-192.png", icon, 192],
  ["icon-512.png", icon, 512],
  ["maskable-512.png", square, 512],
  ["apple-180.png", square, 180],
  ["favicon-32.png", icon, 32],
  ["badge-96.png", badge, 96],
];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
});
for (const [name, drawing, size] of made) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  const sized = drawing.replace("<svg ", `<svg width="${size}" height="${size}" `);
  await page.setContent(`<style>body{margin:0}svg{display:block}</style>${sized}`);
  await writeFile(new URL(name, folder), await page.screenshot({ omitBackground: true }));
  await page.close();
}
await browser.close();
