/** A dialog that scans a code with the camera, or takes its text. */

import { useEffect, useRef, useState } from "preact/hooks";
import { canScan, scan } from "../scanner.ts";
import { useApp } from "../use_app.ts";
import { Dialog } from "./dialog.tsx";
import { Field } from "./screen.tsx";

export function ScanDialog(props: {
  readonly title: string;
  readonly onFound: (text: string) => void;
  readonly onClose: () => void;
}) {
  const { words } = useApp();
  const video = useRef<HTMLVideoElement>(null);
  const [camera, setCamera] = useState(canScan());
  const [text, setText] = useState("");
  const { onFound } = props;
  useEffect(() => {
    const screen = video.current;
    if (screen === null) return;
    let stop: (() => void) | null = null;
    let here = true;
    scan(screen, onFound).then(
      (made) => {
        stop = made;
        if (!here) made();
      },
      () => setCamera(false),
    );
    return () => {
      here = false;
      stop?.();
    };
  }, []);
  return (
    <Dialog
      title={props.title}
      onClose={props.onClose}
      footer={
        <button
          type="button"
          class="button primary"
          disabled={text.trim() === ""}
          onClick={() => onFound(text.trim())}
        >
          {words.common.continue}
        </button>
      }
    >
      {camera ? (
        <>
          <video
            ref={video}
            class="camera"
            muted
            playsInline
            aria-label={words.devices.pointCamera}
          />
          <p class="quiet">{words.devices.pointCamera}</p>
        </>
      ) : (
        <p class="quiet">{words.devices.noCamera}</p>
      )}
      <Field
        label={words.devices.paste}
        value={text}
        onInput={setText}
        verbatim
        autofocus={!camera}
      />
    </Dialog>
  );
}
