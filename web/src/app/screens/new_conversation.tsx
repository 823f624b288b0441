/** Somebody to write to, a new group, a group to join, somebody new to invite. */

import { useEffect, useState } from "preact/hooks";
import type { Person } from "../../messenger.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { Qr } from "../parts/qr.tsx";
import { ActionRow, Field, Screen } from "../parts/screen.tsx";
import { preparePortrait } from "../pictures.ts";
import { longTime } from "../times.ts";
import { useAnswer, useApp } from "../use_app.ts";

/** People that fit what is typed, and whoever has exactly that handle. */
export function usePeopleSearch(typed: string): { people: readonly Person[]; nobody: boolean } {
  const { model, messenger } = useApp();
  const [exact, setExact] = useState<Person | null>(null);
  const [missed, setMissed] = useState("");
  const handle = typed.trim().replace(/^@/, "");
  const known = [...model.people.value.values()].filter((each) => !each.blocked);
  const letters = handle.toLocaleLowerCase();
  const people = known
    .filter((each) => `${each.name} ${each.handle}`.toLocaleLowerCase().includes(letters))
    .sort((a, b) => a.name.localeCompare(b.name));
  useEffect(() => {
    setExact(null);
    if (handle === "") return;
    let current = true;
    const timer = setTimeout(() => {
      messenger.findPerson(handle).then(
        (person) => current && setExact(person),
        () => current && setMissed(handle),
      );
    }, 250);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [handle, messenger]);
  const all =
    exact === null || people.some((each) => each.account === exact.account)
      ? people
      : [exact, ...people];
  return { people: all, nobody: all.length === 0 && missed === handle && handle !== "" };
}

export function NewConversation() {
  const { words, model, messenger, navigation } = useApp();
  const [typed, setTyped] = useState("");
  const [asked, setAsked] = useState<"join" | "invite" | null>(null);
  const { people, nobody } = usePeopleSearch(typed);
  const say = words.create;
  const write = async (person: Person) => {
    const id = await model.attempt(messenger.startDirect(person.account));
    if (id !== undefined)
      navigation.go({ at: "conversation", id, message: null }, { replace: true });
  };
  return (
    <Screen title={say.title}>
      <Field
        label={say.find}
        hint={say.findHint}
        type="search"
        value={typed}
        onInput={setTyped}
        autofocus
        verbatim
      />
      {typed === "" && (
        <div class="card">
          <ActionRow
            icon="group"
            label={say.group}
            onClick={() => navigation.go({ at: "new-group" })}
          />
          <ActionRow icon="link" label={say.join} onClick={() => setAsked("join")} />
          <ActionRow icon="plus" label={say.invite} onClick={() => setAsked("invite")} />
        </div>
      )}
      {nobody && <p class="quiet">{say.nobody}</p>}
      {people.length > 0 && (
        <section class="card" aria-label={say.known}>
          <h2>{say.known}</h2>
          <ul class="plain-list">
            {people.map((person) => (
              <li key={person.account}>
                <button type="button" class="row action" onClick={() => void write(person)}>
                  <PersonLine person={person} />
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {asked === "join" && <JoinByLink onClose={() => setAsked(null)} />}
      {asked === "invite" && <InviteSomebody group={null} onClose={() => setAsked(null)} />}
    </Screen>
  );
}

export function PersonLine({ person }: { readonly person: Person }) {
  const { words } = useApp();
  return (
    <>
      <Avatar id={person.account} name={person.name} picture={person.picture} size="small" />
      <span class="row-text">
        <bdi>{person.name}</bdi>
        {person.name !== person.handle && <small dir="auto">@{person.handle}</small>}
      </span>
      {person.verification === "verified" && (
        <span class="item-mark shieldCheck" role="img" aria-label={words.person.verified}>
          <Icon name="shieldCheck" size={18} />
        </span>
      )}
      {person.verification === "changed" && (
        <span class="item-mark alert" role="img" aria-label={words.person.changed}>
          <Icon name="alert" size={18} />
        </span>
      )}
    </>
  );
}

export function NewGroup() {
  const { words, model, messenger, navigation } = useApp();
  const [name, setName] = useState("");
  const [picture, setPicture] = useState<Uint8Array | null>(null);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [missing, setMissing] = useState(false);
  const say = words.create;
  const make = async () => {
    if (name.trim() === "") return setMissing(true);
    const wish = { name: name.trim(), picture, accounts: chosen };
    const id = await model.attempt(messenger.startGroup(wish));
    if (id !== undefined)
      navigation.go({ at: "conversation", id, message: null }, { replace: true });
  };
  return (
    <Screen title={say.groupTitle} up={{ at: "new" }}>
      <div class="group-head">
        <Avatar id={name} name={name === "" ? "+" : name} picture={picture} size="large" />
        <PictureChoice picture={picture} onChoose={setPicture} />
      </div>
      <Field
        label={say.groupName}
        value={name}
        onInput={(value) => {
          setName(value);
          setMissing(false);
        }}
        problem={missing ? say.groupNameMissing : undefined}
        maxLength={100}
        autofocus
      />
      <PeopleChoice chosen={chosen} onChange={setChosen} except={[]} />
      <div class="foot">
        <span class="quiet">{say.chosen(chosen.length)}</span>
        <button type="button" class="button primary" onClick={() => void make()}>
          {say.makeGroup}
        </button>
      </div>
    </Screen>
  );
}

/** People with boxes to tick. */
export function PeopleChoice(props: {
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
  readonly except: readonly string[];
}) {
  const { words } = useApp();
  const [typed, setTyped] = useState("");
  const { people, nobody } = usePeopleSearch(typed);
  const offered = people.filter((each) => !props.except.includes(each.account));
  const toggle = (account: string) =>
    props.onChange(
      props.chosen.includes(account)
        ? props.chosen.filter((each) => each !== account)
        : [...props.chosen, account],
    );
  return (
    <>
      <Field
        label={words.create.find}
        hint={words.create.findHint}
        type="search"
        value={typed}
        onInput={setTyped}
        verbatim
      />
      {nobody && <p class="quiet">{words.create.nobody}</p>}
      <ul class="plain-list card people-choice">
        {offered.map((person) => (
          <li key={person.account}>
            <label class="row action">
              <PersonLine person={person} />
              <input
                type="checkbox"
                checked={props.chosen.includes(person.account)}
                onChange={() => toggle(person.account)}
              />
            </label>
          </li>
        ))}
      </ul>
    </>
  );
}

export function PictureChoice(props: {
  readonly picture: Uint8Array | null;
  readonly onChoose: (picture: Uint8Array | null) => void;
}) {
  const { words, model } = useApp();
  const take = async (file: File | undefined) => {
    const ready = file === undefined ? null : await preparePortrait(file);
    if (ready === null) model.say(words.common.somethingFailed);
    else props.onChoose(ready);
  };
  return (
    <div class="button-row">
      <label class="button">
        {words.create.choosePicture}
        <input
          type="file"
          class="hidden"
          accept="image/*"
          onChange={(event) => void take(event.currentTarget.files?.[0])}
        />
      </label>
      {props.picture !== null && (
        <button type="button" class="button" onClick={() => props.onChoose(null)}>
          {words.create.removePicture}
        </button>
      )}
    </div>
  );
}

function JoinByLink({ onClose }: { readonly onClose: () => void }) {
  const { words, model, messenger } = useApp();
  const [text, setText] = useState("");
  const say = words.create;
  const group = useAnswer(async () => {
    if (!text.includes("#")) return null;
    return messenger.readInvite(text.trim()).then(
      (facts) => facts.group,
      () => null,
    );
  }, [text]);
  const ask = async () => {
    if ((await model.attempt(messenger.askToJoin(text.trim()).then(() => true))) !== true) return;
    onClose();
    model.say(say.joinAsked);
  };
  return (
    <Dialog
      title={say.join}
      onClose={onClose}
      footer={
        <button
          type="button"
          class="button primary"
          disabled={text.trim() === ""}
          onClick={() => void ask()}
        >
          {say.joinAsk}
        </button>
      }
    >
      <Field label={say.joinHint} value={text} onInput={setText} autofocus verbatim />
      {group != null && (
        <p>
          <bdi>{group.name}</bdi>
        </p>
      )}
    </Dialog>
  );
}

/** An invite for somebody new, which may lead into a group as well. */
export function InviteSomebody(props: {
  readonly group: string | null;
  readonly onClose: () => void;
}) {
  const { group, onClose } = props;
  const { words, messenger, tag } = useApp();
  const invite = useAnswer(() => messenger.makeInvite(group), [group]);
  return (
    <Dialog title={words.create.invite} onClose={onClose}>
      <p>{group === null ? words.create.inviteText : words.create.inviteGroupText}</p>
      {invite === undefined ? (
        <p class="quiet">{words.common.loading}</p>
      ) : (
        <>
          <Qr text={invite.text} label={words.create.invite} />
          <CopyLine text={invite.text} />
          <p class="quiet">{words.welcome.expires(longTime(tag, invite.expiresMs))}</p>
        </>
      )}
    </Dialog>
  );
}

/** A line to copy, or to share where the device can. */
export function CopyLine({ text }: { readonly text: string }) {
  const { words, model } = useApp();
  const copy = async () => {
    await model.attempt(navigator.clipboard.writeText(text));
    model.say(words.common.copied);
  };
  return (
    <div class="copy-line">
      <output dir="ltr">{text}</output>
      <button type="button" class="button" onClick={() => void copy()}>
        {words.common.copy}
      </button>
      {"share" in navigator && (
        <button
          type="button"
          class="button"
          onClick={() => void navigator.share({ text }).catch(() => undefined)}
        >
          {words.common.share}
        </button>
      )}
    </div>
  );
}
