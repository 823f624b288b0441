"""Marks: what others may know of what this device has and its person has read (spec V-18, V-19).

They are whispers, from end to end; whoever is away when one goes out gets it by asking once back.
Both kinds are off until they are turned on, and then nothing of the kind leaves the device.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Final

from doublelock.client.core import MEMBER, Core, Room
from doublelock.client.groups import roster_of
from doublelock.protocol.encoding import u64
from doublelock.protocol.errors import Refusal
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import DeliveryMark, Ephemeral, ReadMark

_PREFIX: Final = "read/"
_MOVED_S: Final = 1.0
_ANSWER_S: Final = 2.0
_ANSWERS_S: Final = 60.0
_ASKING: Final = 64
Whisper = Callable[[Room, Ephemeral], None]


class Marks:
    """One device's marks; `delivery` and `reading` turn each kind on."""

    def __init__(self, core: Core, whisper: Whisper) -> None:
        self.delivery = False
        self.reading = False
        self._core = core
        self._whisper = whisper
        self._due: dict[ConversationId, asyncio.TimerHandle] = {}
        self._answers: dict[ConversationId, asyncio.TimerHandle] = {}
        self._answered: dict[ConversationId, float] = {}

    def live(self, room: Room) -> None:
        """A conversation went live: tell, and ask, where not too many would answer."""
        if self.delivery and len(roster_of(self._core.group(room))) <= _ASKING:
            self._tell(room, DeliveryMark(room.sequence, asks=True))

    def moved(self, room: Room) -> None:
        """The timeline or the reader moved: tell it soon, for everything until then at once."""
        if room.conversation in self._due or not (self.delivery or self.reading):
            return
        loop = asyncio.get_running_loop()
        self._due[room.conversation] = loop.call_later(_MOVED_S, self._fire, self._due, room)

    def read(self, room: Room, through: int) -> None:
        """The person has read up to a sequence; kept, and told where that is turned on."""
        if through <= self.read_through(room.conversation):
            return
        vault = self._core.vault
        with vault.transaction():
            vault.write_fact(_PREFIX + room.conversation.hex(), u64(through))
        if self.reading:
            self.moved(room)

    def read_through(self, conversation: ConversationId) -> int:
        """Return up to where the person has read a conversation, 0 when nothing."""
        return int.from_bytes(self._core.vault.fact(_PREFIX + conversation.hex()) or b"", "big")

    def asked(self, room: Room) -> None:
        """Somebody has come online and asks: answer after a while, not all at once nor often."""
        loop = asyncio.get_running_loop()
        last = self._answered.get(room.conversation)
        busy = room.conversation in self._answers
        if busy or not (self.delivery or self.reading):
            return
        if last is not None and loop.time() - last < _ANSWERS_S:
            return
        self._answered[room.conversation] = loop.time()
        wait_s = _ANSWER_S * random.random()  # noqa: S311 - only spreads load
        handle = loop.call_later(wait_s, self._fire, self._answers, room)
        self._answers[room.conversation] = handle

    def stop(self) -> None:
        """Tell nothing more."""
        for handles in (self._due, self._answers):
            for handle in handles.values():
                handle.cancel()
            handles.clear()

    def _fire(self, handles: dict[ConversationId, asyncio.TimerHandle], room: Room) -> None:
        handles.pop(room.conversation, None)
        if self.delivery:
            self._tell(room, DeliveryMark(room.sequence, asks=False))
        through = self.read_through(room.conversation)
        if self.reading and through:
            self._tell(room, ReadMark(through))

    def _tell(self, room: Room, mark: Ephemeral) -> None:
        if room.status == MEMBER and room.live:
            with contextlib.suppress(Refusal):  # a mark is no reason to trouble anybody
                if not self._core.is_hidden(room):
                    self._whisper(room, mark)
