"""Opening one warrant at scale, by the agency's own code over a real deployment of this process.

Messages are sealed and sent by real clients; the warrant goes through every desk. `open_case`
fetches, combines, opens and verifies; its evidence lines are then verified again alone, as anybody
who is given the package does.
"""

import asyncio
import resource
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench.client_floor import bare_crypto
from bench.client_host import make_text
from bench.figure import Figure
from doublelock.agency.opening import Opening
from doublelock.audit import verify_evidence
from doublelock.demo.clock import WallClock
from doublelock.demo.founding import Plan
from doublelock.demo.lawpath import Desks, LawPath, name_sender, open_desks
from doublelock.demo.telling import Telling
from doublelock.demo.world import World
from doublelock.protocol.days import day_of
from doublelock.protocol.evidence import EvidenceContext, prove_key_log, verify_line
from doublelock.protocol.identifiers import ConversationId

ROOMS: Final = 20
EACH: Final = 500
_WINDOW: Final = 100
_ROUNDS: Final = 5
"""As the bare ceiling is the best of some rounds, so is what stands beside it."""


async def _chat(world: World) -> str:
    """Have one person write in many conversations; return who."""
    await world.populate(["anna", "bert"], ())
    anna = world.people["anna"]
    for _ in range(ROOMS):
        conversation: ConversationId = await anna.create_conversation(["bert"])
        room = asyncio.Semaphore(_WINDOW)

        async def one(at: int, where: ConversationId, room: asyncio.Semaphore) -> None:
            async with room:
                await anna.send(where, make_text(at))

        await asyncio.gather(*(one(at, conversation, room) for at in range(EACH)))
    return "anna"


async def _take_through(world: World) -> tuple[Desks, Opening, str]:
    await world.start()
    world.open_holders()
    await world.hold_ceremonies(lambda _done, _all: None)
    who = await _chat(world)
    desks, today = open_desks(world), day_of(world.clock())
    scope = name_sender(desks, who, today - 1, today)
    path = LawPath(world, desks, Telling(Console(quiet=True)))
    warrant = await path.apply("bench", scope)
    await path.approve(warrant)
    await path.request(warrant)
    await path.release(world.holders)
    return desks, await desks.agency.open_case(warrant.commitment), who


def _verify_all(desks: Desks, opening: Opening) -> float:
    """Return the CPU seconds of verifying every line afresh, the best of some rounds."""
    charter, best = desks.agency.party.charter, float("inf")
    keys = prove_key_log(opening.law.state, opening.keys.entries, opening.keys.note)
    for _ in range(_ROUNDS):
        context = EvidenceContext(charter, keys, opening.law, frozenset(opening.label_keys))
        begun = time.process_time()
        for one in opening.messages:
            verify_line(one.line, context)
        best = min(best, time.process_time() - begun)
    return best


async def _open_alone(desks: Desks, opening: Opening) -> float:
    """Return the CPU seconds of opening from what the server answered before, the best of some.

    It is the agency's `open_case` whole: only the server's own work, here in this process, is out.
    """
    http, answers = desks.agency.party.http, dict[tuple[str, bytes], bytes]()
    send, get, best = http.send, http.get, float("inf")

    async def keep_send(method: str, path: str, content: bytes, **more: Any) -> bytes:
        key = path, content
        if key not in answers:
            answers[key] = await send(method, path, content, **more)
        return answers[key]

    async def keep_get(path: str, **more: Any) -> bytes:
        key = path, repr(more.get("parameters")).encode()
        if key not in answers:
            answers[key] = await get(path, **more)
        return answers[key]

    http.send, http.get = keep_send, keep_get  # type: ignore[method-assign]
    try:
        for _ in range(1 + _ROUNDS):  # the first fills in the answers and never is the best
            begun = time.process_time()
            await desks.agency.open_case(opening.warrant.commitment)
            best = min(best, time.process_time() - begun)
    finally:
        http.send, http.get = send, get  # type: ignore[method-assign]
    return best


def _bare() -> float:
    """Return the CPU seconds of what no opened message can do without, at this moment."""
    crypto = bare_crypto()
    return crypto.verify + crypto.cipher


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
        bare = _bare()
        begun = time.perf_counter()
        again = await desks.agency.open_case(opening.warrant.commitment)
        opened = time.perf_counter() - begun
        if [one.line for one in again.messages] != [one.line for one in opening.messages]:
            raise RuntimeError("another opening of the same warrant")
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        del again
        alone = await _open_alone(desks, opening)
        lines = _verify_all(desks, opening)
        bare = (bare + _bare()) / 2
        begun = time.perf_counter()
        place = folder / "evidence"
        await desks.agency.write(opening, place, (who,))
        verify_evidence(place, world.deployment)
        written = time.perf_counter() - begun
        await desks.close()
    finally:
        await world.stop()
    held = sum(len(one.line) for one in opening.messages) / number
    return [
        Figure(
            "messages opened and verified from one warrant", number / alone, "/s CPU",
            1 / bare, "Ed25519 verify, AES-GCM", 5_000,
        ),
        Figure("  the whole, server and fetch included", number / opened, "/s", 1 / bare, "same"),
        Figure(
            "evidence lines parsed and verified", number / lines, "/s CPU", 1 / bare, "same"
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
