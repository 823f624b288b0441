/** The browser's offer to install the app, kept until the person asks for it. */

import { signal } from "@preact/signals";

interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}

/** The offer, when there is one: `prompt` shows it, once. */
export const installPrompt = signal<InstallPrompt | null>(null);

/** Begins to listen for the offer. */
export function watchInstall(): void {
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    installPrompt.value = event as InstallPrompt;
  });
  addEventListener("appinstalled", () => {
    installPrompt.value = null;
  });
}

export async function install(): Promise<void> {
  const offer = installPrompt.value;
  installPrompt.value = null;
  await offer?.prompt();
}
