"""One writer thread with group commit, a few readers, one file (spec W-14).

While a commit is being made durable, the changes that arrive wait in the queue and share the next
one: that is what turns thousands of single writes a second into tens of thousands.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Final, TypeVar

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import WireRefused
from doublelock.store.interface import Tables
from doublelock.store.sqlite.blobs import SqliteBlobs
from doublelock.store.sqlite.checkpoint import Checkpointer
from doublelock.store.sqlite.connection import open_reader, open_writer
from doublelock.store.sqlite.devices import SqliteDevices
from doublelock.store.sqlite.groups import SqliteGroups
from doublelock.store.sqlite.law import SqliteLaw
from doublelock.store.sqlite.push import SqlitePush
from doublelock.store.sqlite.timeline import SqliteTimeline

T = TypeVar("T")
Change = Callable[[Tables], None]
Done = Callable[[BaseException | None], None]

_READERS: Final = 2
_CHANGES_PER_COMMIT: Final = 256


class SqliteTables:
    """See `store.interface.Tables`; one connection's view."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.senders: dict[bytes, int] = {}
        self.timeline = SqliteTimeline(connection, self.senders)
        self.groups = SqliteGroups(connection)
        self.devices = SqliteDevices(connection)
        self.push = SqlitePush(connection)
        self.blobs = SqliteBlobs(connection)
        self.law = SqliteLaw(connection)


class SqliteStore:
    """See `store.interface.Store`. Made inside the running event loop that will use it."""

    def __init__(self, path: Path, deployment: bytes) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._db = open_writer(path, deployment)
        self._tables = SqliteTables(self._db)
        self._checkpointer = Checkpointer(path, self._db)
        self._queue: SimpleQueue[tuple[Change, Done] | None] = SimpleQueue()
        self._closing = False
        self._readers = ThreadPoolExecutor(_READERS, "store-read")
        self._reading = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._thread = threading.Thread(target=self._write_all, name="store-write", daemon=True)
        self._thread.start()

    def submit(self, change: Change, done: Done) -> None:
        """Make a change; `done` is called on the loop when it is durable, or with its error."""
        if self._closing:
            raise WireRefused(Code.STOPPING)
        self._queue.put((change, done))

    async def write(self, change: Callable[[Tables], T]) -> T:
        """Make a change and return its result once it is durable."""
        future: asyncio.Future[T] = self._loop.create_future()
        results: list[T] = []

        def make(tables: Tables) -> None:
            results.append(change(tables))

        def finish(error: BaseException | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(results[0])
            else:
                future.set_exception(error)

        self.submit(make, finish)
        return await future

    async def read(self, query: Callable[[Tables], T]) -> T:
        """Return a query's result over what is durable."""
        return await self._loop.run_in_executor(self._readers, self._read, query)

    async def scrub(self) -> None:
        """Copy the write-ahead log into the file and empty it, so that erased bytes are gone."""

        def checkpoint() -> None:
            with contextlib.closing(sqlite3.connect(self._path, isolation_level=None)) as other:
                other.execute("PRAGMA busy_timeout = 2000")
                other.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        await self._loop.run_in_executor(self._readers, checkpoint)

    async def close(self) -> None:
        """Make every change that was submitted, then close."""
        if self._closing:
            return
        self._closing = True
        self._queue.put(None)
        await self._loop.run_in_executor(None, self._thread.join)
        self._readers.shutdown(wait=True)
        self._checkpointer.close()
        for connection in self._opened:
            connection.close()
        self._db.close()

    # --- reader threads --------------------------------------------------------------------

    def _read(self, query: Callable[[Tables], T]) -> T:
        tables: SqliteTables | None = getattr(self._reading, "tables", None)
        if tables is None:
            connection = open_reader(self._path)
            self._opened.append(connection)
            tables = self._reading.tables = SqliteTables(connection)
        return query(tables)

    # --- the writer thread -----------------------------------------------------------------

    def _write_all(self) -> None:
        stop = False
        while not stop:
            jobs: list[tuple[Change, Done]] = []
            job = self._queue.get()
            while True:
                if job is None:
                    stop = True
                    break
                jobs.append(job)
                if len(jobs) >= _CHANGES_PER_COMMIT or self._queue.empty():
                    break
                job = self._queue.get()
            if jobs:
                outcomes = self._commit(jobs)
                with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits
                    self._loop.call_soon_threadsafe(_tell, outcomes)
                self._checkpointer.after_commit()

    def _commit(self, jobs: list[tuple[Change, Done]]) -> list[tuple[Done, BaseException | None]]:
        """Make the jobs' changes durable in one transaction; one that raises is undone alone."""
        execute = self._db.execute
        outcomes: list[tuple[Done, BaseException | None]] = []
        try:
            execute("BEGIN IMMEDIATE")
            for change, done in jobs:
                execute("SAVEPOINT change")
                try:
                    change(self._tables)
                except Exception as error:
                    if isinstance(error, sqlite3.Error) and not isinstance(
                        error, sqlite3.IntegrityError
                    ):
                        raise
                    execute("ROLLBACK TO change")
                    self._tables.senders.clear()
                    outcomes.append((done, error))
                else:
                    outcomes.append((done, None))
                execute("RELEASE change")
            execute("COMMIT")
        except sqlite3.Error as error:
            self._tables.senders.clear()
            if self._db.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    execute("ROLLBACK")
            refusal = WireRefused(Code.STORAGE, type(error).__name__)
            refusal.__cause__ = error
            return [(done, refusal) for _, done in jobs]
        return outcomes


def _tell(outcomes: list[tuple[Done, BaseException | None]]) -> None:
    for done, error in outcomes:
        done(error)
