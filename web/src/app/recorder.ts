/** Records a voice note from the microphone, with the loudness that its bars show. */

export interface Recording {
  readonly blob: Blob;
  readonly durationMs: number;
  readonly peaks: Uint8Array;
}

const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const PEAKS = 48;
const SAMPLE_MS = 100;
const RATE = 16_000;
const LONGEST_MS = 15 * 60_000;

export class Recorder {
  readonly #stream: MediaStream;
  readonly #recorder: MediaRecorder;
  readonly #context: AudioContext;
  readonly #chunks: Blob[] = [];
  readonly #begun = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;

  private constructor(stream: MediaStream, hear: (ms: number, loudness: number) => void) {
    this.#stream = stream;
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    this.#recorder = new MediaRecorder(stream, {
      audioBitsPerSecond: 32_000,
      ...(mimeType === undefined ? {} : { mimeType }),
    });
    this.#recorder.addEventListener("dataavailable", (event) => this.#chunks.push(event.data));
    this.#context = new AudioContext();
    const meter = this.#context.createAnalyser();
    meter.fftSize = 1024;
    this.#context.createMediaStreamSource(stream).connect(meter);
    const samples = new Uint8Array(meter.fftSize);
    this.#timer = setInterval(() => {
      meter.getByteTimeDomainData(samples);
      const peak = samples.reduce((most, each) => Math.max(most, Math.abs(each - 128)), 0);
      hear(this.elapsedMs, peak / 128);
      if (this.elapsedMs > LONGEST_MS && this.#recorder.state === "recording")
        this.#recorder.pause();
    }, SAMPLE_MS);
    this.#recorder.start(1000);
  }

  /** Asks for the microphone and begins. Rejects when it is not given. */
  static async begin(hear: (ms: number, loudness: number) => void): Promise<Recorder> {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    return new Recorder(stream, hear);
  }

  get elapsedMs(): number {
    return Math.min(LONGEST_MS, Math.round(performance.now() - this.#begun));
  }

  /** Ends, and gives what was recorded. */
  async finish(): Promise<Recording> {
    const durationMs = this.elapsedMs;
    const stopped = new Promise((done) => this.#recorder.addEventListener("stop", done));
    this.#recorder.stop();
    await stopped;
    this.#release();
    const blob = new Blob(this.#chunks, { type: this.#recorder.mimeType });
    return { blob, durationMs, peaks: await measure(blob) };
  }

  /** Ends, and keeps nothing. */
  discard(): void {
    if (this.#recorder.state !== "inactive") this.#recorder.stop();
    this.#release();
  }

  #release(): void {
    clearInterval(this.#timer);
    for (const track of this.#stream.getTracks()) track.stop();
    void this.#context.close();
  }
}

/** How loud each of 48 stretches of a recording is, the loudest 255; nothing where it is silent. */
async function measure(blob: Blob): Promise<Uint8Array> {
  try {
    const sound = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(
      await blob.arrayBuffer(),
    );
    return drawPeaks(sound.getChannelData(0));
  } catch {
    // What this browser recorded and cannot decode is sent all the same.
    return new Uint8Array();
  }
}

export function drawPeaks(samples: Float32Array): Uint8Array {
  const loud = Array.from({ length: PEAKS }, (_, index) => {
    const from = Math.floor((index * samples.length) / PEAKS);
    const to = Math.floor(((index + 1) * samples.length) / PEAKS);
    return samples.subarray(from, to).reduce((most, each) => Math.max(most, Math.abs(each)), 0);
  });
  const most = Math.max(...loud);
  return Uint8Array.from(loud, (each) => (most > 0 ? Math.round((255 * each) / most) : 0));
}
