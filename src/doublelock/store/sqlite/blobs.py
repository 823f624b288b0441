"""Blob records in SQLite."""

import sqlite3
from typing import Final

from doublelock.store.rows import BlobRow
from doublelock.store.statements import read_statements

_SQL: Final = read_statements("blobs")


class SqliteBlobs:
    """See `store.interface.Blobs`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def start(self, blob: BlobRow) -> None:
        """Add an unfinished blob."""
        self._db.execute(_SQL["start"], blob)

    def find(self, blob: bytes) -> BlobRow | None:
        """Return a blob's record."""
        row = self._db.execute(_SQL["find"], (blob,)).fetchone()
        return None if row is None else BlobRow._make(row)

    def finish(self, blob: bytes) -> None:
        """Mark a blob as complete."""
        self._db.execute(_SQL["finish"], (blob,))

    def used(self, account: bytes) -> int:
        """Return how many bytes an account has stored or reserved."""
        return int(self._db.execute(_SQL["used"], (account,)).fetchone()[0])

    def before(self, time_ms: int, limit: int) -> list[BlobRow]:
        """Return blobs started before a time."""
        rows = self._db.execute(_SQL["before"], (time_ms, limit))
        return [BlobRow._make(row) for row in rows]

    def drop(self, blob: bytes) -> None:
        """Forget a blob."""
        self._db.execute(_SQL["drop"], (blob,))
