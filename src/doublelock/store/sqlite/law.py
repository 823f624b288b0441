"""The law desk's documents, charters, key epochs and ceremonies in SQLite."""

import sqlite3
from typing import Final

from doublelock.store.rows import CeremonyMessageRow, CeremonyRow, LawRow
from doublelock.store.statements import read_statements

_SQL: Final = read_statements("law")


class SqliteLaw:
    """See `store.interface.Law`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def put_document(self, row: LawRow) -> int:
        """Add a document and return its number."""
        return self._db.execute(_SQL["put_document"], row[1:]).lastrowid or 0

    def documents(self, after: int, limit: int) -> list[LawRow]:
        """Return documents after a number, oldest first."""
        return [LawRow._make(row) for row in self._db.execute(_SQL["documents"], (after, limit))]

    def case(self, case: bytes) -> list[LawRow]:
        """Return every document of a case, oldest first."""
        return [LawRow._make(row) for row in self._db.execute(_SQL["case"], (case,))]

    def put_charter(self, document: bytes) -> None:
        """Add a charter or amendment."""
        self._db.execute(_SQL["put_charter"], (document,))

    def charters(self) -> list[bytes]:
        """Return every charter, genesis first."""
        return [bytes(row[0]) for row in self._db.execute(_SQL["charters"])]

    def put_key_epoch(self, document: bytes) -> int:
        """Add a signed key epoch and return its number."""
        self._db.execute(_SQL["put_key_epoch"], (document,))
        return int(self._db.execute(_SQL["key_epoch"], (document,)).fetchone()[0])

    def key_epochs(self) -> list[bytes]:
        """Return every key epoch document, oldest first."""
        return [bytes(row[0]) for row in self._db.execute(_SQL["key_epochs"])]

    def put_ceremony(self, row: CeremonyRow) -> bool:
        """Add a ceremony; False when its name is taken."""
        return self._db.execute(_SQL["put_ceremony"], row).rowcount == 1

    def ceremonies(self) -> list[CeremonyRow]:
        """Return every ceremony, oldest first."""
        return [CeremonyRow._make(row) for row in self._db.execute(_SQL["ceremonies"])]

    def opened_after(self, author: bytes, time_ms: int) -> list[CeremonyRow]:
        """Return the ceremonies that one key opened after a time."""
        rows = self._db.execute(_SQL["opened_after"], (author, time_ms))
        return [CeremonyRow._make(row) for row in rows]

    def ceremony(self, ceremony: bytes) -> CeremonyRow | None:
        """Return a ceremony."""
        row = self._db.execute(_SQL["ceremony"], (ceremony,)).fetchone()
        return None if row is None else CeremonyRow._make(row)

    def put_ceremony_message(self, row: CeremonyMessageRow) -> int:
        """Add a message and return its number, or 0 when its author spoke in this round already."""
        cursor = self._db.execute(_SQL["put_ceremony_message"], row[1:])
        return (cursor.lastrowid or 0) if cursor.rowcount == 1 else 0

    def ceremony_messages(self, ceremony: bytes, after: int) -> list[CeremonyMessageRow]:
        """Return a ceremony's messages after a number."""
        rows = self._db.execute(_SQL["ceremony_messages"], (ceremony, after))
        return [CeremonyMessageRow._make(row) for row in rows]
