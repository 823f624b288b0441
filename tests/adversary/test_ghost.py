"""A server, a member or a log that lies: every honest client refuses it by name (No ghost)."""

import asyncio
from dataclasses import replace as replace_rates
from pathlib import Path
from typing import Any

import pytest
from client_world import World, new_seed, next_event, serve_log, texts, world_at
from doublelock_mls import Client as MlsClient
from doublelock_mls import MlsError
from msgspec.structs import replace

from doublelock.client.client import Client
from doublelock.client.events import (
    AccountAlarm,
    Joined,
    Left,
    LogAlarm,
    Membership,
    NotSent,
    RefusedItem,
    Stopped,
)
from doublelock.client.groups import Groups
from doublelock.client.monitor import Monitor
from doublelock.protocol.api import PostCommit, PostedCommit, WelcomeFor
from doublelock.protocol.codes import Code
from doublelock.protocol.days import day_of, key_epoch_of
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.encoding import u64
from doublelock.protocol.errors import (
    CharterRefused,
    GroupRefused,
    LogRefused,
    Refusal,
    WireRefused,
)
from doublelock.protocol.frames import (
    COMMIT,
    MESSAGE,
    WELCOME_MAIL,
    FromServer,
    Item,
    Mail,
    frames_from_server,
)
from doublelock.protocol.group_rules import (
    ConversationKind,
    Rules,
    encode_credential,
    make_context,
)
from doublelock.protocol.identifiers import ConversationId, DeploymentId
from doublelock.protocol.keylog_entry import draft_update, make_invited_entry, sign_update
from doublelock.protocol.receipt import FIRST, describe_item, sign_receipts
from doublelock.protocol.record import Text
from doublelock.server.config import UNLIMITED
from doublelock.transport.http import HttpClient


class Anything:
    """Rules that let everything pass: a server or a member that does not keep them."""

    def check_leaf(self, *_: object, **__: object) -> None:
        return None

    def check_change(self, *_: object, **__: object) -> None:
        return None


async def trio(world: World) -> tuple[Client, Client, Client, ConversationId]:
    crowd = [await world.person(handle) for handle in ("ann", "bob", "cid")]
    chat = await crowd[0].create_conversation(["bob", "cid"])
    for one in crowd[1:]:
        await next_event(one, Joined)
    return crowd[0], crowd[1], crowd[2], chat


async def post(client: Client, chat: ConversationId, body: PostCommit) -> None:
    path = f"/v1/conversations/{chat.hex()}/commits"
    await client._core.http.ask("POST", path, body, PostedCommit)


def corrupt_server(world: World) -> None:
    assert world.server is not None
    ordering: Any = world.server.parts.ordering
    ordering._rules = Anything


def signed_item(
    world: World,
    reader: Client,
    chat: ConversationId,
    kind: int,
    header: bytes = b"",
    body: bytes = b"",
    mls: bytes = b"",
    *,
    sender: Client,
) -> Item:
    """Return an item as a lying server signs it: next in this reader's timeline."""
    room = reader._core.room(chat)
    chain = room.chain
    previous = FIRST if chain is None else chain.hash
    fields = describe_item(
        chat,
        room.sequence + 1,
        previous,
        world.clock(),
        sender.account,
        sender.device,
        header,
        body,
        mls,
    )
    deployment = world.founded.deployment
    key = SigningKey(world.founded.receipt)
    signature, paths = sign_receipts([fields.hash(deployment)], deployment, key)
    return Item(
        chat,
        fields.sequence,
        fields.time_ms,
        sender.account,
        sender.device,
        kind,
        header,
        body,
        mls,
        previous,
        0,
        1,
        paths[0],
        signature,
    )


async def deliver(reader: Client, frame: FromServer) -> None:
    """Hand a frame to a client as if the stream had brought it."""
    await reader._session._take(frame)
    reader._core.flush()
    reader._session.mending.mend()


async def stored_items(reader: Client, chat: ConversationId, kind: int) -> list[Item]:
    """Return a conversation's items of a kind as the server stores them."""
    data = await reader._core.http.get(f"/v1/conversations/{chat.hex()}/items")
    frames = frames_from_server(data)
    return [one for one in frames if isinstance(one, Item) and one.kind == kind]


async def welcome_into(
    world: World, maker: Client, invited: Client, name: ConversationId, context: bytes | None
) -> tuple[Mail, bytes]:
    """Return the welcome mail of a group that the server never saw, and its tree."""
    now = world.clock() // 1000
    core: Any = maker._core
    everything: Any = Anything()
    core.groups._rules = lambda: everything
    group = core.groups.client.create_group(name, now, context)
    package = invited._core.groups.client.generate_key_package(now)
    invited._core.vault.write_key_packages([(package.reference, package.private)])
    pending = group.commit(add=[package.message], now=now)
    payload = u64(pending.epoch) + pending.welcomes[0][1]
    return Mail(1000, world.clock(), WELCOME_MAIL, name, 1, payload), pending.tree


async def deliver_welcome(reader: Client, mail: Mail, tree: bytes) -> None:
    """Hand a welcome to a client, and serve its tree."""
    http: Any = reader._core.http
    honest = http.get

    async def get(path: str, **options: Any) -> bytes:
        return tree if path.endswith("/tree") else await honest(path, **options)

    http.get = get
    try:
        await deliver(reader, mail)
    finally:
        http.get = honest


# --- the key log and the law log ---------------------------------------------------------------


async def test_server_cannot_list_a_device_of_its_own(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        ghost = SigningKey(new_seed())
        now = ann.monitor.key_log.account(ann.account)
        entry = sign_update(
            world.founded.deployment,
            draft_update(
                ann.account,
                now.number + 1,
                now.lineage,
                now.index,
                now.committee,
                [*now.keys, ghost.public.encoded],
                ghost.public.encoded,
                world.clock(),
            ),
            ghost.sign,
            [(ghost.public.encoded, ghost.sign)],
        )
        world.extra_keys.append(entry.encode())
        await bob.monitor.sync_keys()
        assert bob.monitor.key_log.account(ann.account).keys == now.keys
        assert bob.monitor.refused[-1].refusal.code is Code.GHOST_DEVICE
        await bob.create_conversation([])
        assert (await next_event(bob, LogAlarm)).refusal.code is Code.GHOST_DEVICE


async def test_owner_sees_an_entry_that_it_did_not_make(tmp_path: Path) -> None:
    """Even with the inviter's help, a taken-over name is seen and its safety code changes."""
    async with world_at(tmp_path) as world:
        ann = await world.person("ann")
        bob = await world.person("bob", invite=ann.invite(1, world.clock() + 1000))
        await ann.monitor.sync_keys()
        before = await ann.safety_code("bob")
        now = bob.monitor.key_log.account(bob.account)
        invite = ann.invite(1, world.clock() + 1000, reset_of=bob.account)
        thief = SigningKey(new_seed())
        entry = make_invited_entry(
            world.founded.deployment,
            bob.account,
            invite.invitation,
            SigningKey(invite.seed).sign,
            [(thief.public.encoded, thief.sign)],
            world.clock(),
            number=now.number + 1,
            lineage=now.lineage + 1,
            previous=now.index,
        )
        world.extra_keys.append(entry.encode())
        await bob.monitor.sync_keys()
        bob._session.watch.tell_alarms()
        bob._core.flush()
        alarm = (await next_event(bob, AccountAlarm)).alarm
        assert alarm.applied.account == bob.account
        assert await ann.safety_code("bob") != before


async def test_log_that_rewrites_its_past_is_refused(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann = await world.person("ann")
        world.clients.remove(ann)
        await ann.close()
        honest = world.file

        async def rewritten(log: str, path: str) -> bytes:
            if log == "law":
                return await honest(log, path)
            signers = [world.founded.logs[0], world.founded.witnesses[0]]
            return serve_log([b"another past", b"and more"], path, signers)

        world.file = rewritten  # type: ignore[method-assign]
        with pytest.raises(LogRefused, match="log-fork"):
            await world.reopen(ann)


async def test_checkpoint_without_its_witness_is_refused(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann = await world.person("ann")

        async def lonely(log: str, path: str) -> bytes:
            entries = ann.monitor.key_entries if log == "key" else world.law
            return serve_log(entries, path, [world.founded.logs[0 if log == "key" else 1]])

        world.file = lonely  # type: ignore[method-assign]
        with pytest.raises(LogRefused, match="log-quorum"):
            await ann.monitor.sync_keys()


async def test_swapped_charter_is_refused(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        assert world.server is not None
        http = HttpClient(world.server.http)
        monitor = Monitor(http, DeploymentId(b"x" * 32), world.clock)
        with pytest.raises(CharterRefused, match="charter-genesis"):
            await monitor.start()
        await http.close()


async def test_swapped_epoch_key_is_refused_and_sending_stops(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, _, chat = await trio(world)
        month = key_epoch_of(day_of(world.clock()))
        good = ann.monitor.epoch(1, month)
        world.law.append(world.key_epoch(month))
        world.law.append(world.key_epoch(month + 1, court=new_seed()))
        await ann.monitor.sync_law()
        assert ann.monitor.epoch(1, month) == good
        codes = {one.refusal.code for one in ann.monitor.refused}
        assert {Code.KEY_EPOCH_CHANGED, Code.KEY_EPOCH_SIGNATURES} <= codes
        last = await ann.send(chat, Text(b"to the key that holds"))
        await bob.reached(chat, last)
        world.clock.now += 31 * 86_400_000
        with pytest.raises(CharterRefused, match="epoch-unknown"):
            await ann.send(chat, Text(b"to nobody's key"))
        assert (await next_event(ann, NotSent)).refusal.code is Code.EPOCH_UNKNOWN


async def test_ghost_in_the_room_is_refused_by_everyone(tmp_path: Path) -> None:
    """A member and the server together add a device that no key log lists."""
    async with world_at(tmp_path) as world:
        ann, bob, cid, chat = await trio(world)
        corrupt_server(world)
        rogue: Any = ann
        seed = new_seed()
        everything: Any = Anything()
        ghost = Groups(bob.account, SigningKey(seed), seed, lambda: everything, world.clock)
        package = ghost.client.generate_key_package(world.clock() // 1000)
        rogue._core.groups._rules = lambda: everything
        pending = rogue._core.group(rogue._core.room(chat)).commit(
            add=[package.message], now=world.clock() // 1000
        )
        body = PostCommit(
            commit=pending.message,
            welcomes=(
                WelcomeFor(
                    account=ghost.account,
                    device=ghost.device,
                    welcome=u64(pending.epoch) + pending.welcomes[0][1],
                ),
            ),
            group_info=pending.group_info,
        )
        await post(ann, chat, body)
        for one in (bob, cid):
            stopped = await next_event(one, Stopped)
            assert stopped.refusal.code is Code.GHOST_MEMBER
            with pytest.raises((GroupRefused, WireRefused)):
                await one.renew(chat)
            assert chat not in one.conversations()


# --- entering, and groups that are not what they seem ------------------------------------------


async def test_nobody_enters_by_an_external_commit_in_anothers_place(tmp_path: Path) -> None:
    """The server's own device under Bob's credential "comes back" as Bob: refused by all."""
    async with world_at(tmp_path) as world:
        ann, bob, _, chat = await trio(world)
        corrupt_server(world)
        seed = new_seed()
        thief = MlsClient(
            encode_credential(bob.account, bob.device), seed, lambda *_: None, lambda _: None
        )
        name = f"/v1/conversations/{chat.hex()}"
        info, tree = [await bob._core.http.get(f"{name}/{one}") for one in ("group-info", "tree")]
        group, commit = thief.rejoin(info, tree)
        body = PostCommit(commit=commit, group_info=group.group_info())
        honest = Rules(
            world.founded.deployment, escrow=True, key_log=ann.monitor.key_log, skew_ms=300_000
        )
        assert world.server is not None
        ordering: Any = world.server.parts.ordering
        ordering._rules = lambda: honest
        with pytest.raises(GroupRefused, match="ghost-member"):
            ordering._stage(
                await ordering._observer(await world.server.parts.conversations.get(chat)),
                bob.account,
                bob.device,
                body,
                world.clock(),
            )
        for one in (ann, bob):
            item = signed_item(world, one, chat, COMMIT, mls=commit, sender=bob)
            await deliver(one, item)
            stopped = await next_event(one, Stopped)
            assert stopped.refusal.code is Code.GHOST_MEMBER
            assert chat not in one.conversations()


async def test_second_group_of_one_id_is_refused(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, _, chat = await trio(world)
        context = ann._core.group(ann._core.room(chat)).context_data
        while not bob._core.room(chat).live:  # noqa: ASYNC110 - the stream brings it
            await asyncio.sleep(0.01)
        mail, tree = await welcome_into(world, ann, bob, chat, context)
        before = bob._core.group(bob._core.room(chat))
        await deliver_welcome(bob, mail, tree)
        assert (await next_event(bob, RefusedItem)).refusal.code is Code.GROUP_DUPLICATE
        assert bob._core.group(bob._core.room(chat)) is before


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("another's id", Code.GROUP_ID),
        ("no escrow", Code.GROUP_CONTEXT),
        ("another deployment", Code.GROUP_CONTEXT),
        ("between two others", Code.GHOST_MEMBER),
        ("no context", Code.FORM),
    ],
)
async def test_welcome_into_a_group_made_in_anothers_name(
    tmp_path: Path, change: str, code: Code
) -> None:
    """Cid makes a group as if Ann had, and the server hands the welcome to Bob."""
    async with world_at(tmp_path) as world:
        ann, bob, cid = [await world.person(handle) for handle in ("ann", "bob", "cid")]
        await bob.monitor.sync_keys()
        values: dict[str, Any] = {
            "kind": ConversationKind.DIRECT,
            "deployment": world.founded.deployment,
            "creator": ann.device,
            "nonce": new_seed(),
            "escrow": change != "no escrow",
            "admins": [ann.account, bob.account],
        }
        if change == "another deployment":
            values["deployment"] = DeploymentId(new_seed())
        if change == "another's id":
            values["kind"] = ConversationKind.GROUP
            values["admins"] = [cid.account]
        context = make_context(**values)
        name = context.conversation
        if change == "another's id":
            name = ConversationId(new_seed())
        data = None if change == "no context" else context.encode()
        mail, tree = await welcome_into(world, cid, bob, name, data)
        await deliver_welcome(bob, mail, tree)
        assert (await next_event(bob, RefusedItem)).refusal.code is code
        assert bob.conversations() == []


async def test_welcome_by_a_device_that_no_log_lists(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        seed = new_seed()
        everything: Any = Anything()
        ghost = Groups(ann.account, SigningKey(seed), seed, lambda: everything, world.clock)
        context = make_context(
            ConversationKind.GROUP,
            world.founded.deployment,
            ghost.device,
            new_seed(),
            escrow=True,
            admins=[ann.account],
        )
        rogue: Any = ann
        rogue._core.groups = ghost
        mail, tree = await welcome_into(world, ann, bob, context.conversation, context.encode())
        await deliver_welcome(bob, mail, tree)
        assert (await next_event(bob, RefusedItem)).refusal.code is Code.GHOST_MEMBER
        assert bob.conversations() == []


async def test_replayed_welcome_changes_nothing(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        kept: list[Mail] = []
        original = bob._session._take

        async def keeping(frame: FromServer) -> None:
            if isinstance(frame, Mail):
                kept.append(frame)
            await original(frame)

        bob._session._take = keeping  # type: ignore[method-assign]
        chat = await ann.create_conversation(["bob"])
        await next_event(bob, Joined)
        await ann.remove(chat, ["bob"])
        await next_event(bob, Left)
        for mail in kept[:1] * 2:
            await deliver(bob, replace(mail, sequence=mail.sequence + 100))
        assert bob.conversations() == []
        assert [event for event in bob.pending_events() if isinstance(event, Joined)] == []


# --- timelines ---------------------------------------------------------------------------------


async def test_old_commit_replayed_under_a_new_receipt(tmp_path: Path) -> None:
    """It costs its victim a resync, and changes nobody's roster."""
    async with world_at(tmp_path) as world:
        ann, bob, _, chat = await trio(world)
        commits = await stored_items(bob, chat, COMMIT)
        await ann.renew(chat)
        await bob.reached(chat, ann.sequence(chat))
        bob.pending_events()
        item = signed_item(world, bob, chat, COMMIT, mls=commits[0].mls, sender=ann)
        await deliver(bob, item)
        assert (await next_event(bob, RefusedItem)).refusal.code in (
            Code.EPOCH_SUPERSEDED,
            Code.COMMIT_INVALID,
        )
        await next_event(bob, Joined)
        await bob.settled()
        assert {leaf.account for leaf in bob.members(chat)} == {
            leaf.account for leaf in ann.members(chat)
        }
        last = await ann.send(chat, Text(b"still here"))
        await bob.reached(chat, last)
        assert texts(bob, chat)[-1] == b"still here"


async def test_message_replayed_under_a_new_receipt_is_not_shown_again(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, _, chat = await trio(world)
        last = await ann.send(chat, Text(b"pay him"))
        await bob.reached(chat, last)
        old = (await stored_items(bob, chat, MESSAGE))[-1]
        item = signed_item(world, bob, chat, MESSAGE, old.header, old.body, old.mls, sender=ann)
        await deliver(bob, item)
        await next_event(bob, RefusedItem)
        assert texts(bob, chat)[0] == b"pay him"
        assert texts(bob, chat)[1] != b"pay him"


async def test_swapped_items_are_not_taken_in_the_wrong_order(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, _, chat = await trio(world)
        original = bob._session._take
        held: list[Item] = []

        async def swapping(frame: FromServer) -> None:
            if isinstance(frame, Item) and frame.header:
                held.append(frame)
                if len(held) == 1:
                    return
                if len(held) == 2:
                    await original(replace(held[1], sequence=held[0].sequence))
                    return
            await original(frame)

        bob._session._take = swapping  # type: ignore[method-assign]
        await ann.send(chat, Text(b"first"))
        await ann.send(chat, Text(b"second"))
        assert (await next_event(bob, Stopped)).refusal.code is Code.RECEIPT_SIGNATURE
        assert texts(bob, chat) == []


async def test_forked_conversation_does_not_go_on_unseen(tmp_path: Path) -> None:
    """Bob and Cid are shown different commits for one epoch: neither reads the other side, and
    both hold the server's signature under one place of one timeline, for two histories."""
    async with world_at(tmp_path) as world:
        ann, bob, cid, chat = await trio(world)
        rogue: Any = ann
        group = rogue._core.group(rogue._core.room(chat))
        mine = group.commit(now=world.clock() // 1000)
        other = signed_item(world, cid, chat, COMMIT, mls=mine.message, sender=ann)
        group.clear_pending_commit()
        original = cid._session._take
        shown: list[Item] = []

        async def forking(frame: FromServer) -> None:
            if isinstance(frame, Item) and frame.kind == COMMIT and not shown:
                shown.append(frame)
                frame = other
            await original(frame)

        cid._session._take = forking  # type: ignore[method-assign]
        await ann.renew(chat)
        await bob.reached(chat, ann.sequence(chat))
        await cid.reached(chat, other.sequence)
        assert (shown[0].sequence, shown[0].mls) != (other.sequence, other.mls)
        assert shown[0].sequence == other.sequence
        await ann.send(chat, Text(b"to one side"))
        stopped = await next_event(cid, Stopped)
        assert stopped.refusal.code is Code.RECEIPT_CHAIN
        assert texts(cid, chat) == []
        await bob.reached(chat, ann.sequence(chat))
        assert texts(bob, chat) == [b"to one side"]


async def test_forked_conversation_with_every_receipt_made_anew(tmp_path: Path) -> None:
    """The server signs a second chain for Cid as well: then the MLS keys differ."""
    async with world_at(tmp_path) as world:
        ann, bob, cid, chat = await trio(world)
        rogue: Any = ann
        group = rogue._core.group(rogue._core.room(chat))
        mine = group.commit(now=world.clock() // 1000)
        await deliver(cid, signed_item(world, cid, chat, COMMIT, mls=mine.message, sender=ann))
        group.clear_pending_commit()
        await cid._session.close()
        await ann.renew(chat)
        last = await ann.send(chat, Text(b"to one side"))
        await bob.reached(chat, last)
        real = (await stored_items(bob, chat, MESSAGE))[-1]
        item = signed_item(world, cid, chat, MESSAGE, real.header, real.body, real.mls, sender=ann)
        await deliver(cid, item)
        assert (await next_event(cid, RefusedItem)).sequence == item.sequence
        assert b"to one side" not in texts(cid, chat)


async def test_message_under_a_third_ones_name(tmp_path: Path) -> None:
    """Cid and the server together; the MLS layer knows whose leaf it was."""
    async with world_at(tmp_path) as world:
        ann, bob, cid, chat = await trio(world)
        rogue: Any = cid
        me = (cid.account, cid.device)
        rogue._core.account, rogue._core.device = ann.account, ann.device
        rogue._session.sending._push = lambda _: True
        await cid.post(chat, Text(b"I, Ann, owe Cid all I have"))
        sent = rogue._core.vault.outbox()[-1]
        for account, device in ((ann.account, ann.device), me):
            rogue._core.account, rogue._core.device = account, device
            item = signed_item(
                world, bob, chat, MESSAGE, sent.header, sent.body, sent.mls, sender=cid
            )
            await deliver(bob, item)
            refused = await next_event(bob, RefusedItem)
            assert refused.refusal.code in (
                Code.SENDER_MISMATCH,
                Code.RECEIPT_MISMATCH,
                Code.COMMIT_INVALID,
            )
        assert b"I, Ann, owe Cid all I have" not in texts(bob, chat)


async def test_commit_under_a_third_ones_name(tmp_path: Path) -> None:
    """Whose commit it was is read from its signature, not from the server's word."""
    async with world_at(tmp_path) as world:
        ann, bob, cid, chat = await trio(world)
        original = bob._session._take

        async def lying(frame: FromServer) -> None:
            if isinstance(frame, Item) and frame.kind == COMMIT:
                frame = signed_item(world, bob, chat, COMMIT, mls=frame.mls, sender=cid)
            await original(frame)

        await bob.settled()
        bob.pending_events()
        bob._session._take = lying  # type: ignore[method-assign]
        await ann.remove(chat, ["cid"])
        change = await next_event(bob, Membership)
        assert (change.by, change.removed) == (ann.account, (cid.account,))


# --- commits that break a group ----------------------------------------------------------------


async def spoil(rogue: Any, chat: ConversationId, world: World) -> None:
    """Post a commit that an observer finds valid and no member can take."""
    group = rogue._core.group(rogue._core.room(chat))
    if group.has_pending_commit:
        group.clear_pending_commit()
    pending = group.commit(now=world.clock() // 1000)
    broken = pending.message[:-1] + bytes([pending.message[-1] ^ 1])
    await post(rogue, chat, PostCommit(commit=broken, group_info=pending.group_info))
    group.apply_pending_commit()


async def crowd_of(world: World, number: int) -> tuple[list[Client], ConversationId]:
    handles = [f"p{one}" for one in range(number)]
    people = [await world.person(handle) for handle in handles]
    chat = await people[0].create_conversation(handles[1:])
    for one in people[1:]:
        await next_event(one, Joined)
    for one in people:
        one.pending_events()
    return people, chat


async def test_invalid_commit_does_not_stop_the_group(tmp_path: Path) -> None:
    """What an observer cannot see (a membership tag) breaks members; they come back by resync."""
    async with world_at(tmp_path) as world:
        ann, bob, cid, chat = await trio(world)
        rogue: Any = cid
        group = rogue._core.group(rogue._core.room(chat))
        pending = group.commit(now=world.clock() // 1000)
        broken = pending.message[:-1] + bytes([pending.message[-1] ^ 1])
        body = PostCommit(commit=broken, group_info=pending.group_info)
        await post(cid, chat, body)
        for one in (ann, bob):
            assert (await next_event(one, RefusedItem)).refusal.code is Code.COMMIT_INVALID
            await next_event(one, Joined)
        async with asyncio.timeout(30):
            last = await ann.send(chat, Text(b"still here"))
            await bob.reached(chat, last)
        assert texts(bob, chat)[-1] == b"still here"


async def test_many_members_come_back_at_once(tmp_path: Path) -> None:
    """One invalid commit sends everybody into the same race; nobody may lose it for good."""
    async with world_at(tmp_path, escrow=False) as world:
        people, chat = await crowd_of(world, 18)
        await spoil(people[-1], chat, world)
        async with asyncio.timeout(60):
            for one in people[:-1]:
                refused = await next_event(one, RefusedItem)
                assert refused.account == people[-1].account
                await next_event(one, Joined)
        await people[0].settled()
        last = await people[0].send(chat, Text(b"still here"))
        async with asyncio.timeout(30):
            for one in people[:-1]:
                await one.reached(chat, last)
                assert texts(one, chat)[-1] == b"still here"


async def test_member_that_breaks_the_group_again_and_again_is_removed(tmp_path: Path) -> None:
    """A flood of invalid commits: the culprit is named each time, and an admin ends it."""
    rates = replace_rates(UNLIMITED, handshakes=0.5, handshakes_burst=10.0)
    async with world_at(tmp_path, escrow=False, rates=rates) as world:
        people, chat = await crowd_of(world, 4)
        admin, rogue = people[0], people[-1]
        stop = asyncio.Event()

        async def flood() -> None:
            while not stop.is_set():
                try:
                    await spoil(rogue, chat, world)
                except (Refusal, MlsError):
                    await asyncio.sleep(0.005)

        flooding = asyncio.create_task(flood())
        refused = await next_event(admin, RefusedItem)
        assert refused.account == rogue.account
        async with asyncio.timeout(60):
            await admin.remove(chat, [rogue.handle])
        assert rogue.account not in {leaf.account for leaf in admin.members(chat)}
        stop.set()
        await flooding
        async with asyncio.timeout(30):
            for one in people[1:-1]:
                while chat not in one.conversations():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            for one in people[:-1]:
                await one.settled()
            last = await admin.send(chat, Text(b"without them"))
            for one in people[1:-1]:
                await one.reached(chat, last)
                assert texts(one, chat)[-1] == b"without them"


async def test_removed_while_broken_is_out(tmp_path: Path) -> None:
    """A device that was taken out before it came back knows that it has left."""
    async with world_at(tmp_path, escrow=False) as world:
        ann, bob, cid, chat = await trio(world)
        never = asyncio.Event()

        async def away(_: object) -> None:
            await never.wait()

        rejoin = bob._session.joining.rejoin
        bob._session.joining.rejoin = away  # type: ignore[method-assign, assignment]
        await spoil(cid, chat, world)
        await next_event(bob, RefusedItem)
        await ann.remove(chat, ["bob"])
        bob._session.joining.rejoin = rejoin  # type: ignore[method-assign]
        bob = await world.reopen(bob)
        bob._session.mending.mend()
        await next_event(bob, Left)
        assert chat not in bob.conversations()
        await ann.add(chat, ["bob"])
        await next_event(bob, Joined)


# --- receipts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lie",
    [
        {"time_ms": 1},
        {"body": b"other bytes"},
        {"account": b"x" * 32},
        {"previous": b"p" * 32},
        {"signature": bytes(64)},
    ],
)
async def test_item_that_its_receipt_does_not_cover_stops_the_timeline(
    tmp_path: Path, lie: dict[str, Any]
) -> None:
    async with world_at(tmp_path, escrow=False) as world:
        ann, bob, _, chat = await trio(world)
        original = bob._session._take

        async def lying(frame: FromServer) -> None:
            if isinstance(frame, Item) and frame.header:
                frame = replace(frame, **lie)
            await original(frame)

        bob._session._take = lying  # type: ignore[method-assign]
        await ann.send(chat, Text(b"truth"))
        stopped = await next_event(bob, Stopped)
        assert stopped.refusal.code in (Code.RECEIPT_SIGNATURE, Code.RECEIPT_CHAIN)
        assert texts(bob, chat) == []
