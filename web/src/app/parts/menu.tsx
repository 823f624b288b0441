/** A menu at a place: arrows move, Enter chooses, Escape closes. On a phone, a sheet from below. */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { useModal } from "./dialog.tsx";
import { Icon, type IconName } from "./icon.tsx";

export interface MenuItem {
  readonly icon: IconName;
  readonly label: string;
  readonly act: () => void;
  readonly dangerous?: boolean;
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Where a menu for an element or a pointer goes. */
export function placeOf(event: Event): Place {
  if (event instanceof MouseEvent && (event.clientX !== 0 || event.clientY !== 0)) {
    return { x: event.clientX, y: event.clientY };
  }
  const box =
    event.currentTarget instanceof Element ? event.currentTarget.getBoundingClientRect() : null;
  return { x: box?.left ?? 0, y: box?.bottom ?? 0 };
}

export function Menu(props: {
  readonly label: string;
  readonly place: Place;
  readonly items: readonly MenuItem[];
  readonly onClose: () => void;
  /** What stands above the items, such as a row of marks. */
  readonly children?: ComponentChildren;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  useModal(ref);
  useLayoutEffect(() => {
    const menu = ref.current;
    if (menu === null) return;
    const { innerWidth, innerHeight } = window;
    const box = menu.getBoundingClientRect();
    const x = Math.max(8, Math.min(props.place.x, innerWidth - box.width - 8));
    const y = Math.max(8, Math.min(props.place.y, innerHeight - box.height - 8));
    menu.style.setProperty("--x", `${x}px`);
    menu.style.setProperty("--y", `${y}px`);
  });
  const move = (event: KeyboardEvent) => {
    event.stopPropagation();
    const step = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const all = [...(ref.current?.querySelectorAll<HTMLButtonElement>("button") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    const turned = getComputedStyle(document.documentElement).direction === "rtl";
    const sideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
    all.at((at + (turned && sideways ? -step : step) + all.length) % all.length)?.focus();
  };
  return (
    <dialog
      ref={ref}
      class="menu"
      aria-label={props.label}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onClick={(event) => event.target === ref.current && props.onClose()}
      onKeyDown={move}
    >
      {props.children}
      <div class="menu-items">
        {props.items.map((item) => (
          <button
            key={item.label}
            type="button"
            class={item.dangerous ? "dangerous" : ""}
            onClick={() => {
              props.onClose();
              item.act();
            }}
          >
            <Icon name={item.icon} size={20} />
            {item.label}
          </button>
        ))}
      </div>
    </dialog>
  );
}
