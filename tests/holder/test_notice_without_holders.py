"""The operator tells people where no holder does: without any at once, else after them (R-16)."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from amending import amend
from law_path import be_seen, take_through
from small_world import NOON, SMALL, running, small_world

from doublelock.agency import AgencyDesk, Application, ApprovalDesk
from doublelock.client.client import Client
from doublelock.client.events import Notice, RefusedNotice
from doublelock.demo.chatting import make_room
from doublelock.demo.clock import ReplayClock
from doublelock.demo.lawpath import name_sender, open_desks
from doublelock.demo.world import World
from doublelock.holder.membership import pin
from doublelock.keep import StateFolder
from doublelock.protocol.charter import Charter, Role
from doublelock.protocol.charter_terms import Approver, Party, Profile, WarrantKind
from doublelock.protocol.days import DAY_MS, day_of
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.record import Text
from doublelock.protocol.scope import ScopeItem
from doublelock.server import notices

LATER = NOON + 8 * DAY_MS
METADATA = Profile(
    kind=WarrantKind.METADATA,
    approvals=(Approver.MINISTER, Approver.JUDGE),
    urgent=(),
    max_days=31,
    validity_ms=14 * DAY_MS,
    urgent_window_ms=0,
    gag_ms=30 * DAY_MS,
    notice_ms=3 * DAY_MS,
    renewals=0,
    offences=("fraud",),
    unnamed_senders=0,
)


async def admit(world: World) -> tuple[Charter, dict[str, bytes]]:
    """Amend a charter without escrow: an agency may ask for metadata, both locks approve."""
    here = world.founded.committees[0]
    seeds = {"agencies": here.agency, "ministers": here.minister, "judges": here.judge}
    charter = world.monitor.charter
    parties = {
        name: (Party(name, Bytes32(SigningKey(seed).public.encoded)),)
        for name, seed in seeds.items()
    }
    committee = msgspec.structs.replace(
        charter.terms.committees[0], profiles=(METADATA,), **parties
    )
    terms = msgspec.structs.replace(charter.terms, committees=(committee,))
    return await amend(world, charter, terms), seeds


async def told(client: Client) -> Notice:
    """Return the next notice that a client shows; a refused one fails the test."""
    async for event in client.receive():
        assert not isinstance(event, RefusedNotice), event
        if isinstance(event, Notice):
            return event
    raise AssertionError("no notice")


async def test_without_escrow_the_operator_tells(tmp_path: Path) -> None:
    world = World.open(tmp_path / "world", ReplayClock(NOON), replace(SMALL, escrow=False))
    await world.start()
    desks: list[AgencyDesk | ApprovalDesk] = []
    try:
        charter, seeds = await admit(world)
        world.clock.advance_to(LATER)
        await be_seen(world)
        ann, _ = await world.person("ann"), await world.person("bob")
        room = await make_room(world, ("ann", "bob"))
        await ann.send(room, Text(b"hello"))
        for name, seed in seeds.items():
            place, unlocking = world.enrol(name, seed)
            with StateFolder.open(place, unlocking) as folder:
                documents = [world.founded.charter, charter.document]
                pin(folder, world.server.http, documents, world.deployment)
            kind = AgencyDesk if name == "agencies" else ApprovalDesk
            desks.append(kind.open(place, unlocking, world.clock))
        agency, minister, judge = desks
        assert isinstance(agency, AgencyDesk)
        await be_seen(world)
        await agency.party.look()
        today = day_of(LATER)
        senders = (Bytes32(agency.account("ann")),)
        warrant = await agency.apply(
            Application(
                "fraud",
                "Criminal Code 12",
                "1/10",
                (ScopeItem(senders, (), today, today),),
                WarrantKind.METADATA,
                gag_ms=DAY_MS,
            )
        )
        for desk in (minister, judge):
            assert isinstance(desk, ApprovalDesk)
            await be_seen(world)
            await desk.approve(warrant.commitment)
        await be_seen(world)
        given, _ = await agency.metadata(warrant.commitment, 30)
        assert [len(facts) for _, facts in given.labels] == [1]
        law = world.server.law
        assert await law.notices.sweep() == 0  # the gag
        world.clock.advance_to(LATER + 2 * DAY_MS)
        await law.notices.sweep()
        notice = await told(ann)
        assert notice.notice.signers == (Role.OPERATOR,)
        record = law.desk.state.warrants[warrant.commitment]
        assert record.delivered == record.owed == {warrant.subject(ann.account)}
        assert await law.notices.sweep() == 0
    finally:
        for desk in desks:
            await desk.close()
        await world.stop()


async def test_where_holders_let_it_lie_the_operator_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "PATIENCE", 1_000_000)
    async with running(await small_world(tmp_path)) as world:
        ann, _ = await world.person("ann"), await world.person("bob")
        room = await make_room(world, ("ann", "bob"))
        await ann.send(room, Text(b"hello"))
        desks = open_desks(world, 1)
        try:
            today = day_of(NOON)
            opening = await take_through(
                world, desks, name_sender(desks, "ann", today, today), "1/10"
            )
        finally:
            await desks.close()
        case, law = opening.warrant.commitment, world.server.law
        world.clock.advance_to(law.desk.state.warrants[case].gag_end_ms + DAY_MS)
        assert await law.notices.sweep() == 0  # it is the holders' turn
        monkeypatch.setattr(notices, "PATIENCE", 0)
        await law.notices.sweep()
        assert (await told(ann)).notice.signers == (Role.OPERATOR,)
        # The holders, who come late, find it done.
        await be_seen(world)
        assert sum(look.notices for look in await world.look()) == 0
