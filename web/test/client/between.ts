/** A proxy before the server, which answers some paths itself: a server that lies. */

import { createServer, type OutgoingHttpHeaders, request, type Server } from "node:http";

/** What a path is answered with instead; null: the connection is cut. */
export type Lie = {
  readonly body: Uint8Array | string;
  readonly type: string;
  readonly status?: number;
} | null;

/** Runs between `begin` and `end`; `lies` by path, `*` for all, may change at any time. */
export class Between {
  readonly lies = new Map<string, Lie>();
  readonly address: string;
  /** Where the server is to listen. */
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    this.address = `http://127.0.0.1:${portOf(server)}`;
  }

  get behind(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  static async begin(): Promise<Between> {
    const server = createServer();
    const free = createServer();
    for (const one of [server, free]) {
      await new Promise<void>((done) => one.listen(0, "127.0.0.1", done));
    }
    const between = new Between(server, portOf(free));
    await new Promise((done) => free.close(done));
    server.on("request", (asked, answer) => {
      const path = new URL(asked.url ?? "/", between.address).pathname;
      const lie = between.lies.get(between.lies.has(path) ? path : "*");
      if (lie === null) {
        asked.socket.destroy();
        return;
      }
      const { method, headers } = asked;
      const passed = request(`${between.behind}${asked.url}`, { method, headers }, (real) => {
        if (lie === undefined) {
          answer.writeHead(real.statusCode ?? 500, real.headers);
          real.pipe(answer);
          return;
        }
        // Its headers are the server's: a page lives under the same policy.
        real.resume();
        const own: OutgoingHttpHeaders = { ...real.headers, "content-type": lie.type };
        for (const name of ["content-length", "content-encoding", "etag"]) delete own[name];
        answer.writeHead(lie.status ?? 200, own).end(lie.body);
      });
      passed.on("error", () => asked.socket.destroy());
      asked.pipe(passed);
    });
    return between;
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}

function portOf(server: Server): number {
  const at = server.address();
  if (at === null || typeof at === "string") throw new Error("no port");
  return at.port;
}
