"""The way back: whether what the server holds for a rejoin is true, and putting it right (G-16).

Only members can know the key in a GroupInfo to which whoever comes back seals; the server cannot.
So some of those who take a commit look at what came with it, and commit again where it is wrong.
"""

import asyncio
import contextlib
import random
from functools import partial
from typing import Final

from doublelock_mls import MlsError, inspect_message

from doublelock.client.conversation import Conversations
from doublelock.client.core import MEMBER, Core, Room
from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Refusal, WireRefused
from doublelock.protocol.group_rules import is_same_group_info
from doublelock.protocol.identifiers import ConversationId

_LOOKING: Final = 8
"""So many members look, about; in smaller groups everybody does."""
_SPREAD_S: Final = 0.1
"""Seconds a member by which looks and repairs of one group are spread."""
_LONGEST_S: Final = 20.0


class GroupInfoCheck:
    """Looks after the GroupInfos of one device's conversations."""

    def __init__(self, core: Core, conversations: Conversations) -> None:
        self._core = core
        self._conversations = conversations
        self._tasks: dict[ConversationId, asyncio.Task[bool]] = {}
        self._stopped = False

    def look(self) -> None:
        """Begin to look where a commit came since; to be called whenever something has come."""
        for room in self._core.rooms.values():
            if not room.unchecked or not room.live or room.conversation in self._tasks:
                continue
            if room.status == MEMBER:
                room.unchecked = False
                task = asyncio.create_task(self._check(room))
                self._tasks[room.conversation] = task
                task.add_done_callback(partial(self._done, room))

    def _done(self, room: Room, task: "asyncio.Task[bool]") -> None:
        del self._tasks[room.conversation]
        if self._stopped or task.cancelled():
            return
        if task.result():
            self.look()  # a commit may have come meanwhile, and nothing after it
        else:
            room.unchecked = True  # for when something comes again

    async def stop(self) -> None:
        """End what is under way."""
        self._stopped = True
        for task in list(self._tasks.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _check(self, room: Room) -> bool:
        """Look, and put right what is wrong; False when that could not be done."""
        core = self._core
        try:
            members = core.group(room).member_count()
            if random.random() * members > _LOOKING:  # noqa: S311 - only spreads load
                return True
            await self._pause(random.random() * members)  # noqa: S311 - only spreads load
            epoch = await self._wrong_epoch(room)
            if epoch is not None:
                # One after the other: whoever is second finds another epoch, and nothing to do.
                await self._pause(core.group(room).own_leaf_index)
                await self._conversations.renew(room, epoch)
        except Refusal:  # gone, broken, or the server is away
            return False
        return True

    async def _wrong_epoch(self, room: Room) -> int | None:
        """Return the present epoch if the server's GroupInfo of it is wrong. Raises Refusal."""
        core = self._core
        path = f"/v1/conversations/{room.conversation.hex()}/group-info"
        room.unchecked = False  # this look is at whatever came before it
        try:
            info = await core.http.get(path, limit=limits.RATCHET_TREE)
        except WireRefused as refusal:
            if refusal.code is not Code.NOT_FOUND:
                raise
            info = b""
        group = core.group(room)
        if room.status != MEMBER or room.catching:
            return None
        if info:
            with contextlib.suppress(MlsError):
                if inspect_message(info).epoch != group.epoch:
                    return None  # another commit was first; who takes it looks again
        return None if is_same_group_info(info, group.group_info()) else group.epoch

    async def _pause(self, members: float) -> None:
        await asyncio.sleep(min(members * _SPREAD_S, _LONGEST_S))
