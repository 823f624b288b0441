/** What else stands before the messages: waiting to be linked, and a vault that does not open. */

import type { LinkOffer, RefusalFacts } from "../../messenger.ts";
import { Icon } from "../parts/icon.tsx";
import { Qr } from "../parts/qr.tsx";
import { useApp } from "../use_app.ts";
import { CopyLine } from "./new_conversation.tsx";
import { Forget } from "./unlock_screen.tsx";
import { Steps } from "./welcome_screen.tsx";

export function LinkingScreen({ offer }: { readonly offer: LinkOffer }) {
  const { words, messenger, model } = useApp();
  const say = words.linking;
  return (
    <main class="gate">
      <div class="gate-box">
        <h1>{say.title}</h1>
        {model.progress.value !== null ? (
          <Steps />
        ) : (
          <>
            <p class="lead">{say.lead}</p>
            <Qr text={offer.text} label={say.lead} />
            <p>{say.code}</p>
            <output class="digits large" dir="ltr">
              {offer.code.split(" ").map((group, index) => (
                <span key={index}>{group}</span>
              ))}
            </output>
            <details>
              <summary>{say.copyLine}</summary>
              <CopyLine text={offer.text} />
            </details>
            <p class="quiet" role="status">
              <span class="spinner small" aria-hidden="true" /> {say.waiting}
            </p>
          </>
        )}
        <button
          type="button"
          class="quiet-link"
          onClick={() => void model.attempt(messenger.cancelLinking())}
        >
          {say.cancel}
        </button>
      </div>
    </main>
  );
}

export function BrokenScreen({ refusal }: { readonly refusal: RefusalFacts }) {
  const { words, model } = useApp();
  return (
    <main class="gate">
      <div class="gate-box">
        <Icon name="alert" size={56} />
        <h1>{words.broken.title}</h1>
        <p class="lead">{words.broken.lead}</p>
        <p>
          {model.advice(refusal)} <code>{refusal.code}</code>
        </p>
        <button type="button" class="button primary" onClick={() => location.reload()}>
          {words.common.retry}
        </button>
        <Forget />
      </div>
    </main>
  );
}
