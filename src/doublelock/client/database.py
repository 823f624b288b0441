"""SQLite for the vault, with its errors named: a damaged file is a refusal, never a traceback."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import VaultRefused


@contextmanager
def _named() -> Iterator[None]:
    """Raise VaultRefused for what the disk does not take, or what is there and damaged."""
    try:
        yield
    except sqlite3.OperationalError as problem:
        raise VaultRefused(Code.VAULT_WRITE, type(problem).__name__) from None
    except (sqlite3.Error, UnicodeDecodeError) as problem:  # SQLite's own words may be damaged too
        raise VaultRefused(Code.VAULT_DAMAGED, type(problem).__name__) from None


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        with _named():
            return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Self:
        with _named():
            return super().executemany(sql, parameters)

    def executescript(self, sql: str, /) -> sqlite3.Cursor:
        with _named():
            return super().executescript(sql)

    def fetchone(self) -> Any:
        with _named():
            return super().fetchone()

    def fetchall(self) -> list[Any]:
        with _named():
            return super().fetchall()


class Database(sqlite3.Connection):
    """A connection whose errors are VaultRefused, whatever page of the file is damaged."""

    def cursor(self, factory: Any = _Cursor) -> Any:
        """Return a cursor that names its errors so."""
        return super().cursor(factory)

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        """Run one statement by such a cursor; the C code would take a plain one."""
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Any:
        """Run one statement for many rows by such a cursor."""
        return self.cursor().executemany(sql, parameters)

    def executescript(self, sql: str, /) -> Any:
        """Run a script by such a cursor."""
        return self.cursor().executescript(sql)
