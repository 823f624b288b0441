/** English words for the list of conversations, finding and beginning one. */

import { count, messages, name, number, people } from "./tongue.ts";

export const list = {
  title: "Messages",
  label: "Conversations",
  empty: "No conversations yet",
  emptyHint: (me: string) =>
    `You are ${name(me)} here. Tell that name to others, write to them by theirs, or invite somebody new.`,
  new: "New conversation",
  settings: "Settings",
  draft: "Draft:",
  unread: (n: number) =>
    count(n, { one: "1 unread message", other: `${number(n)} unread messages` }),
  mentioned: "You are mentioned",
  muted: "Muted",
  pinned: "Pinned",
  pin: "Pin",
  unpin: "Unpin",
  mute: "Mute",
  unmute: "Unmute",
  typing: "is typing…",
  someTyping: (names: readonly string[]) =>
    names.length === 1
      ? `${name(names[0] ?? "")} is typing…`
      : `${number(names.length)} are typing…`,
  yesterday: "Yesterday",
  offline: "You are offline. What you write is sent later.",
  offlineQueued: (n: number) => `You are offline. ${messages(n)} will be sent later.`,
  disconnected: "Connecting…",
  options: (who: string) => `Options for ${name(who)}`,
  service: "From the service",
};

export const preview = {
  picture: "Picture",
  file: "File",
  voice: "Voice message",
  deleted: "Deleted message",
  refused: "Refused message",
  notice: "A warrant concerned you",
  amended: "The rules change",
  line: "Group news",
  you: (text: string) => `You: ${text}`,
  by: (who: string, text: string) => `${name(who)}: ${text}`,
};

export const search = {
  label: "Search messages",
  hint: "Search in your messages on this device. Nothing leaves it.",
  conversations: "Conversations",
  messages: "Messages",
  none: "Nothing found",
  more: "Show more",
  found: (n: number) => count(n, { one: "1 found", other: `${number(n)} found` }),
  within: (who: string) => `In ${name(who)}`,
};

export const create = {
  title: "New conversation",
  find: "Find by user name",
  findHint: "Type a name that you know, or an exact user name",
  known: "People",
  nobody: "Nobody of this user name is here.",
  group: "New group",
  groupTitle: "New group",
  groupName: "Name of the group",
  groupNameMissing: "Give the group a name.",
  chosen: (n: number) => `${people(n)} chosen`,
  makeGroup: "Make the group",
  join: "Join a group by link",
  joinHint: "Paste a group's link",
  joinAsk: "Ask to join",
  joinAsked: "Asked. You are in as soon as an administrator's device lets you in.",
  joinQuestion: (group: string) => `Ask to join ${name(group)}?`,
  joinText: "An administrator is told your handle, and may let you in.",
  joinAccount: "This link leads into a group. You need an account here before you can ask.",
  invite: "Invite somebody new",
  inviteGroupText:
    "This link makes one account here, and asks to join the group. Give it to one person only.",
  inviteText: "This link makes one account here. Give it to one person only.",
  choosePicture: "Choose a picture",
  badPicture: "This picture cannot be read. Choose another.",
  removePicture: "Remove the picture",
};
