/** The way in: an invite, what its charter says, a handle, and what protects this device. */

import { useEffect, useState } from "preact/hooks";
import { type InviteFacts, MessengerRefused, type Secret } from "../../messenger.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Icon, Logo } from "../parts/icon.tsx";
import { Field } from "../parts/screen.tsx";
import { canUsePasskey, makePasskey, PasskeyUnusable } from "../passkey.ts";
import { inviteIn } from "../route.ts";
import { longTime } from "../times.ts";
import { useAnswer, useApp } from "../use_app.ts";
import { TrustPage } from "./trust_screen.tsx";

export const PASSPHRASE_LENGTH = 12;
const PASSKEY_FIRST = ["passkey", "passphrase"] as const;
const PASSPHRASE_FIRST = ["passphrase", "passkey"] as const;
const HANDLE = /^[\p{L}\p{N}._-]{1,64}$/u;

export function WelcomeScreen() {
  const { words, messenger, model } = useApp();
  const [text, setText] = useState(() => inviteIn(location.href) ?? "");
  const [facts, setFacts] = useState<InviteFacts | null>(null);
  const [problem, setProblem] = useState<string>();
  const [reading, setReading] = useState(false);
  const say = words.welcome;

  useEffect(() => {
    setFacts(null);
    setProblem(undefined);
    if (text.trim() === "") return;
    let current = true;
    setReading(true);
    messenger.readInvite(text.trim()).then(
      (read) => {
        if (!current) return;
        setReading(false);
        if (!read.registers && read.purpose === "group") {
          setProblem(words.create.joinAccount);
          return;
        }
        setFacts(read);
        // The secret of the invite does not stay in the address bar and its history.
        if (inviteIn(location.href) !== null) history.replaceState(null, "", "#/");
      },
      (refused: unknown) => {
        if (!current) return;
        setReading(false);
        const malformed =
          refused instanceof MessengerRefused && ["form", "size"].includes(refused.facts.code);
        setProblem(malformed ? say.notInvite : model.explain(refused));
      },
    );
    return () => {
      current = false;
    };
  }, [text, messenger, model, say]);

  return (
    <main class="gate">
      <div class="gate-box">
        <Logo size={72} />
        {facts === null ? (
          <>
            <h1>{say.title}</h1>
            <p class="lead">{say.lead}</p>
            <Field
              label={say.paste}
              hint={reading ? say.reading : say.pasteHint}
              problem={problem}
              value={text}
              onInput={setText}
              verbatim
              autofocus
            />
          </>
        ) : (
          <Joining facts={facts} invite={text.trim()} />
        )}
      </div>
    </main>
  );
}

function Joining(props: { readonly facts: InviteFacts; readonly invite: string }) {
  const { facts } = props;
  const { words, messenger, model, tag } = useApp();
  const linking = facts.purpose === "device";
  const [handle, setHandle] = useState(facts.handle ?? "");
  const [deviceName, setDeviceName] = useState(() => guessDeviceName(words.welcome.thisBrowser));
  const [way, setWay] = useState<Secret["kind"]>("passkey");
  const [passphrase, setPassphrase] = useState("");
  const [again, setAgain] = useState("");
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const [reading, setReading] = useState(false);
  const passkeys = useAnswer(canUsePasskey, []);
  const say = words.welcome;
  const chosen = passkeys === false ? "passphrase" : way;
  // What does not work here comes last.
  const ways = passkeys === false ? PASSPHRASE_FIRST : PASSKEY_FIRST;

  const badHandle = !HANDLE.test(handle);
  const short = passphrase.length < PASSPHRASE_LENGTH;
  const differs = passphrase !== again;
  const submit = async () => {
    setTried(true);
    setProblem(undefined);
    if (badHandle || (chosen === "passphrase" && (short || differs))) {
      // What is wrong may be out of sight: there one goes on.
      requestAnimationFrame(() => {
        document.querySelector<HTMLElement>(".joining [aria-invalid=true]")?.focus();
      });
      return;
    }
    setBusy(true);
    try {
      const secret: Secret =
        chosen === "passkey" ? await makePasskey(handle) : { kind: "passphrase", passphrase };
      const wish = { invite: props.invite, handle, deviceName: deviceName.trim(), secret };
      if (linking) await messenger.beginLinking(wish);
      else await messenger.register(wish);
    } catch (refused) {
      setProblem(refused instanceof PasskeyUnusable ? say.passkeyFailed : model.explain(refused));
      setBusy(false);
    }
  };
  if (busy) return <Steps />;
  return (
    <form
      class="joining"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <h1>
        {linking && facts.handle !== null ? say.link(facts.handle) : say.joining(facts.trust.name)}
      </h1>
      <p class="quiet">
        {facts.group !== null && <bdi>{facts.group.name}</bdi>}
        {facts.group !== null && facts.expiresMs !== null && " · "}
        {facts.inviter !== null && say.invitedBy(facts.inviter)}
        {facts.inviter !== null && facts.expiresMs !== null && " · "}
        {facts.expiresMs !== null && say.expires(longTime(tag, facts.expiresMs))}
      </p>
      <button type="button" class="button who" onClick={() => setReading(true)}>
        <Icon name="eye" size={20} />
        {say.who}
      </button>
      {facts.handle === null && (
        <Field
          label={say.handle}
          hint={say.handleHint}
          value={handle}
          onInput={setHandle}
          problem={tried && badHandle ? say.handleBad : undefined}
          maxLength={64}
          autocomplete="username"
          verbatim
          autofocus
        />
      )}
      <Field
        label={say.device}
        hint={say.deviceHint}
        value={deviceName}
        onInput={setDeviceName}
        maxLength={60}
      />
      <fieldset class="ways">
        <legend>{say.protect}</legend>
        {ways.map((each) => {
          const missing = each === "passkey" && passkeys === false;
          const hints = { passkey: say.passkeyHint, passphrase: say.passphraseHint };
          return (
            <label class="way" key={each}>
              <input
                type="radio"
                name="way"
                value={each}
                checked={chosen === each}
                disabled={missing}
                onChange={() => setWay(each)}
              />
              <span class="row-text">
                <span>{say[each]}</span>
                <small>{missing ? say.passkeyMissing : hints[each]}</small>
              </span>
            </label>
          );
        })}
      </fieldset>
      {chosen === "passphrase" && (
        <>
          <Field
            label={say.passphraseLabel}
            type="password"
            value={passphrase}
            onInput={setPassphrase}
            autocomplete="new-password"
            problem={tried && short ? say.passphraseShort : undefined}
          />
          <Field
            label={say.passphraseAgain}
            type="password"
            value={again}
            onInput={setAgain}
            autocomplete="new-password"
            problem={tried && differs ? say.passphraseDiffers : undefined}
          />
        </>
      )}
      {problem !== undefined && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <button type="submit" class="button primary wide-button">
        {linking ? say.linkButton : say.create}
      </button>
      {reading && (
        <Dialog title={words.trust.title} kind="wide" onClose={() => setReading(false)}>
          <TrustPage trust={facts.trust} />
        </Dialog>
      )}
    </form>
  );
}

/** How far registering or linking is. */
export function Steps() {
  const { words, model } = useApp();
  const progress = model.progress.value;
  return (
    <div class="steps-under-way" role="status">
      <span class="spinner" aria-hidden="true" />
      <p>{words.welcome.step[progress?.step ?? "keys"]}</p>
      {progress?.share != null && (
        <progress max={1} value={progress.share} aria-label={words.welcome.step[progress.step]} />
      )}
    </div>
  );
}

function guessDeviceName(otherwise: string): string {
  const agent = navigator.userAgent;
  const system = /Android|iPhone|iPad|Windows|Mac OS|CrOS|Linux/.exec(agent)?.[0];
  const browser = /Firefox|Edg|OPR|Chrome|Safari/.exec(agent)?.[0];
  const named = { Edg: "Edge", OPR: "Opera" }[browser ?? ""] ?? browser;
  return named === undefined || system === undefined
    ? otherwise
    : `${named}, ${system === "Mac OS" ? "Mac" : system}`;
}
