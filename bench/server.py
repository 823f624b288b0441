"""The server's figures: load in this process, the server in another, ceilings in the same run."""

import asyncio
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import uvloop

from bench.figure import Figure
from bench.server_host import HostTold
from bench.server_load import BODY, Crowd, Line, Person, make_sends, open_line
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


@dataclass
class Host:
    """The measured process."""

    process: "subprocess.Popen[str]"
    told: HostTold

    @classmethod
    def start(cls, *arguments: str) -> "Host":
        """Start it and wait until it listens."""
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.server_host", *arguments],
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
    sent: list[float] = []
    waits: list[float] = []
    cpu, start = host.cpu(), time.perf_counter()
    number = CALM_RATE * CALM_SECONDS
    for at in range(number):
        due = start + at / CALM_RATE
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        who = at % len(lines)
        # One in flight per pair, so that what arrives is what was sent.
        arrivals = lines[who ^ 1].arrivals = []
        lines[who].queue = [queues[who].pop()]
        sent.append(time.perf_counter())
        lines[who].more(1)
        asyncio.get_running_loop().call_later(0.09, _note, waits, arrivals, sent[-1])
    await asyncio.sleep(0.3)
    used = host.cpu() - cpu
    if len(waits) < number * 0.99:
        raise RuntimeError(f"{number - len(waits)} messages took over 90 ms")
    return 1000 * statistics.quantiles(waits, n=100)[98], 1000 * used / number


def _note(waits: list[float], arrivals: list[float], sent: float) -> None:
    waits += [arrival - sent for arrival in arrivals]


async def spread(crowd: Crowd, conversation: bytes) -> tuple[float, float, float]:
    """Return deliveries a second to a group, by many and by one message in flight, and p99 in ms.

    The p99 is that of the time until the last member has a message, at five a second.
    """
    people = crowd.people[:GROUP]
    lines = [person.line for person in people if person.line is not None]
    sender = lines[0]
    rates = []
    for number, window in ((GROUP_MESSAGES, GROUP_WINDOW), (GROUP_MESSAGES // 6, 1)):
        sender.queue = make_sends(people[0], conversation, number)
        wanted = number * (len(lines) - 1)
        start = time.perf_counter()
        sender.more(window)
        await until_items(lines, wanted)
        rates.append(wanted / (time.perf_counter() - start))
    last: list[float] = []
    for send in make_sends(people[0], conversation, 40):
        for line in lines[1:]:
            line.arrivals = []
        sender.queue = [send]
        begun = time.perf_counter()
        sender.more(1)
        await asyncio.sleep(0.2)
        arrivals = [one for line in lines[1:] for one in line.arrivals or ()]
        assert len(arrivals) == len(lines) - 1
        last.append(max(arrivals) - begun)
    for line in lines:
        line.arrivals = None
    return rates[0], rates[1], 1000 * statistics.quantiles(last, n=100)[98]


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


async def bare_relay() -> tuple[float, float]:
    """Return messages a second through a server that does nothing but pass them on, and its CPU."""
    host = Host.start("bare")
    lines = []
    for _ in range(2 * PAIRS):
        line = await open_line(host.told.stream)
        line.bare = True
        lines.append(line)
    figures = await saturate(lines, [[os.urandom(BODY + 450)] * EACH for _ in lines], host)
    for line in lines:
        assert line.transport is not None
        line.transport.disconnect()
    await asyncio.sleep(0.05)
    host.stop()
    return figures


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


def bare_sync(folder: Path) -> float:
    """Return the p99 in ms of making one row durable, at the calm rate, and nothing else."""
    db = sqlite3.connect(folder / "sync.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE item (key INTEGER PRIMARY KEY, data BLOB)")
    waits, start = [], time.perf_counter()
    for at in range(1_000):
        if (pause := start + at / CALM_RATE - time.perf_counter()) > 0:
            time.sleep(pause)
        begun = time.perf_counter()
        db.execute("INSERT INTO item (data) VALUES (?)", (os.urandom(BODY + 450),))
        waits.append(time.perf_counter() - begun)
    db.close()
    return 1000 * statistics.quantiles(waits, n=100)[98]


async def measure(folder: Path) -> list[Figure]:
    """Return every figure of the server."""
    relay, relay_cpu = await bare_relay()
    rows = await asyncio.to_thread(bare_sqlite, folder)
    sync = await asyncio.to_thread(bare_sync, folder)
    host = await asyncio.to_thread(
        Host.start, "server", str(folder / "server"), str(GROUP), str(GROUP)
    )
    crowd = Crowd(host.told.stream)
    crowd.people = [
        Person(AccountId(bytes.fromhex(a)), DeviceId(bytes.fromhex(d)), bytes.fromhex(t))
        for a, d, t in host.told.devices
    ]
    names = [bytes.fromhex(name) for name in host.told.conversations]
    pairs = crowd.people[: 2 * PAIRS]
    await crowd.connect(pairs)
    before = host.memory()
    await crowd.connect(crowd.people[2 * PAIRS :])
    await asyncio.sleep(0.5)
    memory = (host.memory() - before) / (len(crowd.people) - len(pairs))
    await crowd.leave(crowd.people[2 * PAIRS :])
    lines = [person.line for person in pairs if person.line is not None]
    queues = [make_sends(one, names[at // 2], EACH) for at, one in enumerate(pairs)]
    rate, cpu = await saturate(lines, queues, host)
    few = CALM_RATE * CALM_SECONDS // len(pairs) + 1
    queues = [make_sends(one, names[at // 2], few) for at, one in enumerate(pairs)]
    p99, calm_cpu = await calm(lines, queues, host)
    drained = await drain(crowd, names[0])
    await crowd.connect(crowd.people[2 * PAIRS :])
    deliveries, alone, last = await spread(crowd, names[-1])
    await crowd.leave(crowd.people)
    await asyncio.to_thread(host.stop)
    return [
        Figure("1:1 durable and delivered", rate, "/s", relay, "bare picows relay", 10_000),
        Figure("  beside SQLite alone", rate, "/s", rows, "rows in batches of 100"),
        Figure("CPU per 1,000 at saturation", cpu, "s", relay_cpu, "bare relay", 0.10, True),
        Figure("CPU per 1,000 at 500/s", calm_cpu, "s", goal=0.70, smaller_is_better=True),
        Figure("p99 send to receive at 500/s", p99, "ms", sync, "one row's commit", 9, True),
        Figure(f"deliveries to a group of {GROUP}", deliveries, "/s", goal=80_000),
        Figure("  one message in flight", alone, "/s"),
        Figure("p99 until its last member has it", last, "ms", goal=45, smaller_is_better=True),
        Figure("memory per idle connection", memory / 1024, "KiB", goal=30, smaller_is_better=True),
        Figure("draining 10,000 to one client", drained, "s", goal=0.2, smaller_is_better=True),
    ]


def run() -> list[Figure]:
    """Return the server's figures."""
    with tempfile.TemporaryDirectory() as folder:
        return uvloop.run(measure(Path(folder)))
