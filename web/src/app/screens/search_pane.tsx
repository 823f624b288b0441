/** Search in one's own history, in place of the list. Nothing leaves the device. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Hit } from "../../messenger.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Icon } from "../parts/icon.tsx";
import { shortTime } from "../times.ts";
import { useApp } from "../use_app.ts";

const PAGE = 30;
const PAUSE_MS = 150;

export function SearchPane() {
  const { words, model, messenger, navigation, tag } = useApp();
  const field = useRef<HTMLInputElement>(null);
  const [query, setQuery] = useState("");
  const [hits, setHits] = useState<readonly Hit[]>([]);
  const [more, setMore] = useState(false);
  const [searched, setSearched] = useState("");
  const within = model.searchWithin.value;
  const scope = within === null ? undefined : model.conversation(within);
  const wanted = query.trim();

  useEffect(() => {
    field.current?.focus();
    return () => {
      model.searchWithin.value = null;
    };
  }, [model]);

  useEffect(() => {
    if (wanted === "") {
      setHits([]);
      setSearched("");
      return;
    }
    let current = true;
    const timer = setTimeout(async () => {
      const found = await model.attempt(messenger.search(wanted, within, null, PAGE));
      if (!current || found === undefined) return;
      setHits(found.hits);
      setMore(found.more);
      setSearched(wanted);
      model.spoken.value = words.search.found(found.hits.length);
    }, PAUSE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [wanted, within, messenger, model, words]);

  const further = async () => {
    const last = hits.at(-1)?.message.timeMs ?? null;
    const found = await model.attempt(messenger.search(wanted, within, last, PAGE));
    if (found === undefined) return;
    setHits([...hits, ...found.hits]);
    setMore(found.more);
  };
  const letters = wanted.toLocaleLowerCase();
  const named =
    letters === "" || within !== null
      ? []
      : model.ordered.value
          .filter((each) => each.name.toLocaleLowerCase().includes(letters))
          .slice(0, 6);
  const say = words.search;
  return (
    <search class="list-pane">
      <h1 class="hidden">{say.label}</h1>
      <div class="bar">
        <button
          type="button"
          class="icon-button"
          aria-label={words.common.back}
          onClick={() => navigation.back()}
        >
          <Icon name="back" />
        </button>
        <input
          ref={field}
          class="search-field"
          type="search"
          dir="auto"
          aria-label={say.label}
          placeholder={scope === undefined ? say.label : say.within(scope.name)}
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
      </div>
      <div class="results">
        {wanted === "" && <p class="quiet center">{say.hint}</p>}
        {named.length > 0 && (
          <section>
            <h2>{say.conversations}</h2>
            <ul class="plain-list">
              {named.map((each) => (
                <li key={each.id}>
                  <button
                    type="button"
                    class="row action"
                    onClick={() =>
                      navigation.go({ at: "conversation", id: each.id, message: null })
                    }
                  >
                    <Avatar
                      id={each.peer ?? each.id}
                      name={each.name}
                      picture={each.picture}
                      size="small"
                    />
                    <bdi class="row-text">{each.name}</bdi>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        )}
        {hits.length > 0 && (
          <section>
            <h2>{say.messages}</h2>
            <ul class="plain-list">
              {hits.map((hit) => (
                <li key={`${hit.message.conversation}/${hit.message.id}`}>
                  <button
                    type="button"
                    class="hit"
                    onClick={() =>
                      navigation.go({
                        at: "conversation",
                        id: hit.message.conversation,
                        message: hit.message.id,
                      })
                    }
                  >
                    <span class="item-line">
                      <span class="item-name">
                        <bdi>{hit.conversationName}</bdi>
                      </span>
                      <time>
                        {shortTime(tag, hit.message.timeMs, model.nowMs.value, words.list)}
                      </time>
                    </span>
                    <Excerpt hit={hit} />
                  </button>
                </li>
              ))}
            </ul>
            {more && (
              <button type="button" class="button" onClick={() => void further()}>
                {say.more}
              </button>
            )}
          </section>
        )}
        {searched !== "" && searched === wanted && hits.length === 0 && named.length === 0 && (
          <p class="quiet center">{say.none}</p>
        )}
      </div>
    </search>
  );
}

const BEFORE = 24;

/** The text around the first find, with what was found marked. */
function Excerpt({ hit }: { readonly hit: Hit }) {
  const { words } = useApp();
  const { message } = hit;
  const text = "text" in message.body ? message.body.text : "";
  const first = hit.ranges[0]?.[0] ?? 0;
  const near = Math.max(0, first - BEFORE);
  const space = text.indexOf(" ", near);
  const start = near > 0 && space > 0 && space < first ? space + 1 : near;
  const pieces: (string | { readonly found: string })[] = start > 0 ? ["…"] : [];
  let at = start;
  for (const [from, to] of hit.ranges) {
    if (from < at) continue;
    pieces.push(text.slice(at, from), { found: text.slice(from, to) });
    at = to;
  }
  pieces.push(text.slice(at, at + 160));
  const who = message.mine ? words.common.you : message.authorName;
  return (
    <>
      {who !== hit.conversationName && <bdi class="excerpt-author">{who}</bdi>}
      <span class="excerpt">
        <span dir="auto">
          {pieces.map((each, index) =>
            typeof each === "string" ? (
              each.replaceAll("```", "")
            ) : (
              <mark key={index}>{each.found}</mark>
            ),
          )}
        </span>
      </span>
    </>
  );
}
