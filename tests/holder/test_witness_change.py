"""An amendment that brings other witnesses, over the real server and real witnesses (spec R-40)."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from amending import amend
from law_path import be_seen, take_through
from small_world import NOON, running, small_world
from starlette.types import ASGIApp, Receive, Scope, Send

from doublelock.audit import copy_deployment, verify_evidence, verify_logs
from doublelock.client.monitor import Monitor
from doublelock.demo.chatting import make_room
from doublelock.demo.clock import ReplayClock
from doublelock.demo.lawpath import name_sender, open_desks
from doublelock.demo.listener import Listener
from doublelock.demo.world import World
from doublelock.holder.watch import LawWatch
from doublelock.log.witness import make_app
from doublelock.protocol.charter import verify_genesis
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.days import DAY_MS, day_of
from doublelock.protocol.errors import CharterRefused, LogRefused
from doublelock.protocol.note import SignatureType
from doublelock.protocol.record import Text
from doublelock.transport.http import HttpClient

LATER = NOON + 8 * DAY_MS
NEW = [
    NoteSigner(f"new{n}.example/w", SignatureType.COSIGNATURE_ED25519, b"%d" % n * 32)
    for n in (1, 2)
]


class Switch:
    """An application that can be away."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application
        self.on = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.on:
            await self._application(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def newcomers(folder: Path, world: Path) -> AsyncIterator[tuple[list[Switch], list[str]]]:
    """Run the witnesses to come; they know the logs of the world in a folder."""
    founded = World.open(world, ReplayClock(NOON))
    logs = [signer.key for signer in founded.founded.logs]
    await founded.stop()
    switches, listeners = [], []
    for number, signer in enumerate(NEW):
        switch = Switch(make_app(folder / f"new-{number}", [signer], logs, lambda: LATER))
        listener = Listener(switch)
        await listener.start()
        switches.append(switch)
        listeners.append(listener)
    try:
        yield switches, [listener.address for listener in listeners]
    finally:
        for listener in listeners:
            await listener.stop()


async def test_other_witnesses_take_over(tmp_path: Path) -> None:
    place = await small_world(tmp_path)
    async with newcomers(tmp_path, place) as (switches, addresses):
        async with running(place, witnesses=tuple(addresses)) as world:
            ann, bob = await world.person("ann"), await world.person("bob")
            room = await make_room(world, ("ann", "bob"))
            await ann.send(room, Text(b"before"))
            terms = msgspec.structs.replace(
                world.monitor.charter.terms,
                witnesses=tuple(signer.key.encode() for signer in NEW),
                quorum=2,
            )
            await amend(world, world.monitor.charter, terms)
            await be_seen(world)
            await world.look()
            # In force, and the new witnesses are away: the old ones alone carry nothing on.
            switches[0].on = False
            world.clock.advance_to(LATER)
            law = world.server.law
            for publishing in (law.law_publishing, law.key_publishing):
                with pytest.raises(LogRefused):
                    await publishing.publish()
            for work in (world.look(), world.monitor.sync_law(), law.hand_over()):
                with pytest.raises(LogRefused) as refused:
                    await work
                assert refused.value.code is Code.LOG_QUORUM
            switches[0].on = True
            await law.hand_over()
            assert law.desk.state.void == 0
            assert [one.charter.terms.sequence for one in law.desk.state.handovers] == [1]
            for listener in world._witnesses:
                await listener.stop()
            world._witnesses.clear()
            await be_seen(world)
            # Who knew the old ones goes over; who sees the key log first, too.
            await world.monitor.sync_keys()
            await world.look()
            assert len(world.monitor.law.handovers) == 1
            # Who starts afresh goes from genesis through both.
            async with HttpClient(world.server.http) as http:
                fresh = Monitor(http, world.deployment, world.clock)
                await fresh.start()
                await fresh.refresh(0)
                assert fresh.law_head == world.monitor.law_head
                assert fresh.key_head == world.monitor.key_head
                genesis = verify_genesis(world.founded.charter, world.deployment)
                watch = LawWatch(http, genesis, None)
                assert (await watch.update(world.clock())).root == fresh.law.root
            assert await world.person("cid")
            await _a_case(world, tmp_path)
            copied = tmp_path / "mirror"
            await copy_deployment(world.server.http, world.deployment, copied)
            verified = verify_logs(copied, world.deployment)
            assert {seen.key for seen in verified.law.checkpoint.cosignatures} == {
                signer.key for signer in NEW
            }
            (copied / "proofs/amendments.txt").write_bytes(b"")
            with pytest.raises(CharterRefused):
                verify_logs(copied, world.deployment)
            del bob
        # The server starts again with them; nobody asks the old ones.
        async with running(place, LATER + 60_000, tuple(addresses)) as world:
            await be_seen(world)
            await world.monitor.refresh(0)
            assert world.server.law.desk.state.void == 0


async def _a_case(world: World, folder: Path) -> None:
    """A warrant under the new charter opens what was said today, and its package verifies."""
    ann, today = world.people["ann"], day_of(LATER)
    room = await make_room(world, ("ann", "cid"))
    await ann.send(room, Text(b"after"))
    desks = open_desks(world, 1)
    try:
        opening = await take_through(world, desks, name_sender(desks, "ann", today, today), "8/10")
        assert [one.message.body.record for one in opening.messages] == [Text(b"after")]
        await desks.agency.write(opening, folder / "evidence", ("ann",))
    finally:
        await desks.close()
    content = verify_evidence(folder / "evidence", world.deployment).content
    assert (
        hashlib.sha256(content.charter.document).digest()
        != hashlib.sha256(world.founded.charter).digest()
    )
