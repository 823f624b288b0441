/** What can be done with a message, and the menu that offers it. */

import { useMemo, useState } from "preact/hooks";
import type { Conversation, Message } from "../../messenger.ts";
import type { Model } from "../model.ts";
import { Dialog, Question } from "../parts/dialog.tsx";
import { Menu, type MenuItem, type Place } from "../parts/menu.tsx";
import { isBubble } from "../rows.ts";
import type { Timeline } from "../timeline.ts";
import { useAnswer, useApp } from "../use_app.ts";

export interface MessageActions {
  menu(message: Message, place: Place): void;
  react(message: Message, mark: string): void;
  jump(id: string): void;
  person(account: string): void;
  view(message: Message): void;
  retry(message: Message): void;
  discard(message: Message): void;
}

export const QUICK_MARKS = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

type Asked =
  | { readonly kind: "menu"; readonly message: Message; readonly place: Place }
  | { readonly kind: "delete" | "details"; readonly message: Message };

/** The actions of an open conversation, stable while it is open, and what they have opened. */
export function useMessageActions(wish: {
  readonly model: Model;
  readonly conversation: Conversation;
  readonly timeline: Timeline;
  readonly onReply: (message: Message) => void;
  readonly onEdit: (message: Message) => void;
  readonly onView: (message: Message) => void;
}) {
  const { model, conversation } = wish;
  const { id } = conversation;
  const [asked, setAsked] = useState<Asked | null>(null);
  const { onView } = wish;
  const actions = useMemo<MessageActions>(() => {
    const { messenger, navigation } = model;
    return {
      menu: (message, place) => {
        if (isBubble(message)) setAsked({ kind: "menu", message, place });
      },
      react: (message, mark) => void model.attempt(messenger.react(id, message.id, mark)),
      jump: (message) => navigation.go({ at: "conversation", id, message }, { replace: true }),
      person: (account) => navigation.go({ at: "person", account }),
      view: onView,
      retry: (message) => void model.attempt(messenger.retry(id, message.id)),
      discard: (message) => void model.attempt(messenger.discard(id, message.id)),
    };
  }, [model, id, onView]);
  const close = () => setAsked(null);
  const opened =
    asked?.kind === "menu" ? (
      <MessageMenu {...wish} {...asked} actions={actions} onAsk={setAsked} onClose={close} />
    ) : asked?.kind === "delete" ? (
      <DeleteQuestion conversation={id} message={asked.message} onClose={close} />
    ) : asked?.kind === "details" ? (
      <Receipts conversation={id} message={asked.message} onClose={close} />
    ) : null;
  return { actions, opened };
}

function MessageMenu(props: {
  readonly model: Model;
  readonly conversation: Conversation;
  readonly message: Message;
  readonly place: Place;
  readonly actions: MessageActions;
  readonly onReply: (message: Message) => void;
  readonly onEdit: (message: Message) => void;
  readonly onAsk: (asked: Asked) => void;
  readonly onClose: () => void;
}) {
  const { message, actions, model } = props;
  const { words } = useApp();
  const say = words.conversation;
  const { body } = message;
  const writable = props.conversation.state === "member" && props.conversation.kind !== "service";
  const settled = message.state === null || ["sent", "delivered", "read"].includes(message.state);
  const alive = body.kind !== "deleted" && body.kind !== "refused";
  const own = message.reactions.find((each) => each.mine)?.mark;
  const items: MenuItem[] = [];
  if (writable && settled && alive) {
    items.push({ icon: "reply", label: say.reply, act: () => props.onReply(message) });
  }
  if ("text" in body && body.text !== "") {
    const copied = () => model.say(words.common.copied);
    const act = () => void model.attempt(navigator.clipboard.writeText(body.text).then(copied));
    items.push({ icon: "copy", label: say.copyText, act });
  }
  if (writable && settled && message.mine && body.kind === "text") {
    items.push({ icon: "pen", label: say.edit, act: () => props.onEdit(message) });
  }
  if (message.mine && settled && alive) {
    const act = () => props.onAsk({ kind: "details", message });
    items.push({ icon: "info", label: say.details, act });
  }
  if (writable && message.mine && settled && alive) {
    const act = () => props.onAsk({ kind: "delete", message });
    items.push({ icon: "trash", label: say.deleteForAll, act, dangerous: true });
  }
  if (message.state === "failed" || message.state === "queued") {
    const act = () => actions.discard(message);
    items.push({ icon: "trash", label: say.failedDiscard, act, dangerous: true });
  }
  return (
    <Menu label={say.options} place={props.place} items={items} onClose={props.onClose}>
      {writable && settled && alive && (
        <div class="quick-marks" role="group" aria-label={say.react}>
          {QUICK_MARKS.map((mark) => (
            <button
              key={mark}
              type="button"
              aria-pressed={mark === own}
              onClick={() => {
                props.onClose();
                actions.react(message, mark === own ? "" : mark);
              }}
            >
              {mark}
            </button>
          ))}
        </div>
      )}
    </Menu>
  );
}

function DeleteQuestion(props: {
  readonly conversation: string;
  readonly message: Message;
  readonly onClose: () => void;
}) {
  const { words, model, messenger } = useApp();
  return (
    <Question
      title={words.conversation.deleteQuestion}
      text={words.conversation.deleteText}
      action={words.conversation.deleteForAll}
      dangerous
      onAnswer={(yes) => {
        props.onClose();
        if (yes) void model.attempt(messenger.remove(props.conversation, props.message.id));
      }}
    />
  );
}

function Receipts(props: {
  readonly conversation: string;
  readonly message: Message;
  readonly onClose: () => void;
}) {
  const { words, messenger } = useApp();
  const receipts = useAnswer(
    () => messenger.receipts(props.conversation, props.message.id),
    [props.conversation, props.message.id],
  );
  return (
    <Dialog title={words.conversation.details} onClose={props.onClose}>
      <ul class="plain-list">
        {receipts?.map((each) => (
          <li key={each.name} class="row">
            <bdi class="row-text">{each.name}</bdi>
            <small>{words.conversation.state[each.state]}</small>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
