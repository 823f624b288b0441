/** A camera that sees a code: what one browser shows, as a film for another's fake camera. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";

const [WIDTH, HEIGHT] = [640, 480];
/** How dark a wall is, and ink on it: grey values of a room that is not well lit. */
const [WALL, LIGHT, DARK] = [120, 205, 45];

/** Chromium opens the film anew each time that somebody looks through the camera. */
export class Camera {
  readonly film: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.film = join(folder, "film.y4m");
  }

  static async begin(): Promise<Camera> {
    const camera = new Camera(await mkdtemp(join(tmpdir(), "doublelock-camera-")));
    await camera.#show([]);
    return camera;
  }

  end(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }

  /** Points the camera at the code that a page shows. */
  async pointAt(page: Page): Promise<void> {
    const code = page.locator("svg.qr:has(.qr-dark)");
    await code.waitFor();
    const size = Number((await code.getAttribute("viewBox"))?.split(" ")[2]);
    const path = (await code.locator(".qr-dark").getAttribute("d")) ?? "";
    const rows = Array.from({ length: size }, () => Array<boolean>(size).fill(false));
    for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
      const row = rows[Number(y)];
      if (row !== undefined) row[Number(x)] = true;
    }
    await this.#show(rows);
  }

  async #show(rows: readonly (readonly boolean[])[]): Promise<void> {
    const grey = Buffer.alloc(WIDTH * HEIGHT, WALL);
    const scale = Math.floor((HEIGHT - 10) / Math.max(rows.length, 1));
    const left = Math.floor((WIDTH - rows.length * scale) / 3);
    for (let y = 0; y < rows.length * scale; y++) {
      for (let x = 0; x < rows.length * scale; x++) {
        const dark = rows[Math.floor(y / scale)]?.[Math.floor(x / scale)] === true;
        grey[(y + 5) * WIDTH + left + x] = dark ? DARK : LIGHT;
      }
    }
    const colour = Buffer.alloc((WIDTH * HEIGHT) / 2, 128);
    const frame = Buffer.concat([Buffer.from("FRAME\n"), grey, colour]);
    const head = Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420jpeg\n`);
    await writeFile(this.film, Buffer.concat([head, frame, frame]));
  }
}
