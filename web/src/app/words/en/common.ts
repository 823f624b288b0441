/** English words for what every screen uses. */

export const common = {
  back: "Back",
  close: "Close",
  cancel: "Cancel",
  save: "Save",
  done: "Done",
  continue: "Continue",
  copy: "Copy",
  copied: "Copied",
  remove: "Remove",
  delete: "Delete",
  more: "More",
  loading: "Loading…",
  you: "You",
  search: "Search",
  share: "Share",
  retry: "Try again",
  yes: "Yes",
  no: "No",
  unknown: "unknown",
  toMessages: "Skip to the conversation",
  somethingFailed: "That did not work.",
  advice: (code: string, detail: string) => (detail ? `${code} (${detail})` : code),
};

export const shortcuts = {
  title: "Keyboard shortcuts",
  search: "Search",
  new: "New conversation",
  next: "Next conversation",
  previous: "Previous conversation",
  nextUnread: "Next unread conversation",
  close: "Close, or go back",
  editLast: "Edit your last message (in an empty field)",
  messages: "Move among the messages",
  menu: "Options of a message",
  bold: "Bold, italic",
  send: "Send",
  newline: "New line",
  mute: "Mute or unmute",
  help: "This list",
  settings: "Settings",
};

export const install = {
  offer: "Install Doublelock on this device?",
  yes: "Install",
  later: "Not now",
};

export const refusal = {
  unknownCode: "The messenger refused this.",
  /** Advice by code where this language has its own; otherwise that of protocol/codes.ts. */
  advice: {} as Readonly<Record<string, string>>,
};
