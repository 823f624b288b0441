"""The store on one SQLite file: write-ahead log, synchronous=FULL, one writer thread."""

from doublelock.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
