/** English words for alarms. */

import { count, list, name, number } from "./tongue.ts";

export const alarm = {
  title: "Attention",
  several: (at: number, all: number) => `${number(at)} of ${number(all)}`,
  codeChanged: (who: string) => `The safety code with ${name(who)} changed`,
  codeDevices: (who: string) =>
    `${name(who)} uses another set of devices than before. That happens when somebody gets a new phone. It would also happen if somebody tried to listen in.`,
  codeLineage: (who: string) =>
    `${name(who)} began anew, with new keys: that happens after losing every device. It would also happen if somebody else took the name.`,
  codeCompare: "Compare the code",
  codeGoOn: "Go on unverified",
  ownEntry: "Your account was changed, and not from here",
  ownEntryText:
    "The public key log has a new entry about your own devices. If this was not you, remove that device at once.",
  ownAdded: (names: readonly string[]) => `New: ${list(names.map(name))}`,
  ownRemoved: (names: readonly string[]) => `Gone: ${list(names.map(name))}`,
  ownMe: "That was me",
  ownNotMe: "Not me: show devices",
  fork: (log: string) => `The ${log} shows two histories`,
  forkText:
    "The server shows different people different logs. What it says of keys and warrants cannot be relied upon. Both histories are kept on this device as evidence; tell the operator and the witnesses.",
  logs: { key: "key log", law: "law log" },
  alone: {
    charter: "The operator tried to change the charter alone",
    key: "The operator tried to bring in a month's key of its own",
  },
  aloneText: {
    charter:
      "The law log names a new charter that those who must sign it did not sign. It would change who can read messages. It has no effect on this device. Tell a custodian or the court.",
    key: "The law log names a key that the custodians and the court did not sign. Whoever made it could read what is sealed to it. Nothing is sealed to it on this device. Tell a custodian or the court.",
  },
  replaced: "The server put other code into this browser",
  replacedText:
    "It replaced the part of this app that refuses code which is not in the law log. What is open here still runs as before, but what opens next may be the server's. Do not enter your secret here again, and tell others by another way.",
  unlogged: "This app's code is not in the law log",
  unloggedText:
    "The server sent program code that it has not put on record. It was refused: you go on with the code you had. Tell others.",
  unloggedRunning:
    "It is the code that runs here. Do not go on with it: ask the operator, and tell others.",
  ghost: (who: string) => `Somebody was to be slipped into ${name(who)}`,
  ghostText:
    "The server showed a member or a device that the key log does not know. It was refused and gets nothing.",
  deceived: "The server showed something that does not hold",
  deceivedText: "Receipts or order of messages do not fit. What does not verify is not shown.",
  clock: "This device's clock is wrong",
  clockText: (span: string) =>
    `It differs from the server's by ${span}. Messages cannot be checked until it is right.`,
  epochs: "Month keys are running out",
  epochsText: (n: number) =>
    `Only ${count(n, { one: "1 month's key is", other: `${number(n)} months' keys are` })} ready. Without one, sending stops. The operator knows.`,
  storage: "This device is full",
  storageText: "New messages cannot be kept here. Free some space; nothing is lost on the server.",
  removed: "This device was removed from your account",
  removedText: "Another device of yours took it off the list. It gets nothing new.",
  understood: "Understood",
  details: "For experts",
};
