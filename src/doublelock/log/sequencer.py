"""A log that gives each entry its place, durably, many at a time (spec L-14 to L-16).

One commit is in flight while arrivals form the next batch. A commit puts the entries and the signed
head of the tree with them into SQLite (WAL, synchronous=FULL) in one transaction; only then are
they acknowledged. Full tiles and bundles are files that follow; what is not in them yet is in the
journal, so that a crash at any point leaves either the old head or the new (docs/adr/0003).
"""

import asyncio
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeVar, TypeVarTuple

from doublelock.log.tree import EdgeTree, TileCache, sync_folder, write_public
from doublelock.protocol import limits, merkle
from doublelock.protocol.checkpoint import Checkpoint, VerifiedCheckpoint
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import NoteSigner, verify_log
from doublelock.protocol.errors import LogRefused
from doublelock.protocol.note import Note, parse_note
from doublelock.protocol.policy import CosignedCheckpoint
from doublelock.protocol.tile import WIDTH, Tile, decode_bundle, encode_bundle, partial_tiles

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS entry (position INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS seen (leaf BLOB PRIMARY KEY, position INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS head (one INTEGER PRIMARY KEY CHECK (one = 1), note BLOB NOT NULL,
    tiled INTEGER NOT NULL) STRICT;
"""
_Args = TypeVarTuple("_Args")
_Result = TypeVar("_Result")
_BATCH: Final = 4_096
_TILE_EVERY: Final = 4_096


@dataclass(frozen=True, slots=True)
class Appended:
    """An entry that is durably in the log; `leaf` is its hash, `duplicate` if it was known."""

    index: int
    leaf: bytes
    duplicate: bool = False


@dataclass(slots=True)
class _Arrival:
    entry: bytes
    done: asyncio.Future[Appended]


class Sequencer:
    """The one writer of a log in a folder; open it with `await Sequencer.open(...)`."""

    def __init__(
        self, folder: Path, signer: NoteSigner, clock: Callable[[], int], dedup: bool
    ) -> None:
        self.folder = folder
        self._signer = signer
        self._clock = clock
        self._dedup = dedup
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="log")
        self._arrivals: list[_Arrival] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._broken = False
        self._pump: asyncio.Task[None] | None = None
        self._lock: int | None = None
        self._connection: sqlite3.Connection | None = None

    @classmethod
    async def open(
        cls, folder: Path, signer: NoteSigner, clock: Callable[[], int], *, dedup: bool = False
    ) -> Self:
        """Return the log in a folder, made if new, recovered if it crashed; `clock` is in ms.

        The signer's name is the log's origin. Raises LogRefused: LOG_CLOSED (another process has
        it open), LOG_CORRUPT (files and signed head disagree).
        """
        log = cls(folder, signer, clock, dedup)
        try:
            await log._run(log._load)
        except BaseException:
            log._worker.shutdown()
            log._let_go()
            raise
        log._pump = asyncio.create_task(log._commit_forever())
        return log

    async def append(self, entry: bytes) -> Appended:
        """Return the place of an entry once it and a head that holds it are durable (spec L-14).

        At most 65,535 bytes. Raises LogRefused: SIZE, LOG_CLOSED.
        """
        if len(entry) > limits.TILE_ENTRY:
            raise LogRefused(Code.SIZE, f"log entry of {len(entry)} bytes, at most 65,535")
        if self._closing or self._broken:
            raise LogRefused(Code.LOG_CLOSED)
        arrival = _Arrival(entry, asyncio.get_running_loop().create_future())
        self._arrivals.append(arrival)
        self._wake.set()
        return await arrival.done

    def checkpoint(self) -> VerifiedCheckpoint:
        """Return the latest head: signed by the log, seen by no witness, to be relied on by nobody.

        `witness_client.publish` makes of it what one may rely on (spec L-12).
        """
        return self._head

    def published(self) -> bytes | None:
        """Return the note that was last published, cosigned, or None."""
        try:
            return (self.folder / "checkpoint").read_bytes()
        except FileNotFoundError:
            return None

    async def proof(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the inclusion path of an entry in the tree of a size. Raises LogRefused."""
        size = self._held(size)
        return await self._run(merkle.prove_inclusion, index, 0, size, self._tree.node)

    async def consistency(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """Return the proof that one tree is a prefix of another. Raises LogRefused."""
        new = self._held(new)
        return await self._run(merkle.prove_consistency, old, new, self._tree.node)

    async def entry(self, index: int) -> bytes:
        """Return an entry. Raises LogRefused LOG_RANGE, LOG_CORRUPT."""
        if not 0 <= index < self._head.checkpoint.size:
            raise LogRefused(Code.LOG_RANGE, f"entry {index}")
        return await self._run(self._entry, index)

    async def prepare(self) -> VerifiedCheckpoint:
        """Return the latest head once all tiles for its size, partial ones too, are on disk."""
        return await self._run(self._prepare)

    async def adopt(self, cosigned: CosignedCheckpoint) -> None:
        """Publish a cosigned checkpoint of this log, never one smaller than what is published.

        Raises LogRefused LOG_STALE, LOG_FORK.
        """
        await self._run(self._adopt, cosigned)

    async def close(self) -> None:
        """Commit what has arrived, then let go of the folder."""
        self._closing = True
        self._wake.set()
        if self._pump is not None:
            await self._pump
        await self._run(self._unload)
        self._worker.shutdown()

    # What follows runs on the one worker thread, which alone touches the database and the tree.

    def _load(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LogRefused(Code.LOG_CLOSED, "another process writes this log") from None
        path = self.folder / "journal.sqlite"
        self._connection = self._db = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False
        )
        os.chmod(path, 0o600)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)
        self._cache = TileCache(self.folder)
        row = self._db.execute("SELECT note, tiled FROM head").fetchone()
        self._tiled: int = row[1] if row else 0
        self._tree = EdgeTree.load(self._cache, self._tiled)
        query = "SELECT position, data FROM entry WHERE position >= ? ORDER BY position"
        for position, data in self._db.execute(query, (self._tiled,)):
            if position != self._tree.size:
                raise LogRefused(Code.LOG_CORRUPT, f"entry {self._tree.size} is not in the journal")
            self._tree.append(merkle.leaf_hash(data))
        if row is None:
            self._head = self._sign(self._tree)
            self._db.execute("INSERT INTO head VALUES (1, ?, 0)", (self._head.note.encode(),))
            sync_folder(self.folder)
            return
        self._head = verify_log(parse_note(row[0]), (self._signer.key,))
        head = self._head.checkpoint
        if (head.size, head.root) != (self._tree.size, self._tree.root()):
            raise LogRefused(Code.LOG_CORRUPT, "the entries do not give the signed root")

    def _unload(self) -> None:
        try:
            if not self._broken:
                self._tile()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._lock is not None:
            os.close(self._lock)
        self._lock = None

    def _sign(self, tree: EdgeTree) -> VerifiedCheckpoint:
        checkpoint = Checkpoint(self._signer.key.name, tree.size, tree.root())
        line = self._signer.sign(checkpoint, self._clock() // 1000)
        note = Note(checkpoint.encode(), (line,))
        return VerifiedCheckpoint(checkpoint, self._signer.key, note)

    def _commit(self, entries: list[bytes]) -> list[Appended]:
        tree, placed = self._tree.fork(), list[Appended]()
        rows, fresh = list[tuple[int, bytes]](), dict[bytes, int]()
        for entry in entries:
            leaf = merkle.leaf_hash(entry)
            known = self._known(leaf, fresh) if self._dedup else None
            if known is not None:
                placed.append(Appended(known, leaf, True))
                continue
            placed.append(Appended(tree.size, leaf))
            rows.append((tree.size, entry))
            fresh[leaf] = tree.size
            tree.append(leaf)
        if not rows:
            return placed
        head = self._sign(tree)
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO entry VALUES (?, ?)", rows)
        if self._dedup:
            db.executemany("INSERT INTO seen VALUES (?, ?)", fresh.items())
        db.execute("UPDATE head SET note = ?", (head.note.encode(),))
        db.execute("COMMIT")
        self._tree, self._head = tree, head
        if tree.size - self._tiled >= _TILE_EVERY:
            self._tile()
        return placed

    def _known(self, leaf: bytes, fresh: dict[bytes, int]) -> int | None:
        if leaf in fresh:
            return fresh[leaf]
        row = self._db.execute("SELECT position FROM seen WHERE leaf = ?", (leaf,)).fetchone()
        return None if row is None else int(row[0])

    def _tile(self) -> None:
        """Move full bundles and tiles from the journal into files, then prune the journal."""
        until = self._tree.size // WIDTH * WIDTH
        if until == self._tiled:
            return
        written = set[Path]()
        for number in range(self._tiled // WIDTH, until // WIDTH):
            path = self.folder / Tile(None, number).path()
            write_public(path, encode_bundle(self._journal(number, WIDTH)), durable=False)
            written.add(path)
        for level, number in self._tree.full:
            tile = Tile(level, number)
            path = self.folder / tile.path()
            write_public(path, self._tree.tile_bytes(tile), durable=False)
            written.add(path)
        # One pass of syncs after all the writes: the disk merges them.
        for path in written:
            _sync_file(path)
        for folder in {parent for path in written for parent in self._parents(path)}:
            sync_folder(folder)
        for path in written:
            # A reader that still wants the partial one takes it from the full (tlog-tiles).
            shutil.rmtree(path.with_name(f"{path.name}.p"), ignore_errors=True)
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("UPDATE head SET tiled = ?", (until,))
        self._db.execute("DELETE FROM entry WHERE position < ?", (until,))
        self._db.execute("COMMIT")
        self._tiled = until
        self._tree.full.clear()

    def _parents(self, path: Path) -> list[Path]:
        return [p for p in path.parents if p == self.folder or self.folder in p.parents]

    def _journal(self, number: int, width: int) -> list[bytes]:
        start = number * WIDTH
        rows = self._db.execute(
            "SELECT data FROM entry WHERE position >= ? AND position < ? ORDER BY position",
            (start, start + width),
        ).fetchall()
        return [data for (data,) in rows]

    def _entry(self, index: int) -> bytes:
        if index >= self._tiled:
            row = self._db.execute("SELECT data FROM entry WHERE position = ?", (index,)).fetchone()
            return bytes(row[0])
        try:
            data = (self.folder / Tile(None, index // WIDTH).path()).read_bytes()
        except OSError:
            raise LogRefused(Code.LOG_CORRUPT, f"bundle {index // WIDTH} is missing") from None
        return decode_bundle(data, WIDTH)[index % WIDTH]

    def _prepare(self) -> VerifiedCheckpoint:
        self._tile()
        for tile in partial_tiles(self._tree.size):
            path = self.folder / tile.path()
            if not path.exists():
                data = (
                    encode_bundle(self._journal(tile.index, tile.width))
                    if tile.level is None
                    else self._tree.tile_bytes(tile)
                )
                write_public(path, data, durable=True)
        return self._head

    def _adopt(self, cosigned: CosignedCheckpoint) -> None:
        new = cosigned.checkpoint
        if new.origin != self._signer.key.name or new.size > self._tree.size:
            raise LogRefused(Code.LOG_FORK, "a checkpoint that this log did not make")
        if merkle.range_root(0, new.size, self._tree.node) != new.root:
            raise LogRefused(Code.LOG_FORK, "a checkpoint that this log did not make")
        before = self.published()
        if before is not None:
            old = verify_log(parse_note(before), (self._signer.key,)).checkpoint
            if old.size > new.size:
                raise LogRefused(Code.LOG_STALE, f"size {new.size} after {old.size}")
        write_public(self.folder / "checkpoint", cosigned.note.encode(), durable=True)

    # What follows runs on the event loop.

    def _held(self, size: int | None) -> int:
        held = self._head.checkpoint.size
        if size is None:
            return held
        if not 0 <= size <= held:
            raise LogRefused(Code.LOG_RANGE, f"size {size}")
        return size

    async def _run(self, work: Callable[[*_Args], _Result], *args: *_Args) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work, *args)

    async def _commit_forever(self) -> None:
        while not (self._closing and not self._arrivals):
            if not self._arrivals:
                self._wake.clear()
                await self._wake.wait()
                continue
            batch, self._arrivals = self._arrivals[:_BATCH], self._arrivals[_BATCH:]
            try:
                placed = await self._run(self._commit, [a.entry for a in batch])
            except Exception:
                # Whether it is on the disk is not known: only a fresh start can tell.
                self._broken = True
                for arrival in (*batch, *self._arrivals):
                    if not arrival.done.done():
                        arrival.done.set_exception(LogRefused(Code.LOG_CLOSED, "write failed"))
                self._arrivals = []
                return
            for arrival, appended in zip(batch, placed, strict=True):
                if not arrival.done.done():
                    arrival.done.set_result(appended)


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
