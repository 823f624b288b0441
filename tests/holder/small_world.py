"""A small world whose four keys are made: founded once a process, copied for each test."""

import atexit
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from doublelock.demo.clock import ReplayClock
from doublelock.demo.founding import Plan
from doublelock.demo.world import World
from doublelock.protocol.days import DAY_MS, day_of, key_epoch_of
from doublelock.protocol.lawstate import LawState

NOON = 1_262_606_400_000
MONTH = key_epoch_of(day_of(NOON))
SMALL = Plan(now_ms=NOON - DAY_MS, custodians=3, threshold=2, witnesses=2, quorum=1)
_MADE: list[Path] = []


async def small_world(folder: Path) -> Path:
    """Return the folder of a world of its own: three custodians (two of them), a court, keys."""
    if not _MADE:
        made = Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, made, ignore_errors=True)
        async with running(made / "world", NOON) as world:
            await world.hold_ceremonies(lambda _, __: None)
        _MADE.append(made / "world")
    shutil.copytree(_MADE[0], folder / "world")
    return folder / "world"


@asynccontextmanager
async def running(
    folder: Path, now_ms: int = NOON + 60_000, witnesses: tuple[str, ...] = ()
) -> AsyncIterator[World]:
    """Run a world with its holders open, each having looked once."""
    world = World.open(folder, ReplayClock(now_ms), SMALL)
    world.witness_addresses = witnesses
    await world.start()
    try:
        world.open_holders()
        await world.look()
        yield world
    finally:
        await world.stop()


def law_of(world: World) -> LawState:
    return world.holders[0].watch.state
