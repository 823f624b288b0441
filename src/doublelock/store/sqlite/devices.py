"""Handles, key packages, mailboxes and cursors in SQLite."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from doublelock.store.rows import MailRow
from doublelock.store.statements import read_statements

_SQL: Final = read_statements("devices")


class SqliteDevices:
    """See `store.interface.Devices`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def put_handle(self, account: bytes, handle: str) -> None:
        """Remember an account's handle."""
        self._db.execute(_SQL["put_handle"], (account, handle))

    def handles(self, accounts: Sequence[bytes]) -> list[str]:
        """Return handles in the order asked for; empty where unknown."""
        found = [self._db.execute(_SQL["handle"], (name,)).fetchone() for name in accounts]
        return ["" if row is None else str(row[0]) for row in found]

    def put_key_packages(
        self, account: bytes, device: bytes, packages: Sequence[bytes], last_resort: bytes
    ) -> None:
        """Add a device's key packages and, unless empty, replace its last resort."""
        if last_resort:
            self._db.execute(_SQL["drop_last_resort"], (device,))
            self._db.execute(_SQL["put_key_package"], (account, device, 1, last_resort))
        self._db.executemany(
            _SQL["put_key_package"], [(account, device, 0, package) for package in packages]
        )

    def count_key_packages(self, device: bytes) -> int:
        """Return how many one-time key packages are left."""
        return int(self._db.execute(_SQL["count_key_packages"], (device,)).fetchone()[0])

    def claim_key_package(self, account: bytes, device: bytes) -> bytes:
        """Return and forget the oldest key package, else the last resort, else nothing."""
        row = self._db.execute(_SQL["next_key_package"], (account, device)).fetchone()
        if row is None:
            return b""
        key, last_resort, package = row
        if not last_resort:
            self._db.execute(_SQL["drop_key_package"], (key,))
        return bytes(package)

    def drop_key_packages(self, device: bytes) -> None:
        """Forget every key package of a device."""
        self._db.execute(_SQL["drop_key_packages"], (device,))

    def put_mail(self, mail: Iterable[MailRow]) -> list[MailRow]:
        """Add mail and return it with its numbers."""
        stored = []
        for piece in mail:
            cursor = self._db.execute(_SQL["put_mail"], piece[1:])
            stored.append(piece._replace(sequence=cursor.lastrowid or 0))
        return stored

    def mail(self, device: bytes, after: int, limit: int) -> list[MailRow]:
        """Return a device's mail after a number, oldest first."""
        rows = self._db.execute(_SQL["mail"], (device, after, limit))
        return [MailRow._make(row) for row in rows]

    def drop_mail(self, device: bytes, through: int) -> None:
        """Delete a device's mail up to and including a number."""
        self._db.execute(_SQL["drop_mail"], (device, through))

    def put_cursor(self, device: bytes, conversation: bytes, delivered: int, read: int) -> None:
        """Remember how far a device has and has read a conversation; never backwards."""
        self._db.execute(_SQL["put_cursor"], (device, conversation, delivered, read))

    def cursors(self, device: bytes) -> list[tuple[bytes, int, int]]:
        """Return (conversation, delivered, read) of a device."""
        return list(self._db.execute(_SQL["cursors"], (device,)))
