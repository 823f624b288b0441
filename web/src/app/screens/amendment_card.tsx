/** A change of the rules, as a message from the service; it was verified on this device. */

import type { Line } from "../../messenger.ts";
import { ChangeList } from "../parts/change_list.tsx";
import { Icon } from "../parts/icon.tsx";
import { longDate, longTime } from "../times.ts";
import { useApp } from "../use_app.ts";

export function AmendmentCard(props: {
  readonly line: Extract<Line, { kind: "amended" }>;
  readonly timeMs: number;
}) {
  const { words, tag, model, navigation } = useApp();
  const { line, timeMs } = props;
  const say = words.rules;
  const title = line.inForce ? say.changed : say.coming;
  const text = line.inForce ? say.changedText : say.comingText;
  const status = model.status.value;
  const deployment = status?.state === "open" ? status.me.deployment : words.product;
  return (
    <article class="notice-card amendment-card" aria-label={title}>
      <h2>
        <Icon name="pen" />
        {title}
      </h2>
      <p>{text(deployment, longDate(tag, line.effectiveMs))}</p>
      <ChangeList changes={line.changes} />
      <p class="verified-line">
        <Icon name="shieldCheck" size={18} />
        {say.verified(line.sequence)}
      </p>
      <div class="button-row">
        <button type="button" class="button" onClick={() => navigation.go({ at: "trust" })}>
          {say.look}
        </button>
      </div>
      <time dateTime={new Date(timeMs).toISOString()}>{longTime(tag, timeMs)}</time>
    </article>
  );
}
