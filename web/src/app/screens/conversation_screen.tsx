/** An open conversation: its head, its messages, and where one writes. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Conversation, Message } from "../../messenger.ts";
import { Avatar, ServiceMark } from "../parts/avatar.tsx";
import { Icon } from "../parts/icon.tsx";
import { lazy } from "../parts/lazy.tsx";
import { memo } from "../parts/memo.tsx";
import { nearTime } from "../times.ts";
import { useAnswer, useApp, useWide } from "../use_app.ts";
import { Composer, type Subject } from "./composer.tsx";
import { ConnectionLine } from "./conversation_list.tsx";
import { useMessageActions } from "./message_actions.tsx";
import { TimelineView } from "./timeline_view.tsx";

const Viewer = lazy(async () => (await import("./viewer.tsx")).Viewer);

export function ConversationScreen(props: {
  readonly id: string;
  readonly message: string | null;
}) {
  const { model } = useApp();
  const { id } = props;
  const conversation = model.conversations.value.get(id);
  if (conversation === undefined) return null;
  return <Opened key={id} conversation={conversation} target={props.message} />;
}

const Opened = memo(function Opened(props: {
  readonly conversation: Conversation;
  readonly target: string | null;
}) {
  const { conversation, target } = props;
  const { id } = conversation;
  const { words, messenger, model } = useApp();
  const wide = useWide();
  const timeline = model.timeline(id);
  const [subject, setSubject] = useState<Subject | null>(null);
  const [files, setFiles] = useState<readonly File[]>([]);
  const [viewed, setViewed] = useState<Message | null>(null);
  const [dragging, setDragging] = useState(false);
  const [opening, setOpening] = useState(0);
  const first = useRef(true);

  useEffect(() => {
    const begin = first.current;
    first.current = false;
    const { unread, readAt } = conversation;
    if (target !== null) {
      if (timeline.has(target)) setOpening((n) => n + 1);
      else void model.attempt(timeline.open(target).then(() => setOpening((n) => n + 1)));
    } else if (begin) {
      timeline.unreadFrom.value = unread > 0 ? readAt : null;
      void model.attempt(
        timeline.open(null, unread > 0 ? { at: readAt, count: unread } : undefined),
      );
    }
  }, [target]);

  // A draft that answers something still does.
  useEffect(() => {
    const answered = conversation.draft?.replyTo ?? null;
    const message = timeline.messages.value.find((each) => each.id === answered);
    if (message !== undefined) setSubject((now) => now ?? { kind: "reply", message });
  }, [timeline.ready.value]);

  const members = useAnswer(
    async () => (conversation.kind === "group" ? messenger.members(id) : []),
    [id, model.membersChanged.value],
  );
  const people = (members ?? []).map((each) => each.person);

  const onView = useCallback((message: Message) => setViewed(message), []);
  const { actions, opened } = useMessageActions({
    model,
    conversation,
    timeline,
    onReply: (message) => setSubject({ kind: "reply", message }),
    onEdit: (message) => setSubject({ kind: "edit", message }),
    onView,
  });

  const lastOwn = () =>
    timeline.messages.value.findLast(
      (each) => each.mine && each.body.kind === "text" && each.state !== "failed",
    );
  const writable = conversation.state === "member" && conversation.kind !== "service";
  return (
    <section
      class={dragging ? "conversation dragging" : "conversation"}
      aria-label={conversation.kind === "service" ? words.list.service : conversation.name}
      onDragOver={(event) => {
        if (!writable || !event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        setDragging(true);
      }}
      onDragLeave={(event) => {
        if (event.relatedTarget === null) setDragging(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setDragging(false);
        if (writable) setFiles([...files, ...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <Head conversation={conversation} />
      {!wide && <ConnectionLine />}
      <Warnings conversation={conversation} />
      {timeline.ready.value ? (
        <TimelineView
          key={`${id}-${opening}`}
          conversation={conversation}
          timeline={timeline}
          actions={actions}
          target={target}
        />
      ) : (
        <div class="timeline-frame" aria-busy="true" />
      )}
      {writable ? (
        <Composer
          conversation={conversation}
          people={people}
          subject={subject}
          onSubject={setSubject}
          files={files}
          onFiles={setFiles}
          lastOwn={lastOwn}
          onSent={() => {
            timeline.unreadFrom.value = null;
            if (timeline.newer.value) void timeline.open(null).then(() => setOpening((n) => n + 1));
          }}
        />
      ) : (
        <p class="closed-note">
          {conversation.kind === "service"
            ? words.conversation.serviceOnly
            : conversation.state === "left"
              ? words.conversation.left
              : words.conversation.stopped}
          {conversation.refusal !== null && (
            <small>
              {model.advice(conversation.refusal)} <code>{conversation.refusal.code}</code>
            </small>
          )}
        </p>
      )}
      {dragging && (
        <div class="drop-note" aria-hidden="true">
          <Icon name="clip" size={40} />
          {words.composer.drop}
        </div>
      )}
      {opened}
      {viewed !== null && (
        <Viewer message={viewed} timeline={timeline} onClose={() => setViewed(null)} />
      )}
    </section>
  );
});

function Head({ conversation }: { readonly conversation: Conversation }) {
  const { words, navigation, model } = useApp();
  const wide = useWide();
  const service = conversation.kind === "service";
  const name = service ? words.list.service : conversation.name;
  return (
    <header class="bar conversation-head">
      {wide ? <h2 class="hidden">{name}</h2> : <h1 class="hidden">{name}</h1>}
      {!wide && (
        <button
          type="button"
          class="icon-button"
          aria-label={words.common.back}
          onClick={() => navigation.back()}
        >
          <Icon name="back" />
        </button>
      )}
      <button
        type="button"
        class="head-button"
        title={words.conversation.info(name)}
        onClick={() =>
          navigation.go(service ? { at: "trust" } : { at: "info", id: conversation.id })
        }
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
        <span class="head-text">
          <span class="head-name">
            <bdi>{name}</bdi>
            {conversation.verification === "verified" && <Icon name="shieldCheck" size={16} />}
          </span>
          <HeadState conversation={conversation} />
        </span>
      </button>
      {conversation.joinRequests > 0 && (
        <button
          type="button"
          class="icon-button with-badge"
          title={words.conversation.requests(conversation.joinRequests)}
          onClick={() => navigation.go({ at: "info", id: conversation.id })}
        >
          <Icon name="group" />
          <span class="badge" aria-hidden="true">
            {words.number(conversation.joinRequests)}
          </span>
          <span class="hidden">{words.conversation.requests(conversation.joinRequests)}</span>
        </button>
      )}
      <button
        type="button"
        class="icon-button"
        aria-label={words.group.searchIn}
        title={words.group.searchIn}
        onClick={() => {
          model.searchWithin.value = conversation.id;
          navigation.go({ at: "search" });
        }}
      >
        <Icon name="search" />
      </button>
    </header>
  );
}

/** Below the name: who types, how many there are, or when the other was here. */
function HeadState({ conversation }: { readonly conversation: Conversation }) {
  const { words, model, tag } = useApp();
  const typing = [...(model.typing.value.get(conversation.id)?.values() ?? [])];
  if (typing.length > 0) {
    return (
      <small class="typing">
        {conversation.kind === "direct" ? words.list.typing : words.list.someTyping(typing)}
      </small>
    );
  }
  if (conversation.kind === "service") {
    const status = model.status.value;
    return <small>{status?.state === "open" ? status.me.deployment : words.product}</small>;
  }
  if (conversation.kind === "group") {
    return <small>{words.conversation.members(conversation.members)}</small>;
  }
  const person = model.people.value.get(conversation.peer ?? "");
  if (person?.presence === "here") return <small>{words.conversation.here}</small>;
  const seen = person?.lastSeenMs ?? null;
  if (seen === null) return <small dir="auto">{`@${person?.handle ?? ""}`}</small>;
  const when = nearTime(tag, seen, model.nowMs.value, words.list);
  return <small>{words.conversation.lastSeen(when)}</small>;
}

/** What must be known before one writes: a changed safety code. */
function Warnings({ conversation }: { readonly conversation: Conversation }) {
  const { words, navigation } = useApp();
  if (conversation.verification !== "changed") return null;
  return (
    <div class="warning" role="status">
      <Icon name="alert" size={20} />
      <span>{words.conversation.verifyFirst(conversation.name)}</span>
      <button
        type="button"
        class="button"
        onClick={() =>
          navigation.go(
            conversation.peer === null
              ? { at: "info", id: conversation.id }
              : { at: "person", account: conversation.peer },
          )
        }
      >
        {words.conversation.verifyNow}
      </button>
    </div>
  );
}
