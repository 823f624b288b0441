"""Key ceremonies as one holder lives them: each step saved before its message leaves (spec K-7).

A month without a logged key gets a key generation; a logged one can be refreshed or passed on by a
resharing. The server relays; every message is signed by its author; the latest opening counts. A
restarted holder goes on from what it saved; a ceremony that fails is left, and another opened.
"""

import secrets as randomness
from dataclasses import dataclass, field
from typing import Final

from doublelock.holder.board import Board, read_board
from doublelock.holder.identity import HolderIdentity
from doublelock.holder.result import decode_result, encode_result
from doublelock.holder.vault import Vault
from doublelock.keep import StateFolder
from doublelock.protocol import curve, dealing, dkg, keyepoch
from doublelock.protocol.api import Ceremonies as CeremonyList
from doublelock.protocol.api import Ceremony as Opened
from doublelock.protocol.api import CeremonyMessage as Posted
from doublelock.protocol.api import OpenCeremony, PostCeremonyMessage
from doublelock.protocol.ceremony import (
    CeremonyName,
    Kind,
    Round,
    accept_static_keys,
    certify_static_key,
    decode_static_key,
    name_roster,
    sign_message,
)
from doublelock.protocol.ceremony_steps import (
    Opening,
    Step,
    accept_step,
    decode_court_half,
    decode_opening,
    encode_court_half,
    sign_step,
)
from doublelock.protocol.charter_terms import Committee
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import G1, G2
from doublelock.protocol.days import day_of, key_epoch_of
from doublelock.protocol.ed25519 import VerifyKey, verify_key
from doublelock.protocol.errors import CeremonyRefused, Malformed
from doublelock.protocol.keyepoch import EpochId, HalfKey, Role, SignedKeyEpoch
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.partial import COURT
from doublelock.protocol.prime_group import BLS12381_G2 as GROUP
from doublelock.protocol.prime_group import Element
from doublelock.protocol.transcript import SecretShare, SharedKey, certify, write_transcript
from doublelock.transport.http import HttpClient

AHEAD: Final = 3
"""How many months after the present one are kept ready."""
_PATIENCE: Final = 20
"""How many looks a custodian leaves to each one before it to open or post what is missing."""
_FOLDER: Final = "ceremonies"


@dataclass(frozen=True, slots=True)
class CeremonyFailed:
    """A ceremony that this holder left, and whom the evidence names."""

    ceremony: bytes
    key_epoch: int
    code: Code
    culprits: tuple[int, ...]


@dataclass(slots=True)
class _Room:
    """One ceremony as this holder sees it in one look."""

    identifier: bytes
    opening: Opening
    committee: Committee
    board: Board
    identities: list[VerifyKey] = field(default_factory=list)

    @property
    def name(self) -> CeremonyName:
        return self.opening.name

    @property
    def epoch(self) -> EpochId:
        return EpochId(self.name.deployment, self.name.committee, self.name.key_epoch)

    @property
    def court_key(self) -> VerifyKey:
        assert self.committee.court is not None  # a charter with escrow names one
        return verify_key(bytes(self.committee.court.key))


class CeremonyDriver:
    """Takes one holder through every ceremony that is due, one look at the board at a time."""

    def __init__(
        self, folder: StateFolder, http: HttpClient, me: HolderIdentity, vault: Vault
    ) -> None:
        self._folder = folder
        self._http = http
        self._me = me
        self._vault = vault
        self._looks: dict[tuple[str, int], int] = {}
        self.failures: list[CeremonyFailed] = []

    async def step(self, law: LawState, now_ms: int) -> bool:
        """Do what can be done now for every month that lacks its key; say whether anything moved.

        Raises WireRefused and VaultRefused; a ceremony's own failure is kept in `failures`.
        """
        committee = law.charters[-1].committee(self._me.committee)
        if committee.escrow != "threshold":
            return False
        self._tidy(law)
        first = key_epoch_of(day_of(now_ms))
        due = [
            epoch
            for epoch in range(first, first + AHEAD + 1)
            if (committee.number, epoch) not in law.epochs
        ]
        if not due:
            return False
        listed = await self._http.ask("GET", "/v1/ceremonies", None, CeremonyList)
        moved = False
        for key_epoch in due:
            found = self._latest(listed.ceremonies, law, committee, key_epoch)
            if found is None:
                moved |= await self._open(law, committee, key_epoch)
            else:
                moved |= await self._play(found, law)
        return moved

    def _latest(
        self, ceremonies: tuple[Opened, ...], law: LawState, committee: Committee, key_epoch: int
    ) -> _Room | None:
        """Return the latest opening that fits charter and month and did not fail here."""
        identities = [verify_key(bytes(one.key)) for one in committee.custodians]
        for opened in reversed(ceremonies):
            try:
                opening = decode_opening(opened.document)
            except Malformed:
                continue
            name = opening.name
            expected = CeremonyName(
                law.deployment,
                committee.number,
                key_epoch,
                Kind.KEY_GENERATION,
                dkg.FIRST_SHARE_VERSION,
                committee.threshold,
                name_roster(identities),
                name.nonce,
            )
            if name != expected or opened.ceremony != name.digest:
                continue
            if self._folder.has(self._at(name.digest, "failed")):
                continue
            return _Room(name.digest, opening, committee, Board({}), identities)
        return None

    async def _open(self, law: LawState, committee: Committee, key_epoch: int) -> bool:
        """Open a ceremony when it is this custodian's turn: the first at once, others later."""
        if self._me.index == COURT or not self._my_turn("open", key_epoch):
            return False
        identities = [verify_key(bytes(one.key)) for one in committee.custodians]
        name = CeremonyName(
            law.deployment,
            committee.number,
            key_epoch,
            Kind.KEY_GENERATION,
            dkg.FIRST_SHARE_VERSION,
            committee.threshold,
            name_roster(identities),
            randomness.token_bytes(32),
        )
        body = OpenCeremony(ceremony=name.digest, document=Opening(name).encode())
        await self._http.ask("POST", "/v1/ceremonies", body, Opened)
        return True

    def _my_turn(self, what: str, key_epoch: int) -> bool:
        """Say whether it is this custodian's turn, counting its looks: no clock, no randomness."""
        looks = self._looks.get((what, key_epoch), 0)
        self._looks[what, key_epoch] = looks + 1
        return looks >= (self._me.index - 1) * _PATIENCE

    async def _play(self, room: _Room, law: LawState) -> bool:
        self._supersede(room)
        room.board = await read_board(self._http, room.identifier)
        try:
            if self._me.index == COURT:
                return await self._play_court(room)
            return await self._play_custodian(room)
        except CeremonyRefused as refusal:
            self._leave(room, refusal)
            return True

    # --- the custodian's part --------------------------------------------------------------

    async def _play_custodian(self, room: _Room) -> bool:
        moved = False
        if not room.board.has(Step.STATIC_KEY, self._me.key):
            secret = self._static_secret(room)
            certified = certify_static_key(
                room.name, GROUP, self._me.index, secret, self._me.signer
            )
            await self._post(room, Step.STATIC_KEY, certified.encode())
            moved = True
        finished = self._finished(room)
        if finished is None:
            finished, more = await self._run_rounds(room)
            moved |= more
        if finished is None:
            return moved
        share_hash, key = finished
        public = G2.decode(key.public_key)
        if not room.board.has(Step.POSSESSION, self._me.key):
            part = self._vault.prove(room.epoch, share_hash, public)
            payload = sign_step(room.name, Step.POSSESSION, part.encoded, self._me.signer)
            await self._post(room, Step.POSSESSION, payload)
            moved = True
        statement = self._statement(room, key)
        if statement is None:
            return moved
        return await self._sign(room, statement) or moved

    async def _run_rounds(self, room: _Room) -> tuple[tuple[bytes, SharedKey] | None, bool]:
        """COCKTAIL's rounds as far as the board allows; the share is in the vault at the end."""
        static_keys = self._static_keys(room)
        if static_keys is None:
            return None, False
        session, threshold = room.name.encode(), room.committee.threshold
        dealing_room = dkg.open_room(GROUP, session, threshold, static_keys)
        moved = False
        if not self._folder.has(self._at(room.identifier, "dealt")):
            dealt = dkg.start(
                dealing_room,
                self._me.index,
                self._static_secret(room),
                randomness.token_bytes((threshold + 1) * 64),
            )
            self._folder.write(self._at(room.identifier, "dealt"), dealt.encode())
        dealt = dkg.decode_dealt(GROUP, self._folder.read(self._at(room.identifier, "dealt")))
        if dealt.room != dealing_room:
            raise CeremonyRefused(Code.CEREMONY_SETUP, "the static keys changed")
        if not room.board.has(Step.DEALING, self._me.key):
            await self._post_round(room, Step.DEALING, Round.DEALING, dealt.message)
            moved = True
        dealings = room.board.round(room.name, Step.DEALING, Round.DEALING, room.identities)
        if dealings is None:
            return None, moved
        if not self._folder.has(self._at(room.identifier, "computed")):
            made = dkg.receive(dealt, dealings)
            self._folder.write(self._at(room.identifier, "computed"), made.encode())
        computed = dkg.decode_computed(
            GROUP, self._folder.read(self._at(room.identifier, "computed"))
        )
        if not room.board.has(Step.CERTIFYING, self._me.key):
            await self._post_round(room, Step.CERTIFYING, Round.CERTIFYING, computed.message)
            moved = True
        signed = room.board.round(room.name, Step.CERTIFYING, Round.CERTIFYING, room.identities)
        if signed is None:
            return None, moved
        completed = dkg.finish(computed, signed)
        self._complete(room, completed.share, completed.key)
        return (completed.key.transcript_hash, completed.key), True

    def _complete(self, room: _Room, share: SecretShare, key: SharedKey) -> None:
        """Keep the share, then the public result, then erase what made them (spec K-8)."""
        self._vault.keep_share(room.name.key_epoch, share)
        self._folder.write(self._at(room.identifier, "result"), encode_result(key))
        for piece in ("static", "dealt", "computed"):
            self._folder.destroy(self._at(room.identifier, piece))

    def _finished(self, room: _Room) -> tuple[bytes, SharedKey] | None:
        data = self._folder.find(self._at(room.identifier, "result"))
        if data is None:
            return None
        key = decode_result(data)
        return key.transcript_hash, key

    def _static_secret(self, room: _Room) -> int:
        """Return the ceremony's own static secret; drawn once, kept until the certificate."""
        at = self._at(room.identifier, "static")
        data = self._folder.find(at)
        if data is None:
            if self._folder.has(self._at(room.identifier, "result")):
                raise CeremonyRefused(Code.CEREMONY_MISMATCH, "this ceremony is over here")
            secret = 1 + randomness.randbelow(curve.ORDER - 1)
            self._folder.write(at, curve.encode_scalar(secret))
            return secret
        return curve.decode_scalar(data)

    def _static_keys(self, room: _Room) -> tuple[Element, ...] | None:
        found = [room.board.find(Step.STATIC_KEY, one.encoded) for one in room.identities]
        if None in found:
            return None
        try:
            certified = [decode_static_key(GROUP, data) for data in found if data is not None]
        except Malformed:
            raise CeremonyRefused(Code.FORM, "static key") from None
        return accept_static_keys(room.name, GROUP, certified, room.identities)

    # --- the court's part ------------------------------------------------------------------

    async def _play_court(self, room: _Room) -> bool:
        moved = False
        if not room.board.has(Step.STATIC_KEY, self._me.key):
            half = self._court_half(room)
            payload = sign_step(
                room.name,
                Step.STATIC_KEY,
                encode_court_half(half.public_key, half.possession),
                self._me.signer,
            )
            await self._post(room, Step.STATIC_KEY, payload)
            moved = True
        key = self._audit(room)
        if key is None:
            return moved
        statement = self._statement(room, key)
        if statement is None:
            return moved
        return await self._sign(room, statement) or moved

    def _court_half(self, room: _Room) -> HalfKey:
        """Return the court's half for this ceremony; its key is drawn once and kept."""
        at = self._at(room.identifier, "court")
        known = self._folder.find(at)
        if known is None:
            secret = 1 + randomness.randbelow(curve.ORDER - 1)
            known = self._vault.keep_court_key(room.name.key_epoch, secret).encoded
            self._folder.write(at, known)
        public = G2.decode(known)
        proof = self._vault.prove(room.epoch, known, public)
        return HalfKey(public, proof, 1, (public,))

    def _audit(self, room: _Room) -> SharedKey | None:
        """Return the custodians' result from what they published: the court trusts no relay."""
        static_keys = self._static_keys(room)
        signed = room.board.round(room.name, Step.CERTIFYING, Round.CERTIFYING, room.identities)
        dealings = room.board.round(room.name, Step.DEALING, Round.DEALING, room.identities)
        if static_keys is None or signed is None or dealings is None:
            return None
        dealing_room = dkg.open_room(
            GROUP, room.name.encode(), room.committee.threshold, static_keys
        )
        indices = range(1, len(dealings) + 1)
        checked = dealing.check_dealings(dealing_room, dealings, indices)
        transcript = write_transcript(dealing_room, checked, b"")
        return dkg.audit(dealing_room, certify(dealing_room, transcript, signed))

    # --- what both do ----------------------------------------------------------------------

    def _statement(self, room: _Room, key: SharedKey) -> bytes | None:
        """Return the key epoch's statement once both halves are proven; the same for everybody."""
        data = room.board.find(Step.STATIC_KEY, room.court_key.encoded)
        if data is None:
            return None
        court = decode_court_half(accept_step(room.name, Step.STATIC_KEY, data, room.court_key))
        public = G2.decode(key.public_key)
        shares = tuple(map(G2.decode, key.verification_shares))
        parts: list[tuple[int, G1]] = []
        for index, identity in enumerate(room.identities, start=1):
            posted = room.board.find(Step.POSSESSION, identity.encoded)
            if posted is not None:
                part = accept_step(room.name, Step.POSSESSION, posted, identity)
                parts.append((index, G1.decode(part)))
        if len(parts) < key.threshold:
            return None
        proof = keyepoch.combine_possession(
            room.epoch, Role.CUSTODIANS, public, shares, parts[: key.threshold]
        )
        custodians = HalfKey(public, proof, key.threshold, shares)
        return keyepoch.make_statement(
            room.epoch, key.share_version, key.transcript_hash, custodians, court
        ).encode()

    async def _sign(self, room: _Room, statement: bytes) -> bool:
        moved = False
        if not room.board.has(Step.SIGNING, self._me.key):
            await self._post(room, Step.SIGNING, self._me.signer.sign(statement))
            moved = True
        signatures = [room.board.find(Step.SIGNING, one.encoded) for one in room.identities]
        court = room.board.find(Step.SIGNING, room.court_key.encoded)
        complete = [one for one in signatures if one is not None]
        if court is None or len(complete) != len(signatures):
            return moved
        if self._me.index == COURT or not self._my_turn("post", room.name.key_epoch):
            return moved
        signed = SignedKeyEpoch(statement, tuple(complete), court)
        keyepoch.verify_key_epoch(
            signed, room.identities, room.court_key, room.epoch, room.committee.threshold
        )
        await self._http.send("POST", "/v1/key-epochs", signed.encode(), again=True)
        return True

    async def _post(self, room: _Room, step: Step, message: bytes) -> None:
        body = PostCeremonyMessage(round=step, message=message)
        path = f"/v1/ceremonies/{room.identifier.hex()}/messages"
        await self._http.ask("POST", path, body, Posted, again=True)
        room.board.add(step, self._me.key, message)

    async def _post_round(self, room: _Room, step: Step, number: Round, payload: bytes) -> None:
        message = sign_message(room.name, number, self._me.index, payload, self._me.signer)
        await self._post(room, step, message.encode())

    def _leave(self, room: _Room, refusal: CeremonyRefused) -> None:
        """Erase what the failed ceremony drew, and remember that it failed and who is named."""
        names = ",".join(map(str, refusal.culprits))
        self._folder.write_open(
            self._at(room.identifier, "failed"), f"{refusal.code.value} {names}\n".encode()
        )
        self._forget(room.identifier)
        self.failures.append(
            CeremonyFailed(room.identifier, room.name.key_epoch, refusal.code, refusal.culprits)
        )

    def _supersede(self, room: _Room) -> None:
        """Erase what an older ceremony for the same month drew, once a newer one is joined."""
        at = f"{_FOLDER}/joined-{room.name.committee}-{room.name.key_epoch}"
        if self._folder.has(at):
            before = self._folder.read_open(at)
            if before == room.identifier:
                return
            self._forget(before)
        self._folder.write_open(at, room.identifier)

    def _forget(self, identifier: bytes) -> None:
        for piece in ("static", "dealt", "computed", "court", "result"):
            self._folder.destroy(self._at(identifier, piece))

    def _tidy(self, law: LawState) -> None:
        """Once a month's key is logged, only its own generation of the share stays."""
        for (committee, _), record in law.epochs.items():
            if committee == self._me.committee and self._vault.holds(record.keys):
                self._vault.discard_others(record.keys)

    @staticmethod
    def _at(identifier: bytes, piece: str) -> str:
        return f"{_FOLDER}/{identifier.hex()}/{piece}"
