"""Key ceremonies over the real server: they finish, resume after a crash, and restart cleanly."""

import asyncio
from pathlib import Path

from doublelock.demo.clock import ReplayClock
from doublelock.demo.founding import Plan
from doublelock.demo.world import World
from doublelock.protocol.days import day_of, key_epoch_of

NOON = 1_262_606_400_000
PLAN = Plan(now_ms=NOON - 86_400_000, custodians=3, threshold=2, witnesses=3, quorum=2)


def quiet(_: int, __: int) -> None:
    return


async def test_four_months_are_ready_and_every_holder_keeps_one_share_each(tmp_path: Path) -> None:
    world = World.open(tmp_path, ReplayClock(NOON), PLAN)
    await world.start()
    try:
        world.open_holders()
        await world.hold_ceremonies(quiet)
        law = await world.holders[0].watch.update()
        month = key_epoch_of(day_of(NOON))
        assert sorted(law.epochs) == [(1, month + ahead) for ahead in range(4)]
        assert law.void == 0
        await world.look()
        for holder in world.holders:
            for record in law.epochs.values():
                assert holder.vault.holds(record.keys)
            assert len(holder.folder.names("shares")) == 4
            secrets = [
                path.name
                for path in holder.folder.path.rglob("ceremonies/*/*")
                if path.name in ("static", "dealt", "computed")
            ]
            assert secrets == []
            assert holder.ceremonies.failures == []
    finally:
        await world.stop()


async def test_holders_that_crash_anywhere_go_on(tmp_path: Path) -> None:
    """Every holder is closed and opened again after each look: only what is on disk is left."""
    world = World.open(tmp_path, ReplayClock(NOON), PLAN)
    await world.start()
    try:
        for _ in range(30):
            world.open_holders()
            await world.look()
            law = world.holders[0].watch.state
            for holder in world.holders:
                await holder.close()
            world.holders.clear()
            if len(law.epochs) == 4:
                break
            await asyncio.sleep(0.05)
        assert len(law.epochs) == 4
        assert law.void == 0
    finally:
        await world.stop()
