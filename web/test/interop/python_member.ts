/** The Python side of the interop tests: a process that plays devices by the Python binding. */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("python_member.py", import.meta.url));
const VENV = fileURLToPath(new URL("../../../.venv/bin/python", import.meta.url));

/** The interpreter that has `doublelock_mls`: DOUBLELOCK_PYTHON, else the project's own. */
export const PYTHON = process.env["DOUBLELOCK_PYTHON"] ?? (existsSync(VENV) ? VENV : "python3");

export type Answer = Readonly<Record<string, unknown>>;

/** A refusal by the Python side. */
export class PythonRefusal extends Error {
  readonly code: string;

  constructor(code: string, detail: string) {
    super(`${code}: ${detail}`);
    this.code = code;
  }
}

/** A running process; `ask` sends a line and waits for its answer. */
export class PythonProcess {
  readonly #child: ChildProcess;
  #ended: Error | undefined;
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];

  constructor() {
    this.#child = spawn(PYTHON, [SCRIPT], { stdio: ["pipe", "pipe", "inherit"] });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error("no output");
    createInterface({ input: stdout }).on("line", (line) => this.#waiting.shift()?.resolve(line));
    const ended = (error: Error) => {
      this.#ended ??= error;
      for (const each of this.#waiting.splice(0)) each.reject(error);
    };
    this.#child.on("error", ended);
    this.#child.on("exit", (code) => ended(new Error(`${PYTHON} ended with ${code}`)));
  }

  async ask(line: Readonly<Record<string, unknown>>): Promise<Answer> {
    const text = await new Promise<string>((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#child.stdin?.write(`${JSON.stringify(line)}\n`);
    });
    const answer = JSON.parse(text) as Answer;
    if (typeof answer["code"] === "string") {
      throw new PythonRefusal(answer["code"], String(answer["detail"]));
    }
    return answer;
  }

  async stop(): Promise<void> {
    if (this.#ended !== undefined) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.stdin?.end();
    await ended;
  }
}
