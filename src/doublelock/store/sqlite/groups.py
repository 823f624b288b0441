"""Conversations, groups and members in SQLite."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from doublelock.store.rows import ConversationRow, GroupRow, MemberRow, NewConversation
from doublelock.store.statements import read_statements

_SQL: Final = read_statements("groups")


class SqliteGroups:
    """See `store.interface.Groups`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def create(self, new: NewConversation) -> int | None:
        """Add a conversation and return its number, or None when the id is taken."""
        cursor = self._db.execute(_SQL["create"], new)
        return cursor.lastrowid if cursor.rowcount == 1 else None

    def find(self, conversation: bytes) -> ConversationRow | None:
        """Return a conversation by its id."""
        row = self._db.execute(_SQL["find"], (conversation,)).fetchone()
        return None if row is None else ConversationRow._make(row)

    def by_key(self, key: int) -> ConversationRow | None:
        """Return a conversation by the store's number."""
        row = self._db.execute(_SQL["by_key"], (key,)).fetchone()
        return None if row is None else ConversationRow._make(row)

    def all(self) -> list[ConversationRow]:
        """Return every conversation."""
        return [ConversationRow._make(row) for row in self._db.execute(_SQL["all"])]

    def of_device(self, device: bytes) -> list[ConversationRow]:
        """Return the conversations that have this device as a leaf."""
        rows = self._db.execute(_SQL["of_device"], (device,))
        return [ConversationRow._make(row) for row in rows]

    def of_account(self, account: bytes) -> list[ConversationRow]:
        """Return the conversations that have a leaf of this account."""
        rows = self._db.execute(_SQL["of_account"], (account,))
        return [ConversationRow._make(row) for row in rows]

    def members(self, key: int) -> list[MemberRow]:
        """Return the group's leaves."""
        return [MemberRow._make(row) for row in self._db.execute(_SQL["members"], (key,))]

    def change_members(
        self, key: int, added: Sequence[MemberRow], removed: Sequence[MemberRow]
    ) -> None:
        """Take leaves in and out."""
        self._db.executemany(
            _SQL["remove_member"], [(key, leaf.account, leaf.device) for leaf in removed]
        )
        self._db.executemany(
            _SQL["add_member"], [(key, leaf.account, leaf.device) for leaf in added]
        )

    def put_group(self, key: int, group: GroupRow, *, keep_tree: bool) -> None:
        """Replace the group's state; keep this epoch's tree for joiners if asked."""
        self._db.execute(_SQL["put_group"], (key, *group))
        if keep_tree:
            self._db.execute(_SQL["keep_tree"], (key, group.epoch, group.tree))

    def group(self, key: int) -> GroupRow | None:
        """Return the group's state."""
        row = self._db.execute(_SQL["group"], (key,)).fetchone()
        return None if row is None else GroupRow._make(row)

    def epoch(self, key: int) -> int:
        """Return the group's epoch."""
        row = self._db.execute(_SQL["epoch"], (key,)).fetchone()
        return 0 if row is None else int(row[0])

    def tree(self, key: int, epoch: int) -> bytes | None:
        """Return the ratchet tree of an epoch that was kept, or of the present one."""
        row = self._db.execute(_SQL["tree"], (key, epoch)).fetchone()
        return None if row is None else bytes(row[0])

    def set_timer(self, key: int, timer_ms: int) -> None:
        """Set after how long messages are deleted."""
        self._db.execute(_SQL["set_timer"], (key, timer_ms))
