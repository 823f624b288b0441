/** The keyboard shortcuts of the whole window; those of a field or a list live there. */

import { useEffect } from "preact/hooks";
import type { Model } from "./model.ts";
import { useApp } from "./use_app.ts";

export function useShortcuts(showHelp: () => void): void {
  const { model } = useApp();
  useEffect(() => {
    const hear = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]"))
        return;
      if (act(event, model, showHelp)) event.preventDefault();
    };
    addEventListener("keydown", hear);
    return () => removeEventListener("keydown", hear);
  }, [model]);
}

function act(event: KeyboardEvent, model: Model, showHelp: () => void): boolean {
  const { navigation, messenger } = model;
  const command = event.ctrlKey || event.metaKey;
  const writing =
    event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
  const route = navigation.route.value;
  const open = "id" in route ? route.id : null;
  if (command && !event.shiftKey && event.key.toLowerCase() === "k")
    navigation.go({ at: "search" });
  else if (command && event.key === ",") navigation.go({ at: "settings" });
  else if ((command && event.key === "/") || (event.key === "?" && !writing)) showHelp();
  else if (command && event.shiftKey && event.key.toLowerCase() === "m" && open !== null) {
    const muted = model.conversation(open)?.muted ?? false;
    void model.attempt(messenger.setMuted(open, !muted));
  } else if (event.altKey && event.code === "KeyN") navigation.go({ at: "new" });
  else if (event.altKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    step(model, open, event.key === "ArrowDown" ? 1 : -1, event.shiftKey);
  } else if (event.key === "Escape" && route.at !== "home") navigation.back();
  else return false;
  return true;
}

/** Goes to the next conversation of the list, or the next with something unread. */
function step(model: Model, open: string | null, by: number, unread: boolean): void {
  const all = model.ordered.value;
  const at = all.findIndex((each) => each.id === open);
  for (let tried = 1; tried <= all.length; tried += 1) {
    const start = at < 0 && by < 0 ? all.length : at;
    const next = all[(start + by * tried + all.length * 2) % all.length];
    if (next === undefined || (unread && next.unread === 0)) continue;
    model.navigation.go(
      { at: "conversation", id: next.id, message: null },
      { replace: open !== null },
    );
    return;
  }
}
