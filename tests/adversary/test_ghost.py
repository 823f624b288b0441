"""A server, a member or a log that lies: every honest client refuses it by name (No ghost)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from client_world import World, new_seed, next_event, serve_log, texts, world_at
from msgspec.structs import replace

from doublelock.client.client import Client
from doublelock.client.events import (
    AccountAlarm,
    Joined,
    LogAlarm,
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
from doublelock.protocol.errors import CharterRefused, GroupRefused, LogRefused, WireRefused
from doublelock.protocol.frames import FromServer, Item
from doublelock.protocol.identifiers import ConversationId, DeploymentId
from doublelock.protocol.keylog_entry import draft_update, make_invited_entry, sign_update
from doublelock.protocol.record import Text
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
    ordering._rules = Anything()


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
        bob._session._tell_alarms()
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
            return serve_log([], path, [world.founded.logs[0 if log == "key" else 1]])

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
