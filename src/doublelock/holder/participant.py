"""What every ceremony of a holder shares: its room, its pieces on disk, its messages, its end.

Whatever a message leaves behind is saved before it leaves, so that a restarted holder sends the
very same bytes (spec K-12); a ceremony that fails is left, with whom the evidence names.
"""

import secrets as randomness
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from doublelock.holder.board import Board
from doublelock.holder.identity import HolderIdentity
from doublelock.holder.result import decode_result
from doublelock.holder.vault import Vault
from doublelock.keep import StateFolder
from doublelock.protocol import curve, keyepoch
from doublelock.protocol.api import Ceremony as Opened
from doublelock.protocol.api import CeremonyMessage as Posted
from doublelock.protocol.api import OpenCeremony, PostCeremonyMessage
from doublelock.protocol.ceremony import CeremonyName, Round, sign_message
from doublelock.protocol.ceremony_steps import Opening, Step
from doublelock.protocol.charter_terms import Committee
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import VerifyKey, verify_key
from doublelock.protocol.encoding import u32
from doublelock.protocol.errors import CeremonyRefused, WireRefused
from doublelock.protocol.keyepoch import EpochId, KeyEpochStatement, SignedKeyEpoch
from doublelock.protocol.lawrecords import EpochRecord
from doublelock.protocol.transcript import SharedKey
from doublelock.transport.http import HttpClient

PATIENCE: Final = 20
"""How many looks a holder leaves to each one before it to open, to post, or to come at all."""
_FOLDER: Final = "ceremonies"
_PIECES: Final = ("static", "dealer", "dealt", "dealing", "computed", "court", "result")
# What another holder, or an hour, has changed since: the next look sees it in the log.
_OVERTAKEN: Final = frozenset(
    {
        Code.KEY_EPOCH_STATEMENT,
        Code.KEY_EPOCH_SIGNATURES,
        Code.KEY_EPOCH_CHANGED,
        Code.EPOCH_DEAD,
        Code.ENTRY_VOID,
    }
)


@dataclass(frozen=True, slots=True)
class CeremonyFailed:
    """A ceremony that this holder left, and whom the evidence names.

    In a resharing, culprits are dealers by the number that they had in the old committee.
    """

    ceremony: bytes
    key_epoch: int
    code: Code
    culprits: tuple[int, ...]


@dataclass(slots=True)
class Room:
    """One ceremony as this holder sees it in one look.

    `committee` is who receives shares; `old` the generation that is passed on, if one is.
    """

    opening: Opening
    committee: Committee
    board: Board
    old: EpochRecord | None = None

    @property
    def identifier(self) -> bytes:
        """The 32 bytes by which messages name the ceremony."""
        return self.opening.name.digest

    @property
    def name(self) -> CeremonyName:
        """The ceremony's name."""
        return self.opening.name

    @property
    def epoch(self) -> EpochId:
        """Whose month it is about."""
        return EpochId(self.name.deployment, self.name.committee, self.name.key_epoch)

    @property
    def receivers(self) -> list[VerifyKey]:
        """The identity keys of who receives a share, number 1 first."""
        return [verify_key(bytes(one.key)) for one in self.committee.custodians]

    @property
    def court_key(self) -> VerifyKey:
        """The court's identity key."""
        assert self.committee.court is not None  # a charter with escrow names one
        return verify_key(bytes(self.committee.court.key))


class Participant:
    """One holder's hand in ceremonies; decides nothing about what they are for."""

    def __init__(
        self, folder: StateFolder, http: HttpClient, me: HolderIdentity, vault: Vault
    ) -> None:
        self.folder = folder
        self.http = http
        self.me = me
        self.vault = vault
        self._looks: dict[tuple[str, bytes], int] = {}
        self.failures: list[CeremonyFailed] = []

    def is_my_turn(self, what: str, about: bytes, before: int) -> bool:
        """Say whether the `before` ones had their looks; counts this one: no clock, no chance."""
        looks = self._looks.get((what, about), 0)
        self._looks[what, about] = looks + 1
        return looks >= before * PATIENCE

    async def open(self, opening: Opening) -> None:
        """Put a new ceremony on the server. Raises WireRefused."""
        body = OpenCeremony(ceremony=opening.name.digest, document=opening.encode())
        await self.http.ask("POST", "/v1/ceremonies", body, Opened)

    # --- messages --------------------------------------------------------------------------

    async def post(self, room: Room, step: Step, message: bytes) -> None:
        """Put this holder's message of a step on the board. Raises WireRefused."""
        body = PostCeremonyMessage(round=step, message=message)
        path = f"/v1/ceremonies/{room.identifier.hex()}/messages"
        await self.http.ask("POST", path, body, Posted, again=True)
        room.board.add(step, self.me.key, message)

    async def post_round(
        self, room: Room, step: Step, number: Round, sender: int, payload: bytes
    ) -> None:
        """Put a round's signed payload on the board; `sender` is this holder's in the roster."""
        message = sign_message(room.name, number, sender, payload, self.me.signer)
        await self.post(room, step, message.encode())

    async def sign(
        self, room: Room, statement: KeyEpochStatement, *, number: int, in_force: bool
    ) -> bool:
        """Sign the key epoch; once all have and its committee is in force, have it logged.

        `number` is this holder's in the committee, 0 for the court. Raises WireRefused,
        CharterRefused when the statement does not verify.
        """
        data, moved = statement.encode(), False
        if not room.board.has(Step.SIGNING, self.me.key):
            await self.post(room, Step.SIGNING, self.me.signer.sign(data))
            moved = True
        signatures = [room.board.find(Step.SIGNING, one.encoded) for one in room.receivers]
        court = room.board.find(Step.SIGNING, room.court_key.encoded)
        complete = [one for one in signatures if one is not None]
        if court is None or len(complete) != len(signatures) or not in_force:
            return moved
        if number == 0 or not self.is_my_turn("post", room.identifier, number - 1):
            return moved
        signed = SignedKeyEpoch(data, tuple(complete), court)
        keyepoch.verify_key_epoch(
            signed, room.receivers, room.court_key, room.epoch, room.committee.threshold
        )
        try:
            await self.http.send("POST", "/v1/key-epochs", signed.encode(), again=True)
        except WireRefused as refusal:
            if refusal.code not in _OVERTAKEN:
                raise
            return moved
        return True

    # --- pieces on disk --------------------------------------------------------------------

    def find(self, room: Room, piece: str) -> bytes | None:
        """Return a sealed piece of this ceremony, None when it is not there."""
        return self.folder.find(_at(room.identifier, piece))

    def keep(self, room: Room, piece: str, data: bytes) -> bytes:
        """Keep a sealed piece, durably, before what follows from it leaves; return it."""
        self.folder.write(_at(room.identifier, piece), data)
        return data

    def erase(self, room: Room, pieces: Sequence[str]) -> None:
        """Destroy pieces."""
        for piece in pieces:
            self.folder.destroy(_at(room.identifier, piece))

    def static_secret(self, room: Room, piece: str) -> int:
        """Return a static secret of this ceremony alone; drawn once (spec K-8).

        Raises CeremonyRefused(CEREMONY_MISMATCH) once it was used up here.
        """
        data = self.find(room, piece)
        if data is None:
            if self.find(room, "result") is not None:
                raise CeremonyRefused(Code.CEREMONY_MISMATCH, "this ceremony is over here")
            secret = 1 + randomness.randbelow(curve.ORDER - 1)
            data = self.keep(room, piece, curve.encode_scalar(secret))
        return curve.decode_scalar(data)

    def result(self, room: Room) -> SharedKey | None:
        """Return the public result, once this holder has finished."""
        data = self.find(room, "result")
        return None if data is None else decode_result(data)

    # --- coming and going ------------------------------------------------------------------

    def join(self, room: Room) -> None:
        """Erase what an older ceremony for the same month drew, once a newer one is joined."""
        at, entry = _joined(room.name.committee, room.name.key_epoch), room.identifier
        entry += u32(room.name.share_version)
        if self.folder.has(at):
            before = self.folder.read_open(at)
            if before == entry:
                return
            self._forget(before[:32])
        self.folder.write_open(at, entry)

    def leave(self, room: Room, refusal: CeremonyRefused) -> None:
        """Erase what a failed ceremony drew, and remember that it failed and who is named."""
        names = ",".join(map(str, refusal.culprits))
        self.folder.write_open(
            _at(room.identifier, "failed"), f"{refusal.code.value} {names}\n".encode()
        )
        self._forget(room.identifier)
        self.failures.append(
            CeremonyFailed(room.identifier, room.name.key_epoch, refusal.code, refusal.culprits)
        )

    def culprits(self, identifier: bytes) -> frozenset[int] | None:
        """Return whom a ceremony that failed here named, None when it did not fail here."""
        at = _at(identifier, "failed")
        if not self.folder.has(at):
            return None
        names = self.folder.read_open(at).decode("ascii").split(" ", 1)[1].strip()
        return frozenset(map(int, names.split(","))) if names else frozenset()

    def tidy(self, record: EpochRecord) -> None:
        """Once a generation is logged, destroy what it replaced and what made it (spec K-18)."""
        keys = record.keys
        if self.me.is_court or self.me.key not in record.holders or self.vault.holds(keys):
            self.vault.discard_superseded(keys)
        at = _joined(keys.epoch.committee, keys.epoch.key_epoch)
        if not self.folder.has(at):
            return
        joined = self.folder.read_open(at)
        if int.from_bytes(joined[32:], "big") <= keys.share_version:
            self._forget(joined[:32])
            self.folder.destroy(at)

    def _forget(self, identifier: bytes) -> None:
        for piece in _PIECES:
            self.folder.destroy(_at(identifier, piece))


def _at(identifier: bytes, piece: str) -> str:
    return f"{_FOLDER}/{identifier.hex()}/{piece}"


def _joined(committee: int, key_epoch: int) -> str:
    return f"{_FOLDER}/joined-{committee}-{key_epoch}"
