"""SQLite for the vault, with its errors named: a damaged file is a refusal, never a traceback."""

import sqlite3
from collections.abc import Iterable
from typing import Any, Self

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import VaultRefused


def _named(problem: sqlite3.Error) -> VaultRefused:
    """Return our refusal: what the disk does not take, or what is there and damaged."""
    full = isinstance(problem, sqlite3.OperationalError)
    code = Code.VAULT_WRITE if full else Code.VAULT_DAMAGED
    return VaultRefused(code, type(problem).__name__)


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        try:
            return super().execute(sql, parameters)
        except sqlite3.Error as problem:
            raise _named(problem) from None

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Self:
        try:
            return super().executemany(sql, parameters)
        except sqlite3.Error as problem:
            raise _named(problem) from None

    def fetchone(self) -> Any:
        try:
            return super().fetchone()
        except sqlite3.Error as problem:
            raise _named(problem) from None

    def fetchall(self) -> list[Any]:
        try:
            return super().fetchall()
        except sqlite3.Error as problem:
            raise _named(problem) from None


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
