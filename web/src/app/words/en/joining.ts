/** English words for coming in: invites, a new device, the lock. */

import { name } from "./tongue.ts";

export const welcome = {
  title: "Private messages, with the exceptions in the open",
  lead: "Your messages are encrypted on this device. The only other way in is written in a public charter, and every use of it is logged for all to see.",
  paste: "Paste your invite",
  pasteHint: "An invite is a link. Somebody who is already here can make one for you.",
  notInvite: "This is not an invite. Copy the whole link and try again.",
  reading: "Checking the invite and its charter…",
  joining: (deployment: string) => `Join ${name(deployment)}`,
  invitedBy: (who: string) => `Invited by ${name(who)}`,
  expires: (when: string) => `Valid until ${when}`,
  handle: "Your user name",
  handleHint: "Others find you by it, written exactly so. It cannot be changed later.",
  handleBad: "Use 1 to 64 letters, digits, dots, dashes or underscores.",
  device: "Name of this device",
  deviceHint: "Shown to yourself, in the list of your devices.",
  thisBrowser: "This browser",
  protect: "Protect this device",
  passkey: "Use a passkey",
  passkeyHint: "Your fingerprint, face or device PIN opens your messages here.",
  passkeyMissing:
    "This browser or device has no passkey that can protect data. Choose a passphrase.",
  passkeyFailed: "The passkey could not be used. Try again, or choose a passphrase.",
  passphrase: "Use a passphrase",
  passphraseHint: "At least 12 characters. Nobody can reset it for you.",
  passphraseLabel: "Passphrase",
  passphraseAgain: "Passphrase again",
  passphraseShort: "Use at least 12 characters.",
  passphraseDiffers: "The two are not the same.",
  create: "Create account",
  link: (handle: string) => `Link this device to ${name(handle)}`,
  linkButton: "Link this device",
  who: "Who can read this?",
  step: {
    keys: "Making your keys on this device…",
    log: "Writing your keys into the public key log…",
    witnesses: "Waiting for independent witnesses to confirm your keys…",
    groups: "Joining your conversations…",
    history: "Receiving your history, encrypted…",
    done: "Done.",
  },
};

export const linking = {
  title: "Link this device",
  lead: "On a device that you already use, open Settings, Devices, Link a device, and scan this.",
  code: "Then compare this code on both devices. Approve only if it is the same.",
  copyLine: "Copy as text instead",
  waiting: "Waiting for your other device…",
  cancel: "Stop linking",
};

export const unlock = {
  title: (handle: string) => `Welcome back, ${name(handle)}`,
  lead: "Your messages are on this device, locked.",
  again:
    "The tab that held your secret was closed or locked. No other tab keeps it, so it is asked for again.",
  button: "Unlock",
  passkey: "Unlock with your passkey",
  wrong: "That does not open it. Try again.",
  forget: "Forget everything on this device",
  forgetQuestion: "Forget everything on this device?",
  forgetText:
    "Messages that are only on this device are lost. It stays in your list of devices until you remove it from another one.",
};

export const broken = {
  title: "Your local data cannot be opened",
  lead: "Nothing was deleted. Close other tabs and open this page again; if that does not help, you can begin anew on this device.",
};
