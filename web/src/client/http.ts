/**
 * The HTTP side of one server, for one device (spec W-30, W-20): bounded in size, never redirected.
 *
 * It decides nothing; what the server refuses is a WireRefused with the server's own code.
 */

import {
  askChallenge,
  CONTENT_TYPE,
  challenge,
  decodeBody,
  encodeBody,
  openSession,
  problem,
  session,
} from "../protocol/api.ts";
import { isCode } from "../protocol/codes.ts";
import { encodeBase64url } from "../protocol/documents.ts";
import type { Signer } from "../protocol/ed25519.ts";
import { unhex } from "../protocol/encoding.ts";
import { Refusal, WireRefused } from "../protocol/errors.ts";
import type { DeploymentId } from "../protocol/identifiers.ts";
import * as limits from "../protocol/limits.ts";
import type { Codec } from "../protocol/msgpack.ts";
import { encodeSubject, type Subject, sessionBytes } from "../protocol/session.ts";
import { bounded } from "./bounded.ts";

const AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const ATTEMPTS = 4;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
const TIMEOUT_MS = 30_000;

/** Who opens sessions. */
export interface Caller {
  readonly deployment: DeploymentId;
  readonly subject: Subject;
  readonly sign: Signer;
}

/** `GET /v1/deployment`: where everything is; nothing to rely on. */
export interface Where {
  readonly deployment: Uint8Array;
  readonly http: string;
  readonly stream: string;
  readonly timeMs: number;
}

interface Wish {
  readonly limit?: number;
  /** Sends no session. */
  readonly anyone?: boolean;
  /** The server takes it once only, so it may be repeated. */
  readonly again?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A name for what the server says. */
export function readCode(code: string): ConstructorParameters<typeof WireRefused>[0] {
  return isCode(code) ? code : "server-answer";
}

export class Http {
  readonly address: string;
  readonly #caller: Caller | undefined;
  #token: Promise<Uint8Array> | undefined;

  /** `address` without a slash at its end. */
  constructor(address: string, caller?: Caller) {
    this.address = address;
    this.#caller = caller;
  }

  /** The present session token (32 bytes, secret); opens a session if there is none. */
  session(): Promise<Uint8Array> {
    this.#token ??= this.#open().catch((refusal: unknown) => {
      this.#token = undefined;
      throw refusal;
    });
    return this.#token;
  }

  forgetSession(): void {
    this.#token = undefined;
  }

  async where(): Promise<Where> {
    const data = await this.get("/v1/deployment", { limit: limits.NOTE, anyone: true });
    try {
      const given = JSON.parse(new TextDecoder().decode(data)) as Record<string, unknown>;
      const { deployment, http, stream, time_ms: timeMs } = given;
      if (
        typeof deployment === "string" &&
        typeof http === "string" &&
        typeof stream === "string" &&
        typeof timeMs === "number"
      ) {
        return { deployment: unhex(deployment), http, stream, timeMs };
      }
    } catch {
      // said below
    }
    throw new WireRefused("server-answer", "deployment");
  }

  get(path: string, wish: Wish = {}): Promise<Uint8Array> {
    return this.#request("GET", path, undefined, { again: true, ...wish });
  }

  /** Sends bytes as they are. */
  send(method: string, path: string, content: Uint8Array | undefined, wish: Wish = {}) {
    return this.#request(method, path, content, {
      ...wish,
      headers: { "content-type": "application/octet-stream", ...wish.headers },
    });
  }

  /** Sends a body (or none) and returns the answer's. Throws WireRefused, Malformed. */
  async ask<B, A>(
    method: string,
    path: string,
    codec: Codec<B> | undefined,
    value: B | undefined,
    answer: Codec<A>,
    wish: Wish = {},
  ): Promise<A> {
    return decodeBody(answer, await this.put(method, path, codec, value, wish));
  }

  /** Sends a body, and returns the answer's bytes. */
  put<B>(
    method: string,
    path: string,
    codec: Codec<B> | undefined,
    value: B | undefined,
    wish: Wish = {},
  ): Promise<Uint8Array> {
    const content = codec === undefined ? undefined : encodeBody(codec, value as B);
    const headers = { ...(content ? { "content-type": CONTENT_TYPE } : {}), ...wish.headers };
    return this.#request(method, path, content, { again: method === "GET", ...wish, headers });
  }

  async #open(): Promise<Uint8Array> {
    if (this.#caller === undefined) throw new WireRefused("no-session");
    const { deployment, subject, sign } = this.#caller;
    const encoded = encodeSubject(subject);
    const asked = await this.ask(
      "POST",
      "/v1/session/challenge",
      askChallenge,
      { subject: encoded },
      challenge,
      { anyone: true, again: true },
    );
    const signature = sign(sessionBytes(deployment, asked.challenge, subject, asked.expiresMs));
    const wish = { subject: encoded, challenge: asked.challenge, signature };
    const opened = await this.ask("POST", "/v1/session", openSession, wish, session, {
      anyone: true,
    });
    return opened.token;
  }

  async #request(
    method: string,
    path: string,
    content: Uint8Array | undefined,
    wish: Wish,
  ): Promise<Uint8Array> {
    const attempts = wish.again === true ? ATTEMPTS : 1;
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      const headers: Record<string, string> = { ...wish.headers };
      if (wish.anyone !== true && this.#caller !== undefined) {
        headers["authorization"] = `Bearer ${encodeBase64url(await this.session())}`;
      }
      let response: Response;
      try {
        const timeout = AbortSignal.timeout(TIMEOUT_MS);
        response = await fetch(`${this.address}${path}`, {
          method,
          headers,
          body: (content ?? null) as BodyInit | null,
          redirect: "error",
          credentials: "omit",
          cache: "no-store",
          signal: wish.signal === undefined ? timeout : AbortSignal.any([wish.signal, timeout]),
        });
        const bound = response.ok ? (wish.limit ?? limits.HTTP_ANSWER) : limits.NOTE;
        const data = await bounded(response, bound);
        if (response.ok) return data;
        if (response.status === 401 && !renewed && wish.anyone !== true && this.#caller) {
          renewed = true;
          attempt -= 1;
          this.forgetSession();
          continue;
        }
        if (!AGAIN.has(response.status) || attempt >= attempts) throw refusalOf(data);
      } catch (failure) {
        if (failure instanceof Refusal) throw failure;
        if (attempt >= attempts || wish.signal?.aborted === true) {
          throw new WireRefused("server-unreachable");
        }
      }
      const longest = Math.min(FIRST_WAIT_MS * 2 ** attempt, LONGEST_WAIT_MS);
      await new Promise((done) => setTimeout(done, longest * (0.5 + Math.random() / 2)));
    }
  }
}

function refusalOf(data: Uint8Array): WireRefused {
  try {
    const { code, detail } = decodeBody(problem, data);
    return new WireRefused(readCode(code), detail);
  } catch {
    return new WireRefused("server-answer");
  }
}
