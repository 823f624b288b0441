"""Who is here: told by whispers between two people, where both wish so (spec V-20).

Off until it is turned on: until then nothing of it is sent, and nothing that comes is kept.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from msgspec import Struct, msgpack

from doublelock.client.core import MEMBER, Core, Room
from doublelock.client.events import Seen
from doublelock.protocol import record
from doublelock.protocol.encoding import u8
from doublelock.protocol.errors import Refusal
from doublelock.protocol.group_rules import ConversationKind
from doublelock.protocol.identifiers import AccountId
from doublelock.protocol.record import Ephemeral

_ON: Final = "presence"
_PREFIX: Final = "seen/"
_AWAY: Final = 0
_HERE: Final = 1
_LASTS_MS: Final = 300_000
"""Somebody whose connection broke is not here for ever."""
_AGAIN_S: Final = 240.0
_TOLD: Final = 32
"""So many conversations are told, the latest."""
Whisper = Callable[[Room, Ephemeral], None]


class _Last(Struct, frozen=True):
    """When somebody was seen last, and until when they count as here; ms."""

    at_ms: int
    until_ms: int


class Presence:
    """What one device tells of its person, and knows of others. `whisper` is the outbox's."""

    def __init__(self, core: Core, whisper: Whisper) -> None:
        self._core = core
        self._whisper = whisper
        self._here = False
        self._again: asyncio.TimerHandle | None = None
        self._ends: dict[AccountId, asyncio.TimerHandle] = {}
        self.on = core.vault.number(_ON) != 0
        """Whether this person tells when they are here, and sees it of others."""

    def turn(self, on: bool) -> None:
        """Turn it on or off, for good; whoever turns it off is away for the others at once."""
        if on == self.on:
            return
        if not on and self._here:
            self._tell_all(_AWAY)
        self.on = on
        self._core.vault.write_fact(_ON, u8(on))
        if on and self._here:
            self._tell_all(_HERE)

    def set_here(self, here: bool) -> None:
        """Say whether the person looks at this device, which others learn where it is on."""
        if here == self._here:
            return
        self._here = here
        self._tell_all(_HERE if here else _AWAY)
        self._rest()
        if here:
            self._repeat()

    def of(self, account: AccountId) -> Seen | None:
        """Return when somebody was seen last and whether they are here; None: nothing is known."""
        data = self._core.vault.fact(_PREFIX + account.hex()) if self.on else None
        if data is None:
            return None
        last = msgpack.decode(data, type=_Last)
        return Seen(account, last.until_ms > self._core.clock(), last.at_ms)

    def live(self, room: Room) -> None:
        """A conversation went live: who is here says so."""
        if self._here:
            self._tell(room, _HERE)

    def take(self, room: Room, account: AccountId, told: record.Presence) -> None:
        """Take another's whisper."""
        core = self._core
        if not self.on or account == core.account or not self._is_told(room):
            return
        here, before = told.state != _AWAY, self.of(account)
        now = core.clock()
        last = _Last(now, now + _LASTS_MS if here else 0)
        core.vault.write_fact(_PREFIX + account.hex(), msgpack.encode(last))
        if account in self._ends:
            self._ends.pop(account).cancel()
        if here:
            loop = asyncio.get_running_loop()
            self._ends[account] = loop.call_later(_LASTS_MS / 1000 + 0.1, self._end, account)
        was_here = before is not None and before.here
        if here != was_here:
            core.events.put_nowait(Seen(account, here, now))
        if here and not was_here and self._here:
            self._tell(room, _HERE)  # who comes hears of who is there already

    def stop(self) -> None:
        """The person is away: the last thing before the connection ends."""
        self.set_here(False)
        self._rest()
        for handle in self._ends.values():
            handle.cancel()
        self._ends.clear()

    def _rest(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def _repeat(self) -> None:
        self._again = asyncio.get_running_loop().call_later(_AGAIN_S, self._say_again)

    def _say_again(self) -> None:
        self._tell_all(_HERE)
        self._repeat()

    def _end(self, account: AccountId) -> None:
        """Somebody's last word was long ago."""
        self._ends.pop(account, None)
        seen = self.of(account)
        if seen is not None and not seen.here:
            self._core.events.put_nowait(seen)

    def _tell_all(self, state: int) -> None:
        rooms = [room for room in self._core.rooms.values() if room.status == MEMBER]
        rooms.sort(key=lambda room: room.chain.time_ms if room.chain else 0, reverse=True)
        told = 0
        for room in rooms:
            told += self._tell(room, state)
            if told == _TOLD:
                return

    def _tell(self, room: Room, state: int) -> bool:
        if not self.on or room.status != MEMBER or not room.live:
            return False
        with contextlib.suppress(Refusal):  # no reason to trouble anybody
            if self._is_told(room):
                self._whisper(room, record.Presence(state))
                return True
        return False

    def _is_told(self, room: Room) -> bool:
        core = self._core
        direct = core.context(room).kind is ConversationKind.DIRECT
        return direct and not core.is_hidden(room)
