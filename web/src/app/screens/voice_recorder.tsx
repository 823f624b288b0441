/** What stands in the composer's place while a voice note is recorded. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../parts/icon.tsx";
import { Recorder, type Recording } from "../recorder.ts";
import { playTime } from "../times.ts";
import { useApp } from "../use_app.ts";

export function VoiceRecorder(props: {
  readonly onDiscard: () => void;
  readonly onSend: (recording: Recording) => void;
}) {
  const { words, model } = useApp();
  const recorder = useRef<Recorder | null>(null);
  const [elapsed, setElapsed] = useState(0);
  const [loudness, setLoudness] = useState(0);
  const [begun, setBegun] = useState(false);
  const say = words.composer;
  const { onDiscard, onSend } = props;

  useEffect(() => {
    let wanted = true;
    Recorder.begin((ms, peak) => {
      setElapsed(ms);
      setLoudness(peak);
    }).then(
      (made) => {
        if (!wanted) return made.discard();
        recorder.current = made;
        setBegun(true);
      },
      () => {
        model.complain(say.noMicrophone);
        onDiscard();
      },
    );
    return () => {
      wanted = false;
      recorder.current?.discard();
    };
  }, []);

  const send = async () => {
    const made = recorder.current;
    recorder.current = null;
    if (made !== null) onSend(await made.finish());
  };
  return (
    <div
      class="composer recording"
      role="group"
      aria-label={say.recording}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onDiscard();
      }}
    >
      <button
        type="button"
        class="icon-button"
        aria-label={say.stopRecording}
        title={say.stopRecording}
        onClick={onDiscard}
      >
        <Icon name="trash" />
      </button>
      <span class="recording-state" role="timer">
        <meter class="loudness" min={0} max={1} value={loudness} aria-hidden="true" />
        {say.recording} {playTime(elapsed)}
      </span>
      <button
        type="button"
        class="send"
        disabled={!begun}
        aria-label={say.sendRecording}
        title={say.sendRecording}
        onClick={() => void send()}
      >
        <Icon name="send" />
      </button>
    </div>
  );
}
