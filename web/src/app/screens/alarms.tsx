/** What interrupts: one alarm at a time, each with what it means and what to do. */

import type { Alarm } from "../../messenger.ts";
import { Dialog } from "../parts/dialog.tsx";
import type { Route } from "../route.ts";
import { useApp } from "../use_app.ts";
import type { Words } from "../words/words.ts";

interface Said {
  readonly title: string;
  readonly text: string;
  readonly facts?: readonly string[];
  /** What to do about it: it leads somewhere, and the alarm is taken as seen. */
  readonly look?: { readonly label: string; readonly to: Route };
  readonly dismiss: string;
  readonly expert?: string;
}

export function Alarms() {
  const { model, messenger, words, navigation } = useApp();
  const alarms = model.alarms.value;
  const alarm = alarms[0];
  if (alarm === undefined || model.status.value?.state !== "open") return null;
  const said = sayAlarm(alarm, words);
  const dismiss = () => model.attempt(messenger.dismissAlarm(alarm.id));
  return (
    <Dialog
      key={alarm.id}
      title={said.title}
      kind="alarm"
      footer={
        <>
          {alarms.length > 1 && (
            <span class="quiet alarm-count">{words.alarm.several(1, alarms.length)}</span>
          )}
          <button
            type="button"
            class={said.look === undefined ? "button primary" : "button"}
            onClick={() => void dismiss()}
          >
            {said.dismiss}
          </button>
          {said.look !== undefined && (
            <button
              type="button"
              class="button primary"
              onClick={() => {
                const { look } = said;
                void dismiss().then(() => look !== undefined && navigation.go(look.to));
              }}
            >
              {said.look.label}
            </button>
          )}
        </>
      }
    >
      <p>{said.text}</p>
      {said.facts?.map((each) => (
        <p key={each}>
          <strong>{each}</strong>
        </p>
      ))}
      {said.expert !== undefined && (
        <details>
          <summary>{words.alarm.details}</summary>
          <code class="hex">{said.expert}</code>
        </details>
      )}
    </Dialog>
  );
}

export function sayAlarm(alarm: Alarm, words: Words): Said {
  const say = words.alarm;
  const { cause } = alarm;
  const dismiss = say.understood;
  switch (cause.kind) {
    case "code-changed":
      return {
        title: say.codeChanged(cause.name),
        text:
          cause.reason === "devices" ? say.codeDevices(cause.name) : say.codeLineage(cause.name),
        look: { label: say.codeCompare, to: { at: "person", account: cause.account } },
        dismiss: say.codeGoOn,
      };
    case "own-entry": {
      const [added, removed] = [cause.added, cause.removed].map((list) =>
        list.map((each) => each.name),
      );
      const facts = [];
      if (added !== undefined && added.length > 0) facts.push(say.ownAdded(added));
      if (removed !== undefined && removed.length > 0) facts.push(say.ownRemoved(removed));
      return {
        title: say.ownEntry,
        text: say.ownEntryText,
        facts,
        look: { label: say.ownNotMe, to: { at: "devices" } },
        dismiss: say.ownMe,
        expert: `${words.trust.keyLog}: ${cause.index}`,
      };
    }
    case "log-fork":
      return {
        title: say.fork(say.logs[cause.log]),
        text: say.forkText,
        look: { label: words.trust.title, to: { at: "trust" } },
        dismiss,
        expert: `${cause.refusal.code} ${cause.refusal.detail}`,
      };
    case "law-alone":
      return {
        title: say.alone[cause.what],
        text: say.aloneText[cause.what],
        look: { label: words.trust.title, to: { at: "trust" } },
        dismiss,
        expert: `${words.trust.lawLog} ${cause.index}: ${cause.refusal.code}`,
      };
    case "worker-replaced":
      return { title: say.replaced, text: say.replacedText, dismiss };
    case "unlogged-bundle":
      return {
        title: say.unlogged,
        text: cause.running ? say.unloggedRunning : say.unloggedText,
        dismiss,
        expert: cause.hash,
      };
    case "ghost":
      return {
        title: say.ghost(cause.name),
        text: say.ghostText,
        look: {
          label: words.conversation.info(cause.name),
          to: { at: "info", id: cause.conversation },
        },
        dismiss,
        expert: `${cause.refusal.code} ${cause.refusal.detail}`,
      };
    case "server-deceived":
      return {
        title: say.deceived,
        text: say.deceivedText,
        dismiss,
        expert: `${cause.refusal.code} ${cause.refusal.detail}`,
      };
    case "clock":
      return {
        title: say.clock,
        text: say.clockText(words.span(Math.max(1, Math.round(Math.abs(cause.offsetMs) / 1000)))),
        dismiss,
      };
    case "epochs-low":
      return {
        title: say.epochs,
        text: say.epochsText(cause.ready),
        look: { label: words.trust.title, to: { at: "trust" } },
        dismiss,
      };
    case "storage-full":
      return { title: say.storage, text: say.storageText, dismiss };
    case "device-removed":
      return { title: say.removed, text: say.removedText, dismiss };
  }
}
