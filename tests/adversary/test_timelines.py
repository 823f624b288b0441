"""A timeline that is replayed, reordered, forked or spoken in another's name is refused."""

from pathlib import Path
from typing import Any

import pytest
from client_world import next_event, texts, world_at
from msgspec.structs import replace

from doublelock.client.events import (
    Joined,
    Membership,
    RefusedItem,
    Stopped,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.frames import (
    COMMIT,
    MESSAGE,
    FromServer,
    Item,
)
from doublelock.protocol.record import Text

from .lying import deliver, signed_item, stored_items, trio


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
