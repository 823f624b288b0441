/** Reads the vectors that Python makes and every language must pass. */

import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { Refusal } from "../src/protocol/errors.ts";

const folder = new URL("../../vectors/", import.meta.url);

/** A vector file's JSON, of the shape that its test states. */
export function load<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8")) as T;
}

/** The bytes of hexadecimal. */
export function raw(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

/** The code by which something is refused; fails when it is not. */
export function refusalOf(act: () => unknown): string {
  try {
    act();
  } catch (problem) {
    if (problem instanceof Refusal) return problem.code;
    throw problem;
  }
  return expect.fail("was not refused");
}

/** The code by which something is refused, or null where it is not. */
export function outcomeOf(act: () => unknown): string | null {
  try {
    act();
  } catch (problem) {
    if (problem instanceof Refusal) return problem.code;
    throw problem;
  }
  return null;
}
