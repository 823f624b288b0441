/** A picture in a bubble: its place is kept from the start, so that nothing jumps. */

import { useEffect, useState } from "preact/hooks";
import type { Body, Message } from "../../messenger.ts";
import { useApp, useBlobUrl } from "../use_app.ts";
import { TransferBar } from "./file_body.tsx";

type Picture = Extract<Body, { kind: "picture" }>;
const WIDEST = 320;
const TALLEST = 380;

/** The size at which a picture is shown, in px. */
export function shownSize(width: number, height: number): { width: number; height: number } {
  const [wide, tall] = [Math.max(1, width), Math.max(1, height)];
  const scale = Math.min(1, WIDEST / wide, TALLEST / tall);
  return {
    width: Math.max(64, Math.round(wide * scale)),
    height: Math.max(48, Math.round(tall * scale)),
  };
}

export function PictureBody(props: {
  readonly message: Message;
  readonly body: Picture;
  readonly onOpen: () => void;
}) {
  const { message, body } = props;
  const { words, messenger, model } = useApp();
  const [whole, setWhole] = useState<Blob | null>(null);
  const wanted = body.file.local || model.settings.value.fetchPictures;
  useEffect(() => {
    let here = true;
    if (!wanted || message.state === "failed") return;
    messenger.openFile(message.conversation, message.id).then(
      (blob) => here && setWhole(blob),
      // The thumbnail stays; opening it says why.
      () => undefined,
    );
    return () => {
      here = false;
    };
  }, [wanted, message.conversation, message.id, message.state, messenger]);
  const small = useBlobUrl(body.thumbnail, "image/jpeg");
  const large = useBlobUrl(whole);
  const size = shownSize(body.width, body.height);
  return (
    <span class="picture">
      <button
        type="button"
        class="picture-open"
        tabIndex={-1}
        style={{ width: `${size.width}px`, aspectRatio: `${size.width} / ${size.height}` }}
        onClick={props.onOpen}
      >
        <img
          class={large === undefined ? "blurred" : ""}
          src={large ?? small}
          alt={body.text === "" ? words.preview.picture : body.text}
          draggable={false}
        />
        <span class="hidden">{words.conversation.openPicture}</span>
      </button>
      <TransferBar message={message} />
    </span>
  );
}
