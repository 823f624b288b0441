"""One group of a thousand people with full MLS state in real clients, through a real server.

`python -m bench.large_group [SIZE]` registers so many people (1,000), each with an own device,
puts all into one group by one commit, and keeps a few of them running: they talk, renew their keys,
take members out and let one in again, and one comes back after it was away. Every step checks what
it brought about; each is printed with its seconds and the memory of this process, in which the
server and all the clients are.
"""

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from doublelock.client.client import Client
from doublelock.client.events import Joined
from doublelock.demo.clock import WallClock
from doublelock.demo.founding import Plan
from doublelock.demo.world import World
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import Text, decode_record

RUNNING: Final = ("anna", "bert", "cleo", "dirk")
EACH: Final = 25


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print how long a step took and the most memory that this process had so far."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what:58s} {wall:8.2f} s  {cpu:8.2f} s CPU  {most:7.0f} MiB", flush=True)


async def _joined(client: Client, conversation: ConversationId) -> None:
    while True:
        event = await client._core.events.get()
        if isinstance(event, Joined) and event.conversation == conversation:
            return


def _said(client: Client, conversation: ConversationId) -> list[bytes]:
    shown = client.history(conversation)
    if any(one.refusal for one in shown):
        raise RuntimeError("a message was refused")
    records = [decode_record(one.record) for one in shown]
    return [one.content for one in records if isinstance(one, Text)]


async def _talk(people: list[Client], conversation: ConversationId) -> None:
    """Have each say something; everybody reads all of it."""
    before = {one: len(_said(one, conversation)) for one in people}
    sent = [
        one.send(conversation, Text(f"{one.handle} {number}".encode()))
        for number in range(EACH)
        for one in people
    ]
    last = max(await asyncio.gather(*sent))
    for one in people:
        await one.reached(conversation, last)
        if len(_said(one, conversation)) - before[one] != EACH * len(people):
            raise RuntimeError(f"{one.handle} has not read everything")


async def measure(folder: Path, size: int) -> None:
    """Run every step."""
    clock = WallClock()
    world = World.open(folder / "world", clock, Plan(now_ms=clock(), witnesses=1, quorum=1))
    crowd = [f"member {number}" for number in range(size - len(RUNNING))]
    try:
        with step("found a deployment, hold its ceremonies"):
            await world.start()
            world.open_holders()
            await world.hold_ceremonies(lambda _done, _all: None)
        with step(f"register {size} people"):
            await world.populate([*RUNNING, *crowd], RUNNING)
            for handle in crowd:
                await world.people.pop(handle).close()
        anna, bert, cleo, dirk = (world.people[handle] for handle in RUNNING)
        others = [bert, cleo, dirk]
        with step(f"one commit that adds {size - 1}, welcomes delivered"):
            group = await anna.create_conversation([*RUNNING[1:], *crowd])
        with step("three members join by their welcomes"):
            await asyncio.gather(*(_joined(one, group) for one in others))
        _expect(anna, group, size)
        _expect(dirk, group, size)
        with step(f"{EACH * 4} messages of four members, read by all four"):
            await _talk([anna, *others], group)
        with step("a member's own renewal (an update path), followed by all"):
            await _commit([anna, *others], group, bert.renew(group))
        with step("the same again, its path now filled"):
            await _commit([anna, *others], group, bert.renew(group))
        with step("an admin removes somebody who is away"):
            await _commit([anna, *others], group, anna.remove(group, [crowd[0]]))
        with step("an admin removes somebody who is here"):
            await _commit([anna, bert, cleo], group, anna.remove(group, ["dirk"]))
        _expect(cleo, group, size - 2)
        with step(f"{EACH * 3} messages; who was removed reads none"):
            there = len(_said(dirk, group))
            await _talk([anna, bert, cleo], group)
            if len(_said(dirk, group)) != there:
                raise RuntimeError("a removed member read on")
        with step("somebody who was never here opens, joins, catches up"):
            late = await world.person(crowd[1])
            await late.settled()
            await late.reached(group, anna.sequence(group))
        _expect(late, group, size - 2)
        with step("close and open one client with the group's state"):
            await world.people.pop("cleo").close()
            cleo = await world.person("cleo")
            await cleo.settled()
        with step(f"{EACH * 4} messages of four members, read by all four"):
            await _talk([anna, bert, cleo, late], group)
    finally:
        with step("stop everything"):
            await world.stop()


async def _commit(people: list[Client], conversation: ConversationId, work: object) -> None:
    await work  # type: ignore[misc]
    last = max(one.sequence(conversation) for one in people)
    for one in people:
        await one.reached(conversation, last)


def _expect(client: Client, conversation: ConversationId, size: int) -> None:
    found = len(client.members(conversation))
    if found != size:
        raise RuntimeError(f"{client.handle} sees {found} members, not {size}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as place:
        asyncio.run(measure(Path(place), int(sys.argv[1]) if len(sys.argv) > 1 else 1_000))
