/** A group's link that was opened as an address. */

import { useEffect } from "preact/hooks";
import { useApp } from "./use_app.ts";

/** Asks to join the group of an invite, once one is in. */
export function useGroupLink(invite: string | null): void {
  const { model, messenger, words } = useApp();
  useEffect(() => {
    if (invite === null) return;
    history.replaceState(null, "", "#/");
    void model.attempt(
      messenger.readInvite(invite).then(async (facts) => {
        if (facts.purpose !== "group") return;
        await messenger.askToJoin(invite);
        model.say(words.create.joinAsked);
      }),
    );
  }, [invite, model, messenger, words]);
}
