"""The log's figures: appends a second beside two bare ceilings, and the check of one proof."""

import asyncio
import os
import sqlite3
import tempfile
import time
from pathlib import Path

from bench.figure import Figure
from doublelock.log.reader import FolderFetch, LogReader
from doublelock.log.sequencer import Sequencer
from doublelock.protocol import ed25519
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.note import Note, SignatureType
from doublelock.protocol.policy import Policy, parse_policy
from doublelock.protocol.tlog_proof import verify_proof

ENTRIES = 60_000
WRITERS = 200
ENTRY = os.urandom(400)
_LOG = NoteSigner("bench.example/log", SignatureType.ED25519, b"L" * 32)
_WITNESSES = [
    NoteSigner(f"bench.example/w{n}", SignatureType.COSIGNATURE_ED25519, bytes([n]) * 32)
    for n in range(3)
]


def _policy() -> Policy:
    lines = [f"log {_LOG.key.encode()}"]
    lines += [f"witness w{n} {w.key.encode()}" for n, w in enumerate(_WITNESSES)]
    return parse_policy("\n".join([*lines, "group g 2 w0 w1 w2", "quorum g\n"]).encode())


def _entry(at: int) -> bytes:
    return at.to_bytes(8, "big") + ENTRY


async def _append_all(folder: Path) -> tuple[float, bytes]:
    """Return appends a second by writers that each wait for their own, and a proof's bytes."""
    log = await Sequencer.open(folder, _LOG, lambda: 1_000)

    async def write(worker: int) -> None:
        for at in range(worker, ENTRIES, WRITERS):
            await log.append(_entry(at))

    start = time.perf_counter()
    await asyncio.gather(*(write(worker) for worker in range(WRITERS)))
    rate = ENTRIES / (time.perf_counter() - start)
    head = await log.prepare()
    lines = tuple(w.sign(head.checkpoint, 1) for w in _WITNESSES)
    await log.adopt(_policy().verify(Note(head.note.text, head.note.signatures + lines)))
    await log.close()
    proof = await LogReader(FolderFetch(folder), _policy()).tlog_proof(ENTRIES // 3)
    return rate, proof.encode()


def _raw_sqlite(folder: Path) -> float:
    """Return rows a second of the same bytes in batches as large, durable, and nothing else."""
    db = sqlite3.connect(folder / "raw.sqlite", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE entry (position INTEGER PRIMARY KEY, data BLOB NOT NULL)")
    start = time.perf_counter()
    for first in range(0, ENTRIES, WRITERS):
        db.execute("BEGIN")
        rows = ((at, _entry(at)) for at in range(first, first + WRITERS))
        db.executemany("INSERT INTO entry VALUES (?, ?)", rows)
        db.execute("COMMIT")
    rate = ENTRIES / (time.perf_counter() - start)
    db.close()
    return rate


def _raw_file(folder: Path) -> float:
    """Return entries a second of the same bytes written to a file, with as many syncs."""
    with open(folder / "raw", "wb", buffering=0) as file:
        start = time.perf_counter()
        for first in range(0, ENTRIES, WRITERS):
            file.write(b"".join(map(_entry, range(first, first + WRITERS))))
            os.fsync(file.fileno())
        return ENTRIES / (time.perf_counter() - start)


def run() -> list[Figure]:
    """Measure in one folder on the disk, one after the other."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        sqlite, file = _raw_sqlite(folder), _raw_file(folder)
        rate, proof = asyncio.run(_append_all(folder / "log"))
    policy, entry = _policy(), _entry(ENTRIES // 3)
    verify_proof(proof, entry, policy)
    times = 300
    start = time.perf_counter()
    for _ in range(times):
        verify_proof(proof, entry, policy)
    check_ms = (time.perf_counter() - start) / times * 1000
    key = _WITNESSES[0]
    head = policy.verify(proof.split(b"\n\n", 1)[1]).checkpoint
    line = key.sign(head, 1)
    message = b"cosignature/v1\ntime 1\n" + head.encode().encode()
    start = time.perf_counter()
    for _ in range(times):
        for _ in range(1 + len(_WITNESSES)):
            ed25519.verify(key.key.public, line.signature[8:], message)
    floor_ms = (time.perf_counter() - start) / times * 1000
    return [
        Figure(
            f"log appends, {WRITERS} writers, durable",
            rate, "/s", sqlite, "/s raw SQLite rows", 10_000,
        ),
        Figure(f"log appends, {WRITERS} writers, durable", rate, "/s", file, "/s raw file, fsync"),
        Figure(
            "check of a proof, 3 witnesses",
            check_ms, "ms", floor_ms, "ms its 4 signatures", 2, smaller_is_better=True,
        ),
    ]  # fmt: skip
