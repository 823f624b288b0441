/** Notifications: asking the browser, and handing its address to the messenger. No content in them. */

import type { Messenger } from "../messenger.ts";

export type PushState = "on" | "off" | "blocked" | "missing";

export async function pushState(): Promise<PushState> {
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) return "missing";
  if (Notification.permission === "denied") return "blocked";
  const registration = await navigator.serviceWorker.getRegistration();
  if (registration === undefined) return "missing";
  return (await registration.pushManager.getSubscription()) === null ? "off" : "on";
}

/** Subscribes this browser. Returns the state after it. */
export async function turnPushOn(messenger: Messenger): Promise<PushState> {
  const key = await messenger.pushKey();
  const registration = await navigator.serviceWorker?.getRegistration();
  if (key === null || registration === undefined) return "missing";
  if ((await Notification.requestPermission()) !== "granted") return "blocked";
  const made = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: key as BufferSource,
  });
  const [p256dh, auth] = [made.getKey("p256dh"), made.getKey("auth")];
  if (p256dh === null || auth === null) return "missing";
  await messenger.setPush({
    endpoint: made.endpoint,
    p256dh: new Uint8Array(p256dh),
    auth: new Uint8Array(auth),
  });
  return "on";
}

export async function turnPushOff(messenger: Messenger): Promise<PushState> {
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = await registration?.pushManager.getSubscription();
  await messenger.setPush(null);
  await subscription?.unsubscribe();
  return "off";
}
