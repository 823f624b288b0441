"""kill -9 of holders, at any moment of ceremonies and of a release (spec K-12).

Each holder is a process of its own on its state folder. Killed and started again, over and over,
it says nothing twice in two ways, loses nothing, and finishes.
"""

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from click.testing import CliRunner
from law_path import be_seen
from small_world import MONTH, NOON, SMALL

from doublelock.agency import Application
from doublelock.commands.refresh import refresh
from doublelock.demo.chatting import make_room
from doublelock.demo.clock import ReplayClock
from doublelock.demo.lawpath import Desks, name_room, open_desks
from doublelock.demo.world import World
from doublelock.protocol.charter import Role
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, day_of
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import Text
from doublelock.protocol.releases import SealedRelease

SEED = 20_100_104
DAYS = 20
PEOPLE = ("ann", "bob", "cy", "dee", "eve")


class Hosts:
    """The holders' processes, and what kills them."""

    def __init__(self, world: World, host: Process) -> None:
        self._world = world
        self._host = host
        self._chance = random.Random(SEED)
        self._reading = asyncio.create_task(self._read())
        self._looked = asyncio.Condition()
        self.looks: Counter[str] = Counter()
        self.running: dict[str, int] = {}
        self.refusals: list[str] = []
        self.ended: list[str] = []
        (people,) = world.founded.committees
        self.names = {f"custodian-1-{n}": seed for n, seed in enumerate(people.custodians, 1)}
        self.names["court-1"] = people.court

    @classmethod
    async def launch(cls, world: World) -> "Hosts":
        script = Path(__file__).with_name("killed_holders.py")
        return cls(
            world,
            await asyncio.create_subprocess_exec(sys.executable, script, stdin=PIPE, stdout=PIPE),
        )

    async def start(self) -> None:
        for name, seed in self.names.items():
            self._world.enrol(name, seed)
            await self.open(name)

    async def open(self, name: str) -> None:
        world, role = self._world, Role.COURT if name.startswith("court") else Role.CUSTODIAN
        words = (*(name, role.value, world.folder / name, world.key_file(name), world.clock()),)
        assert self._host.stdin is not None
        self._host.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        await self._wait(lambda: name in self.running)

    async def kill_one(self) -> None:
        """Kill one holder at a chance moment of its life, and start it again."""
        name = self._chance.choice(sorted(self.names))
        looks = self.looks[name] + self._chance.randrange(3)
        await self._wait(lambda: self.looks[name] >= looks)
        await asyncio.sleep(self._chance.random() * 0.1)
        self.kill(name)
        await self.open(name)

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        os.kill(process, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            while True:  # until it is gone, and its folder's lock with it
                os.kill(process, 0)
                time.sleep(0.001)

    def kill_all(self) -> None:
        for name in list(self.running):
            self.kill(name)

    async def close(self) -> None:
        self.kill_all()
        self._host.kill()
        await self._host.wait()
        await self._reading

    async def _wait(self, done: Callable[[], bool]) -> None:
        async with self._looked:
            await self._looked.wait_for(lambda: done() or bool(self.ended))
        assert self.ended == []

    async def _read(self) -> None:
        assert self._host.stdout is not None
        async for line in self._host.stdout:
            what, name, *more = line.decode().split()
            if what == "started":
                self.running[name] = int(more[0])
            elif what == "looked":
                self.looks[name] += 1
            else:
                (self.refusals if what == "refused" else self.ended).append(" ".join(more))
            async with self._looked:
                self._looked.notify_all()


async def kill_until(hosts: Hosts, done: Callable[[], Awaitable[bool]], kills: int) -> None:
    """Kill so many holders, one after the other; then wait until it is done all the same."""
    for _ in range(kills):
        await hosts.kill_one()
    while not await done():  # noqa: ASYNC110 - asks the server
        await asyncio.sleep(0.05)


async def test_holders_that_are_killed_finish_what_they_began(tmp_path: Path) -> None:
    world = World.open(tmp_path / "world", ReplayClock(NOON), SMALL)
    await world.start()
    hosts = await Hosts.launch(world)
    desks: Desks | None = None
    try:
        async with asyncio.timeout(90):
            await hosts.start()

            async def keys_are_made() -> bool:
                await world.monitor.sync_law()
                return len(world.monitor.law.epochs) == 4

            await kill_until(hosts, keys_are_made, 7)
            assert sorted(world.monitor.law.epochs) == [(1, MONTH + n) for n in range(4)]
            assert world.monitor.law.void == 0
            hosts.kill_all()

            room, said = await chat(world)
            await hosts.start()
            desks = open_desks(world)
            case = await ask(world, desks, room)

            async def all_released() -> bool:
                await be_seen(world)
                await world.monitor.sync_law()
                return len(world.monitor.law.releases) == 4

            await kill_until(hosts, all_released, 3)
            await answer_again(world, hosts)
            await be_seen(world)
            opening = await desks.agency.open_case(case)
            assert (opening.culprits, opening.faults) == ((), ())
            assert len(opening.label_keys) == DAYS * len(PEOPLE)
            texts = [
                one.message.body.record.content
                for one in opening.messages
                if isinstance(one.message.body.record, Text)
            ]
            assert texts == said
            # One release of each holder: whoever was killed gave the very same bytes again.
            documents = desks.agency.party.documents(case, "release")
            holders = [SealedRelease.decode(one.document).holder for one in documents]
            assert sorted(holders) == [0, 1, 2, 3]
            assert world.monitor.law.void == 0
            # And the shares are passed on under the same hail.
            hosts.kill("custodian-1-1")
            place, key = world.folder / "custodian-1-1", world.key_file("custodian-1-1")
            words = ["2010-01", "--state", str(place), "--key-file", str(key)]
            assert CliRunner().invoke(refresh, words).exit_code == 0
            await hosts.open("custodian-1-1")

            async def shares_are_fresh() -> bool:
                await world.monitor.sync_law()
                return world.monitor.law.epochs[1, MONTH].keys.share_version == 2

            await kill_until(hosts, shares_are_fresh, 3)
            # No holder had two messages for one round: the board refuses the second by this name.
            assert Code.CONFLICT.value not in hosts.refusals
            assert hosts.ended == []
    finally:
        if desks is not None:
            await desks.close()
        await hosts.close()
        await world.stop()


async def chat(world: World) -> tuple[ConversationId, list[bytes]]:
    """Everybody says something on each of many days: as many labels as messages."""
    await world.populate(PEOPLE, PEOPLE[:1])
    room = await make_room(world, PEOPLE)
    said = []
    for day in range(DAYS):
        world.clock.advance_to(NOON + day * DAY_MS)
        for who in PEOPLE:
            said.append(f"{who} {day}".encode())
            await world.people[who].send(room, Text(said[-1]))
    return room, said


async def ask(world: World, desks: Desks, room: ConversationId) -> bytes:
    """Take a warrant on the whole conversation to its request; return its case."""
    today = day_of(NOON)
    scope = name_room(room, today, today + DAYS - 1)
    asked = Application("fraud", "Criminal Code 12", "7", scope, unnamed_senders=len(PEOPLE))
    await be_seen(world)
    warrant = await desks.agency.apply(asked)
    for desk in (desks.minister, desks.judge):
        await be_seen(world)
        await desk.approve(warrant.commitment)
    await be_seen(world)
    made = await desks.agency.request(warrant.commitment)
    assert len(made.labels) == DAYS * len(PEOPLE)
    return warrant.commitment


async def answer_again(world: World, hosts: Hosts) -> None:
    """A holder that was killed just before it noted that it had answered answers alike."""
    hosts.kill("custodian-1-2")
    # Its folder is not there yet where the last kill came that early: then nothing is to be undone.
    for mark in world.folder.glob("custodian-1-2/answered/*"):
        mark.unlink()
    await hosts.open("custodian-1-2")
    while not list(world.folder.glob("custodian-1-2/answered/*")):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
