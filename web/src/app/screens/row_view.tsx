/** One row of a conversation: a day, a line of news, a notice, or somebody's bubble. */

import { useComputed } from "@preact/signals";
import { useRef, useState } from "preact/hooks";
import type { Message } from "../../messenger.ts";
import { isJustEmoji } from "../formatting.ts";
import { lineText } from "../line_text.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Icon } from "../parts/icon.tsx";
import { memo } from "../parts/memo.tsx";
import { RichText } from "../parts/rich_text.tsx";
import type { Row } from "../rows.ts";
import { clockTime, dayName, longTime } from "../times.ts";
import { useApp } from "../use_app.ts";
import { AmendmentCard } from "./amendment_card.tsx";
import { FileBody } from "./file_body.tsx";
import { Marks } from "./marks.tsx";
import type { MessageActions } from "./message_actions.tsx";
import { NoticeCard } from "./notice_card.tsx";
import { PictureBody } from "./picture_body.tsx";
import { VoiceBody } from "./voice_body.tsx";

interface RowProps {
  readonly row: Row;
  readonly group: boolean;
  readonly actions: MessageActions;
  readonly tabStop: boolean;
  readonly pointed: boolean;
}

export const RowView = memo(function RowView(props: RowProps) {
  const { row } = props;
  const { words, tag, model } = useApp();
  const place = { "data-key": row.key };
  if (row.kind === "day") {
    return (
      <li class="divider" {...place}>
        <span>{dayName(tag, row.timeMs, model.nowMs.value, words.conversation)}</span>
      </li>
    );
  }
  if (row.kind === "unread") {
    return (
      <li class="divider unread" {...place}>
        <span>{words.conversation.unread}</span>
      </li>
    );
  }
  const { message } = row;
  if (message.body.kind === "line") {
    const { line } = message.body;
    if (line.kind === "amended") {
      return (
        <li class="notice-row" tabIndex={props.tabStop ? 0 : -1} {...place}>
          <AmendmentCard line={line} timeMs={message.timeMs} />
        </li>
      );
    }
    const account = "account" in line ? line.account : null;
    const text = lineText(line, words, tag);
    return (
      <li class={`news ${line.kind}`} tabIndex={props.tabStop ? 0 : -1} {...place}>
        {account === null ? (
          <span>{text}</span>
        ) : (
          <button type="button" onClick={() => props.actions.person(account)}>
            {text}
          </button>
        )}
      </li>
    );
  }
  if (message.body.kind === "notice") {
    return (
      <li class="notice-row" tabIndex={props.tabStop ? 0 : -1} {...place}>
        <NoticeCard notice={message.body.notice} timeMs={message.timeMs} />
      </li>
    );
  }
  return <Bubble {...props} message={message} first={row.first} last={row.last} place={place} />;
});

function Bubble(
  props: RowProps & {
    readonly message: Message;
    readonly first: boolean;
    readonly last: boolean;
    readonly place: object;
  },
) {
  const { message, actions, first, last } = props;
  const { words, tag, model } = useApp();
  const [shown, setShown] = useState(false);
  const blocked = useComputed(() => model.isBlocked(message.author)).value;
  const folded = blocked && props.group && !shown;
  const { body } = message;
  const named = props.group && !message.mine;
  const press = useLongPress((x, y) => actions.menu(message, { x, y }));
  const large = body.kind === "text" && message.replyTo === null && isJustEmoji(body.text);
  const classes = ["message", message.mine ? "mine" : "theirs", body.kind];
  if (first) classes.push("first");
  if (last) classes.push("last");
  if (large) classes.push("large");
  if (props.pointed) classes.push("pointed");
  if ("text" in body && runsAgainst(body.text, words.direction)) classes.push("against");
  if (message.mentionsMe) classes.push("to-me");
  const who = message.mine ? words.common.you : message.authorName;
  return (
    <li
      class={classes.join(" ")}
      tabIndex={props.tabStop ? 0 : -1}
      {...props.place}
      {...press}
      onContextMenu={(event) => {
        if (event.target instanceof HTMLAnchorElement) return;
        event.preventDefault();
        actions.menu(message, { x: event.clientX, y: event.clientY });
      }}
      onKeyDown={(event) => {
        if (event.target !== event.currentTarget) return;
        if (event.key !== "Enter" && event.key !== " " && event.key !== "ContextMenu") return;
        event.preventDefault();
        const box = event.currentTarget.querySelector(".bubble")?.getBoundingClientRect();
        actions.menu(message, { x: box?.left ?? 0, y: (box?.top ?? 0) + 24 });
      }}
    >
      <span class="hidden">
        {words.conversation.messageOf(who, longTime(tag, message.timeMs))}
        {message.replyTo !== null && ` ${words.conversation.replyTo(message.replyTo.authorName)}`}
      </span>
      {named && (
        <span class="author-picture">
          {last && <Avatar id={message.author ?? ""} name={message.authorName} size="small" />}
        </span>
      )}
      <div class="bubble-column">
        <div class="bubble">
          {named && first && (
            <button
              type="button"
              class="author"
              tabIndex={-1}
              onClick={() => actions.person(message.author ?? "")}
            >
              <bdi>{message.authorName}</bdi>
            </button>
          )}
          {!folded && message.replyTo !== null && (
            <button
              type="button"
              class="quote"
              tabIndex={-1}
              onClick={() => actions.jump(message.replyTo?.id ?? "")}
            >
              <bdi class="quote-author">
                {message.replyTo.mine ? words.common.you : message.replyTo.authorName}
              </bdi>
              <span class="quote-text" dir="auto">
                {quoteText(message.replyTo.kind, message.replyTo.text, words)}
              </span>
            </button>
          )}
          {folded ? (
            <span class="quiet">
              {words.conversation.blocked}{" "}
              <button type="button" class="link-button" onClick={() => setShown(true)}>
                {words.conversation.blockedShow}
              </button>
            </span>
          ) : (
            <Content message={message} actions={actions} />
          )}
          <Marks message={message} />
        </div>
        {message.reactions.length > 0 && (
          <div class="reactions">
            {message.reactions.map((each) => (
              <button
                key={each.mark}
                type="button"
                class={each.mine ? "reaction own" : "reaction"}
                tabIndex={-1}
                aria-pressed={each.mine}
                title={words.conversation.reactionBy(each.mark, each.names)}
                onClick={() => actions.react(message, each.mine ? "" : each.mark)}
              >
                {each.mark}
                {each.names.length > 1 && (
                  <span aria-hidden="true">{words.number(each.names.length)}</span>
                )}
                <span class="hidden">{words.names(each.names)}</span>
              </button>
            ))}
          </div>
        )}
        {message.state === "failed" && <Failed message={message} actions={actions} />}
      </div>
      <button
        type="button"
        class="icon-button message-more"
        tabIndex={-1}
        aria-label={words.conversation.options}
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          actions.menu(message, { x: box.left, y: box.bottom });
        }}
      >
        <Icon name="dots" size={18} />
      </button>
      <time class="hidden" dateTime={new Date(message.timeMs).toISOString()}>
        {clockTime(tag, message.timeMs)}
      </time>
    </li>
  );
}

function Content({
  message,
  actions,
}: {
  readonly message: Message;
  readonly actions: MessageActions;
}) {
  const { words, model } = useApp();
  const { body } = message;
  switch (body.kind) {
    case "text":
      return <RichText text={body.text} mentions={body.mentions} />;
    case "picture":
      return (
        <>
          <PictureBody message={message} body={body} onOpen={() => actions.view(message)} />
          {body.text !== "" && <RichText text={body.text} mentions={body.mentions} />}
        </>
      );
    case "file":
      return (
        <>
          <FileBody message={message} body={body} />
          {body.text !== "" && <RichText text={body.text} mentions={body.mentions} />}
        </>
      );
    case "voice":
      return <VoiceBody message={message} body={body} />;
    case "deleted":
      return (
        <span class="quiet">
          {message.mine ? words.conversation.deletedMine : words.conversation.deleted}
        </span>
      );
    case "refused":
      return (
        <span class="refused-text">
          <Icon name="refused" size={18} />
          <span>
            {words.refused.title}
            <small>
              {words.refused.reasons[body.refusal.code] ?? model.advice(body.refusal)}{" "}
              {message.mine ? words.refused.mine : words.refused.from(message.authorName)}
            </small>
            <code>{body.refusal.code}</code>
          </span>
        </span>
      );
    default:
      return null;
  }
}

function Failed({
  message,
  actions,
}: {
  readonly message: Message;
  readonly actions: MessageActions;
}) {
  const { words, model } = useApp();
  return (
    <div class="not-sent" role="group" aria-label={words.conversation.failed}>
      <Icon name="alert" size={16} />
      <span>
        {words.conversation.failed}
        {message.refusal !== null && `: ${model.advice(message.refusal)}`}
      </span>
      <button type="button" onClick={() => actions.retry(message)}>
        {words.conversation.failedRetry}
      </button>
      <button type="button" onClick={() => actions.discard(message)}>
        {words.conversation.failedDiscard}
      </button>
    </div>
  );
}

function quoteText(
  kind: Message["body"]["kind"] | "missing",
  text: string,
  words: ReturnType<typeof useApp>["words"],
): string {
  if (text !== "") return text;
  if (kind === "missing") return words.conversation.missing;
  return kind === "text" ? "" : words.preview[kind];
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u;

/** Whether a text's last line runs the other way than the window: its time cannot stand beside it. */
function runsAgainst(text: string, direction: "ltr" | "rtl"): boolean {
  const first = /\p{L}/u.exec(text.slice(text.lastIndexOf("\n") + 1))?.[0];
  return first !== undefined && RIGHT_TO_LEFT.test(first) !== (direction === "rtl");
}

const PRESS_MS = 450;

/** A finger that stays down, where there is no other mouse button. */
function useLongPress(act: (x: number, y: number) => void) {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const stop = () => clearTimeout(timer.current);
  return {
    onPointerDown: (event: PointerEvent) => {
      if (event.pointerType !== "touch") return;
      const { clientX, clientY } = event;
      timer.current = setTimeout(() => act(clientX, clientY), PRESS_MS);
    },
    onPointerUp: stop,
    onPointerMove: stop,
    onPointerCancel: stop,
  };
}
