"""kill -9 of a client: what was acknowledged is there, once, in order, and no key is used twice."""

import asyncio
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from law_path import NOON

from doublelock.client.client import Client
from doublelock.demo.chatting import make_room
from doublelock.demo.clock import ReplayClock
from doublelock.demo.founding import Plan
from doublelock.demo.world import World
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import Text, decode_record

PLAN = Plan(now_ms=NOON - DAY_MS, custodians=2, threshold=2, witnesses=1, quorum=1, escrow=False)
ROUNDS = 3


@asynccontextmanager
async def chatting(folder: Path) -> AsyncIterator[tuple[World, ConversationId]]:
    """Ann, Bob and Cid in a group on a real server; Ann's client is closed, to live elsewhere."""
    world = World.open(folder, ReplayClock(NOON), PLAN)
    await world.start()
    try:
        await world.populate(("ann", "bob", "cid"), ("ann", "bob", "cid"))
        chat = await make_room(world, ("ann", "bob", "cid"))
        for client in world.people.values():
            await client.settled(0.05)
        await world.people.pop("ann").close()
        yield world, chat
    finally:
        await world.stop()


async def host(
    world: World, chat: ConversationId, first: object, mode: str
) -> asyncio.subprocess.Process:
    name = b"ann".hex()
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("client_host.py")),
        str(world.folder / "people" / name),
        str(world.key_file(f"person-{name}")),
        chat.hex(),
        world.deployment.hex(),
        world.server.http,
        str(world.clock()),
        str(first),
        mode,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def numbers(client: Client, chat: ConversationId) -> list[int]:
    """Return the numbers that a member was shown, in order; a refused item fails the test."""
    found = []
    for shown in client.history(chat):
        assert not shown.refusal, shown
        record = decode_record(shown.record)
        assert isinstance(record, Text)
        found.append(int(record.content))
    return found


class Seen:
    """What the killed processes said: numbers acknowledged with their places, keys used."""

    def __init__(self) -> None:
        self.acked: dict[int, int] = {}
        self.used: dict[tuple[int, int], str] = {}

    def take(self, line: bytes) -> str:
        kind, *rest = line.decode().split()
        if kind == "acked":
            number, sequence = map(int, rest)
            assert number not in self.acked
            self.acked[number] = sequence
        else:
            epoch, generation, digest = int(rest[0]), int(rest[1]), rest[2]
            known = self.used.setdefault((epoch, generation), digest)
            assert known == digest, "one key for two ciphertexts"
        return kind


async def run_until_killed(
    process: asyncio.subprocess.Process, seen: Seen, chance: random.Random
) -> None:
    """Let it say so much and a moment longer; then kill it, and hear what it still said."""
    assert process.stdout is not None
    assert process.stderr is not None
    for _ in range(chance.randrange(1, 120)):
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        assert line, (await process.stderr.read()).decode()
        seen.take(line)
    await asyncio.sleep(chance.random() * 0.02)
    process.kill()
    while line := await process.stdout.readline():
        if line.endswith(b"\n"):
            seen.take(line)
    assert await process.wait() == -signal.SIGKILL


async def reopened(world: World, chat: ConversationId) -> Client:
    """Bring Ann back in this process, her outbox empty."""
    ann = await world.person("ann")
    async with asyncio.timeout(20):
        while ann._session.sending.waiting or not ann._core.room(chat).live:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return ann


async def test_nothing_acknowledged_is_lost_or_doubled_and_no_key_is_used_twice(
    tmp_path: Path,
) -> None:
    chance, seen = random.Random(11), Seen()
    async with chatting(tmp_path) as (world, chat):
        bob, cid = world.people["bob"], world.people["cid"]
        for one in range(ROUNDS):
            process = await host(world, chat, one * 100_000, "send")
            if one % 2:
                # Others' commits move the epoch on under the load, the crash and the coming back.
                await bob.renew(chat)
                await cid.renew(chat)
            await run_until_killed(process, seen, chance)
        ann = await reopened(world, chat)
        last = await ann.send(chat, Text(b"%d" % (ROUNDS * 100_000)))
        async with asyncio.timeout(20):
            await bob.reached(chat, last)
            await cid.reached(chat, last)
        for client in (ann, bob, cid):
            shown = numbers(client, chat)
            assert shown == sorted(set(shown)), "once each, and in the order of their sending"
            assert set(shown) >= set(seen.acked)
        places = {shown.sequence: shown for shown in bob.history(chat)}
        for number, sequence in seen.acked.items():
            record = decode_record(places[sequence].record)
            assert isinstance(record, Text)
            assert int(record.content) == number
        assert len(seen.acked) > ROUNDS
        assert len({epoch for epoch, _ in seen.used}) > 1


@pytest.mark.parametrize("mode", ["before", "after"])
async def test_killed_around_the_posting_of_a_commit(tmp_path: Path, mode: str) -> None:
    async with chatting(tmp_path) as (world, chat):
        bob = world.people["bob"]
        process = await host(world, chat, 1, mode)
        _, errors = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == -signal.SIGKILL, errors.decode()
        ann = await reopened(world, chat)
        await ann.renew(chat)
        await bob.renew(chat)
        last = await ann.send(chat, Text(b"2"))
        async with asyncio.timeout(20):
            await bob.reached(chat, last)
        assert numbers(bob, chat) == numbers(ann, chat) == [1, 2]
        groups = [one._core.group(one._core.room(chat)) for one in (ann, bob)]
        assert groups[0].epoch_authenticator == groups[1].epoch_authenticator
        assert len(ann.members(chat)) == 3
