"""A whole day of real chat through a real deployment, and what its readers have in the end."""

import tempfile
import time
from pathlib import Path

from rich.console import Console

from doublelock.demo.clock import ReplayClock
from doublelock.demo.founding import HOUR_MS, Plan
from doublelock.demo.irc import read_chat
from doublelock.demo.story import chat_in, found_world
from doublelock.demo.world import World


async def run(file: Path, *, state: Path | None = None, readers: int = 10) -> None:
    """Replay a raw IRC log; `readers` members decrypt everything. Raises what a step refuses."""
    console = Console()
    lines = read_chat(file)
    clock = ReplayClock(lines[0].time_ms - HOUR_MS)
    with tempfile.TemporaryDirectory(prefix="doublelock-") as spare:
        world = World.open(
            Path(spare) / "world" if state is None else state, clock, Plan(now_ms=clock())
        )
        began = time.monotonic()
        try:
            await found_world(world, console)
            await chat_in(world, lines, readers, console)
        finally:
            await world.stop()
        console.print(f"  {time.monotonic() - began:.0f} seconds")
