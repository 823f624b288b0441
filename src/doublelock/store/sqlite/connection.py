"""Opens the database file: durable settings, schema version, integrity, the right deployment."""

import sqlite3
from pathlib import Path
from typing import Final

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import WireRefused
from doublelock.store.statements import read_sql

_VERSION: Final = 4
_CHECKPOINT_PAGES: Final = 32_768


def open_writer(path: Path, deployment: bytes) -> sqlite3.Connection:
    """Return the writing connection to a checked database of this deployment, made if absent.

    Raises WireRefused(storage) when the file is damaged, newer than this program or another's.
    """
    made = not path.exists()
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    if made:
        path.chmod(0o600)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        # `checkpoint` copies the log long before; this is the bound if it cannot keep up.
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute("PRAGMA cache_size = -32768")
        connection.execute("PRAGMA temp_store = MEMORY")
        _migrate(connection)
        _check(connection, deployment)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise WireRefused(Code.STORAGE, "the database file is damaged") from error
    except WireRefused:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Return a connection that cannot write."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA cache_size = -16384")
    return connection


def open_checkpointer(path: Path) -> sqlite3.Connection:
    """Return a connection for another thread to copy the write-ahead log with."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise WireRefused(Code.STORAGE, f"the database has version {version}, newer than this")
    for number in range(version + 1, _VERSION + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{read_sql(f'schema_{number}')}\n"
            f"PRAGMA user_version = {number};\nCOMMIT;"
        )


def _check(connection: sqlite3.Connection, deployment: bytes) -> None:
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise WireRefused(Code.STORAGE, "the database file is damaged")
    connection.execute(
        "INSERT OR IGNORE INTO meta (name, value) VALUES ('deployment', ?)", (deployment,)
    )
    (owner,) = connection.execute("SELECT value FROM meta WHERE name = 'deployment'").fetchone()
    if owner != deployment:
        raise WireRefused(Code.STORAGE, "the database belongs to another deployment")
