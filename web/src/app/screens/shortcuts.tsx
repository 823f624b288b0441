/** The keyboard shortcuts: what they are called, and what they do. */

import { Dialog } from "../parts/dialog.tsx";
import { useApp } from "../use_app.ts";

export function Shortcuts({ onClose }: { readonly onClose: () => void }) {
  const { words } = useApp();
  const say = words.shortcuts;
  const command = /mac|iphone|ipad/i.test(navigator.platform) ? "⌘" : "Ctrl";
  const rows: readonly (readonly [string, readonly string[]])[] = [
    [say.search, [`${command} K`]],
    [say.new, ["Alt N"]],
    [say.next, ["Alt ↓"]],
    [say.previous, ["Alt ↑"]],
    [say.nextUnread, ["Alt Shift ↓"]],
    [say.messages, ["↑", "↓"]],
    [say.menu, ["Enter"]],
    [say.editLast, ["↑"]],
    [say.send, ["Enter", `${command} Enter`]],
    [say.newline, ["Shift Enter"]],
    [say.bold, [`${command} B`, `${command} I`]],
    [say.mute, [`${command} Shift M`]],
    [say.settings, [`${command} ,`]],
    [say.close, ["Esc"]],
    [say.help, ["?", `${command} /`]],
  ];
  return (
    <Dialog title={say.title} onClose={onClose}>
      <dl class="shortcuts" tabIndex={0}>
        {rows.map(([what, keys]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd dir="ltr">
              {keys.map((each) => (
                <kbd key={each}>{each}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
