/** A file in a bubble, and how far its way up or down is. */

import { useComputed } from "@preact/signals";
import type { Body, Message } from "../../messenger.ts";
import { Icon } from "../parts/icon.tsx";
import { useApp } from "../use_app.ts";

export function FileBody(props: {
  readonly message: Message;
  readonly body: Extract<Body, { kind: "file" }>;
}) {
  const { message, body } = props;
  const { words, messenger, model } = useApp();
  const save = async () => {
    const blob = await model.attempt(messenger.openFile(message.conversation, message.id));
    if (blob !== undefined) saveBlob(blob, body.file.name);
  };
  return (
    <span class="file">
      <button
        type="button"
        class="file-open"
        tabIndex={-1}
        aria-label={words.conversation.saveFile(body.file.name)}
        onClick={() => void save()}
      >
        <Icon name={body.file.local ? "file" : "down"} />
      </button>
      <span class="file-text">
        <bdi class="file-name">{body.file.name}</bdi>
        <small>{words.bytes(body.file.size)}</small>
        <TransferBar message={message} />
      </span>
    </span>
  );
}

/** The progress of a message's file, and a way to stop it. */
export function TransferBar({ message }: { readonly message: Message }) {
  const { words, messenger, model, tag } = useApp();
  const { id, conversation } = message;
  const transfer = useComputed(() => model.transfers.value.get(id)).value;
  if (transfer === undefined) return null;
  const share = transfer.total === 0 ? 0 : transfer.done / transfer.total;
  const text = share.toLocaleString(tag, { style: "percent" });
  const say = words.conversation;
  return (
    <span class="transfer">
      <progress
        max={1}
        value={share}
        aria-label={transfer.direction === "up" ? say.transferUp(text) : say.transferDown(text)}
      />
      <button
        type="button"
        class="icon-button"
        aria-label={say.cancelTransfer}
        onClick={() => void model.attempt(messenger.cancelTransfer(conversation, id))}
      >
        <Icon name="close" size={16} />
      </button>
    </span>
  );
}

/** Hands a file to the browser to keep. The name is the sender's: the browser makes it safe. */
export function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement("a");
  // Whatever a sender calls it, it is saved and never opened as a page of this origin.
  link.href = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
  link.download = name.replace(/[/\\]/g, "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
