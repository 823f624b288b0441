/** About a person: their safety code, as digits and to scan, and what the key log lists of them. */

import { useState } from "preact/hooks";
import { readSafetyLine, writeSafetyLine } from "../codes.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Icon } from "../parts/icon.tsx";
import { Qr } from "../parts/qr.tsx";
import { ScanDialog } from "../parts/scan_dialog.tsx";
import { ActionRow, Card, Screen } from "../parts/screen.tsx";
import { longDate } from "../times.ts";
import { useAnswer, useApp } from "../use_app.ts";

export function PersonScreen({ account }: { readonly account: string }) {
  const { model, messenger, words, navigation, tag } = useApp();
  const [scanning, setScanning] = useState(false);
  const [differs, setDiffers] = useState<string | null>(null);
  const known = model.people.value.get(account);
  const asked = useAnswer(() => messenger.person(account), [account]);
  const person = known ?? asked;
  const safety = useAnswer(
    () => messenger.safety(account),
    [account, person?.verification, person?.devices],
  );
  const say = words.person;
  if (person === undefined) return <Screen title={say.title}>{words.common.loading}</Screen>;

  const write = async () => {
    const id = await model.attempt(messenger.startDirect(account));
    if (id !== undefined) navigation.go({ at: "conversation", id, message: null });
  };
  const compare = async (text: string) => {
    setScanning(false);
    const bytes = readSafetyLine(text);
    const match =
      bytes === null ? false : await model.attempt(messenger.scanSafety(account, bytes));
    // What says that somebody may sit in between stays.
    setDiffers(match === false ? account : null);
    if (match === true) model.say(say.match);
  };
  const verified = person.verification === "verified";
  return (
    <Screen title={say.title}>
      <div class="face">
        <Avatar id={account} name={person.name} picture={person.picture} size="large" />
        <h2>
          <bdi>{person.name}</bdi>
        </h2>
        <p class="quiet" dir="auto">
          @{person.handle}
        </p>
        <div class="button-row">
          <button type="button" class="button primary" onClick={() => void write()}>
            {say.write}
          </button>
        </div>
      </div>
      <section class={`card safety ${person.verification}`} aria-label={say.safety}>
        <h2>
          <Icon
            name={verified ? "shieldCheck" : person.verification === "changed" ? "alert" : "shield"}
            size={20}
          />
          {say.safety}
          <span class="chip">{say[person.verification]}</span>
        </h2>
        <p class="padded">{say.safetyHint(person.name)}</p>
        {safety !== undefined && (
          <>
            <div class="safety-codes">
              <Qr text={writeSafetyLine(safety.qr)} label={say.qrLabel} />
              <output class="digits" dir="ltr">
                {safety.digits.split(" ").map((group, index) => (
                  <span key={index}>{group}</span>
                ))}
              </output>
            </div>
            {differs === account && (
              <p class="padded problem" role="alert">
                {say.mismatch}
              </p>
            )}
            {safety.sinceMs !== null && (
              <p class="quiet padded">
                {verified
                  ? say.verifiedSince(longDate(tag, safety.sinceMs))
                  : say.changedSince(longDate(tag, safety.sinceMs))}
              </p>
            )}
            <div class="button-row padded">
              <button type="button" class="button" onClick={() => setScanning(true)}>
                <Icon name="camera" size={18} />
                {say.scan}
              </button>
              <button
                type="button"
                class={verified ? "button" : "button primary"}
                onClick={() => void model.attempt(messenger.setVerified(account, !verified))}
              >
                {verified ? say.unmark : say.mark}
              </button>
            </div>
          </>
        )}
      </section>
      {safety !== undefined && (
        <Card title={say.devices(safety.devices.length)}>
          <ul class="plain-list">
            {safety.devices.map((device) => (
              <li key={device.id} class="row">
                <Icon name="device" />
                <span class="row-text">
                  <code dir="ltr">{device.id.slice(0, 16)}</code>
                  <small>{say.deviceSince(longDate(tag, device.addedMs))}</small>
                </span>
              </li>
            ))}
          </ul>
        </Card>
      )}
      <Card>
        <ActionRow
          icon="disc"
          label={person.blocked ? say.unblock : say.block}
          hint={say.blockHint}
          dangerous={!person.blocked}
          onClick={() => void model.attempt(messenger.setBlocked(account, !person.blocked))}
        />
      </Card>
      {scanning && (
        <ScanDialog
          title={say.scan}
          onFound={(text) => void compare(text)}
          onClose={() => setScanning(false)}
        />
      )}
    </Screen>
  );
}
