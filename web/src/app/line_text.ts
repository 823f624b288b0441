/** The words for what happened to a conversation. */

import type { Line } from "../messenger.ts";
import { longTime } from "./times.ts";
import type { Words } from "./words/words.ts";

export function lineText(line: Line, words: Words, tag: string): string {
  const say = words.line;
  switch (line.kind) {
    case "created":
      return say.created(line.by);
    case "joined":
      return line.missed === 0 ? say.joined(line.by) : say.joinedMissed(line.by, line.missed);
    case "added":
      return say.added(line.by, line.names);
    case "removed":
      return say.removed(line.by, line.names);
    case "left":
      return say.left(line.by);
    case "renamed":
      return say.renamed(line.by, line.name);
    case "picture":
      return say.picture(line.by);
    case "settings":
      return say.settings(line.by);
    case "role":
      return line.role === "admin"
        ? say.madeAdmin(line.by, line.name)
        : say.madeMember(line.by, line.name);
    case "timer":
      return line.seconds === 0
        ? say.timerOff(line.by)
        : say.timer(line.by, words.span(line.seconds));
    case "rejoined":
      return say.rejoined(line.by);
    case "handed-over":
      return say.handedOver(line.device, line.count);
    case "code-changed":
      return say.codeChanged(line.name);
    case "verified":
      return say.verified(line.name);
    case "missed":
      return say.missed(line.count);
    case "stopped":
      return say.stopped;
    case "amended":
      return say.amended(line.sequence, longTime(tag, line.effectiveMs));
    case "notice-refused":
      return say.noticeRefused;
  }
}
