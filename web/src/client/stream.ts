/** The message stream: a WebSocket with binary messages of frames (spec W-10). */

import { concat } from "../protocol/encoding.ts";
import { Refusal, WireRefused } from "../protocol/errors.ts";
import {
  encodeFromDevice,
  type FromDevice,
  type FromServer,
  framesFromServer,
} from "../protocol/frames.ts";

const CONNECT_MS = 10_000;
const PING_MS = 25_000;
const SILENCE_MS = 60_000;

/** One connection. `receive` gives what came in one message; it throws once the end is reached. */
export class Stream {
  readonly #socket: WebSocket;
  readonly #arrived: Uint8Array[] = [];
  readonly #pinging: ReturnType<typeof setInterval>;
  #wake: (() => void) | undefined;
  #ended = false;
  #lastMs = Date.now();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = (event: MessageEvent<unknown>) => {
      this.#lastMs = Date.now();
      if (event.data instanceof ArrayBuffer) this.#arrived.push(new Uint8Array(event.data));
      else this.close();
      this.#wake?.();
    };
    socket.onclose = () => this.close();
    // A connection that a sleeping machine or a lost network left behind says nothing any more.
    this.#pinging = setInterval(() => {
      if (Date.now() - this.#lastMs > SILENCE_MS) this.close();
      else this.push([{ kind: "Ping", request: 0 }]);
    }, PING_MS);
  }

  /** Throws WireRefused(server-unreachable). */
  static connect(address: string): Promise<Stream> {
    return new Promise((done, fail) => {
      const refuse = () => fail(new WireRefused("server-unreachable"));
      let socket: WebSocket;
      try {
        socket = new WebSocket(address);
      } catch {
        refuse();
        return;
      }
      socket.binaryType = "arraybuffer";
      const timer = setTimeout(() => {
        socket.close();
        refuse();
      }, CONNECT_MS);
      socket.onopen = () => {
        clearTimeout(timer);
        done(new Stream(socket));
      };
      socket.onclose = () => {
        clearTimeout(timer);
        refuse();
      };
    });
  }

  get closed(): boolean {
    return this.#ended;
  }

  /** Sends frames as one message; false without a connection. */
  push(frames: readonly FromDevice[]): boolean {
    if (this.#ended || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(concat(...frames.map(encodeFromDevice)) as Uint8Array<ArrayBuffer>);
    return true;
  }

  /** The frames of the next message. Throws WireRefused, Malformed. */
  async receive(): Promise<FromServer[]> {
    for (;;) {
      const message = this.#arrived.shift();
      if (message !== undefined) {
        try {
          return framesFromServer(message);
        } catch (problem) {
          this.close();
          if (problem instanceof Refusal) throw problem;
          throw new WireRefused("server-answer");
        }
      }
      if (this.#ended) throw new WireRefused("server-unreachable", "the connection ended");
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
      this.#wake = undefined;
    }
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#pinging);
    this.#socket.close();
    this.#wake?.();
  }
}
