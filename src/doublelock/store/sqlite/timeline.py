"""Items, batches and labels in SQLite."""

import hashlib
import sqlite3
from collections.abc import Sequence
from typing import Final

from doublelock.store.rows import ItemRow, LabelDay, StoredItem
from doublelock.store.statements import read_statements

_SQL: Final = read_statements("timeline")
_MESSAGE: Final = 1
_COMMIT: Final = 2
_ERASED: Final = 3
_MESSAGE_ID: Final = slice(34, 50)


class SqliteTimeline:
    """See `store.interface.Timeline`."""

    def __init__(self, connection: sqlite3.Connection, senders: dict[bytes, int]) -> None:
        self._db = connection
        self._senders = senders

    def put_batch(
        self, items: Sequence[ItemRow], signature: bytes, labels: Sequence[LabelDay]
    ) -> None:
        """Add one write batch."""
        batch = self._db.execute(_SQL["put_batch"], (len(items), signature)).lastrowid
        sender = self._sender
        self._db.executemany(
            _SQL["put_items"],
            [
                (
                    item.conversation,
                    item.sequence,
                    item.time_ms,
                    sender(item.account, item.device),
                    item.kind,
                    batch,
                    item.leaf,
                    item.previous,
                    item.path,
                    item.header,
                    item.body,
                    item.mls,
                )
                for item in items
            ],
        )
        if labels:
            self._db.executemany(_SQL["put_labels"], labels)

    def _sender(self, account: bytes, device: bytes) -> int:
        name = account + device
        key = self._senders.get(name)
        if key is None:
            self._db.execute(_SQL["put_sender"], (account, device))
            (key,) = self._db.execute(_SQL["sender"], (account, device)).fetchone()
            self._senders[name] = key
        return key

    def after(
        self, conversation: int, after: int, items: int, size: int, through: int
    ) -> list[StoredItem]:
        """Return what follows a sequence."""
        found: list[StoredItem] = []
        rows = self._db.execute(_SQL["after"], (conversation, after, through, items))
        for row in rows:
            item = StoredItem._make(row)
            found.append(item)
            size -= len(item.header) + len(item.body) + len(item.mls) + len(item.path)
            if size <= 0:
                rows.close()
                break
        return found

    def last(self, conversation: int) -> StoredItem | None:
        """Return the newest item."""
        row = self._db.execute(_SQL["last"], (conversation,)).fetchone()
        return None if row is None else StoredItem._make(row)

    def find_message(
        self, conversation: int, account: bytes, day: int, message_id: bytes
    ) -> StoredItem | None:
        """Return the item of a message id; looks through one sender's day, so it is for retries."""
        for item in self.label_items(conversation, account, day):
            if item.kind != _ERASED and item.header[_MESSAGE_ID] == message_id:
                return item
        return None

    def newest_messages(self, limit: int) -> tuple[list[tuple[bytes, bytes]], int]:
        """Return (device, message id) of the newest items, and the time of the oldest seen."""
        rows = self._db.execute(_SQL["newest_messages"], (limit,)).fetchall()
        oldest = rows[-1][2] if len(rows) == limit else 0
        return [(row[0], row[1]) for row in rows if row[3] == _MESSAGE], oldest

    def label_items(
        self, conversation: int, account: bytes, day: int, after: int = 0, limit: int = -1
    ) -> list[StoredItem]:
        """Return the items of one label behind a sequence, in order; `limit` of them if not -1."""
        first, end = self._db.execute(_SQL["label_range"], (conversation, day, account)).fetchone()
        if first is None:
            return []
        begin = max(first, after + 1)
        rows = self._db.execute(_SQL["label_items"], (conversation, begin, end, account, limit))
        return [StoredItem._make(row) for row in rows]

    def labels(self, conversation: int) -> list[LabelDay]:
        """Return every label of a conversation."""
        return [LabelDay._make(row) for row in self._db.execute(_SQL["labels"], (conversation,))]

    def labels_of(self, account: bytes, first_day: int, last_day: int) -> list[LabelDay]:
        """Return every label of an account between two days."""
        rows = self._db.execute(_SQL["labels_of"], (account, first_day, last_day))
        return [LabelDay._make(row) for row in rows]

    def erase(self, conversation: int, before_ms: int, limit: int) -> int:
        """Delete the content of the oldest messages; their hashes stay for the receipt chain."""
        rows = self._db.execute(_SQL["to_erase"], (conversation, before_ms, limit)).fetchall()
        if not rows:
            return 0
        self._db.executemany(
            _SQL["erase"],
            [
                (key, _digest(header), _digest(body), _digest(mls))
                for key, _, header, body, mls, kind in rows
                if kind not in (_COMMIT, _ERASED)
            ],
        )
        self._db.execute(_SQL["erased"], (conversation, rows[-1][1]))
        return len(rows)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
