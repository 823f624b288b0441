/**
 * Reads QR codes from the camera, in every browser alike: few have a BarcodeDetector, and none of
 * them on every system.
 */

/** Whether there may be a camera: pages without HTTPS have none. */
export function canScan(): boolean {
  return navigator.mediaDevices !== undefined;
}

const LOOK_MS = 150;
/** The longer side in pixels of what is looked at: a code fills much of it. */
const SIDE = 1280;

/** Shows the camera in a video element, and calls `found` with the first code; the result stops it. */
export async function scan(
  video: HTMLVideoElement,
  found: (text: string) => void,
): Promise<() => void> {
  // First: where it cannot be loaded, no camera is turned on.
  const { decodeQR } = await import("qr/decode.js");
  const wanted = { video: { facingMode: "environment" } };
  const stream = await navigator.mediaDevices.getUserMedia(wanted);
  video.srcObject = stream;
  const pixels = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    clearTimeout(timer);
    for (const track of stream.getTracks()) track.stop();
  };
  const look = () => {
    const text = pixels === null ? null : readFrame(video, pixels, decodeQR);
    // Counted from the end of one look: a slow device stays usable meanwhile.
    if (text === null) timer = setTimeout(look, LOOK_MS);
    else {
      stop();
      found(text);
    }
  };
  await video.play().catch((problem: unknown) => {
    stop();
    throw problem;
  });
  look();
  return stop;
}

/** The text of the code that the camera sees now, or null. */
function readFrame(
  video: HTMLVideoElement,
  pixels: CanvasRenderingContext2D,
  decode: (frame: ImageData) => string,
): string | null {
  const frame = takeFrame(video, pixels);
  if (frame === null) return null;
  try {
    return decode(frame);
  } catch {
    return null; // No code in this frame.
  }
}

function takeFrame(video: HTMLVideoElement, pixels: CanvasRenderingContext2D): ImageData | null {
  const { videoWidth, videoHeight } = video;
  const scale = Math.min(1, SIDE / Math.max(videoWidth, videoHeight, 1));
  const [width, height] = [Math.round(videoWidth * scale), Math.round(videoHeight * scale)];
  if (width === 0 || height === 0) return null;
  pixels.canvas.width = width;
  pixels.canvas.height = height;
  pixels.drawImage(video, 0, 0, width, height);
  return pixels.getImageData(0, 0, width, height);
}
