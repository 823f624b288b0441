"""The client's memory: one SQLite file of sealed values in a locked state folder.

What must not come apart is written in one transaction: an MLS state change and what leaves the
device because of it; a message's history and the state that read it. A value is sealed for its
table and row, so that no row can stand in for another. SQL stays here and in `vault.sql`.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final, Self, TypeVar

from msgspec import DecodeError, Struct, msgpack

from doublelock.client.database import Database
from doublelock.keep import StateFolder, Unlocking
from doublelock.keep.sealing import seal, unseal
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import VaultRefused
from doublelock.protocol.identifiers import ConversationId, MessageId

_FILE: Final = "vault.db"
_MEMORY: Final = -2048  # KiB of page cache: many clients may live in one process
_ALL: Final = -1
_Value = TypeVar("_Value")


class GroupState(Struct, frozen=True):
    """One group as `doublelock_mls.Client.load_group` takes it back; all of it is secret."""

    state: bytes
    tree: bytes
    epochs: tuple[tuple[int, bytes], ...]
    sent: tuple[int, int] | None


class GroupChange(Struct, frozen=True):
    """What a step changed of a group (`doublelock_mls.StateChange`), ready to be written."""

    state: bytes
    tree: bytes | None
    epochs: tuple[tuple[int, bytes], ...]
    drop_epochs_below: int


class Outgoing(Struct, frozen=True):
    """A message on its way: its record, and its envelope once sealed (empty before).

    `epoch` and `day` are those of the sealing; another one means sealing again.
    """

    conversation: bytes
    message_id: bytes
    record: bytes
    created_ms: int
    header: bytes = b""
    body: bytes = b""
    mls: bytes = b""
    epoch: int = 0
    day: int = 0


class Shown(Struct, frozen=True):
    """One item of a conversation's history: a record, or the code by which it was refused."""

    sequence: int
    time_ms: int
    account: bytes
    device: bytes
    message_id: bytes
    day: int
    record: bytes
    refusal: str = ""
    detail: str = ""


class Vault:
    """An open vault; holds the folder's lock until `close`. Errors are VaultRefused."""

    def __init__(self, folder: StateFolder, database: sqlite3.Connection) -> None:
        self.folder = folder
        self._database = database
        self._key = folder.derive_key("vault")
        self._depth = 0

    @classmethod
    def open(cls, path: Path, unlocking: Unlocking, *, make: bool = True) -> Self:
        """Open the vault in a folder, or `make` it. Raises VaultRefused."""
        opening = StateFolder.open_or_create if make else StateFolder.open
        folder = opening(path, unlocking)
        try:
            file = path / _FILE
            file.touch(mode=0o600)
            database = sqlite3.connect(
                file, isolation_level=None, check_same_thread=False, factory=Database
            )
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA secure_delete = ON")
            database.execute(f"PRAGMA cache_size = {_MEMORY}")
            database.executescript(files(__package__).joinpath("vault.sql").read_text("utf-8"))
        except sqlite3.Error as problem:  # not even opened
            folder.close()
            raise VaultRefused(Code.VAULT_DAMAGED, type(problem).__name__) from None
        except VaultRefused:
            folder.close()
            raise
        return cls(folder, database)

    def close(self) -> None:
        """Close the file and give the folder's lock back."""
        self._database.close()
        self.folder.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is written as one, durable at the end, or not at all; may be nested."""
        if self._depth == 0:
            self._database.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth -= 1
            if self._depth == 0:
                self._database.execute("ROLLBACK")
            raise
        self._depth -= 1
        if self._depth == 0:
            self._database.execute("COMMIT")

    # --- facts -----------------------------------------------------------------------------

    def write_fact(self, name: str, value: bytes) -> None:
        """Keep a named value."""
        self._database.execute(
            "INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, self._seal("facts", name, value))
        )

    def fact(self, name: str) -> bytes | None:
        """Return a named value, or None."""
        row = self._one("SELECT value FROM facts WHERE name = ?", name)
        return None if row is None else self._unseal("facts", name, row[0])

    def number(self, name: str) -> int:
        """Return a named value that is a number (big-endian), or 0 when there is none."""
        return int.from_bytes(self.fact(name) or b"", "big")

    def facts(self, prefix: str) -> list[bytes]:
        """Return the named values whose names begin so, in the order of their names."""
        rows = self._database.execute(
            "SELECT name, value FROM facts WHERE substr(name, 1, ?) = ? ORDER BY name",
            (len(prefix), prefix),
        ).fetchall()
        return [self._unseal("facts", name, value) for name, value in rows]

    def drop_fact(self, name: str) -> None:
        """Forget a named value."""
        self._database.execute("DELETE FROM facts WHERE name = ?", (name,))

    # --- conversations and groups ----------------------------------------------------------

    def write_conversation(self, conversation: bytes, value: Struct) -> None:
        """Keep what is known of a conversation besides its group."""
        sealed = self._seal("conversations", conversation.hex(), msgpack.encode(value))
        self._database.execute(
            "INSERT OR REPLACE INTO conversations VALUES (?, ?)", (conversation, sealed)
        )

    def conversations(self) -> list[tuple[ConversationId, bytes]]:
        """Return every conversation with its value, to decode."""
        rows = self._database.execute("SELECT conversation, value FROM conversations").fetchall()
        return [
            (ConversationId(name), self._unseal("conversations", name.hex(), value))
            for name, value in rows
        ]

    def write_group(self, conversation: bytes, change: GroupChange) -> None:
        """Write what changed of a group; a new epoch burns the record of what was sent."""
        name = conversation.hex()
        state = self._seal("group_states", name, change.state)
        if change.tree is None:
            self._database.execute(
                "UPDATE group_states SET value = ? WHERE conversation = ?", (state, conversation)
            )
        else:
            tree = self._seal("group_trees", name, change.tree)
            self._database.execute(
                "INSERT INTO group_states VALUES (?, ?, ?, NULL) ON CONFLICT (conversation) "
                "DO UPDATE SET value = excluded.value, tree = excluded.tree",
                (conversation, state, tree),
            )
        for epoch, value in change.epochs:
            self._database.execute(
                "INSERT OR REPLACE INTO group_epochs VALUES (?, ?, ?)",
                (conversation, epoch, self._seal("group_epochs", f"{name}/{epoch}", value)),
            )
        self._database.execute(
            "DELETE FROM group_epochs WHERE conversation = ? AND epoch < ?",
            (conversation, change.drop_epochs_below),
        )

    def write_sent(self, conversation: bytes, epoch: int, following: int) -> None:
        """Burn every generation of an epoch below `following`, before any of them leaves."""
        sealed = self._seal("sent", conversation.hex(), msgpack.encode((epoch, following)))
        self._database.execute(
            "UPDATE group_states SET sent = ? WHERE conversation = ?", (sealed, conversation)
        )

    def group(self, conversation: bytes) -> GroupState | None:
        """Return a group's state, or None when the vault has none."""
        row = self._one(
            "SELECT value, tree, sent FROM group_states WHERE conversation = ?", conversation
        )
        if row is None:
            return None
        name = conversation.hex()
        epochs = self._database.execute(
            "SELECT epoch, value FROM group_epochs WHERE conversation = ? ORDER BY epoch",
            (conversation,),
        ).fetchall()
        sent = None
        if row[2] is not None:
            sent = self._decode(self._unseal("sent", name, row[2]), tuple[int, int])
        return GroupState(
            self._unseal("group_states", name, row[0]),
            self._unseal("group_trees", name, row[1]),
            tuple(
                (epoch, self._unseal("group_epochs", f"{name}/{epoch}", value))
                for epoch, value in epochs
            ),
            sent,
        )

    def drop_group(self, conversation: bytes) -> None:
        """Forget a group's secrets; its conversation and history stay."""
        for table in ("group_states", "group_epochs"):
            self._database.execute(
                f"DELETE FROM {table} WHERE conversation = ?",  # noqa: S608 - two fixed names
                (conversation,),
            )

    # --- key packages ----------------------------------------------------------------------

    def write_key_packages(self, packages: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep the private parts of key packages under their references."""
        self._database.executemany(
            "INSERT OR REPLACE INTO key_packages VALUES (?, ?)",
            [(ref, self._seal("key_packages", ref.hex(), value)) for ref, value in packages],
        )

    def key_package(self, reference: bytes) -> bytes | None:
        """Return the private part of a key package, or None."""
        row = self._one("SELECT value FROM key_packages WHERE reference = ?", reference)
        return None if row is None else self._unseal("key_packages", reference.hex(), row[0])

    def drop_key_package(self, reference: bytes) -> None:
        """Forget a used key package's private part."""
        self._database.execute("DELETE FROM key_packages WHERE reference = ?", (reference,))

    # --- outbox and history ----------------------------------------------------------------

    def write_outgoing(self, outgoing: Outgoing) -> None:
        """Keep a message on its way, sealed or not; one of the same id is replaced in place."""
        name = outgoing.message_id.hex()
        sealed = self._seal("outbox", name, msgpack.encode(outgoing))
        self._database.execute(
            "INSERT INTO outbox (conversation, message_id, value) VALUES (?, ?, ?) "
            "ON CONFLICT (message_id) DO UPDATE SET value = excluded.value",
            (outgoing.conversation, outgoing.message_id, sealed),
        )

    def outbox(self) -> list[Outgoing]:
        """Return every message on its way, oldest first."""
        rows = self._database.execute("SELECT message_id, value FROM outbox ORDER BY number")
        return [
            self._decode(self._unseal("outbox", name.hex(), value), Outgoing)
            for name, value in rows.fetchall()
        ]

    def outgoing(self, message_id: bytes) -> Outgoing | None:
        """Return one message on its way, or None when it is not."""
        row = self._one("SELECT value FROM outbox WHERE message_id = ?", message_id)
        if row is None:
            return None
        return self._decode(self._unseal("outbox", message_id.hex(), row[0]), Outgoing)

    def drop_outgoing(self, message_id: bytes) -> None:
        """Forget a message on its way: it was accepted, or given up."""
        self._database.execute("DELETE FROM outbox WHERE message_id = ?", (message_id,))

    def write_own(self, message_id: bytes, sequence: int) -> None:
        """Remember where an own message stands."""
        self._database.execute(
            "INSERT OR REPLACE INTO own_messages VALUES (?, ?)", (message_id, sequence)
        )

    def own_sequence(self, message_id: MessageId) -> int | None:
        """Return where an own message stands, or None when this vault never sent it."""
        row = self._one("SELECT sequence FROM own_messages WHERE message_id = ?", message_id)
        return None if row is None else int(row[0])

    def write_history(self, conversation: bytes, items: Iterable[Shown]) -> None:
        """Keep what was shown; an item stands once."""
        name = conversation.hex()
        self._database.executemany(
            "INSERT OR REPLACE INTO history VALUES (?, ?, ?)",
            [
                (
                    conversation,
                    item.sequence,
                    self._seal("history", f"{name}/{item.sequence}", msgpack.encode(item)),
                )
                for item in items
            ],
        )

    def history(self, conversation: bytes, after: int = 0, limit: int = _ALL) -> list[Shown]:
        """Return a conversation's items after a sequence, in order; `limit` -1 means all."""
        name = conversation.hex()
        rows = self._database.execute(
            "SELECT sequence, value FROM history WHERE conversation = ? AND sequence > ? "
            "ORDER BY sequence LIMIT ?",
            (conversation, after, limit),
        ).fetchall()
        return [
            self._decode(self._unseal("history", f"{name}/{sequence}", value), Shown)
            for sequence, value in rows
        ]

    def drop_history(self, conversation: bytes, sequence: int) -> None:
        """Forget one item: its retention or timer ended."""
        self._database.execute(
            "DELETE FROM history WHERE conversation = ? AND sequence = ?",
            (conversation, sequence),
        )

    # --- uploads and logs ------------------------------------------------------------------

    def write_upload(self, digest: bytes, value: bytes) -> None:
        """Keep an upload that was begun, so that it can resume."""
        self._database.execute(
            "INSERT OR REPLACE INTO uploads VALUES (?, ?)",
            (digest, self._seal("uploads", digest.hex(), value)),
        )

    def upload(self, digest: bytes) -> bytes | None:
        """Return an upload that was begun, or None."""
        row = self._one("SELECT value FROM uploads WHERE digest = ?", digest)
        return None if row is None else self._unseal("uploads", digest.hex(), row[0])

    def drop_upload(self, digest: bytes) -> None:
        """Forget an upload that is complete."""
        self._database.execute("DELETE FROM uploads WHERE digest = ?", (digest,))

    def write_log_entries(self, log: str, first: int, entries: Iterable[bytes]) -> None:
        """Keep entries of a log from index `first` on; public, and checked against the root."""
        self._database.executemany(
            "INSERT OR REPLACE INTO log_entries VALUES (?, ?, ?)",
            [(log, first + offset, entry) for offset, entry in enumerate(entries)],
        )

    def count_log_entries(self, log: str) -> int:
        """Return how many entries of a log are kept."""
        row = self._database.execute(
            "SELECT count(*) FROM log_entries WHERE log = ?", (log,)
        ).fetchone()
        return int(row[0])

    def log_entries(self, log: str) -> list[bytes]:
        """Return every kept entry of a log, in order."""
        rows = self._database.execute(
            "SELECT entry FROM log_entries WHERE log = ? ORDER BY number", (log,)
        )
        return [entry for (entry,) in rows.fetchall()]

    # --- sealing ---------------------------------------------------------------------------

    def _seal(self, table: str, row: str, value: bytes) -> bytes:
        return seal(self._key, f"{table}/{row}", value)

    def _unseal(self, table: str, row: str, value: bytes) -> bytes:
        return unseal(self._key, f"{table}/{row}", value)

    def _one(self, query: str, key: str | bytes) -> tuple[bytes, ...] | None:
        row: tuple[bytes, ...] | None = self._database.execute(query, (key,)).fetchone()
        return row

    def _decode(self, data: bytes, kind: type[_Value]) -> _Value:
        try:
            return msgpack.decode(data, type=kind)
        except DecodeError:
            raise VaultRefused(Code.VAULT_DAMAGED, "a value of another version") from None
