/** What stands before the messages: unlocking, waiting to be linked, and a vault that does not open. */

import { useState } from "preact/hooks";
import {
  type LinkOffer,
  type Lock,
  MessengerRefused,
  type RefusalFacts,
  type Secret,
} from "../../messenger.ts";
import { Question } from "../parts/dialog.tsx";
import { Icon, Logo } from "../parts/icon.tsx";
import { Qr } from "../parts/qr.tsx";
import { Field } from "../parts/screen.tsx";
import { openPasskey, PasskeyUnusable } from "../passkey.ts";
import { useApp } from "../use_app.ts";
import { CopyLine } from "./new_conversation.tsx";
import { Steps } from "./welcome_screen.tsx";

export function UnlockScreen(props: { readonly handle: string; readonly lock: Lock }) {
  const { words, messenger, model } = useApp();
  const [passphrase, setPassphrase] = useState("");
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const { lock } = props;
  const say = words.unlock;
  const unlock = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      const secret: Secret =
        lock.kind === "passkey"
          ? await openPasskey(lock.credential, lock.salt)
          : { kind: "passphrase", passphrase };
      await messenger.unlock(secret);
    } catch (refused) {
      const wrong = refused instanceof MessengerRefused && refused.facts.code === "vault-wrong-key";
      if (refused instanceof PasskeyUnusable) setProblem(words.welcome.passkeyFailed);
      else setProblem(wrong ? say.wrong : model.explain(refused));
    }
    setBusy(false);
  };
  return (
    <main class="gate">
      <form
        class="gate-box"
        onSubmit={(event) => {
          event.preventDefault();
          void unlock();
        }}
      >
        <Logo size={72} />
        <h1>{say.title(props.handle)}</h1>
        <p class="lead">{say.lead}</p>
        {model.wasOpen && <p class="quiet">{say.again}</p>}
        {lock.kind === "passphrase" && (
          <Field
            label={words.welcome.passphraseLabel}
            type="password"
            value={passphrase}
            onInput={setPassphrase}
            autocomplete="current-password"
            problem={problem}
            autofocus
          />
        )}
        {lock.kind === "passkey" && problem !== undefined && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="button primary wide-button" disabled={busy}>
          {busy && <span class="spinner small" aria-hidden="true" />}
          {lock.kind === "passkey" ? say.passkey : say.button}
        </button>
        <Forget />
      </form>
    </main>
  );
}

function Forget() {
  const { words, messenger, model } = useApp();
  const [asked, setAsked] = useState(false);
  const say = words.unlock;
  return (
    <>
      <button type="button" class="quiet-link" onClick={() => setAsked(true)}>
        {say.forget}
      </button>
      {asked && (
        <Question
          title={say.forgetQuestion}
          text={say.forgetText}
          action={say.forget}
          dangerous
          onAnswer={(yes) => {
            setAsked(false);
            if (yes) void model.attempt(messenger.erase());
          }}
        />
      )}
    </>
  );
}

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
