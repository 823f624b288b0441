"""Commits that break a group stop nobody for long, and their author is removed."""

import asyncio
from dataclasses import replace as replace_rates
from pathlib import Path
from typing import Any

from client_world import World, next_event, texts, world_at
from doublelock_mls import MlsError

from doublelock.client.client import Client
from doublelock.client.events import (
    Joined,
    Left,
    RefusedItem,
)
from doublelock.protocol.api import PostCommit
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import (
    Refusal,
)
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import Text
from doublelock.server.config import UNLIMITED

from .lying import (
    post,
    trio,
)


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
