// Writes src/protocol/codes.ts from vectors/codes.json, the table that every language shares.
import { readFileSync, writeFileSync } from "node:fs";

const source = new URL("../../vectors/codes.json", import.meta.url);
const target = new URL("../src/protocol/codes.ts", import.meta.url);

export function codesModule() {
  const { codes } = JSON.parse(readFileSync(source, "utf8"));
  const lines = Object.entries(codes).map(([code, advice]) => {
    const name = /^[a-z]+$/.test(code) ? code : JSON.stringify(code);
    return `  ${name}: ${JSON.stringify(advice)},`;
  });
  return `/** Every refusal code with its advice: made from vectors/codes.json by scripts/make-codes.mjs. */

export const ADVICE = {
${lines.join("\n")}
} as const;

/** A refusal's name: the same on the wire, in Python and in TypeScript. */
export type Code = keyof typeof ADVICE;

/** Whether a text, such as one from the wire, is a code that we know. */
export function isCode(text: string): text is Code {
  return Object.hasOwn(ADVICE, text);
}
`;
}

if (process.argv[1] === new URL(import.meta.url).pathname) writeFileSync(target, codesModule());
