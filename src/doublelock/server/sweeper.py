"""Deletes what has had its time: messages, unfinished uploads, old blobs, sessions (spec W-19)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from doublelock.protocol.charter import Charter
from doublelock.protocol.errors import Refusal
from doublelock.server.blobs import Blobs
from doublelock.server.config import Bounds, Clock
from doublelock.server.sessions import Sessions
from doublelock.store.interface import Store
from doublelock.store.rows import ConversationRow

_LOG: Final = logging.getLogger("doublelock.server")
_ITEMS: Final = 1000


async def _nothing() -> frozenset[bytes]:
    return frozenset()


class Sweeper:
    """Runs every few seconds of the machine's time, and judges by the deployment's clock."""

    def __init__(
        self,
        charter: Callable[[], Charter],
        store: Store,
        blobs: Blobs,
        sessions: Sessions,
        clock: Clock,
        bounds: Bounds,
    ) -> None:
        self._charter = charter
        self._store = store
        self._blobs = blobs
        self._sessions = sessions
        self._clock = clock
        self._bounds = bounds
        self._task: asyncio.Task[None] | None = None
        self.holds: Callable[[], Awaitable[frozenset[bytes]]] = _nothing
        """Which conversations retention spares for now."""

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._bounds.sweep_seconds)
            try:
                await self.sweep()
            except (Refusal, OSError) as error:
                _LOG.warning("sweep: %s", type(error).__name__)

    async def sweep(self) -> int:
        """Delete what is due and return how many items lost their content."""
        now = self._clock()
        self._sessions.sweep()
        retained_from = self._charter().terms.retained_from(now)
        erased = 0
        held = await self.holds()
        for row in await self._store.read(lambda tables: tables.groups.all()):
            kept_from = 0 if row.conversation in held else retained_from
            before_ms = max(kept_from, now - row.timer_ms if row.timer_ms else 0)
            erased += await self._erase(row, before_ms)
        await self._blobs.sweep(now - self._bounds.blob_unfinished_ms, retained_from)
        if erased:
            await self._store.scrub()
        return erased

    async def _erase(self, row: ConversationRow, before_ms: int) -> int:
        total = 0
        while True:
            number = await self._store.write(
                lambda tables: tables.timeline.erase(row.key, before_ms, _ITEMS)
            )
            total += number
            if number < _ITEMS:
                return total
