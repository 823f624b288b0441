/** Pictures and sounds drawn on the spot, so that no file of them is needed. */

function bytesOf(canvas: HTMLCanvasElement): Uint8Array {
  const [, encoded = ""] = canvas.toDataURL("image/jpeg", 0.7).split(",");
  return Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
}

function paint(width: number, height: number, hue: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const brush = canvas.getContext("2d");
  if (brush === null) throw new Error("no canvas");
  const sky = brush.createLinearGradient(0, 0, 0, height);
  sky.addColorStop(0, `hsl(${hue} 60% 75%)`);
  sky.addColorStop(1, `hsl(${hue + 40} 55% 55%)`);
  brush.fillStyle = sky;
  brush.fillRect(0, 0, width, height);
  brush.fillStyle = `hsl(${hue + 190} 45% 32%)`;
  brush.fillRect(0, height * 0.72, width, height * 0.28);
  brush.fillStyle = `hsl(${hue + 20} 80% 88%)`;
  brush.beginPath();
  brush.arc(width * 0.7, height * 0.3, height * 0.13, 0, 7);
  brush.fill();
  brush.strokeStyle = `hsl(${hue + 200} 40% 20%)`;
  brush.lineWidth = height / 50;
  brush.beginPath();
  brush.moveTo(width * 0.25, height * 0.72);
  brush.lineTo(width * 0.25, height * 0.2);
  brush.lineTo(width * 0.58, height * 0.34);
  brush.stroke();
  return canvas;
}

/** A landscape of 240 x 160 as JPEG. */
export function drawPicture(n: number): Uint8Array {
  return bytesOf(paint(240, 160, n * 67));
}

/** The same, large. */
export function drawLarge(n: number): Blob {
  return new Blob([bytesOf(paint(1200, 800, n * 67)) as BlobPart], { type: "image/jpeg" });
}

export function drawPortrait(n: number): Uint8Array {
  return bytesOf(paint(96, 96, n * 41));
}

/** A second of a quiet tone as WAV. */
export function makeTone(): Blob {
  const rate = 8_000;
  const data = new DataView(new ArrayBuffer(44 + rate * 2));
  const letters = (at: number, word: string) => {
    for (const [index, letter] of [...word].entries())
      data.setUint8(at + index, letter.charCodeAt(0));
  };
  letters(0, "RIFF");
  data.setUint32(4, 36 + rate * 2, true);
  letters(8, "WAVEfmt ");
  data.setUint32(16, 16, true);
  data.setUint16(20, 1, true);
  data.setUint16(22, 1, true);
  data.setUint32(24, rate, true);
  data.setUint32(28, rate * 2, true);
  data.setUint16(32, 2, true);
  data.setUint16(34, 16, true);
  letters(36, "data");
  data.setUint32(40, rate * 2, true);
  for (let n = 0; n < rate; n += 1) data.setInt16(44 + n * 2, 3_000 * Math.sin(n / 3), true);
  return new Blob([data], { type: "audio/wav" });
}
