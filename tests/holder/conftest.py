"""A small world whose four keys are made: founded once, copied for each test that wants it."""

import asyncio
import shutil
from pathlib import Path

import pytest

from doublelock.demo.clock import ReplayClock
from doublelock.demo.founding import Plan
from doublelock.demo.world import World
from doublelock.protocol.days import DAY_MS

NOON = 1_262_606_400_000
SMALL = Plan(now_ms=NOON - DAY_MS, custodians=3, threshold=2, witnesses=2, quorum=1)


async def _make(folder: Path) -> None:
    world = World.open(folder, ReplayClock(NOON), SMALL)
    await world.start()
    try:
        world.open_holders()
        await world.hold_ceremonies(lambda _, __: None)
    finally:
        await world.stop()


@pytest.fixture(scope="session")
def made_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "world"
    asyncio.run(_make(folder))
    return folder


@pytest.fixture
def small_world(made_world: Path, tmp_path: Path) -> Path:
    """The folder of a world of its own: three custodians (two of them) and a court, keys made."""
    shutil.copytree(made_world, tmp_path / "world")
    return tmp_path / "world"
