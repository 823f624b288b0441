/** The build is reproducible: elsewhere, under another clock's zone and language, the same bytes. */

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { PYTHON } from "./interop/python_member.ts";

const WEB = fileURLToPath(new URL("..", import.meta.url));
const SOURCES = ["index.html", "package.json", "public", "scripts", "src", "tsconfig.json"];
/** What goes into the bundle is copied; the tools that make it are only linked. */
const PACKED = new Set(["@hpke", "@noble", "@preact", "preact", "qr", "ts-mls"]);
const run = promisify(execFile);

const places: string[] = [];
afterAll(() =>
  Promise.all(places.map((place) => rm(place, { recursive: true, force: true }))).then(() => {}),
);

async function build(folder: string, env: Readonly<Record<string, string>>): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), "doublelock-build-"));
  places.push(place);
  const web = join(place, folder);
  await mkdir(join(web, "node_modules"), { recursive: true });
  for (const name of [...SOURCES, "vite.config.ts"]) {
    await cp(join(WEB, name), join(web, name), { recursive: true });
  }
  for (const name of await readdir(join(WEB, "node_modules"))) {
    const [from, to] = [join(WEB, "node_modules", name), join(web, "node_modules", name)];
    if (PACKED.has(name)) await cp(from, to, { recursive: true });
    else await symlink(from, to);
  }
  const how = { cwd: web, env: { ...process.env, NODE_ENV: "", ...env } };
  const vite = join(web, "node_modules/vite/bin/vite.js");
  await run(process.execPath, [vite, "build", "--logLevel", "error"], how);
  const bundle = ["-m", "doublelock.cli", "serve", "bundle", "dist", "--release", "0.1.0"];
  await run(PYTHON, bundle, how);
  return readFile(join(web, "dist/bundle.json"), "utf8");
}

test("gives the same bundle.json in another folder, time zone and language", async () => {
  const one = await build("here", { TZ: "UTC", LANG: "C", LC_ALL: "C", HOME: "/nonexistent" });
  const other = await build("quite elsewhere/deeper", {
    TZ: "Pacific/Chatham",
    LANG: "he_IL.UTF-8",
    LC_ALL: "tr_TR.UTF-8",
  });
  expect(other).toBe(one);
  const { files } = JSON.parse(one) as { files: { path: string }[] };
  const paths = files.map(({ path }) => path);
  expect(paths).toContain("index.html");
  expect(paths).toContain("sw.js");
  expect(paths.filter((path) => path.startsWith("assets/")).length).toBeGreaterThan(10);
});
