/** A voice message: play, pause, seek by its bars, and faster. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Body, Message } from "../../messenger.ts";
import { Icon } from "../parts/icon.tsx";
import { playTime } from "../times.ts";
import { useApp } from "../use_app.ts";

const SPEEDS = [1, 1.5, 2];
const BARS = 40;

export function VoiceBody(props: {
  readonly message: Message;
  readonly body: Extract<Body, { kind: "voice" }>;
}) {
  const { message, body } = props;
  const { words, messenger, model } = useApp();
  const audio = useRef<HTMLAudioElement | null>(null);
  const [playing, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  const [speed, setSpeed] = useState(1);

  useEffect(
    () => () => {
      audio.current?.pause();
      if (audio.current !== null) URL.revokeObjectURL(audio.current.src);
    },
    [],
  );

  const load = async (): Promise<HTMLAudioElement | null> => {
    if (audio.current !== null) return audio.current;
    const blob = await model.attempt(messenger.openFile(message.conversation, message.id));
    if (blob === undefined) return null;
    const made = new Audio(URL.createObjectURL(blob));
    made.addEventListener("timeupdate", () => setAt(made.currentTime * 1000));
    made.addEventListener("play", () => setPlaying(true));
    made.addEventListener("pause", () => setPlaying(false));
    made.addEventListener("ended", () => setAt(0));
    audio.current = made;
    return made;
  };
  const toggle = async () => {
    const sound = await load();
    if (sound === null) return;
    sound.playbackRate = speed;
    if (playing) sound.pause();
    else await model.attempt(sound.play());
  };
  const faster = () => {
    const next = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length] ?? 1;
    setSpeed(next);
    if (audio.current !== null) audio.current.playbackRate = next;
  };
  const seek = async (ms: number) => {
    setAt(ms);
    const sound = await load();
    if (sound !== null) sound.currentTime = ms / 1000;
  };

  const label = words.conversation.voiceOf(playTime(body.durationMs));
  const share = body.durationMs === 0 ? 0 : Math.min(1, at / body.durationMs);
  return (
    <span class="voice" role="group" aria-label={label}>
      <button
        type="button"
        class="voice-play"
        aria-label={playing ? words.conversation.pause : words.conversation.play}
        onClick={() => void toggle()}
      >
        <Icon name={playing ? "pause" : "play"} />
      </button>
      <span class="voice-bars">
        <svg viewBox={`0 0 ${BARS * 3} 30`} preserveAspectRatio="none" aria-hidden="true">
          {bars(body.peaks).map((height, index) => (
            <rect
              key={index}
              class={(index + 0.5) / BARS <= share ? "played" : ""}
              x={index * 3}
              y={15 - height / 2}
              width="2"
              height={height}
              rx="1"
            />
          ))}
        </svg>
        <input
          type="range"
          min={0}
          max={body.durationMs}
          step={100}
          value={at}
          aria-label={label}
          aria-valuetext={playTime(at)}
          onInput={(event) => void seek(Number(event.currentTarget.value))}
        />
      </span>
      <button
        type="button"
        class="voice-speed"
        aria-label={words.conversation.speed(`${speed}×`)}
        onClick={faster}
      >
        {speed}×
      </button>
      <span class="voice-time" aria-hidden="true">
        {playTime(playing || at > 0 ? at : body.durationMs)}
      </span>
    </span>
  );
}

/** As many bar heights as are drawn, 3 to 28 px, out of however many peaks a sender gave. */
function bars(peaks: Uint8Array): number[] {
  return Array.from({ length: BARS }, (_, index) => {
    const peak = peaks[Math.floor((index * peaks.length) / BARS)] ?? 0;
    return 3 + (25 * peak) / 255;
  });
}
