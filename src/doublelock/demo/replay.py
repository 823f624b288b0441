"""A whole day of real chat through a real deployment, and warrants that open exactly what they say.

The people of a raw IRC log talk in one group for its day. On the two days after, those who read
along go on there, and in a second conversation of their own, so that days and conversations can be
told apart. Then one warrant names a person and the day, another the group and its first two days.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from doublelock.demo.chatting import Said, make_room, nicks_of, replay_lines
from doublelock.demo.clock import ReplayClock
from doublelock.demo.exactness import open_exactly
from doublelock.demo.founding import HOUR_MS, Plan
from doublelock.demo.irc import Line, read_chat
from doublelock.demo.lawpath import LawPath, busiest, name_room, name_sender, open_desks
from doublelock.demo.story import chat_in, check_offline, compare_readers, found_world, quorum_of
from doublelock.demo.telling import Telling
from doublelock.demo.world import World
from doublelock.protocol.charter_terms import Caps
from doublelock.protocol.days import DAY_MS, date_of, day_of
from doublelock.protocol.identifiers import ConversationId

_MORE: Final = 40
"""How many lines are said again on each later day, in each conversation."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay came to, for scripts; counts of messages."""

    people: int
    messages: int
    one_sender_opened: int
    one_sender_shut: int
    two_days_opened: int
    two_days_shut: int
    seconds: int


async def run(
    file: Path, telling: Telling, *, state: Path | None = None, readers: int = 10
) -> Replayed:
    """Replay a raw IRC log; `readers` members decrypt everything. Raises what a step refuses."""
    lines = read_chat(file)
    people = len(nicks_of(lines))
    clock = ReplayClock(lines[0].time_ms - HOUR_MS)
    plan = Plan(
        now_ms=clock(),
        caps=Caps(accounts=2 * people + 10, labels=20_000),
        unnamed_senders=people,
    )
    with tempfile.TemporaryDirectory(prefix="doublelock-") as spare:
        folder = Path(spare) / "world" if state is None else state
        World.discard(folder)
        world = World.open(folder, clock, plan)
        began = time.monotonic()
        try:
            replayed = await _replay(world, lines, readers, folder / "evidence", telling)
        finally:
            await world.stop()
        seconds = round(time.monotonic() - began)
        telling.item(f"{seconds} seconds")
    return replace(replayed, seconds=seconds)


async def _replay(
    world: World, lines: Sequence[Line], readers: int, place: Path, telling: Telling
) -> Replayed:
    await found_world(world, telling)
    telling.chapter("A day of real chat, in one end-to-end encrypted group")
    room, said = await chat_in(world, lines, readers, telling)
    first = said[0].day
    last = said[-1].day
    telling.chapter("Two more days, and a second conversation of those who read along")
    said += await _go_on(world, room, lines, readers, last, telling)
    desks = open_desks(world)
    try:
        path = LawPath(world, desks, telling)
        await path.pass_over()
        nick = busiest([one for one in said if one.conversation == room])
        telling.chapter(f"A warrant on {nick} and {date_of(first)}, in every conversation")
        scope = name_sender(desks, nick, first, last)
        one = await open_exactly(world, path, telling, "1", scope, said, quorum_of(world))
        telling.chapter(f"A warrant on the group, {date_of(last)} and the day after")
        scope = name_room(room, last, last + 1)
        unnamed = len({each.nick for each in said})
        two = await open_exactly(world, path, telling, "2", scope, said, world.holders, unnamed)
        await path.write(two.opening, place, tuple(world.people))
        await check_offline(world, place, telling)
    finally:
        await desks.close()
    return Replayed(
        people=len(world.people),
        messages=len(said),
        one_sender_opened=len(one.attempted.opened),
        one_sender_shut=one.attempted.shut,
        two_days_opened=len(two.attempted.opened),
        two_days_shut=two.attempted.shut,
        seconds=0,
    )


async def _go_on(
    world: World,
    room: ConversationId,
    lines: Sequence[Line],
    readers: int,
    last: int,
    telling: Telling,
) -> list[Said]:
    """Let the readers say their lines again on the next two days, in both conversations."""
    nicks = nicks_of(lines)[:readers]
    theirs = [line for line in lines if line.nick in nicks][:_MORE]
    aside = await make_room(world, nicks)
    said: list[Said] = []
    for day in (last + 1, last + 2):
        start = day * DAY_MS + 9 * HOUR_MS
        moved = [replace(line, time_ms=start + number * 20) for number, line in enumerate(theirs)]
        for conversation, what in ((room, "the group"), (aside, "the second conversation")):
            with telling.bar(f"{date_of(day)}, {what}") as told:
                more = await replay_lines(world, conversation, moved, told)
            await compare_readers(world, conversation, nicks, more, telling)
            said += more
    assert day_of(world.clock()) == last + 2
    return said
