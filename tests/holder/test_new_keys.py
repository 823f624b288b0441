"""An amendment changes the operator's key and the receipts': old ones end where new ones begin."""

from pathlib import Path

import pytest
from amending import OPERATOR, change_keys, hold_new_keys
from law_path import be_seen, take_through
from small_world import NOON, SMALL, running, small_world

from doublelock.audit import verify_evidence
from doublelock.client.client import Client
from doublelock.client.events import Message, Stopped
from doublelock.demo.chatting import make_room
from doublelock.demo.clock import ReplayClock
from doublelock.demo.lawpath import name_sender, open_desks
from doublelock.demo.world import World
from doublelock.protocol import package
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, day_of
from doublelock.protocol.errors import VaultRefused, WireRefused
from doublelock.protocol.record import Text
from doublelock.server.lawdesk import LawDesk

LATER = NOON + 8 * DAY_MS
TODAY = day_of(NOON)


async def heard(client: Client) -> bytes:
    async for event in client.receive():
        assert not isinstance(event, Stopped), event.refusal
        if isinstance(event, Message) and isinstance(event.record, Text):
            return event.record.content
    raise AssertionError


async def test_chats_and_the_law_go_on_under_new_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_new_keys(monkeypatch)
    place = await small_world(tmp_path)
    async with running(place) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        room = await make_room(world, ("ann", "bob"))
        await ann.send(room, Text(b"before"))
        assert await heard(bob) == b"before"
        await change_keys(world)
        await ann.send(room, Text(b"agreed"))
        assert await heard(bob) == b"agreed"
        world.clock.advance_to(LATER)
        await be_seen(world)
        # Neither was told: what comes so long after the last look makes them look again.
        assert {len(one.monitor.charters) for one in (ann, bob)} == {1}
        await ann.send(room, Text(b"after"))
        assert await heard(bob) == b"after"
        desks = open_desks(world, 1)
        try:
            scope = name_sender(desks, "ann", TODAY, TODAY + 8)
            opening = await take_through(world, desks, scope, "1/10")
            assert (opening.culprits, opening.faults) == ((), ())
            await desks.agency.write(opening, tmp_path / "evidence", ("ann",))
        finally:
            await desks.close()
        deployment = world.deployment
    verified = verify_evidence(tmp_path / "evidence", deployment)
    said = [one.message.body.record for one in verified.content.messages]
    assert said == [Text(b"before"), Text(b"agreed"), Text(b"after")]
    assert (tmp_path / "evidence" / package.MESSAGES).is_file()
    async with running(place, LATER + 60_000) as world:
        assert world.server.law.desk.operator.public == OPERATOR.public


async def test_a_server_takes_no_amendment_of_keys_that_it_lacks(tmp_path: Path) -> None:
    async with running(await small_world(tmp_path)) as world:
        with pytest.raises(WireRefused) as refusal:
            await change_keys(world)
        assert refusal.value.code is Code.VAULT_MISSING
        assert len(world.server.law.desk.state.charters) == 1


async def test_a_server_does_not_start_without_the_keys_to_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = await small_world(tmp_path)
    with monkeypatch.context() as lax:
        lax.setattr(LawDesk, "_check_keys", lambda _, __: None)
        async with running(place) as world:
            await change_keys(world)
    world = World.open(place, ReplayClock(NOON + 60_000), SMALL)
    try:
        with pytest.raises(VaultRefused) as refusal:
            await world.start()
        assert refusal.value.code is Code.VAULT_MISSING
    finally:
        await world.stop()
