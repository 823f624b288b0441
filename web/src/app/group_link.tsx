/** A group's link that was opened as an address. */

import { useEffect, useState } from "preact/hooks";
import { Question } from "./parts/dialog.tsx";
import { useApp } from "./use_app.ts";

/** Offers to ask for the group of an invite, once one is in: an address alone asks nobody. */
export function GroupLinkQuestion(props: { readonly invite: string | null }) {
  const { model, messenger, words } = useApp();
  const [invite] = useState(props.invite);
  const [group, setGroup] = useState<string | null>(null);
  useEffect(() => {
    if (invite === null) return;
    history.replaceState(null, "", "#/");
    void model
      .attempt(messenger.readInvite(invite))
      .then((facts) => setGroup(facts?.group?.name ?? null));
  }, [invite, model, messenger]);
  if (group === null || invite === null) return null;
  const answer = async (yes: boolean) => {
    setGroup(null);
    if (!yes) return;
    if ((await model.attempt(messenger.askToJoin(invite).then(() => true))) !== true) return;
    model.say(words.create.joinAsked);
  };
  return (
    <Question
      title={words.create.joinQuestion(group)}
      text={words.create.joinText}
      action={words.create.joinAsk}
      onAnswer={(yes) => void answer(yes)}
    />
  );
}
