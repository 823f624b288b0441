/** Dialogs, on the browser's own: focus is kept inside, Escape closes, focus returns after. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useApp } from "../use_app.ts";
import { Icon } from "./icon.tsx";

export function Dialog(props: {
  readonly title: string;
  readonly children: ComponentChildren;
  /** Absent: it cannot be closed but by what is inside. */
  readonly onClose?: (() => void) | undefined;
  readonly kind?: "plain" | "alarm" | "wide";
  readonly footer?: ComponentChildren;
}) {
  const { words } = useApp();
  const ref = useRef<HTMLDialogElement>(null);
  const title = useId();
  const { onClose } = props;
  useModal(ref);
  return (
    <dialog
      ref={ref}
      class={`dialog ${props.kind ?? "plain"}`}
      aria-labelledby={title}
      {...(props.kind === "alarm" ? { role: "alertdialog" as const } : {})}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onClick={(event) => event.target === ref.current && onClose?.()}
      onKeyDown={(event) => event.key === "Escape" && event.stopPropagation()}
    >
      <div class="dialog-body">
        <header>
          {/* An alarm may come while somebody types: no button of it has the focus by itself. */}
          <h2 id={title} tabIndex={-1} autofocus={props.kind === "alarm"}>
            {props.title}
          </h2>
          {onClose !== undefined && (
            <button
              type="button"
              class="icon-button"
              aria-label={words.common.close}
              onClick={onClose}
            >
              <Icon name="close" />
            </button>
          )}
        </header>
        <div class="dialog-content">
          {props.children}
          <Refusal />
        </div>
        {props.footer !== undefined && <footer>{props.footer}</footer>}
      </div>
    </dialog>
  );
}

/** What was refused while the dialog is there: beside it nothing can be reached. */
function Refusal() {
  const { model } = useApp();
  const [before] = useState(model.problem.value);
  const problem = model.problem.value;
  const own = problem !== null && problem !== before;
  useEffect(
    () => () => {
      if (own) model.problem.value = null;
    },
    [own, model],
  );
  if (!own) return null;
  return (
    <p class="problem refusal" role="alert">
      {problem.text}
    </p>
  );
}

/** Opens a dialog element as modal while the component is there, and gives the focus back. */
export function useModal(ref: { readonly current: HTMLDialogElement | null }): void {
  // Before anything measures it: a closed dialog has no size.
  useLayoutEffect(() => {
    const before = document.activeElement;
    const dialog = ref.current;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected)
        before.focus({ preventScroll: true });
    };
  }, [ref]);
}

/** A question with two answers; the second does it. */
export function Question(props: {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly dangerous?: boolean;
  readonly onAnswer: (yes: boolean) => void;
}) {
  const { words } = useApp();
  return (
    <Dialog
      title={props.title}
      onClose={() => props.onAnswer(false)}
      footer={
        <>
          <button type="button" class="button" onClick={() => props.onAnswer(false)}>
            {words.common.cancel}
          </button>
          <button
            type="button"
            class={props.dangerous ? "button danger" : "button primary"}
            onClick={() => props.onAnswer(true)}
          >
            {props.action}
          </button>
        </>
      }
    >
      <p>{props.text}</p>
    </Dialog>
  );
}
