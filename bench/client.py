"""A client's figures: a real one in this process, its deployment and who it talks with in another.

A figure of CPU is this process's own: the server, the crowd and the writer are elsewhere.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from bench.client_floor import (
    BareCrypto,
    BareGroup,
    BarePath,
    bare_crypto,
    bare_group,
    bare_row,
)
from bench.client_host import PEER, TEXT, Command, Ready, make_text, post_all
from bench.figure import Figure
from bench.server import Host
from doublelock.client.client import Client
from doublelock.client.invite import decode_invite
from doublelock.demo.clock import WallClock
from doublelock.keep import KeyFile, make_key_file
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import Text, decode_record

CROWD: Final = 199
SENT: Final = 2_000
ALONE: Final = 200
CATCH_UP: Final = 10_000
ROOMS: Final = 200
COMMITS: Final = 10


@dataclass
class Deployment:
    """The other process, told what to do by lines."""

    process: "subprocess.Popen[str]"
    ready: Ready

    @classmethod
    def start(cls, folder: Path) -> "Deployment":
        """Start it, and wait until its people are there."""
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.client_host", str(folder), str(CROWD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        return cls(process, msgspec.json.decode(process.stdout.readline(), type=Ready))

    async def tell(self, do: str, conversation: bytes = b"", number: int = 0) -> None:
        """Have something done, and wait until it is."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        line = msgspec.json.encode(Command(do, conversation.hex(), number)).decode()
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        if json.loads(await asyncio.to_thread(self.process.stdout.readline)) != {}:
            raise RuntimeError("the deployment did not answer")

    def stop(self) -> None:
        """Let it stop cleanly."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)


@dataclass(frozen=True, slots=True)
class Cost:
    """What some work took: seconds by the wall, and of this process's CPU."""

    wall: float
    cpu: float


class Stopwatch:
    """Runs from where it is made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> Cost:
        """Return what passed since."""
        return Cost(time.perf_counter() - self._wall, time.process_time() - self._cpu)


@dataclass(frozen=True, slots=True)
class Measured:
    """One client's costs in one conversation; `alone_bare` (s) is of the same moments."""

    sent: Cost
    alone: float
    alone_bare: float
    received: Cost


class Bench:
    """One measured client in its folder."""

    def __init__(
        self, folder: Path, deployment: Deployment, key: KeyFile, client: Client, bare: BarePath
    ) -> None:
        self.deployment = deployment
        self.client = client
        self._bare = bare
        self._folder = folder
        self._key = key

    @classmethod
    async def enter(cls, folder: Path, deployment: Deployment, bare: BarePath) -> "Bench":
        """Register and connect."""
        key = make_key_file(folder / "anna.key")
        invite = decode_invite(deployment.ready.invite)
        client = await Client.register(folder / "anna", key, invite, "anna", clock=WallClock())
        await client.connect()
        return cls(folder, deployment, key, client, bare)

    async def reopen(self) -> tuple[Cost, Cost]:
        """Open the closed folder and connect; return what each took, every conversation live."""
        watch = Stopwatch()
        self.client = await Client.open(self._folder / "anna", self._key, clock=WallClock())
        opened, watch = watch.read(), Stopwatch()
        await self.client.connect()
        rooms = [room for room in self.client._core.rooms.values() if room.status == "member"]
        for room in rooms:
            while not room.live:
                await room.moved.wait()
        return opened, watch.read()

    async def messages(self, conversation: ConversationId) -> Measured:
        """Measure sending together, sending one by one, and receiving what the peer writes."""
        client, tell = self.client, self.deployment.tell
        await tell("away")
        await client.send(conversation, Text(b"first of the day"))
        watch = Stopwatch()
        await post_all(client, conversation, SENT)
        sent = watch.read()
        alone = [await self._send_one(conversation) for _ in range(ALONE)]
        await tell("back")
        before = client.sequence(conversation) + 1
        await tell("send", conversation, 1)  # the day's first: its capsule is made again, once
        await client.reached(conversation, before)
        client.pending_events()
        watch = Stopwatch()
        await tell("send", conversation, SENT)
        await client.reached(conversation, before + SENT)
        received = watch.read()
        self._check(conversation, before, SENT)
        return Measured(
            sent,
            statistics.median(one for one, _ in alone),
            statistics.median(bare for _, bare in alone),
            received,
        )

    async def _send_one(self, conversation: ConversationId) -> tuple[float, float]:
        """Return the seconds of one message until accepted, and of its bare floor just after."""
        begun = time.perf_counter()
        await self.client.send(conversation, Text(b"x" * TEXT))
        took = time.perf_counter() - begun
        begun = time.perf_counter()
        await self._bare.round_trip()
        return took, time.perf_counter() - begun

    def _check(self, conversation: ConversationId, after: int, number: int) -> None:
        """Every message is in the vault, as the peer wrote it, in order, none refused."""
        shown = self.client.history(conversation, after)
        records = [decode_record(one.record) for one in shown if not one.refusal]
        if records != [make_text(at) for at in range(number)]:
            raise RuntimeError("what was received is not what was sent")

    async def commits(self, conversation: ConversationId) -> Cost:
        """Measure following another member's commits."""
        before = self.client.sequence(conversation)
        watch = Stopwatch()
        await self.deployment.tell("renew", conversation, COMMITS)
        await self.client.reached(conversation, before + COMMITS)
        return watch.read()

    async def catch_up(self, conversation: ConversationId) -> Cost:
        """Measure taking what was written while this client was away."""
        before = self.client.sequence(conversation)
        await self.client.close()
        await self.deployment.tell("send", conversation, CATCH_UP)
        self.client = await Client.open(self._folder / "anna", self._key, clock=WallClock())
        watch = Stopwatch()
        await self.client.connect()
        await self.client.reached(conversation, before + CATCH_UP)
        caught = watch.read()
        self._check(conversation, before, CATCH_UP)
        return caught


def _cpu(name: str, cost: Cost, number: int, floor: float, of: str) -> Figure:
    return Figure(name, cost.cpu / number * 1e6, "µs CPU", floor * 1e6, of, smaller_is_better=True)


def _figures(
    name: str, found: Measured, group: BareGroup, crypto: BareCrypto, row: float
) -> list[Figure]:
    send = group.encrypt + crypto.sign + crypto.cipher + row
    receive = group.decrypt + crypto.verify + crypto.cipher + row
    return [
        _cpu(f"send, together, {name}", found.sent, SENT, send, "MLS, Ed25519, AES, row"),
        Figure(f"  messages sent, {name}", SENT / found.sent.wall, "/s", 1 / send, "/s, the same"),
        Figure(
            f"send, one by one until accepted, {name}",
            found.alone * 1e3,
            "ms",
            found.alone_bare * 1e3,
            "ms bare echo, two commits",
            smaller_is_better=True,
        ),
        _cpu(f"receive, live, {name}", found.received, SENT, receive, "MLS, Ed25519, AES, row"),
        Figure(
            f"  received as one peer writes, {name}",
            SENT / found.received.wall,
            "/s",
            1 / receive,
            "/s, the same",
        ),
    ]


async def measure(folder: Path) -> list[Figure]:
    """Return every figure of a client."""
    crypto, row = bare_crypto(), bare_row(folder)
    pair, crowd = bare_group(2), bare_group(CROWD + 2)
    echo = await asyncio.to_thread(Host.start, "server_bare", "relay", str(folder))
    bare = await BarePath.open(folder, echo.told.stream)
    deployment = await asyncio.to_thread(Deployment.start, folder / "world")
    bench = await Bench.enter(folder, deployment, bare)
    try:
        two = await bench.client.create_conversation([PEER], direct=True)
        watch = Stopwatch()
        many = await bench.client.create_conversation([PEER, *deployment.ready.crowd])
        added = watch.read()
        of_two, of_many = await bench.messages(two), await bench.messages(many)
        commits = await bench.commits(many)
        caught = await bench.catch_up(two)
        await deployment.tell("away")
        for _ in range(ROOMS - 2):
            await bench.client.create_conversation([PEER])
        await bench.client.close()
        opened, live = await bench.reopen()
    finally:
        await bench.client.close()
        bare.close()
        await asyncio.to_thread(deployment.stop)
        await asyncio.to_thread(echo.stop)
    receive = pair.decrypt + crypto.verify + crypto.cipher + row
    loads = pair.load * (ROOMS - 1) + crowd.load
    log = 3 * crypto.verify * (CROWD + 2)
    size = CROWD + 2
    return [
        *_figures("2 members", of_two, pair, crypto, row),
        *_figures(f"{size} members", of_many, crowd, crypto, row),
        Figure(
            f"catch-up of {CATCH_UP:,}, decrypted, in the vault",
            caught.wall,
            "s",
            receive * CATCH_UP,
            "s MLS, Ed25519, AES, row",
            smaller_is_better=True,
        ),
        _cpu("  per message", caught, CATCH_UP, receive, "the same"),
        Figure(
            f"make a group and add {size - 1} by one commit",
            added.wall,
            "s",
            crowd.add,
            "s bare MLS commit",
            smaller_is_better=True,
        ),
        _cpu(f"follow a commit, {size} members", commits, COMMITS, crowd.follow, "bare MLS"),
        Figure(
            f"open with {ROOMS} conversations", opened.wall, "s", log, "s Ed25519 of its key log",
            smaller_is_better=True,
        ),
        Figure(
            "  connect until all are live", live.wall, "s", loads, "s bare MLS load",
            smaller_is_better=True,
        ),
    ]  # fmt: skip


def run() -> list[Figure]:
    """Return the client's figures, in about a minute."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, closing(_loop()) as loop:
        return loop.run_until_complete(measure(Path(name)))


def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()
