"""kill -9 of holders, at any moment of ceremonies and of a release (spec K-12).

Each holder is a process of its own on its state folder. Killed and started again, over and over,
it says nothing twice in two ways, loses nothing, and finishes.
"""

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from small_world import MONTH, NOON, SMALL

from doublelock.demo.chatting import make_room
from doublelock.demo.clock import ReplayClock
from doublelock.demo.founding import Plan
from doublelock.demo.lawpath import be_seen, name_room, open_desks
from doublelock.demo.world import World
from doublelock.agency import Application
from doublelock.holder.watch import LawWatch
from doublelock.protocol.charter import Role, verify_genesis
from doublelock.protocol.days import day_of
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.record import Text
from doublelock.transport.http import HttpClient

SEED = 20_100_104
HOST = Path(__file__).with_name("crash_host.py")


@dataclass
class Hosts:
    """The holders' processes, and what kills them."""

    world: World
    chance: random.Random
    running: dict[str, Process] = field(default_factory=dict)
    kills: int = 0

    async def start(self) -> None:
        (people,) = self.world.founded.committees
        names = {f"custodian-1-{n}": seed for n, seed in enumerate(people.custodians, 1)}
        for name, seed in (*names.items(), ("court-1", people.court)):
            self.world.enrol(name, seed)
            await self.open(name)

    async def open(self, name: str) -> None:
        world = self.world
        role = Role.COURT if name.startswith("court") else Role.CUSTODIAN
        words = (role.value, world.folder / name, world.key_file(name), world.server.http)
        self.running[name] = await asyncio.create_subprocess_exec(
            sys.executable,
            str(HOST),
            *map(str, words),
            world.deployment.hex(),
            str(world.clock()),
            stdout=PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def kill_one(self) -> None:
        """Kill one holder at a chance moment of its life, and start it again."""
        name = self.chance.choice(sorted(self.running))
        process = self.running[name]
        assert process.stdout is not None
        for _ in range(self.chance.randrange(1, 4)):
            if not await asyncio.wait_for(process.stdout.readline(), 20):
                raise AssertionError(f"{name} ended by itself")
        await asyncio.sleep(self.chance.random() * 0.15)
        process.kill()
        await process.wait()
        self.kills += 1
        await self.open(name)

    async def stop(self) -> None:
        for process in self.running.values():
            process.kill()
            await process.wait()


async def test_holders_that_are_killed_finish_their_ceremonies_and_releases(tmp_path: Path) -> None:
    plan = Plan(**{**{name: getattr(SMALL, name) for name in SMALL.__slots__}, "caps": CAPS})
    world = World.open(tmp_path / "world", ReplayClock(NOON), plan)
    await world.start()
    hosts = Hosts(world, random.Random(SEED))
    http = HttpClient(world.server.http)
    watch = LawWatch(http, verify_genesis(world.founded.charter, world.deployment), None)
    try:
        async with asyncio.timeout(60):
            await hosts.start()
            law = await _killing(hosts, watch, lambda now: len(now.epochs) == 4, 12)
            assert law.void == 0
            assert sorted(law.epochs) == [(1, MONTH + n) for n in range(4)]
            await _said_once(world)
    finally:
        await hosts.stop()
        await http.close()
        await world.stop()
