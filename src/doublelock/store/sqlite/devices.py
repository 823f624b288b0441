"""Handles, key packages, mailboxes and days of use in SQLite."""

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

    def count_relayed(self, device: bytes, kind: int, sender: bytes) -> tuple[int, int]:
        """Return how much mail of a relayed kind waits for a device, and how much of an account."""
        row = self._db.execute(_SQL["count_relayed"], (device, kind, sender)).fetchone()
        return int(row[0]), int(row[1])

    def put_day(self, account: bytes, device: bytes, day: int) -> None:
        """Remember the last day on which a device connected; never backwards."""
        self._db.execute(_SQL["put_day"], (device, account, day))

    def days(self, account: bytes) -> dict[bytes, int]:
        """Return the days that are kept of an account's devices."""
        return {bytes(name): int(day) for name, day in self._db.execute(_SQL["days"], (account,))}

    def keep_days(self, account: bytes, keep: bool) -> None:
        """Say whether an account wants days kept; those that are there go when it does not."""
        if keep:
            self._db.execute(_SQL["keep_days"], (account,))
        else:
            self._db.execute(_SQL["keep_no_days"], (account,))
            self._db.execute(_SQL["drop_days"], (account,))

    def without_days(self) -> list[bytes]:
        """Return the accounts that want none kept."""
        return [bytes(row[0]) for row in self._db.execute(_SQL["without_days"])]

    def forget(self, device: bytes) -> None:
        """Forget a device that the key log lists no more: key packages, mail, day."""
        for statement in ("drop_key_packages", "drop_all_mail", "drop_day"):
            self._db.execute(_SQL[statement], (device,))
