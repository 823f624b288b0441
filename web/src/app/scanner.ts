/** Reads QR codes from the camera, where the browser can (BarcodeDetector). */

interface Detector {
  detect(source: CanvasImageSource): Promise<readonly { readonly rawValue: string }[]>;
}

interface DetectorMaker {
  new (options: { readonly formats: readonly string[] }): Detector;
}

function maker(): DetectorMaker | null {
  const found = (globalThis as { BarcodeDetector?: DetectorMaker }).BarcodeDetector;
  return found !== undefined && navigator.mediaDevices !== undefined ? found : null;
}

export function canScan(): boolean {
  return maker() !== null;
}

const LOOK_MS = 200;

/** Shows the camera in a video element, and calls `found` with the first code; the result stops it. */
export async function scan(
  video: HTMLVideoElement,
  found: (text: string) => void,
): Promise<() => void> {
  const Maker = maker();
  if (Maker === null) throw new Error("no detector");
  const detector = new Maker({ formats: ["qr_code"] });
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: "environment" },
  });
  video.srcObject = stream;
  await video.play();
  const timer = setInterval(async () => {
    const codes = await detector.detect(video).catch(() => []);
    const text = codes[0]?.rawValue;
    if (text === undefined) return;
    stop();
    found(text);
  }, LOOK_MS);
  const stop = () => {
    clearInterval(timer);
    for (const track of stream.getTracks()) track.stop();
  };
  return stop;
}
