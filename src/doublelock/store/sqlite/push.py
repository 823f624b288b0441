"""Push subscriptions and the key that signs for them in SQLite."""

import sqlite3
from typing import Final

from doublelock.store.statements import read_statements

_SQL: Final = read_statements("push")


class SqlitePush:
    """See `store.interface.Push`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def put(self, device: bytes, endpoint: str) -> None:
        """Keep a device's endpoint in place of the one before."""
        self._db.execute(_SQL["put"], (device, endpoint))

    def drop(self, device: bytes) -> None:
        """Forget a device's endpoint."""
        self._db.execute(_SQL["drop"], (device,))

    def all(self) -> list[tuple[bytes, str]]:
        """Return (device, endpoint) of every subscription."""
        return [(bytes(device), str(url)) for device, url in self._db.execute(_SQL["all"])]

    def keep_key(self, key: bytes) -> bytes:
        """Keep a new signing key unless there is one; return the one that is kept."""
        self._db.execute(_SQL["put_key"], (key,))
        return bytes(self._db.execute(_SQL["key"]).fetchone()[0])
