"""Which ceremonies are due for one holder, and its part in each, look by look (spec K-16 to K-19).

A month without a logged key gets a key generation; a logged one passes to the next committee, or
is refreshed when a custodian asks for it. The server relays; the latest opening that fits counts.
"""

import secrets as randomness
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from doublelock.holder.board import Board
from doublelock.holder.identity import HolderIdentity
from doublelock.holder.key_generation import KeyGeneration, name_generation
from doublelock.holder.participant import CeremonyFailed, Participant, Room
from doublelock.holder.resharing import (
    Resharing,
    absent_dealers,
    is_resharing_of,
    open_resharing,
)
from doublelock.holder.vault import Vault
from doublelock.keep import StateFolder
from doublelock.protocol.api import Ceremonies as CeremonyList
from doublelock.protocol.ceremony_steps import Opening, decode_opening
from doublelock.protocol.charter_terms import Committee
from doublelock.protocol.days import day_of, key_epoch_of
from doublelock.protocol.encoding import u32
from doublelock.protocol.errors import CeremonyRefused, Malformed
from doublelock.protocol.lawrecords import EpochRecord
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.succession import (
    MONTHS_AHEAD,
    escrow_committee,
    holds,
    is_due,
    may_refresh,
    successor,
)
from doublelock.transport.http import HttpClient

__all__ = ["CeremonyDriver", "CeremonyFailed", "request_refresh"]

_WANTED: Final = "refreshes"


@dataclass(frozen=True, slots=True)
class _Openings:
    """What was opened so far for one purpose: the latest unless it failed here, how many there
    were, and whom the failed ones named."""

    latest: Opening | None
    count: int
    culprits: frozenset[int]


class CeremonyDriver:
    """Takes one holder through every ceremony that is due, one look at the boards at a time."""

    def __init__(
        self, folder: StateFolder, http: HttpClient, me: HolderIdentity, vault: Vault
    ) -> None:
        self._part = Participant(folder, http, me, vault)
        self._generation = KeyGeneration(self._part)
        self._resharing = Resharing(self._part)
        self._boards: dict[bytes, Board] = {}
        self._opened: dict[bytes, Opening | None] = {}

    @property
    def failures(self) -> list[CeremonyFailed]:
        """The ceremonies that this holder left since it was opened, and whom each names."""
        return self._part.failures

    def request_refresh(self, key_epoch: int) -> None:
        """Have this custodian open a refresh of a month's shares at its next look (spec K-19).

        The wish is kept until the month has its next generation, and waits until a day has passed
        since the last refresh. Raises VaultRefused.
        """
        request_refresh(self._part.folder, key_epoch)

    async def step(self, law: LawState, now_ms: int) -> bool:
        """Do what can be done now in every ceremony that is due; say whether anything moved.

        Raises WireRefused and VaultRefused; a ceremony's own failure is kept in `failures`.
        """
        me = self._part.me
        committee = escrow_committee(law.charter(now_ms), me.committee)
        if committee is None:
            return False
        mine = [record for (number, _), record in law.epochs.items() if number == me.committee]
        for record in mine:
            self._part.tidy(record)
        missing = self._missing(law, committee, now_ms)
        passing = list(self._passing(law, committee, mine, now_ms))
        if not missing and not passing:
            return False
        listed = await self._list()
        moved = False
        for key_epoch in missing:
            moved |= await self._generate(law, committee, key_epoch, listed)
        for record, heir in passing:
            moved |= await self._pass_on(committee, record, heir, listed)
        return moved

    def _missing(self, law: LawState, committee: Committee, now_ms: int) -> list[int]:
        """Return the months from now on without a key, if this holder has a part in making it."""
        if self._part.me.place(committee) is None:
            return []
        first = key_epoch_of(day_of(now_ms))
        months = range(first, first + MONTHS_AHEAD + 1)
        return [month for month in months if (committee.number, month) not in law.epochs]

    def _passing(
        self, law: LawState, committee: Committee, records: Sequence[EpochRecord], now_ms: int
    ) -> Iterator[tuple[EpochRecord, Committee]]:
        """Yield what may be passed on, and to whom, where this holder deals, receives or audits."""
        me = self._part.me
        for record in records:
            if not is_due(committee, record, now_ms):
                continue
            heir = successor(law, record, now_ms) or committee
            if holds(heir, record) and not may_refresh(record, now_ms):
                continue
            if me.place(heir) is not None or me.key in record.holders:
                yield record, heir

    # --- openings --------------------------------------------------------------------------

    async def _list(self) -> list[Opening]:
        listed = await self._part.http.ask("GET", "/v1/ceremonies", None, CeremonyList)
        for opened in listed.ceremonies:
            if opened.ceremony not in self._opened:
                try:
                    opening = decode_opening(opened.document)
                    fits = opening.name.digest == opened.ceremony
                except Malformed:
                    fits = False
                self._opened[opened.ceremony] = opening if fits else None
        found = (self._opened[one.ceremony] for one in listed.ceremonies)
        return [opening for opening in found if opening is not None]

    def _openings(self, listed: Sequence[Opening], fits: Callable[[Opening], bool]) -> _Openings:
        latest, count, culprits = None, 0, frozenset[int]()
        for opening in listed:
            if not fits(opening):
                continue
            count += 1
            named = self._part.culprits(opening.name.digest)
            latest = opening if named is None else None
            culprits |= named or frozenset()
        return _Openings(latest, count, culprits)

    # --- key generation --------------------------------------------------------------------

    async def _generate(
        self, law: LawState, committee: Committee, key_epoch: int, listed: Sequence[Opening]
    ) -> bool:
        def fits(opening: Opening) -> bool:
            name = opening.name
            return name.key_epoch == key_epoch and name == name_generation(
                law.deployment, committee, key_epoch, name.nonce
            )

        number = self._part.me.place(committee)
        openings = self._openings(listed, fits)
        if openings.latest is not None and number is not None:
            room = self._room(openings.latest, committee)
            return await self._play(room, lambda: self._generation.play(room, number))
        about = u32(key_epoch) + u32(openings.count)
        if not number or not self._part.is_my_turn("generate", about, number - 1):
            return False
        nonce = randomness.token_bytes(32)
        await self._part.open(Opening(name_generation(law.deployment, committee, key_epoch, nonce)))
        return True

    # --- passing on ------------------------------------------------------------------------

    async def _pass_on(
        self,
        committee: Committee,
        record: EpochRecord,
        heir: Committee,
        listed: Sequence[Opening],
    ) -> bool:
        month, version = record.keys.epoch.key_epoch, record.keys.share_version

        def fits(opening: Opening) -> bool:
            name = opening.name
            if (name.committee, name.key_epoch) != (committee.number, month):
                return False
            return name.share_version == version + 1 and is_resharing_of(opening, record, heir)

        openings = self._openings(listed, fits)
        if openings.latest is None:
            about = u32(month) + u32(version) + u32(openings.count)
            if holds(heir, record) and not self._is_wanted(record):
                return False
            if not holds(heir, record) and not self._turn("open", about, record, heir):
                return False
            return await self._open(record, heir, openings.culprits)
        room = self._room(openings.latest, heir, record)
        number = self._part.me.place(heir)
        in_force = holds(heir, record) or _same_holders(heir, committee)
        moved = await self._play(
            room, lambda: self._resharing.play(room, number, in_force=in_force)
        )
        absent = absent_dealers(room)
        if moved or not absent or not self._turn("go on", room.identifier, record, heir, more=1):
            return moved
        dealing = {one.index for one in room.opening.dealers}
        left_out = set(range(1, len(record.holders) + 1)) - dealing
        return await self._open(record, heir, openings.culprits | absent | left_out)

    async def _open(self, record: EpochRecord, heir: Committee, without: frozenset[int]) -> bool:
        if self._part.me.is_court:
            return False
        try:
            opening = open_resharing(record, heir, without, randomness.token_bytes(32))
        except CeremonyRefused:  # nobody can be left out any more: begin again with everybody
            opening = open_resharing(record, heir, (), randomness.token_bytes(32))
        await self._part.open(opening)
        return True

    def _turn(
        self, what: str, about: bytes, record: EpochRecord, heir: Committee, *, more: int = 0
    ) -> bool:
        """Say whether it is this custodian's turn: old holders first, then new ones."""
        order = [*record.holders, *(bytes(one.key) for one in heir.custodians)]
        if self._part.me.key not in order:
            return False
        return self._part.is_my_turn(what, about, order.index(self._part.me.key) + more)

    def _is_wanted(self, record: EpochRecord) -> bool:
        """Say whether this custodian asked for a refresh of this very generation."""
        at, folder = f"{_WANTED}/{record.keys.epoch.key_epoch}", self._part.folder
        if self._part.me.key not in record.holders or not folder.has(at):
            return False
        version = u32(record.keys.share_version)
        known = folder.read_open(at)
        if not known:
            folder.write_open(at, version)
        elif known != version:
            folder.destroy(at)
            return False
        return True

    # --- rooms -----------------------------------------------------------------------------

    def _room(self, opening: Opening, committee: Committee, old: EpochRecord | None = None) -> Room:
        board = self._boards.setdefault(opening.name.digest, Board())
        return Room(opening, committee, board, old)

    async def _play(self, room: Room, play: Callable[[], Awaitable[bool]]) -> bool:
        self._part.join(room)
        await room.board.read(self._part.http, room.identifier)
        try:
            return await play()
        except CeremonyRefused as refusal:
            self._part.leave(room, refusal)
            return True


def request_refresh(folder: StateFolder, key_epoch: int) -> None:
    """Leave the wish for a refresh in a custodian's folder, which nobody else has open (K-19).

    Raises VaultRefused.
    """
    folder.write_open(f"{_WANTED}/{key_epoch}", b"")


def _same_holders(one: Committee, other: Committee) -> bool:
    return (one.custodians, one.threshold, one.court) == (
        other.custodians,
        other.threshold,
        other.court,
    )
