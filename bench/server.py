"""The server's figures: load in this process, the server in another, ceilings in the same run."""

import asyncio
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import uvloop

from bench.figure import Figure
from bench.server_check import check_delivered, count_lost, decode_sends
from bench.server_host import HostTold
from bench.server_load import BODY, Crowd, Line, Person, make_items, make_sends, open_line
from doublelock.protocol.frames import Cursor
from doublelock.protocol.identifiers import AccountId, DeviceId

PAIRS: Final = 50
GROUP: Final = 1_000
WINDOW: Final = 40
EACH: Final = 1_500
CALM_RATE: Final = 500
CALM_SECONDS: Final = 6
GROUP_MESSAGES: Final = 600
GROUP_WINDOW: Final = 16
DRAIN: Final = 10_000
LAST_MESSAGES: Final = 40
SAMPLE: Final = 40


@dataclass
class Host:
    """The measured process."""

    process: "subprocess.Popen[str]"
    told: HostTold

    @classmethod
    def start(cls, module: str, *arguments: str) -> "Host":
        """Start it and wait until it listens."""
        process = subprocess.Popen(
            [sys.executable, "-m", f"bench.{module}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        return cls(process, msgspec.json.decode(process.stdout.readline(), type=HostTold))

    def cpu(self) -> float:
        """Return the CPU seconds that it used so far."""
        ticks = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Return its resident bytes."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf(
            "SC_PAGE_SIZE"
        )

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self.process.wait(60)

    def stop(self) -> None:
        """Let it stop cleanly."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)


async def until(done: Callable[[], bool]) -> None:
    """Wait for what counting shows, at most two minutes."""
    end = time.perf_counter() + 120
    while not done():
        await asyncio.sleep(0.005)
        if time.perf_counter() > end:
            raise RuntimeError("the server fell behind")


async def until_items(lines: list[Line], number: int) -> None:
    """Wait until so many more items came in over all lines."""
    wanted = number + sum(line.items for line in lines)
    await until(lambda: sum(line.items for line in lines) >= wanted)


async def saturate(lines: list[Line], queues: list[list[bytes]], host: Host) -> tuple[float, float]:
    """Return messages a second, sent, acknowledged and delivered, and CPU seconds per 1,000."""
    total = sum(map(len, queues))
    wanted = total + sum(line.items for line in lines)
    accepted = total + sum(line.accepted for line in lines)
    cpu, start = host.cpu(), time.perf_counter()
    for line, queue in zip(lines, queues, strict=True):
        line.queue = queue
        line.more(WINDOW)
    await until(
        lambda: (
            sum(line.items for line in lines) >= wanted
            and sum(line.accepted for line in lines) >= accepted
        )
    )
    if any(line.refused for line in lines):
        raise RuntimeError("the server refused")
    seconds = time.perf_counter() - start
    return total / seconds, 1000 * (host.cpu() - cpu) / total


async def calm(lines: list[Line], queues: list[list[bytes]], host: Host) -> tuple[float, float]:
    """Return p99 of send to receive in ms and CPU seconds per 1,000 at a steady rate."""
    sent: list[list[float]] = [[] for _ in lines]
    for line in lines:
        line.arrivals = []
    cpu, start = host.cpu(), time.perf_counter()
    number = CALM_RATE * CALM_SECONDS
    for at in range(number):
        due = start + at / CALM_RATE
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        who = at % len(lines)
        lines[who].queue = [queues[who].pop()]
        sent[who].append(time.perf_counter())
        lines[who].more(1)
    await until(lambda: sum(len(line.arrivals or ()) for line in lines) >= number)
    used = host.cpu() - cpu
    # A pair's messages arrive in the order in which they were sent.
    waits = [
        arrival - begun
        for who, line in enumerate(lines)
        for arrival, begun in zip(line.arrivals or (), sent[who ^ 1], strict=True)
    ]
    for line in lines:
        line.arrivals = None
    return 1000 * statistics.quantiles(waits, n=100)[98], 1000 * used / number


@dataclass(frozen=True, slots=True)
class Spread:
    """Deliveries a second to a group, by many and by one message in flight, and p99 in ms.

    The p99 is that of the time until the last member has a message, at five a second.
    """

    many: float
    alone: float
    last: float


async def spread(lines: list[Line], make: Callable[[int], list[bytes]]) -> Spread:
    """Measure what the first line sends reach all the others."""
    sender = lines[0]
    rates = []
    for number, window in ((GROUP_MESSAGES, GROUP_WINDOW), (GROUP_MESSAGES // 6, 1)):
        sender.queue = make(number)
        wanted = number * (len(lines) - 1)
        start = time.perf_counter()
        sender.more(window)
        await until_items(lines, wanted)
        rates.append(wanted / (time.perf_counter() - start))
    last: list[float] = []
    for send in make(LAST_MESSAGES):
        for line in lines[1:]:
            line.arrivals = []
        sender.queue = [send]
        begun = time.perf_counter()
        sender.more(1)
        await asyncio.sleep(0.2)
        arrivals = [one for line in lines[1:] for one in line.arrivals or ()]
        if len(arrivals) != len(lines) - 1:
            raise RuntimeError("some member had a message after 200 ms only")
        last.append(max(arrivals) - begun)
    for line in lines:
        line.arrivals = None
    return Spread(rates[0], rates[1], 1000 * statistics.quantiles(last, n=100)[98])


async def drain(crowd: Crowd, conversation: bytes) -> float:
    """Return the seconds in which one client takes 10,000 stored messages."""
    sender, reader = crowd.people[0], crowd.people[1]
    assert sender.line is not None
    base = sender.line.accepted
    queue = make_sends(sender, conversation, DRAIN)
    sender.line.queue = queue
    sender.line.more(200)
    line = sender.line
    await until(lambda: line.accepted >= base + DRAIN)
    await crowd.leave([reader])
    start = time.perf_counter()
    await crowd.connect([reader], Cursor(conversation, 0))
    assert reader.line is not None
    await reader.line.live.wait()
    assert reader.line.items >= DRAIN
    return (time.perf_counter() - start) * DRAIN / reader.line.items


@dataclass(frozen=True, slots=True)
class Bare:
    """The ceilings: what picows does without a server behind it, and SQLite without a socket."""

    relay: tuple[float, float]
    durable: tuple[float, float]
    group: Spread
    memory: float
    drain: float
    rows: float


@asynccontextmanager
async def bare_lines(
    mode: str, folder: Path, number: int
) -> AsyncIterator[tuple[Host, list[Line]]]:
    """Run a bare server with so many connected."""
    host = await asyncio.to_thread(Host.start, "server_bare", mode, str(folder))
    lines = [await open_line(host.told.stream) for _ in range(number)]
    yield host, lines
    for line in lines:
        if line.transport is not None:
            line.transport.disconnect()
    await asyncio.sleep(0.05)
    await asyncio.to_thread(host.stop)


async def measure_bare(folder: Path) -> Bare:
    """Measure every ceiling, each in a fresh process."""
    few = CALM_RATE * CALM_SECONDS // (2 * PAIRS) + 1
    async with bare_lines("relay", folder, 2 * PAIRS) as (host, lines):
        before = host.memory()
        more = [await open_line(host.told.stream) for _ in range(GROUP - 2 * PAIRS)]
        await asyncio.sleep(0.5)
        memory = (host.memory() - before) / len(more)
        relay = await saturate(lines, [make_items(EACH) for _ in lines], host)
        lines += more
    async with bare_lines("durable", folder, 2 * PAIRS) as (host, lines):
        durable = await calm(lines, [make_items(few) for _ in lines], host)
    async with bare_lines("fan", folder, GROUP) as (_, lines):
        group = await spread(lines, make_items)
    async with bare_lines("push", folder, 0) as (host, lines):
        asked, start = make_items(1), time.perf_counter()
        line = await open_line(host.told.stream)
        line.queue = asked
        line.more(1)
        await until_items([line], DRAIN)
        drained = time.perf_counter() - start
        lines.append(line)
    rows = await asyncio.to_thread(bare_sqlite, folder)
    return Bare(relay, durable, group, memory, drained, rows)


def bare_sqlite(folder: Path) -> float:
    """Return rows a second of the same size, durable, in batches of 100, and nothing else."""
    db = sqlite3.connect(folder / "bare.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE item (key INTEGER PRIMARY KEY, data BLOB)")
    rows = [(os.urandom(BODY + 450),)] * 100
    start = time.perf_counter()
    for _ in range(300):
        db.execute("BEGIN")
        db.executemany("INSERT INTO item (data) VALUES (?)", rows)
        db.execute("COMMIT")
    rate = 30_000 / (time.perf_counter() - start)
    db.close()
    return rate


async def crash(crowd: Crowd, host: Host, names: list[bytes], database: Path) -> tuple[int, int]:
    """Kill the server under load; return how many acknowledged messages are lost, of how many."""
    pairs = crowd.people[: 2 * PAIRS]
    lines = [person.line for person in pairs if person.line is not None]
    queues = [make_sends(one, names[at // 2], EACH) for at, one in enumerate(pairs)]
    base = sum(line.accepted for line in lines)
    for line, queue in zip(lines, queues, strict=True):
        line.keep(4 * EACH)
        line.queue = list(queue)
        line.more(WINDOW)
    await until(lambda: sum(line.accepted for line in lines) - base > PAIRS * EACH // 2)
    await asyncio.to_thread(host.kill)
    await asyncio.sleep(0.2)
    sent = decode_sends(one for queue in queues for one in queue)
    return await asyncio.to_thread(count_lost, lines, sent, database)


async def measure(folder: Path) -> list[Figure]:
    """Return every figure of the server."""
    bare = await measure_bare(folder)
    host = await asyncio.to_thread(
        Host.start, "server_host", str(folder / "server"), str(GROUP), str(GROUP)
    )
    crowd = Crowd(host.told.stream)
    crowd.people = [
        Person(AccountId(bytes.fromhex(a)), DeviceId(bytes.fromhex(d)), bytes.fromhex(t))
        for a, d, t in host.told.devices
    ]
    names = [bytes.fromhex(name) for name in host.told.conversations]
    deployment = bytes.fromhex(host.told.deployment)
    pairs = crowd.people[: 2 * PAIRS]
    await crowd.connect(pairs)
    before = host.memory()
    await crowd.connect(crowd.people[2 * PAIRS :])
    await asyncio.sleep(0.5)
    memory = (host.memory() - before) / (len(crowd.people) - len(pairs))
    await crowd.leave(crowd.people[2 * PAIRS :])
    lines = [person.line for person in pairs if person.line is not None]
    queues = [make_sends(one, names[at // 2], EACH) for at, one in enumerate(pairs)]
    sent = decode_sends(one for queue in queues for one in queue)
    for line in lines:
        line.keep(SAMPLE)
    rate, cpu = await saturate(lines, queues, host)
    looked_at = check_delivered(lines, sent, deployment)
    few = CALM_RATE * CALM_SECONDS // len(pairs) + 1
    queues = [make_sends(one, names[at // 2], few) for at, one in enumerate(pairs)]
    p99, calm_cpu = await calm(lines, queues, host)
    drained = await drain(crowd, names[0])
    await crowd.connect(crowd.people[2 * PAIRS :])
    everybody = [person.line for person in crowd.people[:GROUP] if person.line is not None]
    told: list[bytes] = []

    def make(number: int) -> list[bytes]:
        made = make_sends(crowd.people[0], names[-1], number)
        told.extend(made)
        return made

    for line in everybody[1:SAMPLE]:
        line.keep(SAMPLE)
    group = await spread(everybody, make)
    looked_at += check_delivered(everybody[1:SAMPLE], decode_sends(told), deployment)
    lost, of = await crash(crowd, host, names, folder / "server" / "server.db")
    await crowd.leave(crowd.people)
    return [
        Figure(
            "1:1 durable and delivered", rate, "/s", bare.relay[0], "bare picows relay", 10_000,
            peer="Prosody 1,075, ejabberd 1,043",
        ),
        Figure("  beside SQLite alone", rate, "/s", bare.rows, "rows in batches of 100"),
        Figure(
            "CPU per 1,000 at saturation", cpu, "s", bare.relay[1], "bare relay", 0.10, True,
            "Prosody 0.69",
        ),
        Figure(
            "CPU per 1,000 at 500/s", calm_cpu, "s", bare.durable[1], "bare, row by row", 0.70,
            True, "Prosody 0.83",
        ),
        Figure(
            "p99 send to receive at 500/s", p99, "ms", bare.durable[0], "bare, row by row", 9,
            True, "ejabberd 9.4",
        ),
        Figure(
            f"deliveries to a group of {GROUP}", group.many, "/s", bare.group.many,
            "bare fan-out, no disk", 80_000, peer="ejabberd 28,000 to 43,000",
        ),
        Figure("  one message in flight", group.alone, "/s", bare.group.alone, "bare fan-out"),
        Figure(
            "p99 until its last member has it", group.last, "ms", bare.group.last,
            "bare fan-out", 45, True, "ejabberd 45",
        ),
        Figure(
            "memory per idle connection", memory / 1024, "KiB", bare.memory / 1024,
            "bare picows", 30, True, "Prosody 43",
        ),
        Figure(
            "draining 10,000 to one client", drained, "s", bare.drain, "bare push from memory",
            0.2, True, "ejabberd 0.59",
        ),
        Figure(f"lost of {of:,} acknowledged, kill -9", lost, "", goal=0, smaller_is_better=True),
        Figure("frames decoded and found as sent", looked_at, ""),
    ]  # fmt: skip


def run() -> list[Figure]:
    """Return the server's figures, on the disk of the working folder."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        return uvloop.run(measure(Path(folder)))
