"""A member who spoils the way back: by what the server holds nobody rejoins (spec G-11, G-16)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from client_world import World, next_event, texts, world_at

from doublelock.client import group_info
from doublelock.client.events import Joined, Membership, RefusedItem
from doublelock.protocol.api import PostCommit
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import WireRefused
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import Text

from .lying import post, trio

_EXTERNAL_PUB = b"\x00\x04"
"""The extension's type; then its size, and a key with its size of 32 (RFC 9420 §12.4.3.2)."""
_POINT = b"\x09" + bytes(31)
"""X25519's base point: anybody's key but not this group's."""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_info, "_SPREAD_S", 0.0)


def vector(data: bytes) -> bytes:
    """Return bytes with their MLS size in front (RFC 9420 §2.1.2)."""
    size = len(data)
    return (bytes([size]) if size < 64 else (size | 0x4000).to_bytes(2, "big")) + data


def swap_key(rogue: Any, info: bytes, key: bytes) -> bytes:
    """Return a GroupInfo with another external_pub, signed by a member like any other."""
    at = info.index(_EXTERNAL_PUB + vector(vector(bytes(32)))[:2])
    # What is behind this one extension is the list's end: its size stands a byte or two before.
    assert info[at - 1] == 36
    extension = vector(_EXTERNAL_PUB + vector(vector(key)))
    signed = info[4 : at - 1] + extension + info[at + 36 : -66]
    label = vector(b"MLS 1.0 GroupInfoTBS")
    signature = rogue._core.signing_key.sign(label + vector(signed))
    return info[:4] + signed + vector(signature)


async def spoil_way_back(rogue: Any, chat: ConversationId, world: World, key: bytes) -> None:
    """Commit as a member may, and leave a GroupInfo by which nobody can come back."""
    group = rogue._core.group(rogue._core.room(chat))
    pending = group.commit(now=world.clock() // 1000)
    info = swap_key(rogue, pending.group_info, key)
    await post(rogue, chat, PostCommit(commit=pending.message, group_info=info))


async def test_members_put_the_way_back_right(tmp_path: Path) -> None:
    """Whoever lost their state after it comes back, and breaks nobody else by it."""
    async with world_at(tmp_path, escrow=False) as world:
        ann, bob, cid, chat = await trio(world)
        await spoil_way_back(cid, chat, world, _POINT)
        async with asyncio.timeout(30):
            by = [(await next_event(bob, Membership)).by for _ in range(2)]
        assert by[0] == cid.account
        assert by[1] != cid.account, "the honest ones know that it is wrong, and say the right one"
        bob = await world.reopen(bob, connect=False)
        bob._core.vault.drop_group(chat)
        await bob.connect()
        await next_event(bob, Joined)
        last = await bob.send(chat, Text(b"back"))
        await ann.reached(chat, last)
        assert texts(ann, chat) == [b"back"]
        assert not [one for one in ann.pending_events() if isinstance(one, RefusedItem)]


async def test_who_finds_no_way_back_waits_for_a_member(tmp_path: Path) -> None:
    """With nobody there who could put it right, the conversation is not given up."""
    async with world_at(tmp_path, escrow=False) as world:
        ann, bob, cid, chat = await trio(world)
        ann = await world.reopen(ann, connect=False)
        bob = await world.reopen(bob, connect=False)
        bob._core.vault.drop_group(chat)
        await spoil_way_back(cid, chat, world, bytes(16))
        room = bob._core.room(chat)
        await bob.connect()
        with pytest.raises(WireRefused):
            await bob.rejoin(chat)
        assert room.status == "broken"
        await ann.connect()
        await next_event(bob, Joined)
        last = await ann.send(chat, Text(b"together"))
        await bob.reached(chat, last)
        assert texts(bob, chat) == [b"together"]


async def test_the_server_takes_no_commit_without_a_way_back(tmp_path: Path) -> None:
    async with world_at(tmp_path, escrow=False) as world:
        rogue: Any
        ann, _, rogue, chat = await trio(world)
        pending = rogue._core.group(rogue._core.room(chat)).commit(now=world.clock() // 1000)
        with pytest.raises(WireRefused) as refusal:
            await post(rogue, chat, PostCommit(commit=pending.message))
        assert refusal.value.code is Code.COMMIT_INVALID
        await ann.send(chat, Text(b"nothing happened"))
