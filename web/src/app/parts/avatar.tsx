/** A picture of somebody or something; without one, the first letters on a colour of their own. */

import { useBlobUrl } from "../use_app.ts";
import { Icon } from "./icon.tsx";

const segmenter = new Intl.Segmenter();

/** The first letters of up to two words: whole graphemes, whatever the script. */
export function initials(name: string): string {
  const words = name.split(/[\s._-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const [first = name, last] = words.length > 1 ? [words[0], words.at(-1)] : words;
  const letter = (word: string) => [...segmenter.segment(word)][0]?.segment ?? "";
  return (letter(first) + (last === undefined ? "" : letter(last))).toLocaleUpperCase();
}

/** One of eight colours, the same for the same id. */
function colour(id: string): number {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 8191;
  return sum % 8;
}

export function Avatar(props: {
  readonly id: string;
  readonly name: string;
  readonly picture?: Uint8Array | null;
  readonly size?: "small" | "normal" | "large";
}) {
  const url = useBlobUrl(props.picture, "image/jpeg");
  const size = props.size ?? "normal";
  return (
    <span class={`avatar ${size} tint${colour(props.id)}`} aria-hidden="true">
      {url === undefined ? initials(props.name) : <img src={url} alt="" draggable={false} />}
    </span>
  );
}

/** What stands for the service itself. */
export function ServiceMark() {
  return (
    <span class="avatar normal service-mark" aria-hidden="true">
      <Icon name="scale" />
    </span>
  );
}
