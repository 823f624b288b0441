"""The watch over both logs: what they say of this account and its law is news that nobody sends."""

import asyncio
import contextlib
from typing import Final

from doublelock.client.core import Core
from doublelock.client.devices import Devices
from doublelock.client.events import AccountAlarm, CharterAmended, EpochsLow, LogAlarm
from doublelock.client.linking import ALARMS_SEEN
from doublelock.client.mending import Mending
from doublelock.client.siblings import Siblings
from doublelock.client.timers import Timers
from doublelock.protocol.days import day_of, key_epoch_of
from doublelock.protocol.errors import Refusal, WireRefused, name_fault
from doublelock.protocol.keylog import find_alarm

_WATCH_S: Final = 60.0
_EPOCHS_READY: Final = 3


class Watch:
    """Reads both logs now and then, and tells what is new. `up`: is there a connection?"""

    def __init__(
        self,
        core: Core,
        devices: Devices,
        siblings: Siblings,
        timers: Timers,
        mending: Mending,
        up: asyncio.Event,
    ) -> None:
        self._core = core
        self._devices = devices
        self._siblings = siblings
        self._timers = timers
        self._mending = mending
        self._up = up
        self._task: asyncio.Task[None] | None = None
        self._ready = _EPOCHS_READY
        self._applied = 0
        self._charters = 0
        self._void = 0
        self._alarms_seen = core.vault.number(ALARMS_SEEN)

    def start(self) -> None:
        """Begin to watch, unless that has begun."""
        if self._task is None:
            self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """End the watch."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Refusal):
                await task

    async def _watch(self) -> None:
        core = self._core
        if core.monitor.law.size:
            known = core.monitor.charters
            self._charters = min(len(known), 1 + known.index(core.monitor.charter))
        while True:
            try:
                await core.monitor.refresh(_WATCH_S)
            except WireRefused:
                pass  # the stream's own trouble tells of it
            except Refusal as refusal:
                core.tell(LogAlarm("key or law", refusal))
            try:
                self._tell_news()
            except Exception as problem:  # a fault of ours ends no watch in silence
                core.tell(LogAlarm("key or law", name_fault(problem)))
            await asyncio.sleep(_WATCH_S)

    def _tell_news(self) -> None:
        self.tell_alarms()
        self._tell_amendments()
        self._check_epochs()
        self._devices.forget_gone()
        self._core.flush()
        self._timers.sweep()
        self._mending.untidy = True
        self._mending.mend()

    def _tell_amendments(self) -> None:
        """Tell of every charter that is to come, and of those that came while this one was away."""
        charters = self._core.monitor.charters
        in_force = 1 + charters.index(self._core.monitor.charter)
        self._charters = self._charters or in_force
        for before, charter in zip(
            charters[self._charters - 1 :], charters[self._charters :], strict=False
        ):
            self._core.tell(CharterAmended(charter, before, int(charter.terms.effective_ms)))
        self._charters = len(charters)

    def _check_epochs(self) -> None:
        """Three key epochs are ready ahead; an alarm sounds at two (DESIGN §4)."""
        core = self._core
        committee = core.monitor.key_log.committee(core.account)
        if not core.monitor.charter.committee(committee).requires_capsule:
            return
        ready = core.monitor.epochs_ready(committee, key_epoch_of(day_of(core.clock())))
        if ready < self._ready:
            core.tell(EpochsLow(committee, ready))
        self._ready = min(ready, _EPOCHS_READY)

    def tell_alarms(self) -> None:
        """Tell what the logs say of this account since it was told last; the caller flushes."""
        core, monitor = self._core, self._core.monitor
        for applied in monitor.applied[self._applied :]:
            alarm = find_alarm(applied, core.account, core.identity.made)
            if alarm is not None and applied.index >= self._alarms_seen:
                core.tell(AccountAlarm(alarm))
            if applied.removed and applied.index >= self._devices.tidied:
                core.gone.update(applied.removed)
                self._mending.untidy = True
            if applied.account == core.account and applied.added and self._up.is_set():
                self._mending.untidy = True
                self._siblings.follow()
        self._applied = len(monitor.applied)
        for void in monitor.refused[self._void :]:
            core.tell(LogAlarm(void.log, void.refusal))
        self._void = len(monitor.refused)
