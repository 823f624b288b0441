"""A wrong part and a stale one are named, and what is left still opens (spec E-14, K-11, R-30)."""

from dataclasses import replace
from pathlib import Path

import pytest
from law_path import be_seen, take_through
from small_world import MONTH, NOON, law_of, running, small_world

from doublelock.agency import Culprit
from doublelock.agency.opening import Opening
from doublelock.demo.chatting import make_room
from doublelock.demo.lawpath import Desks, name_sender, open_desks
from doublelock.demo.world import World
from doublelock.protocol.codes import Code
from doublelock.protocol.days import day_of
from doublelock.protocol.keyepoch import VerifiedKeyEpoch
from doublelock.protocol.record import Text

TODAY = day_of(NOON)


async def test_stale_and_wrong_parts_are_named_and_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(await small_world(tmp_path)) as world:
        await world.populate(("ann", "bob"), ("ann", "bob"))
        room = await make_room(world, ("ann", "bob"))
        await world.people["ann"].send(room, Text(b"mine"))
        desks = open_desks(world)
        try:
            first = world.holders[0]
            old = first.vault._current(law_of(world).epochs[1, MONTH].keys)
            opening = await _released_across_a_refresh(world, desks)
            assert _texts(opening) == [b"mine"]
            assert opening.culprits == (Culprit(1, Code.SHARE_GENERATION),)
            assert opening.faults == ()
            # At its next look the late one releases again, with the share that counts now.
            case = opening.warrant.commitment
            await world.look([first])
            await be_seen(world)
            again = await desks.agency.open_case(case)
            assert (_texts(again), again.culprits) == ([b"mine"], ())
            law = await first.watch.update(world.clock())
            request = again.request_hashes[0]
            holders = [key[1:] for key in law.releases if key[0] == request]
            assert sorted(holders) == [
                (0, ((MONTH, 2),)),
                (1, ((MONTH, 1),)),
                (1, ((MONTH, 2),)),
                (2, ((MONTH, 2),)),
                (3, ((MONTH, 2),)),
            ]
            assert law.void == 0

            # Now it kept its old share and passes it off as the refreshed one.
            def kept(_: VerifiedKeyEpoch):  # type: ignore[no-untyped-def]
                return replace(old, share_version=2)

            monkeypatch.setattr(first.vault, "_current", kept)
            opening = await take_through(world, desks, name_sender(desks, "ann", TODAY, TODAY), "2")
            assert _texts(opening) == [b"mine"]
            assert opening.culprits == (Culprit(1, Code.PARTIAL_WRONG),)
        finally:
            await desks.close()


async def _released_across_a_refresh(world: World, desks: Desks) -> Opening:
    """Custodian 1 releases, the shares are refreshed, and the others release only then."""
    first, *others = world.holders
    for one in others:
        world.holders.remove(one)
    with pytest.raises(Exception, match="partials-missing"):
        await take_through(world, desks, name_sender(desks, "ann", TODAY, TODAY), "1")
    world.holders[:] = [first, *others]
    first.ceremonies.request_refresh(MONTH)
    for _ in range(30):
        for holder in world.holders:
            law = await holder.watch.update(world.clock())
            await holder.ceremonies.step(law, world.clock())
        await be_seen(world)
        if law.epochs[1, MONTH].keys.share_version == 2:
            break
    looks = await world.look(others)
    assert [one.refusal for look in looks for one in look.answers] == [None] * 3
    await be_seen(world)
    (case,) = desks.agency.party.cases()
    return await desks.agency.open_case(case)


def _texts(opening: Opening) -> list[bytes]:
    return [
        one.message.body.record.content
        for one in opening.messages
        if isinstance(one.message.body.record, Text)
    ]
