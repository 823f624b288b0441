"""A server, a member or a log that lies about who is there: every honest client refuses it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from client_world import new_seed, next_event, serve_log, world_at
from doublelock_mls import Client as MlsClient
from msgspec.structs import replace

from doublelock.client.events import (
    AccountAlarm,
    Joined,
    Left,
    LogAlarm,
    NotSent,
    RefusedItem,
    Stopped,
)
from doublelock.client.groups import Groups
from doublelock.client.invite import make_invite
from doublelock.client.monitor import Monitor
from doublelock.protocol.api import PostCommit, WelcomeFor
from doublelock.protocol.codes import Code
from doublelock.protocol.days import day_of, key_epoch_of
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.encoding import u64
from doublelock.protocol.errors import (
    CharterRefused,
    GroupRefused,
    LogRefused,
    WireRefused,
)
from doublelock.protocol.frames import (
    COMMIT,
    FromServer,
    Mail,
)
from doublelock.protocol.group_rules import (
    ConversationKind,
    Rules,
    encode_credential,
    make_context,
)
from doublelock.protocol.identifiers import ConversationId, DeploymentId
from doublelock.protocol.keylog_entry import draft_update, make_invited_entry, sign_update
from doublelock.protocol.record import Text
from doublelock.transport.http import HttpClient

from .lying import (
    Anything,
    corrupt_server,
    deliver,
    deliver_welcome,
    post,
    signed_item,
    trio,
    welcome_into,
)

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
        bob = await world.person("bob", invite=ann.invite(world.clock() + 1000))
        await ann.monitor.sync_keys()
        before = await ann.safety_code("bob")
        now = bob.monitor.key_log.account(bob.account)
        invite = ann.invite(world.clock() + 1000, reset_of=bob.account)
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


async def test_a_member_cannot_invite_into_another_committee(tmp_path: Path) -> None:
    """Whoever would be out of a court's reach cannot be brought in there by a friend (Y-4)."""
    async with world_at(tmp_path) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        deployment, seed = world.founded.deployment, new_seed()
        invite = make_invite(
            ann._core.identity.address,
            deployment,
            ann._core.signing_key.sign,
            seed,
            2,
            world.clock() + 1000,
            inviter=ann.account,
            inviter_device=ann.device,
        )
        with pytest.raises(WireRefused) as refusal:
            await world.person("eve", invite=invite)
        assert refusal.value.code is Code.INVITATION_COMMITTEE
        # Nor can the operator log it for them.
        eve, key = ann.account_of("eve"), SigningKey(new_seed())
        signer = (key.public.encoded, key.sign)
        entry = make_invited_entry(
            deployment, eve, invite.invitation, SigningKey(seed).sign, [signer], world.clock()
        )
        world.extra_keys.append(entry.encode())
        await bob.monitor.sync_keys()
        assert not bob.monitor.key_log.has_account(eve)
        assert bob.monitor.refused[-1].refusal.code is Code.INVITATION_COMMITTEE


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
