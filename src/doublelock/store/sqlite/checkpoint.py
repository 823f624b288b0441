"""Copies the write-ahead log into the file beside the writer, so that no commit waits for it.

Left alone, SQLite does this inside some commit, which then takes tens of milliseconds. A passive
checkpoint on another connection hinders nobody, but leaves what was written meanwhile; the writer
copies that small rest itself, and the next commit starts the log over.
"""

import contextlib
import sqlite3
import threading
from pathlib import Path
from typing import Final

from doublelock.store.sqlite.connection import open_checkpointer

_BEGIN: Final = 8 * 1024 * 1024
_LOOK_EVERY: Final = 16


class Checkpointer:
    """`after_commit` belongs to the writer's thread; the copying runs in a thread of its own."""

    def __init__(self, path: Path, writer: sqlite3.Connection) -> None:
        self._log = path.with_name(path.name + "-wal")
        self._path = path
        self._writer = writer
        self._commits = 0
        self._wake = threading.Event()
        self._copied = threading.Event()
        self._busy = False
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="store-checkpoint", daemon=True)
        self._thread.start()

    def after_commit(self) -> None:
        """Look after the log's size; cheap."""
        if self._copied.is_set():
            self._copied.clear()
            self._busy = False
            with contextlib.suppress(sqlite3.Error):
                self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)")
            return
        self._commits += 1
        if self._busy or self._commits % _LOOK_EVERY:
            return
        with contextlib.suppress(OSError):
            if self._log.stat().st_size >= _BEGIN:
                self._busy = True
                self._wake.set()

    def close(self) -> None:
        """End the thread; closing the last connection copies the rest."""
        self._closing = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        with contextlib.closing(open_checkpointer(self._path)) as connection:
            while True:
                self._wake.wait()
                self._wake.clear()
                if self._closing:
                    return
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                self._copied.set()
