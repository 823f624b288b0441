/** A picture over the whole window: the others of the conversation by arrows, saved by a button. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Message } from "../../messenger.ts";
import { useModal } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import type { Timeline } from "../timeline.ts";
import { longTime } from "../times.ts";
import { useApp, useBlobUrl } from "../use_app.ts";
import { saveBlob } from "./file_body.tsx";

export function Viewer(props: {
  readonly message: Message;
  readonly timeline: Timeline;
  readonly onClose: () => void;
}) {
  const { words, messenger, model, tag } = useApp();
  const ref = useRef<HTMLDialogElement>(null);
  const [message, setMessage] = useState(props.message);
  const [blob, setBlob] = useState<Blob | null>(null);
  const [zoomed, setZoomed] = useState(false);
  useModal(ref);
  const pictures = props.timeline.messages.value.filter((each) => each.body.kind === "picture");
  const at = pictures.findIndex((each) => each.id === message.id);

  useEffect(() => {
    let here = true;
    setBlob(null);
    setZoomed(false);
    void model
      .attempt(messenger.openFile(message.conversation, message.id))
      .then((whole) => here && setBlob(whole ?? null));
    return () => {
      here = false;
    };
  }, [message.conversation, message.id, messenger, model]);

  const step = (by: number) => {
    const next = pictures[at + by];
    if (next !== undefined) setMessage(next);
  };
  const body = message.body.kind === "picture" ? message.body : null;
  const thumbnail = useBlobUrl(body?.thumbnail, "image/jpeg");
  const url = useBlobUrl(blob);
  if (body === null) return null;
  const say = words.viewer;
  return (
    <dialog
      ref={ref}
      class="viewer"
      aria-label={say.title}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onKeyDown={(event) => {
        event.stopPropagation();
        const turned = words.direction === "rtl" ? -1 : 1;
        if (event.key === "ArrowRight") step(turned);
        if (event.key === "ArrowLeft") step(-turned);
      }}
    >
      <header>
        <span class="row-text">
          <bdi>{message.mine ? words.common.you : message.authorName}</bdi>
          <small>{longTime(tag, message.timeMs)}</small>
        </span>
        <button
          type="button"
          class="icon-button"
          aria-label={say.save}
          disabled={blob === null}
          onClick={() => blob !== null && saveBlob(blob, body.file.name)}
        >
          <Icon name="down" />
        </button>
        <button
          type="button"
          class="icon-button"
          aria-label={words.common.close}
          onClick={props.onClose}
        >
          <Icon name="close" />
        </button>
      </header>
      <div class={zoomed ? "viewer-picture zoomed" : "viewer-picture"}>
        {(url ?? thumbnail) !== undefined && (
          <button
            type="button"
            aria-label={say.zoom}
            aria-pressed={zoomed}
            onClick={() => setZoomed(!zoomed)}
          >
            <img
              src={url ?? thumbnail}
              width={body.width}
              height={body.height}
              alt={body.text || say.title}
            />
          </button>
        )}
      </div>
      {body.text !== "" && (
        <p class="viewer-caption" dir="auto">
          {body.text}
        </p>
      )}
      <button
        type="button"
        class="icon-button viewer-step previous"
        aria-label={say.previous}
        disabled={at <= 0}
        onClick={() => step(-1)}
      >
        <Icon name="back" />
      </button>
      <button
        type="button"
        class="icon-button viewer-step next"
        aria-label={say.next}
        disabled={at < 0 || at >= pictures.length - 1}
        onClick={() => step(1)}
      >
        <Icon name="back" />
      </button>
    </dialog>
  );
}
