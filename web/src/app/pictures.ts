/**
 * Pictures made ready to send: small enough, and without what a camera wrote into them (place,
 * device, time), since they are drawn anew.
 */

export interface ReadyPicture {
  readonly blob: Blob;
  readonly name: string;
  readonly mediaType: string;
  readonly width: number;
  readonly height: number;
  /** JPEG of at most 16 KiB. */
  readonly thumbnail: Uint8Array;
}

const LONGEST = 2048;
const THUMBNAIL = 240;
const THUMBNAIL_BYTES = 16 * 1024;

/** A picture of a file, or null when the browser cannot read it as one. */
export async function preparePicture(file: File): Promise<ReadyPicture | null> {
  if (!/^image\/(jpeg|png|webp|gif|avif|bmp)$/.test(file.type)) return null;
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return null;
  }
  try {
    const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
    const width = Math.max(1, Math.round(bitmap.width * scale));
    const height = Math.max(1, Math.round(bitmap.height * scale));
    const thumbnail = await makeThumbnail(bitmap);
    // Drawn anew, an animation would stand still.
    if (file.type === "image/gif") {
      return { blob: file, name: file.name, mediaType: file.type, width, height, thumbnail };
    }
    const mediaType = file.type === "image/jpeg" ? "image/jpeg" : "image/webp";
    const blob = await draw(bitmap, width, height, mediaType, 0.86);
    const name =
      file.name.replace(/\.[^.]*$/, "") + (blob.type === "image/jpeg" ? ".jpg" : ".webp");
    return { blob, name, mediaType: blob.type, width, height, thumbnail };
  } finally {
    bitmap.close();
  }
}

/** A square JPEG of 192 px for a group's picture, or null. */
export async function preparePortrait(file: File): Promise<Uint8Array | null> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return null;
  }
  const side = Math.min(bitmap.width, bitmap.height);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 192;
  const [x, y] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2];
  canvas.getContext("2d")?.drawImage(bitmap, x, y, side, side, 0, 0, 192, 192);
  bitmap.close();
  return bytesOf(await toBlob(canvas, "image/jpeg", 0.82));
}

async function makeThumbnail(bitmap: ImageBitmap): Promise<Uint8Array> {
  for (const side of [THUMBNAIL, 160, 96]) {
    const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
    const [width, height] = [bitmap.width * scale, bitmap.height * scale];
    const blob = await draw(bitmap, width, height, "image/jpeg", 0.6);
    if (blob.size <= THUMBNAIL_BYTES) return bytesOf(blob);
  }
  return new Uint8Array();
}

function draw(
  bitmap: ImageBitmap,
  width: number,
  height: number,
  mediaType: string,
  quality: number,
): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return toBlob(canvas, mediaType, quality);
}

function toBlob(canvas: HTMLCanvasElement, mediaType: string, quality: number): Promise<Blob> {
  return new Promise((done, fail) => {
    canvas.toBlob(
      (blob) => (blob === null ? fail(new Error("no picture")) : done(blob)),
      mediaType,
      quality,
    );
  });
}

async function bytesOf(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blob.arrayBuffer());
}
