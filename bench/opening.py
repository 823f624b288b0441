"""Opening one warrant at scale, by the agency's own code over a real deployment of this process.

Messages are sealed and sent by real clients; the warrant goes through every desk. `open_case`
fetches, combines, opens and verifies; its evidence lines are then verified again alone, as anybody
who is given the package does.
"""

import asyncio
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.client_host import TEXT
from bench.escrow import bare_message
from bench.figure import Figure
from doublelock.agency.opening import Opening
from doublelock.demo.clock import WallClock
from doublelock.demo.founding import Plan
from doublelock.demo.lawpath import Desks, name_sender, open_desks, take_through, write_evidence
from doublelock.demo.world import World
from doublelock.protocol.days import day_of
from doublelock.protocol.evidence import EvidenceContext, prove_key_log, verify_line
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import Text

ROOMS: Final = 20
EACH: Final = 500
_WINDOW: Final = 100


async def _chat(world: World) -> str:
    """Have one person write in many conversations; return who."""
    await world.populate(["anna", "bert"], ())
    anna = world.people["anna"]
    for _ in range(ROOMS):
        conversation: ConversationId = await anna.create_conversation(["bert"])
        room = asyncio.Semaphore(_WINDOW)

        async def one(at: int, where: ConversationId, room: asyncio.Semaphore) -> None:
            async with room:
                await anna.send(where, Text(at.to_bytes(4, "big") * (TEXT // 4)))

        await asyncio.gather(*(one(at, conversation, room) for at in range(EACH)))
    return "anna"


async def _take_through(world: World) -> tuple[Desks, Opening, str]:
    await world.start()
    world.open_holders()
    await world.hold_ceremonies(lambda _done, _all: None)
    who = await _chat(world)
    desks, today = open_desks(world), day_of(world.clock())
    scope = name_sender(desks, who, today - 1, today)
    return desks, await take_through(world, desks, scope, "bench"), who


def _verify_all(world: World, desks: Desks, opening: Opening) -> float:
    """Return the CPU seconds of verifying every line afresh."""
    charter = desks.agency.party.charter
    keys = prove_key_log(charter, opening.keys.entries, opening.keys.note)
    context = EvidenceContext(charter, keys, opening.law, frozenset(opening.labels))
    begun = time.process_time()
    for one in opening.messages:
        verify_line(one.line, context)
    return time.process_time() - begun


async def measure(folder: Path) -> list[Figure]:
    """Return the figures of one warrant over some thousand messages."""
    clock = WallClock()
    world = World.open(folder / "world", clock, Plan(now_ms=clock(), witnesses=1, quorum=1))
    try:
        desks, opening, who = await _take_through(world)
        number = len(opening.messages)
        if number != ROOMS * EACH or opening.faults or opening.culprits:
            raise RuntimeError(f"{number} of {ROOMS * EACH} messages opened")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun, cpu = time.perf_counter(), time.process_time()
        again = await desks.agency.open_case(opening.warrant.commitment)
        opened, opened_cpu = time.perf_counter() - begun, time.process_time() - cpu
        if [one.line for one in again.messages] != [one.line for one in opening.messages]:
            raise RuntimeError("another opening of the same warrant")
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        del again
        lines = _verify_all(world, desks, opening)
        begun = time.perf_counter()
        await write_evidence(world, desks, replace(opening), folder / "evidence", (who,))
        written = time.perf_counter() - begun
        await desks.close()
    finally:
        await world.stop()
    bare = bare_message(TEXT)
    held = sum(len(one.line) for one in opening.messages) / number
    return [
        Figure(
            "messages opened and verified from one warrant", number / opened_cpu, "/s CPU",
            1 / bare, "Ed25519 verify, AES-GCM", 5_000,
        ),
        Figure("  by the wall, fetched from the server", number / opened, "/s", 1 / bare, "same"),
        Figure(
            "  of which each line verified alone", number / lines, "/s CPU", 1 / bare, "same"
        ),
        Figure(
            "evidence package written and verified offline", number / written, "/s", 1 / bare,
            "same",
        ),
        Figure("memory of one more opening, a message", grown / number / 1024, "KiB",
               held / 1024, "KiB its line", smaller_is_better=True),
    ]  # fmt: skip


def run() -> list[Figure]:
    """Return the figures of an opening, in about a minute."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        return asyncio.run(measure(Path(folder)))
