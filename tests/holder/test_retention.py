"""Retention over a moved clock: preserve, destroy, say so; then the month is dead (spec K-20)."""

from pathlib import Path

import pytest
from amending import look_until
from law_path import be_seen
from small_world import MONTH, law_of, running, small_world

from doublelock.agency import Application
from doublelock.demo.chatting import make_room
from doublelock.demo.lawpath import name_room, open_desks
from doublelock.demo.world import World
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, last_day
from doublelock.protocol.errors import ReleaseRefused
from doublelock.protocol.lawlog import Destruction, Preservation, verify_line
from doublelock.protocol.record import Text

LAST = last_day(MONTH)
RETENTION = 92


def move_to(world: World, day: int) -> None:
    world.clock.advance_to(day * DAY_MS + DAY_MS // 2)


async def test_what_a_warrant_needs_is_preserved_before_the_month_dies(tmp_path: Path) -> None:
    async with running(await small_world(tmp_path)) as world:
        await world.populate(("ann", "bob"), ("ann", "bob"))
        room = await make_room(world, ("ann", "bob"))
        move_to(world, LAST)
        await be_seen(world)
        await world.people["ann"].send(room, Text(b"on the last day"))

        # Three months on, new months were made ahead, and a warrant comes in the last week.
        move_to(world, LAST + RETENTION - 4)
        await be_seen(world)
        await look_until(world, lambda law: (1, MONTH + 6) in law.epochs)
        assert sorted(law_of(world).epochs) == [(1, MONTH + n) for n in range(7)]
        desks = open_desks(world)
        try:
            cases = []
            for name in ("asked in time", "asked too late"):
                warrant = await desks.agency.apply(
                    Application(
                        "fraud",
                        "Criminal Code 12",
                        name,
                        name_room(room, LAST, LAST),
                        unnamed_senders=2,
                    )
                )
                for desk in (desks.minister, desks.judge):
                    await be_seen(world)
                    await desk.approve(warrant.commitment)
                cases.append(warrant.commitment)
            await be_seen(world)
            await desks.agency.request(cases[0])

            # The day after retention: everybody preserves, nobody destroys.
            move_to(world, LAST + RETENTION + 1)
            await be_seen(world)
            looks = await world.look()
            assert [look.destroyed for look in looks] == [[]] * 4
            await be_seen(world)
            # The day after that: all destroy, and say so.
            move_to(world, LAST + RETENTION + 2)
            await be_seen(world)
            looks = await world.look()
            assert [look.destroyed for look in looks] == [[MONTH]] * 4
            await be_seen(world)
            assert [look.destroyed for look in await world.look()] == [[]] * 4
            for holder in world.holders:
                assert MONTH not in holder.vault.key_epochs()
                assert MONTH + 1 in holder.vault.key_epochs()
            law = law_of(world)
            assert law.epochs[1, MONTH].destroyed == {0, 1, 2, 3}
            assert not law.epochs[1, MONTH].alive
            assert law.void == 0
            order = [type(one) for one in _entries(world)]
            kept = [at for at, kind in enumerate(order) if kind is Preservation]
            gone = [at for at, kind in enumerate(order) if kind is Destruction]
            assert (len(kept), len(gone)) == (4, 4)
            assert max(kept) < min(gone)

            # Retention spared what was asked for (W-38); what was preserved opens.
            assert await world.server.parts.sweeper.sweep() == 0
            opening = await desks.agency.open_case(cases[0])
            (one,) = opening.messages
            assert one.message.body.record == Text(b"on the last day")
            assert (opening.culprits, opening.faults) == ((), ())

            # Whoever asks now is refused by name, by every holder.
            await desks.agency.request(cases[1])
            await be_seen(world)
            looks = await world.look()
            refusals = [answer.refusal for look in looks for answer in look.answers]
            assert refusals == [Code.EPOCH_DEAD] * 4
            with pytest.raises(ReleaseRefused) as refused:
                await desks.agency.open_case(cases[1])
            assert refused.value.code is Code.PARTIALS_MISSING

            # Once no warrant is in force any more, the messages go too.
            move_to(world, LAST + RETENTION + 20)
            assert await world.server.parts.sweeper.sweep() > 0
        finally:
            await desks.close()


def _entries(world: World) -> list[object]:
    watch = world.holders[0].watch
    return [verify_line(watch.state.deployment, line).signed.entry for line in watch.lines]
