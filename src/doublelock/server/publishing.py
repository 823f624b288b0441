"""Keeps a log's published checkpoint fresh: after every growth, and before it gets old (spec L-12).

Only law and key events wait for witnesses; a witness that is away delays them and nothing else.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final

import httpx

from doublelock.log.sequencer import Sequencer
from doublelock.log.witness_client import Publisher
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Refusal
from doublelock.protocol.policy import CosignedCheckpoint, Policy

_LOOK_S: Final = 0.25
_AFTER_FAILURE_S: Final = 2.0


class Publishing:
    """Publishes one log for as long as the server runs; `age_ms` gives when a checkpoint is old.

    `policies` gives those that a head must fulfil; when others are due, it is published anew.
    """

    def __init__(
        self,
        log: Sequencer,
        policies: Callable[[], Sequence[Policy]],
        addresses: Sequence[str],
        http: httpx.AsyncClient,
        clock: Callable[[], int],
        age_ms: Callable[[], int],
        report: Callable[[str], None],
    ) -> None:
        self._log = log
        self._policies = policies
        self._publisher = Publisher(log, policies, addresses, http)
        self._published_under: Sequence[Policy] = ()
        self._clock = clock
        self._age_ms = age_ms
        self._report = report
        self._trouble: Code | None = None
        self._size = -1
        self._time_ms = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def size(self) -> int:
        """How many entries the last checkpoint has that was published by this process, or -1."""
        return self._size

    def start(self) -> None:
        """Begin to publish in the background."""
        self._task = asyncio.create_task(self._run())

    def grew(self) -> None:
        """Say that the log has a new entry."""
        self._wake.set()

    async def publish(self) -> CosignedCheckpoint:
        """Publish now. Raises LogRefused(log-quorum) when too few witnesses answer."""
        policies = self._policies()
        cosigned = await self._publisher.publish()
        self._size, self._time_ms = cosigned.checkpoint.size, self._clock()
        self._published_under = policies
        return cosigned

    async def stop(self) -> None:
        """Stop publishing; what is logged is published at the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _is_due(self) -> bool:
        if self._log.checkpoint().checkpoint.size != self._size:
            return True
        if self._policies() != self._published_under:
            return True
        return abs(self._clock() - self._time_ms) > self._age_ms()

    def _tell(self, refusal: Refusal | None) -> None:
        """Report what keeps the log from being published, when that changes."""
        code = None if refusal is None else refusal.code
        if code is not self._trouble:
            origin = self._log.checkpoint().checkpoint.origin
            self._report(f"{origin}: {refusal or 'published again'}")
        self._trouble = code

    async def _run(self) -> None:
        while True:
            wait_s = _LOOK_S
            if self._is_due():
                try:
                    await self.publish()
                    self._tell(None)
                except Refusal as refusal:
                    self._tell(refusal)
                    wait_s = _AFTER_FAILURE_S
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait_s)
