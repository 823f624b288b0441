/** The emoji picker: groups as tabs, arrows within, and those used last. Loaded when opened. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { EmojiGroup } from "../emoji.ts";
import { useAnswer, useApp } from "../use_app.ts";
import { QUICK_MARKS } from "./message_actions.tsx";

const COLUMNS = 7;
const TAB_MARKS: Readonly<Record<EmojiGroup, string>> = {
  smileys: "😀",
  people: "👋",
  nature: "🌿",
  food: "🍎",
  activity: "⚽",
  travel: "✈️",
  objects: "💡",
  symbols: "❤️",
};
// For this window only: nothing of it is kept.
const recent: string[] = [...QUICK_MARKS];

export function EmojiPicker(props: {
  readonly onPick: (emoji: string) => void;
  readonly onClose: () => void;
}) {
  const { words } = useApp();
  const [group, setGroup] = useState<EmojiGroup | "recent">("recent");
  const ref = useRef<HTMLDivElement>(null);
  const data = useAnswer(async () => await import("../emoji.ts"), []);
  useEffect(() => ref.current?.querySelector<HTMLButtonElement>("[role=tab]")?.focus(), []);
  const shown = group === "recent" ? recent : (data?.EMOJI[group].split(" ") ?? []);
  const tabs: readonly (EmojiGroup | "recent")[] = ["recent", ...(data?.EMOJI_GROUPS ?? [])];
  const label = (each: EmojiGroup | "recent") =>
    each === "recent" ? words.emoji.recent : words.emoji.groups[each];

  const pick = (emoji: string) => {
    const at = recent.indexOf(emoji);
    if (at >= 0) recent.splice(at, 1);
    recent.unshift(emoji);
    recent.splice(COLUMNS * 3);
    props.onPick(emoji);
  };
  const move = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      props.onClose();
      return;
    }
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS }[event.key];
    if (step === undefined || !(event.target instanceof HTMLButtonElement)) return;
    event.preventDefault();
    const turned = getComputedStyle(event.target).direction === "rtl" && Math.abs(step) === 1;
    const row = event.target.parentElement?.querySelectorAll("button") ?? [];
    const buttons = [...row] as HTMLButtonElement[];
    const next = buttons[buttons.indexOf(event.target) + (turned ? -step : step)];
    next?.focus();
    if (next?.getAttribute("role") === "tab") next.click();
  };
  return (
    <div
      class="emoji-picker"
      role="group"
      aria-label={words.emoji.title}
      ref={ref}
      onKeyDown={move}
    >
      <div class="emoji-tabs" role="tablist" aria-label={words.emoji.title}>
        {tabs.map((each) => (
          <button
            key={each}
            type="button"
            role="tab"
            id={`emoji-tab-${each}`}
            aria-selected={each === group}
            aria-controls="emoji-grid"
            aria-label={label(each)}
            title={label(each)}
            tabIndex={each === group ? 0 : -1}
            onClick={() => setGroup(each)}
          >
            {each === "recent" ? "🕘" : TAB_MARKS[each]}
          </button>
        ))}
      </div>
      <div
        class="emoji-grid"
        id="emoji-grid"
        role="tabpanel"
        aria-labelledby={`emoji-tab-${group}`}
        tabIndex={-1}
      >
        {shown.map((emoji, index) => (
          <button
            key={emoji}
            type="button"
            tabIndex={index === 0 ? 0 : -1}
            onClick={() => pick(emoji)}
          >
            {emoji}
          </button>
        ))}
      </div>
    </div>
  );
}
