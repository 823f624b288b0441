/** A screen of the main pane: a head with a way back, and what scrolls below it. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Route } from "../route.ts";
import { useApp } from "../use_app.ts";
import { Icon, type IconName } from "./icon.tsx";

export function Screen(props: {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly up?: Route;
  readonly actions?: ComponentChildren;
}) {
  const { words, navigation } = useApp();
  const heading = useRef<HTMLHeadingElement>(null);
  // Whoever does not see the screen change is told where they are.
  useEffect(() => heading.current?.focus({ preventScroll: true }), [props.title]);
  return (
    <section class="screen" aria-label={props.title}>
      <header class="bar">
        <button
          type="button"
          class="icon-button"
          aria-label={words.common.back}
          onClick={() => navigation.back(props.up)}
        >
          <Icon name="back" />
        </button>
        <h1 ref={heading} tabIndex={-1}>
          {props.title}
        </h1>
        {props.actions}
      </header>
      <div class="screen-scroll">
        <div class="screen-content">{props.children}</div>
      </div>
    </section>
  );
}

/** A titled box of rows. */
export function Card(props: { readonly title?: string; readonly children: ComponentChildren }) {
  return (
    <section class="card">
      {props.title !== undefined && <h2>{props.title}</h2>}
      {props.children}
    </section>
  );
}

/** A row that does something. */
export function ActionRow(props: {
  readonly icon: IconName;
  readonly label: string;
  readonly hint?: string | undefined;
  readonly dangerous?: boolean;
  readonly onClick: () => void;
}) {
  return (
    <button
      type="button"
      class={props.dangerous ? "row action dangerous" : "row action"}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
      <span class="row-text">
        <span>{props.label}</span>
        {props.hint !== undefined && <small>{props.hint}</small>}
      </span>
    </button>
  );
}

/** A switch with its label and what it means. */
export function Switch(props: {
  readonly label: string;
  readonly hint?: string;
  readonly on: boolean;
  readonly onChange: (on: boolean) => void;
}) {
  return (
    <label class="row switch">
      <span class="row-text">
        <span>{props.label}</span>
        {props.hint !== undefined && <small>{props.hint}</small>}
      </span>
      <input
        type="checkbox"
        role="switch"
        aria-checked={props.on}
        checked={props.on}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
    </label>
  );
}

/** A choice out of few, with its label. */
export function Choice<T extends string | number>(props: {
  readonly label: string;
  readonly hint?: string;
  readonly value: T;
  readonly options: readonly (readonly [T, string])[];
  readonly onChange: (value: T) => void;
}) {
  return (
    <label class="row choice">
      <span class="row-text">
        <span>{props.label}</span>
        {props.hint !== undefined && <small>{props.hint}</small>}
      </span>
      <select
        value={String(props.value)}
        onChange={(event) => {
          const chosen = props.options[event.currentTarget.selectedIndex];
          if (chosen !== undefined) props.onChange(chosen[0]);
        }}
      >
        {props.options.map(([value, label]) => (
          <option key={value} value={String(value)}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A text field with label, hint, and what is wrong with it. */
export function Field(props: {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly hint?: string | undefined;
  readonly problem?: string | undefined;
  readonly type?: "text" | "password" | "search";
  readonly autocomplete?: string;
  readonly autofocus?: boolean;
  readonly maxLength?: number;
  readonly verbatim?: boolean;
}) {
  const ref = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (props.autofocus) ref.current?.focus();
  }, [props.autofocus]);
  const note = props.problem ?? props.hint;
  return (
    <label class={props.problem === undefined ? "field" : "field wrong"}>
      <span>{props.label}</span>
      <input
        ref={ref}
        autofocus={props.autofocus ?? false}
        // One kind for the types: what they forbid here is not set.
        type={(props.type ?? "text") as "text"}
        dir="auto"
        value={props.value}
        maxLength={props.maxLength}
        autocomplete={props.autocomplete ?? "off"}
        spellcheck={false}
        {...(props.verbatim ? { autocapitalize: "none" } : {})}
        aria-invalid={props.problem !== undefined}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
      {note !== undefined && (
        <small role={props.problem === undefined ? undefined : "alert"}>{note}</small>
      )}
    </label>
  );
}
