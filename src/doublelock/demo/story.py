"""The demo: a deployment comes to life on loopback, and its people talk."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from doublelock.demo.chatting import (
    Said,
    check_reader,
    gather_people,
    make_room,
    nicks_of,
    replay_lines,
)
from doublelock.demo.clock import ReplayClock, WallClock
from doublelock.demo.founding import HOUR_MS, Plan
from doublelock.demo.irc import Line, read_chat
from doublelock.demo.lawpath import (
    busiest,
    compare,
    name_sender,
    open_desks,
    take_through,
    write_evidence,
)
from doublelock.demo.world import World
from doublelock.protocol.days import day_of, day_of_date
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import display

READERS: Final = 10
_SHOWN: Final = 6


async def run(
    *,
    state: Path | None = None,
    chat: Path | None = None,
    date: datetime | None = None,
    keep_running: bool = False,
) -> None:
    """Tell the story in a state folder, a temporary one unless given.

    Raises what any step refuses; the world is stopped cleanly either way.
    """
    with tempfile.TemporaryDirectory(prefix="doublelock-") as spare:
        folder = Path(spare) / "world" if state is None else state
        day = None if date is None else day_of_date(date.date())
        if chat is None:
            lines = read_chat(next(Path(__file__).parent.glob("harbour.*.txt")))
            clock: WallClock | ReplayClock = WallClock()
        else:
            lines = read_chat(chat, day)
            clock = ReplayClock(lines[0].time_ms - HOUR_MS)
        world = World.open(folder, clock, Plan(now_ms=clock()))
        console = Console()
        try:
            await found_world(world, console)
            _, said = await chat_in(world, lines, READERS, console)
            await _one_warrant(world, said, Path.cwd() if state is None else folder, console)
            if keep_running:
                await _stay(world, console)
        finally:
            await world.stop()


async def found_world(world: World, console: Console) -> None:
    """Start every part and hold the key ceremonies, telling what happens."""
    await world.start()
    terms = world.monitor.charter.terms
    console.print(f"[bold]{terms.name}[/], deployment {world.deployment.hex()[:16]}…")
    console.print(
        f"  {len(terms.witnesses)} witnesses, {terms.quorum} of them must cosign; server at "
        f"{world.server.http}"
    )
    for one in terms.committees:
        court = one.court.name if one.court else "no court"
        console.print(
            f"  {one.name}: {one.threshold} of {len(one.custodians)} custodians and {court}"
        )
    world.open_holders()
    with _bar(console, "key ceremonies (COCKTAIL-DKG), this month and three ahead") as progress:
        await world.hold_ceremonies(progress)


async def chat_in(
    world: World, lines: list[Line], readers: int, console: Console
) -> tuple[ConversationId, list[Said]]:
    """Let everybody of a chat talk in one group; every reader's view is compared at the end."""
    nicks = nicks_of(lines)
    reading = nicks[:readers]
    with _bar(console, f"{len(nicks)} people register with an invite") as progress:
        await gather_people(world, nicks, reading, progress)
    conversation = await make_room(world, nicks)
    console.print(f"  one MLS group of {len(nicks)} people")
    with _bar(console, f"{len(lines)} messages, sealed, sent and receipted") as progress:
        said = await replay_lines(world, conversation, lines, progress)
    for one in said[:_SHOWN]:
        console.print(f"    <{one.nick}> {display(one.text)}", markup=False, highlight=False)
    for nick in reading:
        await check_reader(world.people[nick], conversation, said)
    day = day_of(world.clock())
    console.print(
        f"  {len(reading)} readers decrypted all {len(said)} of them, byte for byte and in order; "
        f"each was sealed to its sender's label of its day (last: {day})"
    )
    return conversation, said


async def _one_warrant(world: World, said: list[Said], folder: Path, console: Console) -> None:
    """Take one warrant through, on whoever said most, and say what opened and what stayed shut."""
    nick = busiest(said)
    expected = [one.text for one in said if one.nick == nick]
    today = day_of(world.clock())
    desks = open_desks(world)
    try:
        with _bar(console, "a warrant: applied, minister, judge, log, witnesses, holders") as told:
            told(0, 1)
            scope = name_sender(desks, nick, today - 1, today)
            opening = await take_through(world, desks, scope, "case of the demo")
            told(1, 1)
        compare(opening, expected)
        console.print(
            f"  opened: {len(expected)} messages of {nick}, byte for byte; "
            f"shut: the other {len(said) - len(expected)}"
        )
        place = folder / f"evidence-{world.clock()}"
        checks = await write_evidence(world, desks, opening, place, (nick,))
        console.print(f"  evidence, verified offline by {checks} checks: {place}")
    finally:
        await desks.close()


async def _stay(world: World, console: Console) -> None:
    console.print(f"\nRunning at {world.server.http}; Ctrl-C stops it. Two invites, one use each:")
    for _ in range(2):
        console.print(world.invite().encode(), markup=False, highlight=False, soft_wrap=True)
    while True:
        await world.look()
        await asyncio.sleep(1)


@contextmanager
def _bar(console: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task(what, total=None)

        def told(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield told
