"""A custodian that opens ceremonies without end is stopped by name; the others go on (K-22)."""

import secrets
from dataclasses import replace
from pathlib import Path

import pytest
from amending import look_until
from small_world import MONTH, law_of, running, small_world

from doublelock.holder.daemon import HolderDaemon
from doublelock.holder.key_generation import name_generation
from doublelock.holder.resharing import open_resharing
from doublelock.protocol import limits
from doublelock.protocol.api import CeremonyMessage, PostCeremonyMessage
from doublelock.protocol.ceremony_steps import Opening
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.errors import WireRefused


async def open_one(holder: HolderDaemon, opening: Opening) -> None:
    await holder.ceremonies._part.open(opening)


async def refused(holder: HolderDaemon, opening: Opening, code: Code) -> None:
    with pytest.raises(WireRefused) as refusal:
        await open_one(holder, opening)
    assert refusal.value.code is code


async def test_openings_without_end(tmp_path: Path) -> None:
    async with running(await small_world(tmp_path)) as world:
        first, second, *_, court = world.holders
        law = law_of(world)
        committee = world.monitor.charter.committee(1)

        def refresh(month: int = MONTH) -> Opening:
            record = law.epochs[1, month]
            return open_resharing(record, committee, (), secrets.token_bytes(32))

        for _ in range(limits.OPENINGS_A_DAY):
            await open_one(first, refresh())
        await refused(first, refresh(), Code.CEREMONY_OPENINGS)
        # Neither another month nor another custodian is stopped by it.
        await open_one(first, refresh(MONTH + 1))
        await open_one(second, refresh())
        # What nobody could take part in is not taken in either: no other names, no end of months.
        generation = name_generation(world.deployment, committee, MONTH, secrets.token_bytes(32))
        last = refresh()
        for name in (
            generation,
            replace(generation, key_epoch=MONTH + 5),
            replace(generation, key_epoch=MONTH - 2),
        ):
            await refused(second, Opening(name), Code.CEREMONY_SETUP)
        elsewhere = replace(generation, committee=2, key_epoch=MONTH + 4)
        await refused(second, Opening(elsewhere), Code.NOT_PERMITTED)
        for name in (
            replace(last.name, share_version=1),
            replace(last.name, share_version=3),
            replace(last.name, key_epoch=MONTH - 1),
        ):
            await refused(second, Opening(name, last.dealers), Code.CEREMONY_SETUP)
        await refused(court, refresh(), Code.NOT_PERMITTED)
        # A board takes the messages of its steps and no others.
        with pytest.raises(WireRefused) as refusal:
            await second.http.ask(
                "POST",
                f"/v1/ceremonies/{last.name.digest.hex()}/messages",
                PostCeremonyMessage(round=7, message=b"x"),
                CeremonyMessage,
            )
        assert refusal.value.code is Code.CEREMONY_MISMATCH
        # The refresh that was opened last is played through all the same.
        await look_until(world, lambda state: state.epochs[1, MONTH].keys.share_version == 2)
        world.clock.advance_to(world.clock() + DAY_MS)
        law = await first.watch.update(world.clock())
        await open_one(first, refresh())
