/** English words for people and groups. */

import { count, name, number } from "./tongue.ts";

export const group = {
  title: "About this group",
  directTitle: "About this conversation",
  rename: "Change name",
  members: "Members",
  add: "Add people",
  admin: "Administrator",
  makeAdmin: "Make administrator",
  takeAdmin: "Take administration away",
  removeFrom: "Remove from the group",
  removeQuestion: (who: string) => `Remove ${name(who)} from the group?`,
  removeText: "They keep what they have, and get nothing new.",
  addPolicy: "Who may add people",
  admins: "Administrators",
  everyone: "All members",
  timer: "Disappearing messages",
  timerOff: "Off",
  timerHint:
    "Deleted here and on the server after this time. A member with a camera can still keep them.",
  link: "Invite link",
  linkHint: "Whoever has the link can ask to join; an administrator's device lets them in.",
  linkMake: "Make a link",
  linkAtOnce: "Let in at once whoever has the link",
  linkAtOnceHint: "Otherwise you are asked about each.",
  linkRenew: "Make a new link",
  linkRevoke: "Switch the link off",
  requests: "Asking to join",
  accept: "Let in",
  refuse: "Refuse",
  leave: "Leave the group",
  leaveQuestion: "Leave this group?",
  leaveText: "You get nothing new from it. Your history stays on this device.",
  forget: "Delete the history on this device",
  forgetQuestion: "Delete this conversation's history on this device?",
  forgetText: "Other people and your other devices keep theirs.",
  shared: "Pin, mute, search",
  searchIn: "Search in this conversation",
};

export const person = {
  title: "About this person",
  write: "Write a message",
  safety: "Safety code",
  safetyHint: (who: string) =>
    `Compare it with ${name(who)}, side by side or by a call: if both see the same, nobody sits in between.`,
  qrLabel: "Safety code as a QR code",
  scan: "Scan their code",
  match: "The codes are the same. Marked as verified.",
  mismatch: "The codes differ. Do not trust this conversation, and tell your operator.",
  mark: "Mark as verified",
  unmark: "Take the mark away",
  verified: "Verified",
  unverified: "Not verified",
  changed: "Safety code changed",
  verifiedSince: (when: string) => `Verified on ${when}`,
  changedSince: (when: string) => `Changed on ${when}`,
  devices: (n: number) =>
    count(n, { one: "1 device in the key log", other: `${number(n)} devices in the key log` }),
  block: "Block",
  blockHint:
    "Their direct messages and requests are hidden here, and nothing notifies you. In groups that you share their messages are folded; they are told nothing, and still see yours.",
  unblock: "Unblock",
  deviceSince: (when: string) => `listed since ${when}`,
};
