/** About a conversation: its people and roles, its link, its timer, leaving, forgetting. */

import { useState } from "preact/hooks";
import type { Conversation, GroupLink, JoinRequest, Member } from "../../messenger.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Dialog, Question } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { Menu, type MenuItem, type Place, placeOf } from "../parts/menu.tsx";
import { Qr } from "../parts/qr.tsx";
import { ActionRow, Card, Choice, Field, Screen, Switch } from "../parts/screen.tsx";
import { useAnswer, useApp } from "../use_app.ts";
import {
  CopyLine,
  InviteSomebody,
  PeopleChoice,
  PersonLine,
  PictureChoice,
} from "./new_conversation.tsx";

export const TIMERS = [0, 300, 3_600, 28_800, 86_400, 604_800, 2_419_200];

export function InfoScreen({ id }: { readonly id: string }) {
  const { model, messenger, words } = useApp();
  const [changes, setChanges] = useState(0);
  const conversation = model.conversations.value.get(id);
  const group = conversation?.kind === "group";
  const rules = group && conversation.role === "admin" && conversation.state === "member";
  // Asked together, so that nothing moves when an answer comes.
  const facts = useAnswer(
    async () => ({
      members: group ? await messenger.members(id) : [],
      link: rules ? await messenger.groupLink(id) : null,
      requests: rules ? await messenger.joinRequests(id) : [],
    }),
    [id, group, rules, changes, model.membersChanged.value, conversation?.joinRequests],
  );
  if (conversation === undefined || facts === undefined) return null;
  return (
    <Screen
      title={group ? words.group.title : words.group.directTitle}
      up={{ at: "conversation", id, message: null }}
    >
      <Face conversation={conversation} />
      <Habits conversation={conversation} />
      {group && <Members conversation={conversation} members={facts.members} />}
      {rules && (
        <Administration
          conversation={conversation}
          {...facts}
          onChange={() => setChanges((n) => n + 1)}
        />
      )}
      <Ending conversation={conversation} />
    </Screen>
  );
}

function Face({ conversation }: { readonly conversation: Conversation }) {
  const { model, messenger, words, navigation } = useApp();
  const [renaming, setRenaming] = useState(false);
  const { id, peer } = conversation;
  const mayChange =
    conversation.kind === "group" &&
    conversation.role === "admin" &&
    conversation.state === "member";
  return (
    <div class="face">
      <Avatar
        id={peer ?? id}
        name={conversation.name}
        picture={conversation.picture}
        size="large"
      />
      <h2>
        <bdi>{conversation.name}</bdi>
      </h2>
      <p class="quiet">
        {conversation.kind === "group" && words.conversation.members(conversation.members)}
      </p>
      <div class="button-row">
        {peer !== null && (
          <button
            type="button"
            class="button"
            onClick={() => navigation.go({ at: "person", account: peer })}
          >
            <Icon name="shield" size={18} />
            {words.person.safety}
          </button>
        )}
        {mayChange && (
          <>
            <button type="button" class="button" onClick={() => setRenaming(true)}>
              {words.group.rename}
            </button>
            <PictureChoice
              picture={conversation.picture}
              onChoose={(picture) => void model.attempt(messenger.changeGroup(id, { picture }))}
            />
          </>
        )}
      </div>
      {renaming && <Rename conversation={conversation} onClose={() => setRenaming(false)} />}
    </div>
  );
}

function Rename(props: { readonly conversation: Conversation; readonly onClose: () => void }) {
  const { model, messenger, words } = useApp();
  const [name, setName] = useState(props.conversation.name);
  const save = async () => {
    props.onClose();
    await model.attempt(messenger.changeGroup(props.conversation.id, { name: name.trim() }));
  };
  return (
    <Dialog
      title={words.group.rename}
      onClose={props.onClose}
      footer={
        <button
          type="button"
          class="button primary"
          disabled={name.trim() === ""}
          onClick={() => void save()}
        >
          {words.common.save}
        </button>
      }
    >
      <Field
        label={words.create.groupName}
        value={name}
        onInput={setName}
        maxLength={100}
        autofocus
      />
    </Dialog>
  );
}

function Habits({ conversation }: { readonly conversation: Conversation }) {
  const { model, messenger, words, navigation } = useApp();
  const { id } = conversation;
  const say = words.group;
  const timer = conversation.timerSeconds;
  // In a group its administrators set it, between two people either.
  const mayTime =
    conversation.state === "member" &&
    (conversation.kind === "direct" || conversation.role === "admin");
  const spans = TIMERS.includes(timer) ? TIMERS : [...TIMERS, timer];
  return (
    <Card>
      <Switch
        label={words.list.pinned}
        on={conversation.pinned}
        onChange={(on) => void model.attempt(messenger.setPinned(id, on))}
      />
      <Switch
        label={words.list.muted}
        on={conversation.muted}
        onChange={(on) => void model.attempt(messenger.setMuted(id, on))}
      />
      {conversation.state === "member" && !mayTime && timer > 0 && (
        <p class="quiet padded">{words.composer.timer(words.span(timer))}</p>
      )}
      {mayTime && (
        <Choice
          label={say.timer}
          hint={say.timerHint}
          value={timer}
          options={spans.map(
            (each) => [each, each === 0 ? say.timerOff : words.span(each)] as const,
          )}
          onChange={(seconds) => void model.attempt(messenger.setTimer(id, seconds))}
        />
      )}
      <ActionRow
        icon="search"
        label={say.searchIn}
        onClick={() => {
          model.searchWithin.value = id;
          navigation.go({ at: "search" });
        }}
      />
    </Card>
  );
}

function Members(props: {
  readonly conversation: Conversation;
  readonly members: readonly Member[];
}) {
  const { conversation, members } = props;
  const { model, messenger, words, navigation } = useApp();
  const { id } = conversation;
  const [menu, setMenu] = useState<{ member: Member; place: Place } | null>(null);
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Member | null>(null);
  const status = model.status.value;
  const me = status?.state === "open" ? status.me.account : "";
  const admin = conversation.role === "admin" && conversation.state === "member";
  const mayAdd = conversation.state === "member" && (admin || conversation.addPolicy === "members");
  const say = words.group;
  const itemsFor = (member: Member): MenuItem[] => {
    const { account } = member.person;
    const items: MenuItem[] = [
      {
        icon: "person",
        label: words.person.title,
        act: () => navigation.go({ at: "person", account }),
      },
    ];
    if (!admin) return items;
    const role = member.role === "admin" ? "member" : "admin";
    items.push({
      icon: "shield",
      label: role === "admin" ? say.makeAdmin : say.takeAdmin,
      act: () => void model.attempt(messenger.setRole(id, account, role)),
    });
    items.push({
      icon: "disc",
      label: say.removeFrom,
      dangerous: true,
      act: () => setRemoving(member),
    });
    return items;
  };
  return (
    <Card title={`${say.members} (${words.number(conversation.members)})`}>
      {mayAdd && <ActionRow icon="plus" label={say.add} onClick={() => setAdding(true)} />}
      <ul class="plain-list">
        {members.map((member) => (
          <li key={member.person.account}>
            <button
              type="button"
              class="row action"
              disabled={member.person.account === me}
              onClick={(event) => setMenu({ member, place: placeOf(event) })}
            >
              <PersonLine person={member.person} />
              {member.role === "admin" && <small class="chip">{say.admin}</small>}
              {member.person.account === me && <small class="chip">{words.common.you}</small>}
            </button>
          </li>
        ))}
      </ul>
      {menu !== null && (
        <Menu
          label={menu.member.person.name}
          place={menu.place}
          items={itemsFor(menu.member)}
          onClose={() => setMenu(null)}
        />
      )}
      {adding && (
        <AddPeople
          conversation={id}
          present={members.map((each) => each.person.account)}
          onClose={() => setAdding(false)}
        />
      )}
      {removing !== null && (
        <Question
          title={say.removeQuestion(removing.person.name)}
          text={say.removeText}
          action={say.removeFrom}
          dangerous
          onAnswer={(yes) => {
            setRemoving(null);
            if (yes) void model.attempt(messenger.removeMember(id, removing.person.account));
          }}
        />
      )}
    </Card>
  );
}

function AddPeople(props: {
  readonly conversation: string;
  readonly present: readonly string[];
  readonly onClose: () => void;
}) {
  const { model, messenger, words } = useApp();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const add = async () => {
    props.onClose();
    await model.attempt(messenger.addMembers(props.conversation, chosen));
  };
  return (
    <Dialog
      title={words.group.add}
      onClose={props.onClose}
      footer={
        <button
          type="button"
          class="button primary"
          disabled={chosen.length === 0}
          onClick={() => void add()}
        >
          {words.group.add}
        </button>
      }
    >
      <PeopleChoice chosen={chosen} onChange={setChosen} except={props.present} />
    </Dialog>
  );
}

function Administration(props: {
  readonly conversation: Conversation;
  readonly link: GroupLink | null;
  readonly requests: readonly JoinRequest[];
  readonly onChange: () => void;
}) {
  const { model, messenger, words } = useApp();
  const { conversation, link, requests } = props;
  const [atOnce, setAtOnce] = useState(link?.atOnce ?? false);
  const [inviting, setInviting] = useState(false);
  const { id } = conversation;
  const say = words.group;
  const then = async (work: Promise<unknown>) => {
    await model.attempt(work);
    props.onChange();
  };
  return (
    <>
      {requests.length > 0 && (
        <Card title={say.requests}>
          <ul class="plain-list">
            {requests.map(({ person }) => (
              <li key={person.account} class="row">
                <PersonLine person={person} />
                <button
                  type="button"
                  class="button"
                  onClick={() => void then(messenger.answerJoinRequest(id, person.account, false))}
                >
                  {say.refuse}
                </button>
                <button
                  type="button"
                  class="button primary"
                  onClick={() => void then(messenger.answerJoinRequest(id, person.account, true))}
                >
                  {say.accept}
                </button>
              </li>
            ))}
          </ul>
        </Card>
      )}
      <Card title={say.link}>
        <p class="quiet padded">{say.linkHint}</p>
        {link !== null && (
          <div class="padded">
            <Qr text={link.text} label={say.link} />
            <CopyLine text={link.text} />
          </div>
        )}
        <Switch
          label={say.linkAtOnce}
          hint={say.linkAtOnceHint}
          on={atOnce}
          onChange={(on) => {
            setAtOnce(on);
            if (link !== null) void then(messenger.makeGroupLink(id, on));
          }}
        />
        <ActionRow icon="plus" label={words.create.invite} onClick={() => setInviting(true)} />
        <div class="button-row padded">
          <button
            type="button"
            class="button"
            onClick={() => void then(messenger.makeGroupLink(id, atOnce))}
          >
            {link === null ? say.linkMake : say.linkRenew}
          </button>
          {link !== null && (
            <button
              type="button"
              class="button danger-text"
              onClick={() => void then(messenger.revokeGroupLink(id))}
            >
              {say.linkRevoke}
            </button>
          )}
        </div>
      </Card>
      {inviting && (
        <InviteSomebody
          group={id}
          onClose={() => {
            setInviting(false);
            props.onChange();
          }}
        />
      )}
      <Card>
        <Choice
          label={say.addPolicy}
          value={conversation.addPolicy}
          options={[
            ["admins", say.admins],
            ["members", say.everyone],
          ]}
          onChange={(addPolicy) => void model.attempt(messenger.changeGroup(id, { addPolicy }))}
        />
      </Card>
    </>
  );
}

function Ending({ conversation }: { readonly conversation: Conversation }) {
  const { model, messenger, words, navigation } = useApp();
  const { id } = conversation;
  const [asked, setAsked] = useState<"leave" | "forget" | null>(null);
  const say = words.group;
  const answer = (yes: boolean) => {
    setAsked(null);
    if (!yes) return;
    const work = asked === "leave" ? messenger.leave(id) : messenger.forget(id);
    void model.attempt(work.then(() => navigation.go({ at: "home" }, { replace: true })));
  };
  return (
    <Card>
      {conversation.kind === "group" && conversation.state === "member" && (
        <ActionRow icon="leave" label={say.leave} dangerous onClick={() => setAsked("leave")} />
      )}
      <ActionRow icon="trash" label={say.forget} dangerous onClick={() => setAsked("forget")} />
      {asked === "leave" && (
        <Question
          title={say.leaveQuestion}
          text={say.leaveText}
          action={say.leave}
          dangerous
          onAnswer={answer}
        />
      )}
      {asked === "forget" && (
        <Question
          title={say.forgetQuestion}
          text={say.forgetText}
          action={words.common.delete}
          dangerous
          onAnswer={answer}
        />
      )}
    </Card>
  );
}
