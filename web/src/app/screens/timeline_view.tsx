/**
 * The scrolling messages of a conversation. Only rows in view are in the document; whatever changes
 * above or below, the row under the reader's eye stays where it is.
 */

import { useComputed } from "@preact/signals";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Conversation } from "../../messenger.ts";
import { Layout } from "../layout.ts";
import { Icon } from "../parts/icon.tsx";
import { makeRows, NO_ROWS, tellsBetweenTwo } from "../rows.ts";
import type { Timeline } from "../timeline.ts";
import { useApp } from "../use_app.ts";
import type { MessageActions } from "./message_actions.tsx";
import { RowView } from "./row_view.tsx";

/** How far beyond the view rows are drawn, in px; and when more of them are. */
const OVERSCAN = 900;
const NEEDED = 450;
const LOAD_AT = 3000;
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
  const made = useRef(NO_ROWS);
  const anchor = useRef<Anchor | null>(null);
  const atEnd = useRef(true);
  const placed = useRef(false);
  // Which rows are in the document.
  const drawn = useRef<readonly [number, number]>([0, 0]);
  // The view as it is known, so that nothing is laid out only to be asked: its size, how far it is
  // scrolled, and where in it the rows begin.
  const view = useRef({ width: window.innerWidth, height: 0, top: 0, origin: 0 });
  // Where this code last put the view: a scroll to there is not the reader's.
  const put = useRef(-1);
  // The rows that were measured, and in what width.
  const measured = useRef({ width: 0, rows: new WeakSet<Element>() });
  const begun = useRef(false);
  const [, draw] = useState(0);
  const [away, setAway] = useState(false);
  const [focused, setFocused] = useState<string | null>(null);

  const all = timeline.messages.value;
  const direct = conversation.kind === "direct";
  const messages = useMemo(() => (direct ? all.filter(tellsBetweenTwo) : all), [all, direct]);
  const unreadFrom = timeline.unreadFrom.value;
  const { width } = view.current;
  const rows = useMemo(() => {
    const { rows: before } = made.current;
    made.current = makeRows(messages, unreadFrom, made.current);
    layout.set(made.current.rows, width);
    // What was drawn stays so wherever it stands now: rows may have come before it.
    const [from, to] = drawn.current;
    const held = before
      .slice(from, to)
      .findIndex(({ kind, key }) => kind === "message" && layout.find(key) >= 0);
    if (held >= 0) {
      const shift = layout.find(before[from + held]?.key ?? "") - from - held;
      const count = made.current.rows.length;
      drawn.current = [Math.max(0, from + shift), Math.min(count, Math.max(0, to + shift))];
    }
    return made.current.rows;
  }, [messages, unreadFrom, layout, width]);

  // Whoever sends something looks at it, wherever they were reading.
  const last = messages.at(-1);
  const lastSent = useRef(last?.id);
  if (last?.id !== lastSent.current) {
    lastSent.current = last?.id;
    const goes = last?.state === "queued" || last?.state === "sending";
    if (placed.current && last?.mine && goes) atEnd.current = true;
  }

  /** Whether the reader is away from the newest message. */
  const look = useCallback(() => {
    const { top, height, origin } = view.current;
    const left = origin + layout.total - top - height;
    setAway(!atEnd.current && (left > 400 || timeline.newer.peek()));
  }, [layout, timeline]);

  /** Sees to it that what is in view, and some more, is drawn. */
  const settle = useCallback(() => {
    const { top, height, origin } = view.current;
    const around = (more: number) =>
      layout.range(top - origin - more, top - origin + height + more);
    const [from, to] = around(NEEDED);
    const [first, end] = drawn.current;
    if (first <= from && end >= to) return;
    drawn.current = around(OVERSCAN);
    draw((n) => n + 1);
  }, [layout]);

  /** Puts the row under the reader's eye where it was: above it heights may have changed. */
  const place = useCallback(() => {
    const element = scroller.current;
    if (element === null || list.current === null) return;
    const [from, to] = drawn.current;
    const { style } = list.current;
    style.setProperty("padding-block-start", `${layout.top(from)}px`);
    style.setProperty("padding-block-end", `${layout.total - layout.top(to)}px`);
    const before = view.current.top;
    if (atEnd.current) element.scrollTop = element.scrollHeight;
    else if (anchor.current !== null) {
      const at = layout.find(anchor.current.key);
      const wanted = view.current.origin + layout.top(at) - anchor.current.offset;
      if (at < 0 || Math.abs(before - wanted) <= 1) return;
      element.scrollTop = wanted;
    } else return;
    view.current.top = element.scrollTop;
    if (view.current.top !== before) put.current = view.current.top;
  }, [layout]);

  // What the document says of sizes; a row grows by itself when its text or its picture changes.
  const observer = useMemo(
    () =>
      new ResizeObserver((entries) => {
        let moved = false;
        for (const { target: element, borderBoxSize } of entries) {
          const key = (element as HTMLElement).dataset["key"];
          if (!element.isConnected) observer.unobserve(element);
          else if (key !== undefined) {
            const height = borderBoxSize[0]?.blockSize ?? element.getBoundingClientRect().height;
            moved = layout.measure(key, height) || moved;
          } else {
            const { clientWidth, clientHeight } = element;
            moved ||= clientWidth !== view.current.width || clientHeight !== view.current.height;
            view.current.width = clientWidth;
            view.current.height = clientHeight;
          }
        }
        if (!moved) return;
        if (list.current !== null) view.current.origin = list.current.offsetTop;
        place();
        // Not at once: rows that come while sizes are told are told of by an error.
        requestAnimationFrame(() => draw((n) => n + 1));
      }),
    [layout, place],
  );

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    view.current.width = element.clientWidth;
    view.current.height = element.clientHeight;
    observer.observe(element);
    draw((n) => n + 1);
    return () => observer.disconnect();
  }, [observer]);

  // After every drawing: measure what is new, and hold the place.
  useLayoutEffect(() => {
    if (list.current === null || rows.length === 0 || view.current.height === 0) return;
    if (!placed.current) {
      const start = layout.find(target ?? "unread");
      if (start >= 0) {
        atEnd.current = false;
        anchor.current = { key: rows[start]?.key ?? "", offset: view.current.height * 0.3 };
      }
    }
    place();
    if (measured.current.width !== width) measured.current = { width, rows: new WeakSet() };
    const known = measured.current.rows;
    let fresh = !placed.current || begun.current !== !timeline.older.peek();
    let moved = fresh;
    let at = drawn.current[0];
    for (const child of list.current.children) {
      at += 1;
      say(child, "aria-posinset", at);
      say(child, "aria-setsize", rows.length);
      if (known.has(child)) continue;
      known.add(child);
      fresh = true;
      const key = (child as HTMLElement).dataset["key"] ?? "";
      moved = layout.measure(key, child.getBoundingClientRect().height) || moved;
      observer.observe(child);
    }
    if (fresh) view.current.origin = list.current.offsetTop;
    placed.current = true;
    begun.current = !timeline.older.peek();
    if (moved) place();
    look();
    settle();
  });

  const onScroll = useCallback(() => {
    const element = scroller.current;
    if (element === null || !placed.current) return;
    const top = element.scrollTop;
    const { height, origin } = view.current;
    view.current.top = top;
    const left = origin + layout.total - top - height;
    if (Math.abs(top - put.current) > 1) {
      put.current = -1;
      atEnd.current = left < NEAR_END && !timeline.newer.peek();
      const at = layout.at(top - origin + 8);
      const key = made.current.rows[at]?.key;
      const offset = origin + layout.top(at) - top;
      anchor.current = key === undefined ? null : { key, offset };
    }
    look();
    settle();
    if (top < LOAD_AT) void timeline.loadOlder();
    if (left < LOAD_AT) void timeline.loadNewer();
  }, [layout, look, settle, timeline]);

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
    const element = scroller.current;
    if (at < 0 || element === null) return;
    const { origin, height } = view.current;
    const [top, bottom] = [origin + layout.top(at), origin + layout.top(at + 1)];
    if (top < element.scrollTop) element.scrollTop = top - 8;
    else if (bottom > element.scrollTop + height) element.scrollTop = bottom - height + 8;
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
  const shown = rows.slice(...drawn.current);
  return (
    <div class="timeline-frame">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the rows in it are what is interacted with */}
      <div class="timeline" ref={scroller} onScroll={onScroll} onKeyDown={onKeyDown} tabIndex={-1}>
        {!timeline.older.value && timeline.ready.value && <Beginning conversation={conversation} />}
        <ol ref={list} aria-label={words.conversation.messages}>
          {shown.map((row) => (
            <RowView
              key={row.key}
              row={row}
              group={conversation.kind === "group"}
              actions={actions}
              tabStop={row.key === tabStop}
              pointed={row.key === target}
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

/** Sets an attribute where it is another one; a row is not drawn anew for its number. */
function say(element: Element, name: string, value: number): void {
  const text = String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
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
