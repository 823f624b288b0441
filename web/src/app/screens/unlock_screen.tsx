/** What one sees first: whose vault this is, and what opens it. */

import { useState } from "preact/hooks";
import { type Lock, MessengerRefused, type Secret } from "../../messenger.ts";
import { Question } from "../parts/dialog.tsx";
import { Logo } from "../parts/icon.tsx";
import { Field } from "../parts/screen.tsx";
import { useApp } from "../use_app.ts";

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
      const secret = lock.kind === "passkey" ? await ask(lock) : passphraseOf(passphrase);
      if (secret === null) setProblem(words.welcome.passkeyFailed);
      else await messenger.unlock(secret);
    } catch (refused) {
      const wrong = refused instanceof MessengerRefused && refused.facts.code === "vault-wrong-key";
      setProblem(wrong ? say.wrong : model.explain(refused));
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

function passphraseOf(passphrase: string): Secret {
  return { kind: "passphrase", passphrase };
}

/** Asks a passkey for its secret; null where it gives none. */
async function ask(lock: Extract<Lock, { kind: "passkey" }>): Promise<Secret | null> {
  const { openPasskey, PasskeyUnusable } = await import("../passkey.ts");
  try {
    return await openPasskey(lock.credential, lock.salt);
  } catch (problem) {
    if (problem instanceof PasskeyUnusable) return null;
    throw problem;
  }
}

/** Throws the vault away, after a question. */
export function Forget() {
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
