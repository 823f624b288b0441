/** Lagrange coefficients modulo a prime order (spec K-5). */

import { Malformed } from "./errors.ts";

function invert(value: bigint, order: bigint): bigint {
  let [low, high] = [((value % order) + order) % order, order];
  let [one, two] = [1n, 0n];
  while (low > 1n) {
    const quotient = high / low;
    [low, high] = [high - quotient * low, low];
    [one, two] = [two - quotient * one, one];
  }
  return ((one % order) + order) % order;
}

/**
 * For each distinct index (1 or more), its Lagrange coefficient at a point.
 *
 * Throws Malformed(form) for an index below 1, a repeated one, or none.
 */
export function lagrange(indices: readonly number[], order: bigint, at = 0): bigint[] {
  if (
    indices.length === 0 ||
    indices.some((index) => index < 1) ||
    new Set(indices).size !== indices.length
  ) {
    throw new Malformed("form", "share indices must be distinct and at least 1");
  }
  const modulo = (value: bigint) => ((value % order) + order) % order;
  return indices.map((mine) => {
    let above = 1n;
    let below = 1n;
    for (const other of indices) {
      if (other === mine) continue;
      above = modulo(above * BigInt(at - other));
      below = modulo(below * BigInt(mine - other));
    }
    return modulo(above * invert(below, order));
  });
}
