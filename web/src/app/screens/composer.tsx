/** Where one writes: text with marks and mentions, files, voice, an answer or an edit. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Conversation, Draft, Message, Outgoing, Person } from "../../messenger.ts";
import { findMentions, fitting, mentionBegun } from "../mentions.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Icon } from "../parts/icon.tsx";
import { lazy } from "../parts/lazy.tsx";
import type { Recording } from "../recorder.ts";
import { useApp } from "../use_app.ts";

const EmojiPicker = lazy(async () => (await import("./emoji_picker.tsx")).EmojiPicker);
const VoiceRecorder = lazy(async () => (await import("./voice_recorder.tsx")).VoiceRecorder);
const TYPING_EVERY_MS = 3_000;
const DRAFT_AFTER_MS = 400;
const LARGEST_FILE = 1024 * 1024 * 1024;
// A record takes 64 KiB; the rest of it is small.
const LONGEST_TEXT = 60 * 1024;
const MARKS = [
  ["*", "bold"],
  ["_", "italic"],
  ["~", "strike"],
  ["`", "code"],
] as const;

export interface Subject {
  readonly kind: "reply" | "edit";
  readonly message: Message;
}

export function Composer(props: {
  readonly conversation: Conversation;
  readonly people: readonly Person[];
  readonly subject: Subject | null;
  readonly onSubject: (subject: Subject | null) => void;
  readonly files: readonly File[];
  readonly onFiles: (files: readonly File[]) => void;
  readonly lastOwn: () => Message | undefined;
  readonly onSent: () => void;
}) {
  const { conversation, subject, files } = props;
  const { words, messenger, model } = useApp();
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(conversation.draft?.text ?? "");
  const [cursor, setCursor] = useState(0);
  const [open, setOpen] = useState<"emoji" | "format" | "voice" | null>(null);
  const [choice, setChoice] = useState(0);
  const [noMentions, setNoMentions] = useState(false);
  const typedAt = useRef(0);
  const say = words.composer;

  // The field is as high as its text, up to a limit that the style sheet sets.
  useLayoutEffect(() => {
    const area = field.current;
    if (area === null) return;
    area.style.setProperty("height", "auto");
    area.style.setProperty("height", `${area.scrollHeight}px`);
  }, [text]);

  // An edit begins with the old text; an answer with the field.
  useEffect(() => {
    if (subject?.kind === "edit" && subject.message.body.kind === "text") {
      setText(subject.message.body.text);
    }
    if (subject !== null) field.current?.focus();
  }, [subject]);

  useEffect(() => {
    const draft: Draft | null =
      text === "" || subject?.kind === "edit"
        ? null
        : {
            text,
            mentions: findMentions(text, props.people),
            replyTo: subject?.message.id ?? null,
            editing: null,
          };
    if (draft?.text === conversation.draft?.text) return;
    const timer = setTimeout(() => void messenger.setDraft(conversation.id, draft), DRAFT_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text, subject, conversation.id, conversation.draft, messenger, props.people]);

  const begun = noMentions || conversation.kind !== "group" ? null : mentionBegun(text, cursor);
  const offered = begun === null ? [] : fitting(props.people, begun.begun);

  const input = (value: string) => {
    setText(value);
    setCursor(field.current?.selectionStart ?? value.length);
    setNoMentions(false);
    setChoice(0);
    const now = Date.now();
    if (value !== "" && now - typedAt.current > TYPING_EVERY_MS && model.settings.value.typing) {
      typedAt.current = now;
      void messenger.setTyping(conversation.id, true);
    }
  };

  /** Changes the field itself, at once: the next key comes before anything is drawn anew. */
  const rewrite = (area: HTMLTextAreaElement, value: string, from: number, to: number) => {
    area.value = value;
    area.focus();
    area.setSelectionRange(from, to);
    input(value);
  };

  /** Puts text in place of what is chosen, and the cursor behind it. */
  const insert = (piece: string, from?: number) => {
    const area = field.current;
    if (area === null) return;
    const { value, selectionStart, selectionEnd } = area;
    const start = from ?? selectionStart;
    const end = start + piece.length;
    rewrite(area, value.slice(0, start) + piece + value.slice(selectionEnd), end, end);
  };

  const mark = (letter: string) => {
    const area = field.current;
    if (area === null) return;
    const { value, selectionStart: start, selectionEnd: end } = area;
    const inside = letter + value.slice(start, end) + letter;
    rewrite(area, value.slice(0, start) + inside + value.slice(end), start + 1, end + 1);
  };

  const mention = (person: Person | undefined) => {
    if (person === undefined || begun === null) return;
    insert(`@${person.handle} `, begun.start);
  };

  const clear = () => {
    setText("");
    typedAt.current = 0;
    props.onSubject(null);
    props.onFiles([]);
    setOpen(null);
    field.current?.focus();
  };

  const send = async () => {
    const plain = text.trim();
    if (new TextEncoder().encode(plain).length > LONGEST_TEXT) return model.say(say.tooLong);
    const mentions = findMentions(plain, props.people);
    if (subject?.kind === "edit") {
      if (plain === "") return;
      const edited = subject.message.id;
      clear();
      await model.attempt(messenger.edit(conversation.id, edited, plain, mentions));
      return;
    }
    if (plain === "" && files.length === 0) return;
    const replyTo = subject?.message.id ?? null;
    const going = files;
    clear();
    props.onSent();
    if (going.length === 0) {
      const taken = await post({ kind: "text", text: plain, mentions, replyTo });
      // Refused, such as by a full disk: what was written is not lost.
      if (taken === undefined) setText((now) => (now === "" ? plain : now));
      return;
    }
    const { preparePicture } = await import("../pictures.ts");
    for (const [index, file] of going.entries()) {
      // The words go with the last one, so that they stand below all.
      const last = index === going.length - 1;
      const caption = {
        text: last ? plain : "",
        mentions: last ? mentions : [],
        replyTo: last ? replyTo : null,
      };
      const picture = await preparePicture(file);
      const { blob, name, mediaType } = picture ?? {
        blob: file,
        name: file.name,
        mediaType: file.type,
      };
      const wish = { kind: "file", blob, name, mediaType, picture, voice: null } as const;
      if ((await post({ ...wish, ...caption })) === undefined) {
        props.onFiles(going.slice(index));
        setText((now) => (now === "" ? plain : now));
        return;
      }
    }
  };

  const post = (outgoing: Outgoing) => model.attempt(messenger.send(conversation.id, outgoing));

  const sendVoice = async (recording: Recording) => {
    setOpen(null);
    const { blob, durationMs, peaks } = recording;
    const replyTo = subject?.message.id ?? null;
    props.onSubject(null);
    props.onSent();
    const voice = { durationMs, peaks };
    const name = blob.type.startsWith("audio/mp4") ? "voice.m4a" : "voice.webm";
    await post({
      kind: "file",
      blob,
      name,
      mediaType: blob.type,
      picture: null,
      voice,
      text: "",
      mentions: [],
      replyTo,
    });
  };

  const take = (list: Iterable<File>) => {
    const all = [...list];
    const good = all.filter((file) => file.size <= LARGEST_FILE);
    if (good.length < all.length) model.say(say.tooLarge);
    if (good.length > 0) props.onFiles([...files, ...good]);
    field.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (offered.length > 0) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step !== undefined) {
        event.preventDefault();
        setChoice((choice + step + offered.length) % offered.length);
        return;
      }
      if (event.key === "Enter" || event.key === "Tab") {
        event.preventDefault();
        mention(offered[choice]);
        return;
      }
      if (event.key === "Escape") {
        event.preventDefault();
        event.stopPropagation();
        setNoMentions(true);
        return;
      }
    }
    const command = event.ctrlKey || event.metaKey;
    const letter = command ? { b: "*", i: "_" }[event.key.toLowerCase()] : undefined;
    if (letter !== undefined) {
      event.preventDefault();
      mark(letter);
    } else if (
      event.key === "Enter" &&
      !event.shiftKey &&
      (command || model.settings.value.enterSends)
    ) {
      event.preventDefault();
      void send();
    } else if (event.key === "ArrowUp" && text === "" && subject === null) {
      const last = props.lastOwn();
      if (last === undefined) return;
      event.preventDefault();
      props.onSubject({ kind: "edit", message: last });
    } else if (event.key === "Escape" && (subject !== null || open !== null)) {
      event.preventDefault();
      event.stopPropagation();
      if (open !== null) setOpen(null);
      else {
        if (subject?.kind === "edit") setText("");
        props.onSubject(null);
      }
    }
  };

  if (open === "voice") {
    return (
      <VoiceRecorder
        onDiscard={() => setOpen(null)}
        onSend={(recording) => void sendVoice(recording)}
      />
    );
  }
  const sendable = text.trim() !== "" || files.length > 0;
  const toggle = (what: "emoji" | "format") => setOpen(open === what ? null : what);
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {offered.length > 0 && (
        <div class="mention-list" role="listbox" id="mention-list" aria-label={say.mentions}>
          {offered.map((person, index) => (
            <div
              key={person.account}
              id={`mention-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === choice}
              onPointerDown={(event) => {
                event.preventDefault();
                mention(person);
              }}
            >
              <Avatar
                id={person.account}
                name={person.name}
                picture={person.picture}
                size="small"
              />
              <bdi>{person.name}</bdi>
              {person.name !== person.handle && <small dir="auto">@{person.handle}</small>}
            </div>
          ))}
        </div>
      )}
      {open === "emoji" && (
        <EmojiPicker onPick={(emoji) => insert(emoji)} onClose={() => setOpen(null)} />
      )}
      {open === "format" && (
        <div class="format-row" role="toolbar" aria-label={say.format}>
          {MARKS.map(([letter, label]) => (
            <button
              key={letter}
              type="button"
              class={`icon-button format-${label}`}
              aria-label={say[label]}
              title={say[label]}
              onClick={() => mark(letter)}
            >
              {label === "code" ? "<>" : label.slice(0, 1).toUpperCase()}
            </button>
          ))}
        </div>
      )}
      {subject !== null && (
        <div class="subject">
          <Icon name={subject.kind === "edit" ? "pen" : "reply"} size={18} />
          <span class="subject-text">
            <span>
              {subject.kind === "edit"
                ? say.editing
                : say.replying(
                    subject.message.mine ? words.common.you : subject.message.authorName,
                  )}
            </span>
            <small dir="auto">
              {"text" in subject.message.body ? subject.message.body.text : words.preview.voice}
            </small>
          </span>
          <button
            type="button"
            class="icon-button"
            aria-label={subject.kind === "edit" ? say.cancelEdit : say.cancelReply}
            onClick={() => {
              if (subject.kind === "edit") setText("");
              props.onSubject(null);
            }}
          >
            <Icon name="close" size={18} />
          </button>
        </div>
      )}
      {files.length > 0 && (
        <ul class="attached" aria-label={say.attached(files.length)}>
          {files.map((file, index) => (
            <li key={index}>
              <Icon name={file.type.startsWith("image/") ? "image" : "file"} size={18} />
              <bdi>{file.name}</bdi>
              <small>{words.bytes(file.size)}</small>
              <button
                type="button"
                class="icon-button"
                aria-label={say.removeFile(file.name)}
                onClick={() => props.onFiles(files.filter((_, at) => at !== index))}
              >
                <Icon name="close" size={16} />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="composer-row">
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            take(event.currentTarget.files ?? []);
            event.currentTarget.value = "";
          }}
        />
        <button
          type="button"
          class="icon-button"
          aria-label={say.attach}
          title={say.attach}
          disabled={subject?.kind === "edit"}
          onClick={() => picker.current?.click()}
        >
          <Icon name="clip" />
        </button>
        <div class="composer-field">
          <textarea
            ref={field}
            rows={1}
            dir="auto"
            value={text}
            aria-label={say.label}
            placeholder={files.length > 0 ? say.caption : say.placeholder}
            aria-autocomplete={conversation.kind === "group" ? "list" : "none"}
            {...(offered.length > 0
              ? { "aria-controls": "mention-list", "aria-activedescendant": `mention-${choice}` }
              : {})}
            onInput={(event) => input(event.currentTarget.value)}
            onSelect={(event) => setCursor(event.currentTarget.selectionStart)}
            onKeyDown={onKeyDown}
            onPaste={(event) => {
              const pasted = event.clipboardData?.files;
              if (pasted === undefined || pasted.length === 0) return;
              event.preventDefault();
              take(pasted);
            }}
          />
          {conversation.timerSeconds > 0 && (
            <span
              class="timer-mark"
              role="img"
              aria-label={say.timer(words.span(conversation.timerSeconds))}
              title={say.timer(words.span(conversation.timerSeconds))}
            >
              <Icon name="timer" size={16} />
            </span>
          )}
          <button
            type="button"
            class="icon-button wide-only"
            aria-label={say.format}
            title={say.format}
            aria-expanded={open === "format"}
            onClick={() => toggle("format")}
          >
            <Icon name="format" />
          </button>
          <button
            type="button"
            class="icon-button"
            aria-label={say.emoji}
            title={say.emoji}
            aria-expanded={open === "emoji"}
            onClick={() => toggle("emoji")}
          >
            <Icon name="smile" />
          </button>
        </div>
        {sendable || subject?.kind === "edit" ? (
          <button
            type="submit"
            class="send"
            aria-label={say.send}
            title={say.send}
            disabled={!sendable}
          >
            <Icon name={subject?.kind === "edit" ? "check" : "send"} />
          </button>
        ) : (
          <button
            type="button"
            class="send quiet-send"
            aria-label={say.record}
            title={say.record}
            onClick={() => setOpen("voice")}
          >
            <Icon name="mic" />
          </button>
        )}
      </div>
    </form>
  );
}
