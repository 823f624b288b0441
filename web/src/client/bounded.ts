/** Answers of bounded size. */

import { concat } from "../protocol/encoding.ts";
import { WireRefused } from "../protocol/errors.ts";

/** An answer's bytes, at most `limit`. Throws WireRefused(server-answer), and what fetch does. */
export async function bounded(response: Response, limit: number): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concat(...pieces);
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw new WireRefused("server-answer", "too large");
    }
    pieces.push(value);
  }
}
