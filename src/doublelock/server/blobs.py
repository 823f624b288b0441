"""Encrypted attachments in a folder beside the database: pieces in, ranges out (spec W-35)."""

import asyncio
import hashlib
import os
import secrets
from pathlib import Path

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import WireRefused
from doublelock.protocol.session import DeviceSubject
from doublelock.server.config import Bounds, Clock
from doublelock.store.interface import Store, Tables
from doublelock.store.rows import BlobRow


class Blobs:
    """A blob is `<name>.part` while it grows and `<name>` when size and digest fit."""

    def __init__(self, folder: Path, store: Store, clock: Clock, bounds: Bounds) -> None:
        self._folder = folder
        self._store = store
        self._clock = clock
        self._bounds = bounds
        self._locks: dict[bytes, asyncio.Lock] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def start(self, me: DeviceSubject, size: int, digest: bytes) -> bytes:
        """Reserve space and return the new blob's name (32 bytes). Raises WireRefused(quota)."""
        name = secrets.token_bytes(32)
        row = BlobRow(name, me.account, me.device, size, digest, 0, self._clock())

        def change(tables: Tables) -> None:
            if tables.blobs.used(me.account) + size > self._bounds.blob_quota:
                raise WireRefused(Code.QUOTA)
            tables.blobs.start(row)

        await self._store.write(change)
        return name

    async def mine(self, me: DeviceSubject, name: bytes) -> BlobRow:
        """Return the record of a blob that this device started. Raises WireRefused(not-found)."""
        row = await self._store.read(lambda tables: tables.blobs.find(name))
        if row is None or row.device != me.device:
            raise WireRefused(Code.NOT_FOUND)
        return row

    async def received(self, row: BlobRow) -> int:
        """Return how many bytes are there."""
        if row.complete:
            return row.size
        return await asyncio.to_thread(_size, self._part(row.blob))

    async def add(self, row: BlobRow, offset: int, data: bytes) -> int:
        """Append a piece at the present end and return how many bytes are there.

        Raises WireRefused: blob-offset, size, blob-digest (then the upload starts again).
        """
        lock = self._locks.setdefault(row.blob, asyncio.Lock())
        async with lock:
            received = await self.received(row)
            if row.complete or offset != received:
                raise WireRefused(Code.BLOB_OFFSET, str(received))
            if received + len(data) > row.size:
                raise WireRefused(Code.SIZE, "more than was announced")
            received = await asyncio.to_thread(_append, self._part(row.blob), offset, data)
            if received == row.size:
                await self._finish(row)
        if received == row.size:
            self._locks.pop(row.blob, None)
        return received

    async def _finish(self, row: BlobRow) -> None:
        part, whole = self._part(row.blob), self._path(row.blob)
        if await asyncio.to_thread(_digest, part) != row.digest:
            await asyncio.to_thread(part.unlink)
            raise WireRefused(Code.BLOB_DIGEST)
        await asyncio.to_thread(_publish, part, whole)
        await self._store.write(lambda tables: tables.blobs.finish(row.blob))

    async def open(self, name: bytes) -> tuple[Path, int]:
        """Return the file and size of a complete blob. Raises WireRefused(not-found)."""
        row = await self._store.read(lambda tables: tables.blobs.find(name))
        if row is None or not row.complete:
            raise WireRefused(Code.NOT_FOUND)
        return self._path(name), row.size

    async def sweep(self, unfinished_before_ms: int, before_ms: int) -> int:
        """Delete what was never finished and what is older than retention; return how many."""
        rows = await self._store.read(
            lambda tables: tables.blobs.before(unfinished_before_ms, 1000)
        )
        gone = [row for row in rows if not row.complete or row.time_ms < before_ms]
        for row in gone:
            for path in (self._part(row.blob), self._path(row.blob)):
                await asyncio.to_thread(path.unlink, missing_ok=True)
        if gone:

            def drop(tables: Tables) -> None:
                for row in gone:
                    tables.blobs.drop(row.blob)

            await self._store.write(drop)
        return len(gone)

    def _path(self, name: bytes) -> Path:
        text = name.hex()
        return self._folder / text[:2] / text

    def _part(self, name: bytes) -> Path:
        return self._path(name).with_suffix(".part")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _append(path: Path, offset: int, data: bytes) -> int:
    path.parent.mkdir(exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.seek(offset)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return offset + len(data)


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _publish(part: Path, whole: Path) -> None:
    os.replace(part, whole)
    for folder in (whole.parent, whole.parent.parent):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read_range(path: Path, start: int, size: int) -> bytes:
    """Return a piece of a complete blob."""
    with path.open("rb") as file:
        file.seek(start)
        return file.read(size)
