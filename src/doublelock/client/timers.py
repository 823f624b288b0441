"""Deletion on this device: by a conversation's timer and the charter's retention (G-14, G-15).

A timer is a record like any other; an admin's counts, for what comes behind it. The server is told
the time too, and deletes its ciphertext by it.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct, msgpack

from doublelock.client.core import Core, Room
from doublelock.client.vault import Shown
from doublelock.protocol.api import CONTENT_TYPE, SetTimer, encode_body
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import GroupRefused
from doublelock.protocol.group_rules import speaks_for
from doublelock.protocol.identifiers import AccountId, ConversationId

_PREFIX: Final = "timer/"
_SECOND_MS: Final = 1000
_AT_ONCE: Final = 100


class _Timer(Struct, frozen=True):
    """A conversation's timers: (sequence of the record, seconds), in order."""

    conversation: bytes
    changes: tuple[tuple[int, int], ...]

    def seconds_at(self, sequence: int) -> int:
        """Return the seconds that an item of a timeline is shown for; 0 for ever."""
        found = 0
        for start, seconds in self.changes:
            if start < sequence:
                found = seconds
        return found


class Timers:
    """The timers of one device's conversations."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def take(self, room: Room, sequence: int, account: AccountId, seconds: int) -> None:
        """Keep a timer that passed the receive rule, if an admin set it; the caller flushes."""
        if not speaks_for(self._core.context(room), account):
            return
        conversation = room.conversation
        vault, name = self._core.vault, _PREFIX + conversation.hex()

        def write() -> None:
            data = vault.fact(name)
            before = msgpack.decode(data, type=_Timer).changes if data is not None else ()
            kept = {**dict(before), sequence: seconds}
            timer = _Timer(conversation, tuple(sorted(kept.items())))
            vault.write_fact(name, msgpack.encode(timer))

        self._core.write(write)

    def check(self, room: Room) -> None:
        """Raise GroupRefused(not-allowed) unless this account may set the timer."""
        if not speaks_for(self._core.context(room), self._core.account):
            raise GroupRefused(Code.NOT_ALLOWED, "only admins set the timer")

    async def tell_server(self, room: Room, seconds: int) -> None:
        """Let the server delete by the same time. Raises WireRefused."""
        body = encode_body(SetTimer(timer_ms=seconds * _SECOND_MS))
        path = f"/v1/conversations/{room.conversation.hex()}/timer"
        await self._core.http.send("PUT", path, body, kind=CONTENT_TYPE, again=True)

    def seconds(self, conversation: ConversationId) -> int:
        """Return the timer in force in a conversation now; 0 for none."""
        data = self._core.vault.fact(_PREFIX + conversation.hex())
        return 0 if data is None else msgpack.decode(data, type=_Timer).changes[-1][1]

    def expires_ms(self, conversation: ConversationId, item: Shown) -> int:
        """Return when an item is deleted; 0 for never."""
        data = self._core.vault.fact(_PREFIX + conversation.hex())
        timer = None if data is None else msgpack.decode(data, type=_Timer)
        seconds = 0 if timer is None else timer.seconds_at(item.sequence)
        return item.time_ms + seconds * _SECOND_MS if seconds else 0

    def sweep(self) -> int:
        """Delete every message whose timer or retention is over; return how many (spec G-15)."""
        timers = (msgpack.decode(data, type=_Timer) for data in self._core.vault.facts(_PREFIX))
        timed = {ConversationId(timer.conversation) for timer in timers}
        return sum(map(self.sweep_one, timed.union(self._core.rooms)))

    def sweep_one(self, conversation: ConversationId) -> int:
        """Delete a conversation's messages whose timer or retention is over; return how many."""
        vault, now = self._core.vault, self._core.clock()
        due = set(self._outlived(conversation, self._core.monitor.charter.terms.retained_from(now)))
        data = vault.fact(_PREFIX + conversation.hex())
        if data is not None:
            timer = msgpack.decode(data, type=_Timer)
            due.update(
                item.sequence
                for item in vault.history(conversation)
                if (seconds := timer.seconds_at(item.sequence))
                and item.time_ms + seconds * _SECOND_MS <= now
            )
        if due:
            with vault.transaction():
                for sequence in due:
                    vault.drop_history(conversation, sequence)
        return len(due)

    def _outlived(self, conversation: ConversationId, before_ms: int) -> Iterator[int]:
        """Yield the places of what is older; times never run backwards in a timeline."""
        if not before_ms:
            return
        after, some = 0, 1  # mostly the first one says that there is nothing
        while items := self._core.vault.history(conversation, after, some):
            for item in items:
                if item.time_ms >= before_ms:
                    return
                yield item.sequence
            after, some = items[-1].sequence, _AT_ONCE
