/** Records a voice note from the microphone, with the loudness that its bars show. */

export interface Recording {
  readonly blob: Blob;
  readonly durationMs: number;
  readonly peaks: Uint8Array;
}

const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const PEAKS = 48;
const SAMPLE_MS = 100;
const LONGEST_MS = 15 * 60_000;

export class Recorder {
  readonly #stream: MediaStream;
  readonly #recorder: MediaRecorder;
  readonly #context: AudioContext;
  readonly #chunks: Blob[] = [];
  readonly #loudness: number[] = [];
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
      this.#loudness.push(Math.min(255, peak * 3));
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
    return Math.min(LONGEST_MS, performance.now() - this.#begun);
  }

  /** Ends, and gives what was recorded. */
  async finish(): Promise<Recording> {
    const durationMs = this.elapsedMs;
    const stopped = new Promise((done) => this.#recorder.addEventListener("stop", done));
    this.#recorder.stop();
    await stopped;
    this.#release();
    const blob = new Blob(this.#chunks, { type: this.#recorder.mimeType });
    return { blob, durationMs, peaks: shrink(this.#loudness) };
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

/** The loudest of each stretch, at most 48 of them. */
function shrink(loudness: readonly number[]): Uint8Array {
  const count = Math.min(PEAKS, Math.max(1, loudness.length));
  return Uint8Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * loudness.length) / count);
    const to = Math.max(from + 1, Math.floor(((index + 1) * loudness.length) / count));
    return Math.max(0, ...loudness.slice(from, to));
  });
}
