"""Skew and escrow that an amendment changes, as server, clients and logs go by them (C-6, Y-8)."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from amending import amend, name_custodians, open_newcomer
from law_path import be_seen
from small_world import NOON, SMALL, running, small_world

from doublelock.client.client import Client
from doublelock.client.events import Message, RefusedItem
from doublelock.client.monitor import Monitor
from doublelock.court.daemon import open_court
from doublelock.custodian.daemon import open_custodian
from doublelock.demo.chatting import make_room
from doublelock.demo.clock import ReplayClock
from doublelock.demo.world import World
from doublelock.keep import make_key_file
from doublelock.protocol.charter_terms import Party
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import KeyLogRefused, WireRefused
from doublelock.protocol.header import Form, Header
from doublelock.protocol.record import Text
from doublelock.transport.http import HttpClient

LATER = NOON + 8 * DAY_MS
HALF_AN_HOUR = 30 * 60_000


async def late(world: World, name: str, folder: Path) -> None:
    """Register with a clock that is half an hour behind the log's."""
    client = await Client.register(
        folder / name,
        make_key_file(folder / f"{name}.key"),
        world.invite(),
        name,
        clock=lambda: world.clock() - HALF_AN_HOUR,
        monitor=world.monitor,
    )
    await client.close()


async def test_the_key_log_goes_by_the_skew_in_force(tmp_path: Path) -> None:
    place = await small_world(tmp_path)
    async with running(place) as world:
        await world.person("ann")
        with pytest.raises((KeyLogRefused, WireRefused)) as refused:
            await late(world, "too-late", tmp_path)
        assert refused.value.code is Code.ENTRY_TIME
        terms = msgspec.structs.replace(world.monitor.charter.terms, skew_ms=2 * HALF_AN_HOUR)
        await amend(world, world.monitor.charter, terms)
        world.clock.advance_to(LATER)
        await be_seen(world)
        await world.person("bob")
        await late(world, "late", tmp_path)
        await be_seen(world)
        await world.monitor.sync_keys()
        assert len(world.monitor.key_log.accounts()) == 3
        assert world.monitor.refused == []
        async with HttpClient(world.server.http) as http:
            fresh = Monitor(http, world.deployment, world.clock)
            await fresh.start()
            await fresh.sync_keys()  # which fetches the law log first
            assert len(fresh.key_log.accounts()) == 3
    async with running(place, LATER + 60_000) as world:
        assert len(world.server.parts.identities.key_log.accounts()) == 3


async def test_groups_go_on_when_a_charter_begins_to_escrow(tmp_path: Path) -> None:
    """What is said from the next day on is sealed, in old groups as in new ones."""
    plan = replace(SMALL, escrow=False)
    world = World.open(tmp_path / "world", ReplayClock(NOON), plan)
    await world.start()
    try:
        ann, bob = await world.person("ann"), await world.person("bob")
        room = await make_room(world, ("ann", "bob"))
        await ann.send(room, Text(b"open"))
        assert await heard(bob) == [b"open"]
        here = world.founded.committees[0]
        charter = world.monitor.charter
        committee = msgspec.structs.replace(
            charter.terms.committees[0],
            escrow="threshold",
            custodians=name_custodians(here.custodians),
            threshold=2,
            court=Party("Court", Bytes32(SigningKey(here.court).public.encoded)),
            retention_days=30,
        )
        terms = msgspec.structs.replace(charter.terms, escrow="threshold", committees=(committee,))
        new = await amend(world, charter, terms)
        world.clock.advance_to(LATER)
        await be_seen(world)
        for index, seed in enumerate(here.custodians, 1):
            world.holders.append(
                open_newcomer(world, f"custodian-1-{index}", seed, new, open_custodian)
            )
        world.holders.append(open_newcomer(world, "court-1", here.court, new, open_court))
        await world.hold_ceremonies(lambda _, __: None)
        await ann.send(room, Text(b"sealed"))
        assert await heard(bob) == [b"sealed"]
        other = await make_room(world, ("bob", "ann"))
        await bob.send(other, Text(b"new"))
        assert await heard(ann) == [b"new"]
        inside = await world.server.parts.conversations.get(room)
        assert inside is not None
        rows = await world.server.parts.store.read(
            lambda tables: tables.timeline.after(inside.key, 0, 100, 1 << 20, 100)
        )
        forms = [Header.decode(row.header).form for row in rows if row.header]
        assert forms == [Form.UNESCROWED, Form.SEALED]
    finally:
        await world.stop()


async def heard(client: Client) -> list[bytes]:
    """Return the next text that others sent; a refused message fails the test."""
    async for event in client.receive():
        assert not isinstance(event, RefusedItem), event
        if not isinstance(event, Message) or event.account == client.account:
            continue
        if isinstance(event.record, Text):
            return [event.record.content]
    return []
