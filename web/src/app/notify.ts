/** What a new message does besides being there: a sound, or a notification while nobody looks. */

import type { Message } from "../messenger.ts";
import type { Model } from "./model.ts";
import { writeRoute } from "./route.ts";

const TONE_MS = 90;

/** Tells of a message of somebody else; a muted conversation says nothing but to a mention. */
export async function announce(model: Model, message: Message): Promise<void> {
  const conversation = model.conversation(message.conversation);
  if (conversation?.muted && !message.mentionsMe) return;
  if (document.visibilityState === "visible") {
    if (model.settings.peek().sounds && !document.hasFocus()) playTone();
    return;
  }
  if (typeof Notification === "undefined" || Notification.permission !== "granted") return;
  const registration = await navigator.serviceWorker?.getRegistration();
  // As with a push: a screen that others see shows neither name nor text.
  await registration?.showNotification(model.words.peek().product, {
    body: model.words.peek().conversation.unread,
    tag: message.conversation,
    icon: "/icons/icon-192.png",
    badge: "/icons/badge-96.png",
    data: { fragment: writeRoute({ at: "conversation", id: message.conversation, message: null }) },
  });
}

/** A short soft tone; a browser that wants a click first stays silent. */
function playTone(): void {
  const context = new AudioContext();
  const tone = context.createOscillator();
  const volume = context.createGain();
  tone.frequency.value = 660;
  volume.gain.setValueAtTime(0.06, context.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.0001, context.currentTime + TONE_MS / 1000);
  tone.connect(volume).connect(context.destination);
  tone.start();
  tone.stop(context.currentTime + TONE_MS / 1000);
  tone.addEventListener("ended", () => void context.close());
}
