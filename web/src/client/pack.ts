/** How the vault writes its own values: JSON, with byte strings as {"$": hex}. */

import { hex, unhex } from "../protocol/encoding.ts";
import { VaultRefused } from "../protocol/errors.ts";

/** The bytes of a plain value. */
export function pack(value: unknown): Uint8Array {
  const text = JSON.stringify(value, (_, each: unknown) =>
    each instanceof Uint8Array ? { $: hex(each) } : each,
  );
  return new TextEncoder().encode(text);
}

/** The value of such bytes, which were sealed by ourselves. Throws VaultRefused(vault-damaged). */
export function unpack<T>(data: Uint8Array): T {
  try {
    return JSON.parse(new TextDecoder().decode(data), (_, each: unknown) =>
      typeof each === "object" && each !== null && "$" in each && typeof each.$ === "string"
        ? unhex(each.$)
        : each,
    ) as T;
  } catch {
    throw new VaultRefused("vault-damaged", "a value of another version");
  }
}
