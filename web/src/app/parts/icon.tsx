/** Icons, drawn for this app on a grid of 24, as strokes in the colour of the text around. */

const PATHS = {
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  pen: "M4 20l1-4L16.5 4.5a2.1 2.1 0 013 3L8 19l-4 1z",
  gear: "M12 15.2a3.2 3.2 0 100-6.4 3.2 3.2 0 000 6.4zM19.4 13.5a7.6 7.6 0 000-3l2-1.5-2-3.4-2.3 1a7.6 7.6 0 00-2.6-1.5L14 2.6h-4l-.5 2.5a7.6 7.6 0 00-2.6 1.5l-2.3-1-2 3.4 2 1.5a7.6 7.6 0 000 3l-2 1.5 2 3.4 2.3-1a7.6 7.6 0 002.6 1.5l.5 2.5h4l.5-2.5a7.6 7.6 0 002.6-1.5l2.3 1 2-3.4z",
  search: "M10.5 17a6.5 6.5 0 100-13 6.5 6.5 0 000 13zM15.5 15.5L20 20",
  send: "M4 12l16-8-6 16-3-6.5L4 12zM11 13.5L20 4",
  smile:
    "M12 21a9 9 0 100-18 9 9 0 000 18zM8.5 14.5c.9 1.2 2.1 1.8 3.5 1.8s2.6-.6 3.5-1.8M9 9.6v.6M15 9.6v.6",
  clip: "M19 11.5l-7.4 7.4a4.6 4.6 0 01-6.5-6.5l8-8a3 3 0 014.3 4.3l-7.8 7.8a1.4 1.4 0 01-2-2l7-7",
  mic: "M12 15a3.2 3.2 0 003.2-3.2V6.2a3.2 3.2 0 00-6.4 0v5.6A3.2 3.2 0 0012 15zM5.5 11.5a6.5 6.5 0 0013 0M12 18v3",
  dots: "M12 6v.01M12 12v.01M12 18v.01",
  check: "M5 12.5l4.5 4.5L19 7.5",
  clock: "M12 20a8 8 0 100-16 8 8 0 000 16zM12 8v4l2.5 2",
  timer: "M12 21a7.5 7.5 0 100-15 7.5 7.5 0 000 15zM12 10v3.5M9.5 3h5",
  alert: "M12 4L2.8 20h18.4L12 4zM12 10v4.5M12 17.2v.1",
  shield: "M12 3l7.5 2.8v5.4c0 4.6-3 8-7.5 9.8-4.5-1.8-7.5-5.2-7.5-9.8V5.8L12 3z",
  shieldCheck:
    "M12 3l7.5 2.8v5.4c0 4.6-3 8-7.5 9.8-4.5-1.8-7.5-5.2-7.5-9.8V5.8L12 3zM8.5 11.8l2.5 2.5 4.5-4.8",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 017 0v3",
  eye: "M2.5 12C5 7.3 8.2 5 12 5s7 2.3 9.5 7C19 16.7 15.8 19 12 19s-7-2.3-9.5-7zM12 15a3 3 0 100-6 3 3 0 000 6z",
  pin: "M9 4h6l-.6 5.5 3 3.5H6.6l3-3.5L9 4zM12 13v7",
  bell: "M6 16.5V11a6 6 0 0112 0v5.5l1.5 1.5h-15L6 16.5zM10.2 20.5h3.6",
  mute: "M6 16.5V11a6 6 0 019-5.2M18 11v5.5l1.5 1.5H9M10.2 20.5h3.6M4 4l16 16",
  group:
    "M9 11.5a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM2.5 19.5c.4-3.4 3-5.5 6.5-5.5s6.1 2.1 6.5 5.5M16 5a3.3 3.3 0 010 6.4M18 14.5c2 .8 3.2 2.5 3.5 5",
  person: "M12 11.5a4 4 0 100-8 4 4 0 000 8zM4.5 20.5c.5-4 3.4-6.3 7.5-6.3s7 2.3 7.5 6.3",
  device: "M7.5 3h9a1 1 0 011 1v16a1 1 0 01-1 1h-9a1 1 0 01-1-1V4a1 1 0 011-1zM11 18h2",
  file: "M7 3h7l4 4v14H7V3zM14 3v4h4",
  down: "M12 5v13M6.5 12.5L12 18l5.5-5.5",
  play: "M8 5l11 7-11 7V5z",
  pause: "M8.5 5v14M15.5 5v14",
  stop: "M7 7h10v10H7z",
  reply: "M10 6l-6 5.5L10 17v-3.5c4.5 0 7.5 1.2 10 4.5-.8-5.2-4-8.4-10-8.9V6z",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  trash: "M5 7h14M9.5 7V4.5h5V7M7 7l.8 13h8.4L17 7M10.2 10.5v6M13.8 10.5v6",
  link: "M10 14a4 4 0 005.7 0l3-3A4 4 0 0013 5.3l-1 1M14 10a4 4 0 00-5.7 0l-3 3A4 4 0 0011 18.7l1-1",
  format: "M6 19L11 6h2l5 13M8 14.5h8",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 2.5-2.5L20 17M15.5 9.2v.1",
  camera: "M4 8h3.5L9 5.5h6L16.5 8H20v11H4zM12 16.2a3 3 0 100-6 3 3 0 000 6z",
  keyboard: "M3 7h18v10H3zM7 10.5v.01M11 10.5v.01M15 10.5v.01M18 10.5v.01M8 14h8",
  leave: "M14 5H6v14h8M11 12h9M16.5 8.5L20 12l-3.5 3.5",
  scale: "M12 4v16M7.5 20h9M5 7h14M5 7l-2.5 6.5a3 3 0 005 0L5 7zM19 7l-2.5 6.5a3 3 0 005 0L19 7z",
  disc: "M12 21a9 9 0 100-18 9 9 0 000 18zM8 8l8 8M16 8l-8 8",
  refused: "M12 21a9 9 0 100-18 9 9 0 000 18zM5.8 5.8l12.4 12.4",
  info: "M12 21a9 9 0 100-18 9 9 0 000 18zM12 11v5.5M12 7.6v.1",
} as const;

export type IconName = keyof typeof PATHS;

// Those that point somewhere turn round in a right-to-left language.
const TURNING: ReadonlySet<IconName> = new Set(["back", "send", "reply", "leave"]);

export function Icon({ name, size = 22 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      class={TURNING.has(name) ? "icon turning" : "icon"}
      width={size}
      height={size}
      viewBox="0 0 24 24"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark of the product: two rings that open only together. */
export function Logo({ size = 40 }: { readonly size?: number }) {
  return (
    <svg class="logo" width={size} height={size} viewBox="0 0 48 48" aria-hidden="true">
      <circle cx="18" cy="24" r="12" />
      <circle cx="30" cy="24" r="12" />
      <path d="M24 20.5a2.6 2.6 0 00-1.3 4.8L22 30h4l-.7-4.7A2.6 2.6 0 0024 20.5z" />
    </svg>
  );
}
