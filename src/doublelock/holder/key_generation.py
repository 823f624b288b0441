"""A month's first key: COCKTAIL's rounds among the custodians, the court's half beside (spec K-7).

A custodian sends its static key, its dealing, its signature under the transcript, its part of the
proof of possession, and its signature under the key epoch; the court its half, and its signature.
"""

import secrets as randomness

from doublelock.holder.participant import Participant, Room
from doublelock.holder.result import encode_result
from doublelock.protocol import curve, dealing, dkg, keyepoch
from doublelock.protocol.ceremony import (
    CeremonyName,
    Kind,
    Round,
    accept_static_keys,
    certify_static_key,
    decode_static_key,
    name_roster,
)
from doublelock.protocol.ceremony_steps import (
    Step,
    accept_step,
    decode_court_half,
    encode_court_half,
    sign_step,
)
from doublelock.protocol.charter_terms import Committee
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import G1, G2
from doublelock.protocol.ed25519 import verify_key
from doublelock.protocol.errors import CeremonyRefused, Malformed
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.keyepoch import HalfKey, KeyEpochStatement, Role
from doublelock.protocol.prime_group import BLS12381_G2 as GROUP
from doublelock.protocol.prime_group import Element
from doublelock.protocol.transcript import SharedKey, certify, write_transcript


def name_generation(
    deployment: DeploymentId, committee: Committee, key_epoch: int, nonce: bytes
) -> CeremonyName:
    """Return the name of a month's key generation; `nonce` is 32 random bytes (spec K-8)."""
    identities = [verify_key(bytes(one.key)) for one in committee.custodians]
    return CeremonyName(
        deployment,
        committee.number,
        key_epoch,
        Kind.KEY_GENERATION,
        dkg.FIRST_SHARE_VERSION,
        committee.threshold,
        name_roster(identities),
        nonce,
    )


class KeyGeneration:
    """One holder's part in key generations; `play` does what the board allows."""

    def __init__(self, participant: Participant) -> None:
        self._part = participant

    async def play(self, room: Room, number: int) -> bool:
        """Do what can be done now as custodian `number`, or as the court (0); say if it moved.

        Raises CeremonyRefused naming culprits, WireRefused, VaultRefused.
        """
        if number == 0:
            return await self._play_court(room)
        return await self._play_custodian(room, number)

    async def _play_custodian(self, room: Room, number: int) -> bool:
        part, moved = self._part, False
        if not room.board.has(Step.STATIC_KEY, part.me.key):
            secret = part.static_secret(room, "static")
            certified = certify_static_key(room.name, GROUP, number, secret, part.me.signer)
            await part.post(room, Step.STATIC_KEY, certified.encode())
            moved = True
        key = part.result(room)
        if key is None:
            key, more = await self._run_rounds(room, number)
            moved |= more
        if key is None:
            return moved
        if not room.board.has(Step.POSSESSION, part.me.key):
            public = G2.decode(key.public_key)
            proof = part.vault.prove(room.epoch, key.transcript_hash, public)
            payload = sign_step(room.name, Step.POSSESSION, proof.encoded, part.me.signer)
            await part.post(room, Step.POSSESSION, payload)
            moved = True
        return await self._sign(room, key, number) or moved

    async def _run_rounds(self, room: Room, number: int) -> tuple[SharedKey | None, bool]:
        """COCKTAIL's rounds as far as the board allows; the share is in the vault at the end."""
        part, moved = self._part, False
        static_keys = _static_keys(room)
        if static_keys is None:
            return None, False
        session, threshold = room.name.encode(), room.committee.threshold
        dealing_room = dkg.open_room(GROUP, session, threshold, static_keys)
        saved = part.find(room, "dealt")
        if saved is None:
            random = randomness.token_bytes((threshold + 1) * 64)
            started = dkg.start(dealing_room, number, part.static_secret(room, "static"), random)
            saved = part.keep(room, "dealt", started.encode())
        dealt = dkg.decode_dealt(GROUP, saved)
        if dealt.room != dealing_room:
            raise CeremonyRefused(Code.CEREMONY_SETUP, "the static keys changed")
        if not room.board.has(Step.DEALING, part.me.key):
            await part.post_round(room, Step.DEALING, Round.DEALING, number, dealt.message)
            moved = True
        dealings = room.board.round(room.name, Step.DEALING, Round.DEALING, room.receivers)
        if dealings is None:
            return None, moved
        saved = part.find(room, "computed")
        if saved is None:
            saved = part.keep(room, "computed", dkg.receive(dealt, dealings).encode())
        computed = dkg.decode_computed(GROUP, saved)
        if not room.board.has(Step.CERTIFYING, part.me.key):
            message = computed.message
            await part.post_round(room, Step.CERTIFYING, Round.CERTIFYING, number, message)
            moved = True
        signed = room.board.round(room.name, Step.CERTIFYING, Round.CERTIFYING, room.receivers)
        if signed is None:
            return None, moved
        completed = dkg.finish(computed, signed)
        # The share, then the public result, then what made them goes (spec K-8).
        part.vault.keep_share(room.name.key_epoch, completed.share)
        part.keep(room, "result", encode_result(completed.key))
        part.erase(room, ("static", "dealt", "computed"))
        return completed.key, True

    async def _play_court(self, room: Room) -> bool:
        part, moved = self._part, False
        if room.board.has(Step.SIGNING, part.me.key):
            return False
        if not room.board.has(Step.STATIC_KEY, part.me.key):
            half = self._court_half(room)
            encoded = encode_court_half(half.public_key, half.possession)
            payload = sign_step(room.name, Step.STATIC_KEY, encoded, part.me.signer)
            await part.post(room, Step.STATIC_KEY, payload)
            moved = True
        key = _audit(room)
        if key is None:
            return moved
        return await self._sign(room, key, 0) or moved

    def _court_half(self, room: Room) -> HalfKey:
        """Return the court's half for this ceremony; its key is drawn once and kept."""
        known = self._part.find(room, "court")
        if known is None:
            secret = 1 + randomness.randbelow(curve.ORDER - 1)
            public = self._part.vault.keep_court_key(room.name.key_epoch, secret)
            known = self._part.keep(room, "court", public.encoded)
        public = G2.decode(known)
        return HalfKey(public, self._part.vault.prove(room.epoch, known, public), 1, (public,))

    async def _sign(self, room: Room, key: SharedKey, number: int) -> bool:
        statement = _statement(room, key)
        if statement is None:
            return False
        return await self._part.sign(room, statement, number=number, in_force=True)


def _static_keys(room: Room) -> tuple[Element, ...] | None:
    found = [room.board.find(Step.STATIC_KEY, one.encoded) for one in room.receivers]
    if None in found:
        return None
    try:
        certified = [decode_static_key(GROUP, data) for data in found if data is not None]
    except Malformed:
        raise CeremonyRefused(Code.FORM, "static key") from None
    return accept_static_keys(room.name, GROUP, certified, room.receivers)


def _audit(room: Room) -> SharedKey | None:
    """Return the custodians' result from what they published: the court trusts no relay."""
    static_keys = _static_keys(room)
    signed = room.board.round(room.name, Step.CERTIFYING, Round.CERTIFYING, room.receivers)
    dealings = room.board.round(room.name, Step.DEALING, Round.DEALING, room.receivers)
    if static_keys is None or signed is None or dealings is None:
        return None
    dealing_room = dkg.open_room(GROUP, room.name.encode(), room.committee.threshold, static_keys)
    checked = dealing.check_dealings(dealing_room, dealings, range(1, len(dealings) + 1))
    transcript = write_transcript(dealing_room, checked, b"")
    return dkg.audit(dealing_room, certify(dealing_room, transcript, signed))


def _statement(room: Room, key: SharedKey) -> KeyEpochStatement | None:
    """Return the key epoch's statement once both halves are proven; the same for everybody."""
    data = room.board.find(Step.STATIC_KEY, room.court_key.encoded)
    if data is None:
        return None
    court = decode_court_half(accept_step(room.name, Step.STATIC_KEY, data, room.court_key))
    public = G2.decode(key.public_key)
    shares = tuple(map(G2.decode, key.verification_shares))
    parts: list[tuple[int, G1]] = []
    for index, identity in enumerate(room.receivers, start=1):
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
    )
