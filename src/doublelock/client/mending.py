"""Mending: rejoin what is broken, commit what waits to be, keep groups in step with the key log.

One task at a time per conversation. Who rules a group goes first; then members go one after the
other, so that whoever comes second has nothing to do (spec G-11, G-13, Y-13).
"""

import asyncio
import contextlib
import random
from typing import Final

from doublelock_mls import MlsError

from doublelock.client.conversation import Conversations
from doublelock.client.core import BROKEN, MEMBER, Core, Room
from doublelock.client.devices import Devices
from doublelock.client.groups import name_failure
from doublelock.client.joining import Joining
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import GroupRefused, Refusal
from doublelock.protocol.identifiers import ConversationId

_FIRST_WAIT_S: Final = 0.1
_LONGEST_WAIT_S: Final = 20.0
_WISH_WAIT_S: Final = 2.0
_WISH_STEP_S: Final = 0.2


class Mending:
    """Keeps one device's conversations in order."""

    def __init__(
        self, core: Core, conversations: Conversations, joining: Joining, devices: Devices
    ) -> None:
        self._core = core
        self._conversations = conversations
        self._joining = joining
        self._devices = devices
        self._tasks: dict[ConversationId, asyncio.Task[None]] = {}
        self.untidy = False
        """Set when a group may differ from what the key log says of devices."""

    @property
    def busy(self) -> bool:
        """Whether a conversation is being put in order."""
        return bool(self._tasks)

    async def stop(self) -> None:
        """End what is under way."""
        for task in list(self._tasks.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Refusal):
                await task

    def mend(self) -> None:
        """Begin what is to be done; to be called whenever something has come."""
        untidy, self.untidy = self.untidy, False
        for room in self._core.rooms.values():
            if room.conversation in self._tasks:
                self.untidy = self.untidy or untidy
                continue
            if room.status == BROKEN:
                work = self._rejoin(room)
            elif room.status != MEMBER or not room.live:
                continue
            elif room.wish:
                work = self._grant(room)
            elif untidy and self._devices.is_untidy(room):
                work = self._tidy(room)
            else:
                continue
            task = asyncio.create_task(work)
            self._tasks[room.conversation] = task
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        for name in [name for name, running in self._tasks.items() if running is task]:
            del self._tasks[name]

    async def _rejoin(self, room: Room) -> None:
        """Try until the room is back; a race that is lost, or a server away, ends nothing."""
        core, wait = self._core, _FIRST_WAIT_S
        while room.status == BROKEN:
            try:
                await self._joining.rejoin(room)
            except (Refusal, MlsError) as problem:
                refusal = name_failure(problem) if isinstance(problem, MlsError) else problem
                if refusal.code is Code.NOT_A_MEMBER:
                    self._joining.leave_behind(room)
                    return
                if isinstance(refusal, GroupRefused) and refusal.code is not Code.EPOCH_SUPERSEDED:
                    core.stop(room, refusal)
                    core.flush()
                    return
                await asyncio.sleep(wait * (0.5 + random.random()))  # noqa: S311 - spreads load
                wait = min(wait * 2, _LONGEST_WAIT_S)

    async def _grant(self, room: Room) -> None:
        """Admins first, then one after the other: whoever comes second has nothing to do."""
        core = self._core
        if core.account not in core.context(room).admins:
            await asyncio.sleep(self._turn_s(room))
        if room.wish and room.status == MEMBER:
            room.wish = False
            with contextlib.suppress(Refusal):
                await self._conversations.grant_wishes(room)

    async def _tidy(self, room: Room) -> None:
        """Let a group follow the key log; owners and admins go first."""
        core, devices = self._core, self._devices
        if not devices.missing(room) and core.account not in core.context(room).admins:
            await asyncio.sleep(self._turn_s(room))
        with contextlib.suppress(Refusal):
            await devices.bring_in(room)
            await devices.take_out(room, core.gone)

    def _turn_s(self, room: Room) -> float:
        """Return when a member without a role has its turn: one after the other."""
        rank = self._core.group(room).own_leaf_index
        return _WISH_WAIT_S + min(rank * _WISH_STEP_S, _LONGEST_WAIT_S)
