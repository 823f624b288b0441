"""Judge and minister leave the charter; what they approved stands, what they sign now does not."""

from pathlib import Path

import msgspec
import pytest
from amending import amend, change_committee
from law_path import be_seen
from small_world import NOON, running, small_world

from doublelock.agency import Application, ApprovalDesk
from doublelock.audit import verify_evidence
from doublelock.demo.chatting import make_room
from doublelock.demo.lawpath import Desks, name_sender, open_desks
from doublelock.demo.world import World
from doublelock.holder.membership import pin
from doublelock.keep import StateFolder
from doublelock.protocol.charter import Charter
from doublelock.protocol.charter_terms import Party
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, day_of
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import ReleaseRefused, WireRefused
from doublelock.protocol.record import Text
from doublelock.protocol.warrant import Warrant

LATER = NOON + 8 * DAY_MS
TODAY = day_of(NOON)
SEEDS = {"minister": b"\x31" * 32, "judge": b"\x32" * 32}


async def apply(desks: Desks, case: str, nick: str) -> Warrant:
    scope = name_sender(desks, nick, TODAY, TODAY + 8)
    return await desks.agency.apply(
        Application("fraud", "Criminal Code 12", case, scope, validity_ms=14 * DAY_MS)
    )


async def approve(world: World, desk: ApprovalDesk, warrant: Warrant) -> None:
    await be_seen(world)
    await desk.approve(warrant.commitment)
    await be_seen(world)


def open_successor(world: World, role: str, charter: Charter) -> ApprovalDesk:
    place, unlocking = world.enrol(f"new-{role}", SEEDS[role])
    with StateFolder.open(place, unlocking) as folder:
        pin(folder, world.server.http, [world.founded.charter, charter.document], world.deployment)
    return ApprovalDesk.open(place, unlocking, world.clock)


async def test_a_case_outlives_the_offices_of_who_approved_it(tmp_path: Path) -> None:
    async with running(await small_world(tmp_path)) as world:
        ann, _ = await world.person("ann"), await world.person("bob")
        room = await make_room(world, ("ann", "bob"))
        await ann.send(room, Text(b"before"))
        desks = open_desks(world, 1)
        new: list[ApprovalDesk] = []
        try:
            whole, half, late = [await apply(desks, f"{n}/10", "ann") for n in (1, 2, 3)]
            await approve(world, desks.minister, whole)
            await approve(world, desks.judge, whole)
            await approve(world, desks.minister, half)
            await desks.agency.request(whole.commitment)
            await be_seen(world)
            await world.look()
            parties = {
                role: Party(f"New {role}", Bytes32(SigningKey(seed).public.encoded))
                for role, seed in SEEDS.items()
            }
            charter = await amend(
                world,
                world.monitor.charter,
                change_committee(
                    world.monitor.charter,
                    1,
                    ministers=(parties["minister"],),
                    judges=(parties["judge"],),
                ),
            )
            world.clock.advance_to(LATER)
            await be_seen(world)
            # What was released under the old charter opens, and anybody can verify it.
            await desks.agency.party.look()
            opening = await desks.agency.open_case(whole.commitment)
            assert [one.message.body.record for one in opening.messages] == [Text(b"before")]
            await desks.agency.write(opening, tmp_path / "evidence", ("ann",))
            verified = verify_evidence(tmp_path / "evidence", world.deployment)
            assert "nobody" not in [one.actor for one in verified.manifest.manifest.custody]
            # The warrant still is in force: it is released under, as long as the charter allows it.
            await ann.send(room, Text(b"after"))
            await desks.agency.request(whole.commitment)
            await be_seen(world)
            assert [one.refusal for look in await world.look() for one in look.answers] == [
                None
            ] * len(world.holders)
            opening = await desks.agency.open_case(whole.commitment)
            assert len(opening.messages) == 2
            # Who left approves nothing; who came completes what was begun.
            with pytest.raises(WireRefused) as refused:
                await desks.judge.approve(half.commitment)
            assert refused.value.code is Code.NOT_PERMITTED
            new += [open_successor(world, role, charter) for role in SEEDS]
            minister, judge = new
            await approve(world, judge, half)
            await approve(world, minister, late)
            await approve(world, judge, late)
            for warrant in (half, late):
                await desks.agency.request(warrant.commitment)
            await be_seen(world)
            answers = [one for look in await world.look() for one in look.answers]
            assert {one.refusal for one in answers} == {None}
            assert len(answers) == 2 * len(world.holders)
            for warrant in (half, late):
                assert len((await desks.agency.open_case(warrant.commitment)).messages) == 2
        finally:
            await desks.close()
            for desk in new:
                await desk.close()
    # The server starts again under the new charter, and still knows whose the cases are.
    async with running(tmp_path / "world", LATER + 60_000) as world:
        desks = open_desks(world, 1)
        try:
            await be_seen(world)
            await desks.agency.party.look()
            assert len((await desks.agency.open_case(whole.commitment)).messages) == 2
        finally:
            await desks.close()


async def test_a_charter_that_forbids_the_offence_stops_its_warrants(tmp_path: Path) -> None:
    async with running(await small_world(tmp_path)) as world:
        ann, _ = await world.person("ann"), await world.person("bob")
        room = await make_room(world, ("ann", "bob"))
        await ann.send(room, Text(b"before"))
        desks = open_desks(world, 1)
        try:
            warrant = await apply(desks, "1/10", "ann")
            await approve(world, desks.minister, warrant)
            await approve(world, desks.judge, warrant)
            profiles = tuple(
                msgspec.structs.replace(one, offences=("corruption",))
                for one in world.monitor.charter.terms.committees[0].profiles
            )
            await amend(
                world,
                world.monitor.charter,
                change_committee(world.monitor.charter, 1, profiles=profiles),
            )
            world.clock.advance_to(LATER)
            await be_seen(world)
            await desks.agency.request(warrant.commitment)
            await be_seen(world)
            answers = [one for look in await world.look() for one in look.answers]
            assert {one.refusal for one in answers} == {Code.WARRANT_OFFENCE}
            with pytest.raises(ReleaseRefused):
                await desks.agency.open_case(warrant.commitment)
        finally:
            await desks.close()
