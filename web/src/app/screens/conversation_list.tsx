/** The list of conversations: who, what was last, how much is unread. */

import { useComputed } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { Conversation, Preview } from "../../messenger.ts";
import { plainText } from "../formatting.ts";
import { Avatar, ServiceMark } from "../parts/avatar.tsx";
import { Icon, Logo } from "../parts/icon.tsx";
import { memo } from "../parts/memo.tsx";
import { Menu, type Place, placeOf } from "../parts/menu.tsx";
import { nearTime, shortTime } from "../times.ts";
import { useApp } from "../use_app.ts";
import type { Words } from "../words/words.ts";
import { Ticks } from "./marks.tsx";

/** How many conversations are drawn at once, and how many then at a time. */
const FIRST = 24;
const PIECE = 32;

export function ConversationList() {
  const { model, words, navigation } = useApp();
  const [menu, setMenu] = useState<{ id: string; place: Place } | null>(null);
  const { route } = navigation;
  const open = useComputed(() => ("id" in route.value ? route.value.id : null)).value;
  const ordered = model.ordered.value;
  const status = model.status.value;
  const me = status?.state === "open" ? status.me.handle : "";
  // What is on the screen comes first, and the rest behind it piece by piece.
  const [shown, setShown] = useState(FIRST);
  const more = shown < ordered.length;
  useEffect(() => {
    if (!more) return;
    const timer = setTimeout(() => setShown((count) => count + PIECE));
    return () => clearTimeout(timer);
  }, [more, shown]);
  return (
    <nav class="list-pane" aria-label={words.list.label}>
      <header class="bar list-head">
        <Logo size={34} />
        <h1>{words.list.title}</h1>
        <button
          type="button"
          class="icon-button"
          aria-label={words.trust.title}
          title={words.trust.title}
          onClick={() => navigation.go({ at: "trust" })}
        >
          <Icon name="eye" />
        </button>
        <button
          type="button"
          class="icon-button"
          aria-label={words.list.settings}
          title={words.list.settings}
          onClick={() => navigation.go({ at: "settings" })}
        >
          <Icon name="gear" />
        </button>
        <button
          type="button"
          class="icon-button strong"
          aria-label={words.list.new}
          title={words.list.new}
          onClick={() => navigation.go({ at: "new" })}
        >
          <Icon name="pen" />
        </button>
      </header>
      <button type="button" class="search-button" onClick={() => navigation.go({ at: "search" })}>
        <Icon name="search" size={18} />
        {words.search.label}
      </button>
      <ConnectionLine />
      {ordered.length === 0 ? (
        <div class="empty">
          <Logo size={64} />
          <p>{words.list.empty}</p>
          <small>{words.list.emptyHint(me)}</small>
          <button type="button" class="button primary" onClick={() => navigation.go({ at: "new" })}>
            {words.list.new}
          </button>
        </div>
      ) : (
        <ul class="conversations" onKeyDown={moveAmong}>
          {ordered.slice(0, shown).map((each) => (
            <Item key={each.id} conversation={each} open={each.id === open} onMenu={setMenu} />
          ))}
        </ul>
      )}
      {menu !== null && <ItemMenu {...menu} onClose={() => setMenu(null)} />}
    </nav>
  );
}

/** Arrows move among the conversations. */
function moveAmong(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined || event.altKey || !(event.currentTarget instanceof Element)) return;
  event.preventDefault();
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>(".item-open")];
  all[all.indexOf(document.activeElement as HTMLElement) + step]?.focus();
}

/** Says that one is offline, and how much waits. */
export function ConnectionLine() {
  const { model, words } = useApp();
  const { up, queued, refusal } = model.connection.value;
  if (up) return null;
  return (
    <p class="connection-line" role="status">
      {queued > 0 ? words.list.offlineQueued(queued) : words.list.offline}
      {refusal !== null && refusal.code !== "server-unreachable" && (
        <span>
          {" "}
          {model.advice(refusal)} <code>{refusal.code}</code>
        </span>
      )}
    </p>
  );
}

const Item = memo(function Item(props: {
  readonly conversation: Conversation;
  readonly open: boolean;
  readonly onMenu: (menu: { id: string; place: Place }) => void;
}) {
  const { conversation } = props;
  const { words, tag, model, navigation } = useApp();
  const service = conversation.kind === "service";
  const name = service ? words.list.service : conversation.name;
  const menu = (event: Event) => {
    event.preventDefault();
    props.onMenu({ id: conversation.id, place: placeOf(event) });
  };
  return (
    <li class={props.open ? "item open" : "item"} onContextMenu={menu}>
      <button
        type="button"
        class="item-open"
        aria-current={props.open ? "page" : undefined}
        onClick={() => navigation.go({ at: "conversation", id: conversation.id, message: null })}
      >
        {service ? (
          <ServiceMark />
        ) : (
          <Avatar
            id={conversation.peer ?? conversation.id}
            name={name}
            picture={conversation.picture}
          />
        )}
        <span class="item-text">
          <span class="item-line">
            <span class="item-name">
              <bdi>{name}</bdi>
              {conversation.verification === "verified" && (
                <Mark icon="shieldCheck" label={words.person.verified} />
              )}
              {conversation.verification === "changed" && (
                <Mark icon="alert" label={words.person.changed} />
              )}
            </span>
            <time title={nearTime(tag, conversation.timeMs, model.nowMs.value, words.list)}>
              {shortTime(tag, conversation.timeMs, model.nowMs.value, words.list)}
            </time>
          </span>
          <span class="item-line">
            <PreviewLine conversation={conversation} />
            {conversation.muted && <Mark icon="mute" label={words.list.muted} />}
            {conversation.pinned && <Mark icon="pin" label={words.list.pinned} />}
            {conversation.mentioned && (
              <span class="badge" role="img" aria-label={words.list.mentioned}>
                @
              </span>
            )}
            {conversation.unread > 0 && (
              <span class={conversation.muted ? "badge muted" : "badge"}>
                <span aria-hidden="true">{words.number(conversation.unread)}</span>
                <span class="hidden">{words.list.unread(conversation.unread)}</span>
              </span>
            )}
          </span>
        </span>
      </button>
      <button
        type="button"
        class="icon-button item-more"
        aria-label={words.list.options(name)}
        tabIndex={-1}
        onClick={menu}
      >
        <Icon name="dots" size={18} />
      </button>
    </li>
  );
});

function Mark({
  icon,
  label,
}: {
  readonly icon: "mute" | "pin" | "shieldCheck" | "alert";
  readonly label: string;
}) {
  return (
    <span class={`item-mark ${icon}`} role="img" aria-label={label} title={label}>
      <Icon name={icon} size={15} />
    </span>
  );
}

function PreviewLine({ conversation }: { readonly conversation: Conversation }) {
  const { words, model } = useApp();
  const { id } = conversation;
  const typing = useComputed(() => [...(model.typing.value.get(id)?.values() ?? [])]).value;
  if (typing.length > 0) {
    const text = conversation.kind === "direct" ? words.list.typing : words.list.someTyping(typing);
    return <span class="item-preview typing">{text}</span>;
  }
  if (conversation.draft !== null) {
    return (
      <span class="item-preview">
        <span class="draft">{words.list.draft}</span> <bdi>{conversation.draft.text}</bdi>
      </span>
    );
  }
  const { preview } = conversation;
  if (preview === null) return <span class="item-preview" />;
  return (
    <span class={preview.kind === "refused" ? "item-preview refused" : "item-preview"}>
      {preview.state !== null && <Ticks state={preview.state} />}
      <span dir="auto">{previewText(preview, conversation, words)}</span>
    </span>
  );
}

function previewText(preview: Preview, conversation: Conversation, words: Words): string {
  const text =
    preview.kind === "text" || preview.text !== ""
      ? plainText(preview.text)
      : preview.kind === "line" && conversation.kind === "service"
        ? words.preview.amended
        : words.preview[preview.kind];
  if (preview.mine) return preview.state === null ? words.preview.you(text) : text;
  const named = conversation.kind === "group" && preview.author !== null;
  return named ? words.preview.by(preview.authorName, text) : text;
}

function ItemMenu(props: {
  readonly id: string;
  readonly place: Place;
  readonly onClose: () => void;
}) {
  const { model, messenger, words } = useApp();
  const conversation = model.conversation(props.id);
  if (conversation === undefined) return null;
  const { id, pinned, muted } = conversation;
  const name = conversation.kind === "service" ? words.list.service : conversation.name;
  return (
    <Menu
      label={words.list.options(name)}
      place={props.place}
      onClose={props.onClose}
      items={[
        {
          icon: "pin",
          label: pinned ? words.list.unpin : words.list.pin,
          act: () => void model.attempt(messenger.setPinned(id, !pinned)),
        },
        {
          icon: muted ? "bell" : "mute",
          label: muted ? words.list.unmute : words.list.mute,
          act: () => void model.attempt(messenger.setMuted(id, !muted)),
        },
      ]}
    />
  );
}
