/** The foot of a bubble: edited, when it disappears, the time, and how far one's own has come. */

import type { Message, SendState } from "../../messenger.ts";
import { Icon } from "../parts/icon.tsx";
import { clockTime } from "../times.ts";
import { useApp } from "../use_app.ts";

export function Marks({ message }: { readonly message: Message }) {
  const { words, tag } = useApp();
  return (
    <span class="marks">
      {message.edited && <span>{words.conversation.edited}</span>}
      {message.expiresMs !== null && <Icon name="timer" size={13} />}
      <span aria-hidden="true">{clockTime(tag, message.timeMs)}</span>
      {message.state !== null && <Ticks state={message.state} />}
    </span>
  );
}

/** One tick: the server has it. Two: all others have it. Two filled with colour: all have read it. */
export function Ticks({ state }: { readonly state: SendState }) {
  const { words } = useApp();
  const label = words.conversation.state[state];
  return (
    <svg
      class={`ticks ${state}`}
      width="18"
      height="12"
      viewBox="0 0 18 12"
      role="img"
      aria-label={label}
    >
      <title>{label}</title>
      {(state === "queued" || state === "sending") && (
        <path d="M9 10.5a4.5 4.5 0 100-9 4.5 4.5 0 000 9zM9 3.6V6l1.6 1" />
      )}
      {(state === "sent" || state === "delivered" || state === "read") && (
        <path d="M2 6.5L5.5 10 12 2.5" />
      )}
      {(state === "delivered" || state === "read") && <path d="M9 9.4l.6.6L16 2.5" />}
      {state === "failed" && (
        <path d="M9 10.8a4.8 4.8 0 100-9.6 4.8 4.8 0 000 9.6zM9 3.6v2.6M9 8.3v.1" />
      )}
    </svg>
  );
}
