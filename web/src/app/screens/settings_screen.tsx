/** Settings: language and looks, privacy, messages, notifications, storage, leaving. */

import { useState } from "preact/hooks";
import type { Settings } from "../../messenger.ts";
import { install, installPrompt } from "../install.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Dialog, Question } from "../parts/dialog.tsx";
import { ActionRow, Card, Choice, Field, Screen, Switch } from "../parts/screen.tsx";
import { type PushState, pushState, turnPushOff, turnPushOn } from "../push.ts";
import { useAnswer, useApp } from "../use_app.ts";
import { CATALOGUES } from "../words/words.ts";
import { TIMERS } from "./info_screen.tsx";
import { PASSPHRASE_LENGTH } from "./welcome_screen.tsx";

const LOCK_MINUTES = [0, 1, 5, 15, 60];

export function SettingsScreen(props: { readonly onShortcuts: () => void }) {
  const { model, messenger, words, navigation } = useApp();
  const [erasing, setErasing] = useState(false);
  const [changing, setChanging] = useState(false);
  const settings = model.settings.value;
  const status = model.status.value;
  const say = words.settings;
  const change = (what: Partial<Settings>) => void model.attempt(messenger.changeSettings(what));
  return (
    <Screen title={say.title}>
      {status?.state === "open" && (
        <div class="account-line">
          <Avatar id={status.me.account} name={status.me.handle} />
          <span class="row-text">
            <bdi>{status.me.handle}</bdi>
            <small>{status.me.deployment}</small>
          </span>
        </div>
      )}
      <Card>
        <ActionRow icon="eye" label={say.who} onClick={() => navigation.go({ at: "trust" })} />
        <ActionRow
          icon="device"
          label={say.devices}
          onClick={() => navigation.go({ at: "devices" })}
        />
        <ActionRow icon="keyboard" label={say.shortcuts} onClick={props.onShortcuts} />
      </Card>
      <Card>
        <Choice
          label={say.language}
          value={settings.language ?? ""}
          options={[
            ["", say.languageSystem],
            ...CATALOGUES.map((each) => [each.tag, each.name] as const),
          ]}
          onChange={(tag) => change({ language: tag === "" ? null : tag })}
        />
        <Choice
          label={say.theme}
          value={settings.theme}
          options={[
            ["system", say.themes.system],
            ["light", say.themes.light],
            ["dark", say.themes.dark],
          ]}
          onChange={(theme) => change({ theme })}
        />
        <Choice
          label={say.textSize}
          value={settings.textSize}
          options={[
            ["small", say.textSizes.small],
            ["normal", say.textSizes.normal],
            ["large", say.textSizes.large],
          ]}
          onChange={(textSize) => change({ textSize })}
        />
      </Card>
      <Card title={say.privacy}>
        <Switch
          label={say.receipts}
          hint={say.receiptsHint}
          on={settings.receipts}
          onChange={(receipts) => change({ receipts })}
        />
        <Switch
          label={say.typing}
          hint={say.typingHint}
          on={settings.typing}
          onChange={(typing) => change({ typing })}
        />
        <Switch
          label={say.lastSeen}
          hint={say.lastSeenHint}
          on={settings.lastSeen}
          onChange={(lastSeen) => change({ lastSeen })}
        />
        <Choice
          label={say.timer}
          value={settings.defaultTimerSeconds}
          options={TIMERS.map(
            (each) => [each, each === 0 ? words.group.timerOff : words.span(each)] as const,
          )}
          onChange={(defaultTimerSeconds) => change({ defaultTimerSeconds })}
        />
        <Choice
          label={say.lock}
          value={settings.lockMinutes}
          options={LOCK_MINUTES.map(
            (each) => [each, each === 0 ? say.lockNever : say.lockAfter(each)] as const,
          )}
          onChange={(lockMinutes) => change({ lockMinutes })}
        />
        <ActionRow
          icon="lock"
          label={say.lockNow}
          onClick={() => void model.attempt(messenger.lock())}
        />
      </Card>
      <Card title={say.messages}>
        <Switch
          label={say.enterSends}
          hint={say.enterSendsHint}
          on={settings.enterSends}
          onChange={(enterSends) => change({ enterSends })}
        />
        <Switch
          label={say.fetchPictures}
          on={settings.fetchPictures}
          onChange={(fetchPictures) => change({ fetchPictures })}
        />
        <Switch label={say.sounds} on={settings.sounds} onChange={(sounds) => change({ sounds })} />
      </Card>
      <Blocked />
      <Notifications />
      <Storage />
      <Card title={say.account}>
        <ActionRow icon="shield" label={say.secret} onClick={() => setChanging(true)} />
        <ActionRow icon="trash" label={say.erase} dangerous onClick={() => setErasing(true)} />
      </Card>
      {changing && <ChangeSecret onClose={() => setChanging(false)} />}
      {erasing && (
        <Question
          title={words.unlock.forgetQuestion}
          text={words.unlock.forgetText}
          action={say.erase}
          dangerous
          onAnswer={(yes) => {
            setErasing(false);
            if (yes) void model.attempt(messenger.erase());
          }}
        />
      )}
    </Screen>
  );
}

function Blocked() {
  const { model, words, navigation } = useApp();
  const people = [...model.people.value.values()].filter((each) => each.blocked);
  if (people.length === 0) return null;
  return (
    <Card title={words.settings.blocked}>
      {people.map((person) => (
        <ActionRow
          key={person.account}
          icon="disc"
          label={person.name}
          onClick={() => navigation.go({ at: "person", account: person.account })}
        />
      ))}
    </Card>
  );
}

function Notifications() {
  const { model, messenger, words } = useApp();
  const [state, setState] = useState<PushState | null>(null);
  const found = useAnswer(pushState, []);
  const now = state ?? found;
  const say = words.settings;
  const turn = async (work: Promise<PushState>) => setState((await model.attempt(work)) ?? null);
  return (
    <Card title={say.notifications}>
      <p class="quiet padded">{say.notificationsHint}</p>
      {now === "on" && (
        <ActionRow
          icon="mute"
          label={say.notificationsTurnOff}
          hint={say.notificationsOn}
          onClick={() => void turn(turnPushOff(messenger))}
        />
      )}
      {now === "off" && (
        <ActionRow
          icon="bell"
          label={say.notificationsTurnOn}
          onClick={() => void turn(turnPushOn(messenger))}
        />
      )}
      {now === "blocked" && <p class="padded">{say.notificationsBlocked}</p>}
      {now === "missing" && <p class="padded">{say.notificationsMissing}</p>}
      {installPrompt.value !== null && (
        <ActionRow
          icon="plus"
          label={say.install}
          hint={say.installHint}
          onClick={() => void install()}
        />
      )}
    </Card>
  );
}

function Storage() {
  const { messenger, words } = useApp();
  const storage = useAnswer(() => messenger.storage(), []);
  const say = words.settings;
  if (storage === undefined) return null;
  const used = words.bytes(storage.usedBytes);
  const { quotaBytes } = storage;
  return (
    <Card title={say.storage}>
      <div class="padded">
        <p>
          {quotaBytes === null
            ? say.storageUsedOnly(used)
            : say.storageUsed(used, words.bytes(quotaBytes))}
        </p>
        {quotaBytes !== null && (
          <progress max={quotaBytes} value={storage.usedBytes} aria-label={say.storage} />
        )}
        <p class="quiet">{storage.persistent ? say.storageKept : say.storageLoose}</p>
      </div>
    </Card>
  );
}

function ChangeSecret({ onClose }: { readonly onClose: () => void }) {
  const { model, messenger, words } = useApp();
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [again, setAgain] = useState("");
  const say = words.settings;
  const short = fresh !== "" && fresh.length < PASSPHRASE_LENGTH;
  const differs = again !== "" && again !== fresh;
  const save = async () => {
    const change = messenger.changeSecret(
      { kind: "passphrase", passphrase: old },
      { kind: "passphrase", passphrase: fresh },
    );
    if ((await model.attempt(change.then(() => true))) !== true) return;
    onClose();
    model.say(say.secretChanged);
  };
  const good = fresh.length >= PASSPHRASE_LENGTH && fresh === again;
  return (
    <Dialog
      title={say.secret}
      onClose={onClose}
      footer={
        <button type="button" class="button primary" disabled={!good} onClick={() => void save()}>
          {words.common.save}
        </button>
      }
    >
      <Field
        label={say.secretOld}
        type="password"
        value={old}
        onInput={setOld}
        autocomplete="current-password"
        autofocus
      />
      <Field
        label={say.secretNew}
        type="password"
        value={fresh}
        onInput={setFresh}
        autocomplete="new-password"
        hint={words.welcome.passphraseHint}
        problem={short ? words.welcome.passphraseShort : undefined}
      />
      <Field
        label={words.welcome.passphraseAgain}
        type="password"
        value={again}
        onInput={setAgain}
        autocomplete="new-password"
        problem={differs ? words.welcome.passphraseDiffers : undefined}
      />
    </Dialog>
  );
}
