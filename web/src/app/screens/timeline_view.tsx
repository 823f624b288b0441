/**
 * The scrolling messages of a conversation. Only rows in view are in the document; whatever changes
 * above or below, the row under the reader's eye stays where it is.
 */

import { useComputed } from "@preact/signals";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Conversation } from "../../messenger.ts";
import { Icon } from "../parts/icon.tsx";
import { Layout, makeRows, type Row, tellsBetweenTwo } from "../rows.ts";
import type { Timeline } from "../timeline.ts";
import { useApp } from "../use_app.ts";
import type { MessageActions } from "./message_actions.tsx";
import { RowView } from "./row_view.tsx";

const OVERSCAN = 700;
const LOAD_AT = 1600;
const NEAR_END = 60;

interface Anchor {
  readonly key: string;
  /** Where its top is, below the top of the view. */
  readonly offset: number;
}

export function TimelineView(props: {
  readonly conversation: Conversation;
  readonly timeline: Timeline;
  readonly actions: MessageActions;
  /** A message to show first, and to point out. */
  readonly target: string | null;
}) {
  const { conversation, timeline, actions, target } = props;
  const { words, messenger } = useApp();
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const layout = useMemo(() => new Layout(), []);
  const known = useRef<ReadonlyMap<string, Row>>(new Map());
  const anchor = useRef<Anchor | null>(null);
  const atEnd = useRef(true);
  const placed = useRef(false);
  // Where this code last put the view: a scroll to there is not the reader's.
  const put = useRef(-1);
  const [, draw] = useState(0);
  const [range, setRange] = useState<readonly [number, number]>([0, 0]);
  const [away, setAway] = useState(false);
  const [focused, setFocused] = useState<string | null>(null);

  const all = timeline.messages.value;
  const direct = conversation.kind === "direct";
  const messages = useMemo(() => (direct ? all.filter(tellsBetweenTwo) : all), [all, direct]);
  const unreadFrom = timeline.unreadFrom.value;
  const width = scroller.current?.clientWidth ?? window.innerWidth;
  const rows = useMemo(() => {
    const made = makeRows(messages, unreadFrom, known.current);
    known.current = new Map(made.map((row) => [row.key, row]));
    layout.set(made, width);
    return made;
  }, [messages, unreadFrom, layout, width]);

  // Whoever sends something looks at it, wherever they were reading.
  const last = messages.at(-1);
  const lastSent = useRef(last?.id);
  if (last?.id !== lastSent.current) {
    lastSent.current = last?.id;
    const goes = last?.state === "queued" || last?.state === "sending";
    if (placed.current && last?.mine && goes) atEnd.current = true;
  }

  const settle = useCallback(() => {
    const view = scroller.current;
    if (view === null) return;
    const top = view.scrollTop;
    const next = layout.range(top - OVERSCAN, top + view.clientHeight + OVERSCAN);
    setRange((old) => (old[0] === next[0] && old[1] === next[1] ? old : next));
  }, [layout]);

  // After every drawing: measure, then put the row under the eye back to where it was.
  useLayoutEffect(() => {
    const view = scroller.current;
    if (view === null || list.current === null || rows.length === 0) return;
    const sizes = new Map<string, number>();
    for (const child of list.current.children) {
      const key = (child as HTMLElement).dataset["key"];
      if (key !== undefined) sizes.set(key, child.getBoundingClientRect().height);
    }
    const moved = layout.measure(sizes, width);
    if (!placed.current) {
      placed.current = true;
      const start = layout.find(target ?? "unread");
      if (start >= 0) {
        atEnd.current = false;
        anchor.current = { key: rows[start]?.key ?? "", offset: view.clientHeight * 0.3 };
      }
    }
    list.current.style.setProperty("--above", `${layout.top(range[0])}px`);
    list.current.style.setProperty("--below", `${layout.total - layout.top(range[1])}px`);
    const before = view.scrollTop;
    if (atEnd.current) view.scrollTop = view.scrollHeight;
    else if (anchor.current !== null) {
      const at = layout.find(anchor.current.key);
      const wanted = layout.top(at) - anchor.current.offset;
      if (at >= 0 && Math.abs(before - wanted) > 1) view.scrollTop = wanted;
    }
    if (view.scrollTop !== before) put.current = view.scrollTop;
    const left = view.scrollHeight - view.scrollTop - view.clientHeight;
    setAway(!atEnd.current && (left > 400 || timeline.newer.value));
    settle();
    if (moved) draw((n) => n + 1);
  });

  const onScroll = useCallback(() => {
    const view = scroller.current;
    if (view === null || !placed.current) return;
    const top = view.scrollTop;
    const left = view.scrollHeight - top - view.clientHeight;
    if (Math.abs(top - put.current) > 1) {
      put.current = -1;
      atEnd.current = left < NEAR_END && !timeline.newer.value;
      const at = layout.at(top + 8);
      const key = rows[at]?.key;
      anchor.current = key === undefined ? null : { key, offset: layout.top(at) - top };
    }
    setAway(!atEnd.current && (left > 400 || timeline.newer.value));
    settle();
    if (top < LOAD_AT) void timeline.loadOlder();
    if (left < LOAD_AT) void timeline.loadNewer();
  }, [rows, layout, settle, timeline]);

  // A window of another size lays everything out anew.
  useEffect(() => {
    const view = scroller.current;
    if (view === null) return;
    let before = view.clientWidth;
    const observer = new ResizeObserver(() => {
      if (view.clientWidth !== before) layout.forget();
      before = view.clientWidth;
      draw((n) => n + 1);
    });
    observer.observe(view);
    // Rows may grow by themselves: a picture comes, a text size changes.
    if (list.current !== null) observer.observe(list.current);
    return () => observer.disconnect();
  }, [layout]);

  // What stands on the screen of somebody who looks at it is read.
  const lastAt = messages.findLast((each) => !each.mine)?.at ?? 0;
  const read = useComputed(() => timeline.newer.value);
  useEffect(() => {
    const mark = () => {
      if (document.visibilityState !== "visible" || !document.hasFocus()) return;
      if (lastAt > conversation.readAt && !away && !read.value) {
        void messenger.markRead(conversation.id, lastAt);
      }
    };
    mark();
    addEventListener("focus", mark);
    return () => removeEventListener("focus", mark);
  }, [lastAt, conversation.id, conversation.readAt, away, messenger, read]);

  const toEnd = async () => {
    if (timeline.newer.value) await timeline.open(null);
    atEnd.current = true;
    setAway(false);
    timeline.unreadFrom.value = null;
    draw((n) => n + 1);
  };

  const showRow = (key: string) => {
    const at = layout.find(key);
    const view = scroller.current;
    if (at < 0 || view === null) return;
    const [top, bottom] = [layout.top(at), layout.top(at + 1)];
    if (top < view.scrollTop) view.scrollTop = top - 8;
    else if (bottom > view.scrollTop + view.clientHeight) {
      view.scrollTop = bottom - view.clientHeight + 8;
    }
    setFocused(key);
    requestAnimationFrame(() => {
      list.current
        ?.querySelector<HTMLElement>(`[data-key="${key}"]`)
        ?.focus({ preventScroll: true });
    });
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (!(event.target instanceof HTMLLIElement)) return;
    const at = layout.find(event.target.dataset["key"] ?? "");
    const step = { ArrowUp: -1, ArrowDown: 1, PageUp: -8, PageDown: 8 }[event.key];
    const place = event.key === "Home" ? 0 : event.key === "End" ? rows.length - 1 : null;
    if (step === undefined && place === null) return;
    event.preventDefault();
    let next = place ?? Math.max(0, Math.min(rows.length - 1, at + (step ?? 0)));
    const way = (step ?? (place === 0 ? 1 : -1)) < 0 ? -1 : 1;
    while (rows[next] !== undefined && rows[next]?.kind !== "message") next += way;
    const row = rows[next];
    if (row !== undefined) showRow(row.key);
  };

  const tabStop = focused ?? rows.at(-1)?.key;
  const shown = rows.slice(range[0], range[1]);
  return (
    <div class="timeline-frame">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the rows in it are what is interacted with */}
      <div class="timeline" ref={scroller} onScroll={onScroll} onKeyDown={onKeyDown} tabIndex={-1}>
        {!timeline.older.value && timeline.ready.value && <Beginning conversation={conversation} />}
        <ol ref={list} aria-label={words.conversation.messages}>
          {shown.map((row, index) => (
            <RowView
              key={row.key}
              row={row}
              group={conversation.kind === "group"}
              actions={actions}
              tabStop={row.key === tabStop}
              pointed={row.key === target}
              position={range[0] + index + 1}
              count={rows.length}
            />
          ))}
        </ol>
      </div>
      {away && (
        <button type="button" class="to-end" onClick={() => void toEnd()}>
          {conversation.unread > 0 && (
            <span class="badge" aria-hidden="true">
              {words.number(conversation.unread)}
            </span>
          )}
          <span class="hidden">
            {words.conversation.jump}
            {conversation.unread > 0 && `, ${words.conversation.jumpUnread(conversation.unread)}`}
          </span>
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}

/** Where a conversation begins: who is in it, and where it says who else might read it. */
function Beginning({ conversation }: { readonly conversation: Conversation }) {
  const { words, navigation } = useApp();
  const say = words.conversation;
  if (conversation.kind === "service") return <p class="beginning">{say.beginningService}</p>;
  return (
    <p class="beginning">
      {conversation.kind === "direct" ? say.beginningDirect(conversation.name) : say.beginning}{" "}
      <button type="button" onClick={() => navigation.go({ at: "trust" })}>
        {words.trust.title}
      </button>
    </p>
  );
}
