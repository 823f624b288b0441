"""Passing a month's key on, to the same committee or to the next; the key stays (spec K-11).

An old holder sends a fresh static key and deals its share; a new one sends a static key, opens its
share of every dealing and signs the transcript; the court, whose half stays, audits and signs.
"""

import secrets as randomness
from collections.abc import Collection

from doublelock.holder.participant import Participant, Room
from doublelock.holder.result import encode_result
from doublelock.protocol import keyepoch, resharing
from doublelock.protocol.ceremony import (
    CeremonyName,
    Kind,
    Round,
    accept_static_keys,
    certify_static_key,
    decode_static_key,
    name_roster,
)
from doublelock.protocol.ceremony_steps import Dealer, Opening, Step, roster_of
from doublelock.protocol.charter_terms import Committee
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import G2
from doublelock.protocol.ed25519 import VerifyKey, verify_key
from doublelock.protocol.errors import CeremonyRefused, Malformed
from doublelock.protocol.keyepoch import HalfKey
from doublelock.protocol.lawrecords import EpochRecord
from doublelock.protocol.prime_group import BLS12381_G2 as GROUP
from doublelock.protocol.resharing import ResharingRoom
from doublelock.protocol.transcript import SharedKey, certify


def name_resharing(record: EpochRecord, committee: Committee, nonce: bytes) -> CeremonyName:
    """Return the name of a generation's passing on to a committee; `nonce` is 32 random bytes."""
    epoch = record.keys.epoch
    return CeremonyName(
        epoch.deployment,
        epoch.committee,
        epoch.key_epoch,
        Kind.RESHARING,
        record.keys.share_version + 1,
        committee.threshold,
        name_roster(_roster(record, committee)),
        nonce,
    )


def open_resharing(
    record: EpochRecord, committee: Committee, without: Collection[int], nonce: bytes
) -> Opening:
    """Return the opening of a resharing in which every old holder deals but those `without`.

    Raises CeremonyRefused(TOO_FEW_DEALERS) when no quorum of the old committee is left.
    """
    dealers = tuple(
        Dealer(number, key)
        for number, key in enumerate(record.holders, start=1)
        if number not in without
    )
    if len(dealers) < record.keys.custodians.threshold:
        raise CeremonyRefused(Code.TOO_FEW_DEALERS, f"{len(dealers)} dealers", tuple(without))
    return Opening(name_resharing(record, committee, nonce), dealers)


def is_resharing_of(opening: Opening, record: EpochRecord, committee: Committee) -> bool:
    """Say whether an opening passes exactly this generation on to this committee, by a quorum."""
    dealers = opening.dealers
    return (
        opening.name == name_resharing(record, committee, opening.name.nonce)
        and len(dealers) >= record.keys.custodians.threshold
        and all(record.holders[one.index - 1 : one.index] == (one.key,) for one in dealers)
    )


class Resharing:
    """One holder's part in resharings; `play` does what the board allows."""

    def __init__(self, participant: Participant) -> None:
        self._part = participant

    async def play(self, room: Room, number: int | None, *, in_force: bool) -> bool:
        """Do what can be done now, as dealer, receiver `number` or court (0); say if it moved.

        The result is logged once its committee is `in_force`. Raises CeremonyRefused naming
        dealers by their old number, WireRefused, VaultRefused.
        """
        moved = False
        if room.board.has(Step.SIGNING, self._part.me.key) and not (number and in_force):
            return False
        if number:
            moved |= await self._send_static_key(room, number)
        moved |= await self._deal(room)
        if number is None:
            return moved
        key, more = await self._receive(room, number) if number else (_audit(room), False)
        moved |= more
        if key is None:
            return moved
        old = _old(room).keys
        shares = tuple(map(G2.decode, key.verification_shares))
        # The secret is the same, and so the proof that it is known (spec K-14).
        half = HalfKey(old.custodians.public_key, old.custodians.possession, key.threshold, shares)
        statement = keyepoch.make_statement(
            room.epoch, key.share_version, key.transcript_hash, half, old.court
        )
        signed = await self._part.sign(room, statement, number=number, in_force=in_force)
        return signed or moved

    # --- the dealer's part -----------------------------------------------------------------

    async def _deal(self, room: Room) -> bool:
        part, record, moved = self._part, _old(room), False
        mine = [one.index for one in room.opening.dealers if one.key == part.me.key]
        if part.me.is_court or not mine:
            return False
        if room.board.has(Step.DEALING, part.me.key) or not part.vault.holds(record.keys):
            return False  # a share that was lost cannot be dealt: absent, not guilty
        if not room.board.has(Step.DEALER_KEY, part.me.key):
            secret = part.static_secret(room, "dealer")
            certified = certify_static_key(room.name, GROUP, mine[0], secret, part.me.signer)
            await part.post(room, Step.DEALER_KEY, certified.encode())
            moved = True
        made = _enter(room)
        if made is None:
            return moved
        message = part.find(room, "dealing")
        if message is None:
            share = part.vault.share_for_resharing(record.keys)
            random = randomness.token_bytes(made.room.threshold * 64)
            dealt = resharing.deal(made, share, part.static_secret(room, "dealer"), random)
            message = part.keep(room, "dealing", dealt)
        await part.post_round(room, Step.DEALING, Round.DEALING, mine[0], message)
        return True

    # --- the receiver's part ---------------------------------------------------------------

    async def _send_static_key(self, room: Room, number: int) -> bool:
        part = self._part
        if room.board.has(Step.STATIC_KEY, part.me.key):
            return False
        secret = part.static_secret(room, "static")
        sender = len(_old(room).holders) + number
        certified = certify_static_key(room.name, GROUP, sender, secret, part.me.signer)
        await part.post(room, Step.STATIC_KEY, certified.encode())
        return True

    async def _receive(self, room: Room, number: int) -> tuple[SharedKey | None, bool]:
        part, moved = self._part, False
        known = part.result(room)
        if known is not None:
            return known, False
        made, dealings = _enter(room), _dealings(room)
        if made is None or dealings is None:
            return None, False
        saved = part.find(room, "computed")
        if saved is None:
            secret = part.static_secret(room, "static")
            opened = resharing.receive(made, number, secret, dealings)
            saved = part.keep(room, "computed", opened.encode(GROUP))
        reshared = resharing.decode_reshared(GROUP, saved)
        sender = len(_old(room).holders) + number
        if not room.board.has(Step.CERTIFYING, part.me.key):
            message = reshared.message(GROUP)
            await part.post_round(room, Step.CERTIFYING, Round.CERTIFYING, sender, message)
            moved = True
        signed = _certifying(room)
        if signed is None:
            return None, moved
        completed = resharing.finish(made, reshared, signed)
        part.vault.keep_share(room.name.key_epoch, completed.share)
        part.keep(room, "result", encode_result(completed.key))
        part.erase(room, ("static", "computed"))
        return completed.key, True


def absent_dealers(room: Room) -> frozenset[int]:
    """Return the dealers, by old number, for whose next message alone all others wait."""
    if not all(room.board.has(Step.STATIC_KEY, one.encoded) for one in room.receivers):
        return frozenset()  # without a receiver nobody can go on: only an amendment helps
    for step in (Step.DEALER_KEY, Step.DEALING):
        missing = {one.index for one in room.opening.dealers if not room.board.has(step, one.key)}
        if missing:
            return frozenset(missing)
    return frozenset()


def _old(room: Room) -> EpochRecord:
    assert room.old is not None  # the driver plays resharings in rooms that have it
    return room.old


def _roster(record: EpochRecord, committee: Committee) -> list[VerifyKey]:
    receivers = [verify_key(bytes(one.key)) for one in committee.custodians]
    return roster_of([verify_key(key) for key in record.holders], receivers)


def _receiver_numbers(room: Room) -> range:
    first = len(_old(room).holders) + 1
    return range(first, first + len(room.receivers))


def _enter(room: Room) -> ResharingRoom | None:
    """Return the resharing once every static key came: the same for everybody (spec K-11)."""
    dealers, numbers = room.opening.dealers, _receiver_numbers(room)
    found = [room.board.find(Step.DEALER_KEY, one.key) for one in dealers]
    found += [room.board.find(Step.STATIC_KEY, one.encoded) for one in room.receivers]
    if None in found:
        return None
    try:
        certified = [decode_static_key(GROUP, data) for data in found if data is not None]
    except Malformed:
        raise CeremonyRefused(Code.FORM, "static key") from None
    senders = [*(one.index for one in dealers), *numbers]
    roster = _roster(_old(room), room.committee)
    keys = accept_static_keys(room.name, GROUP, certified, roster, senders)
    return resharing.enter(
        room.name,
        GROUP,
        keys[len(dealers) :],
        keyepoch.shared_key_of(_old(room).keys),
        [(one.index, key) for one, key in zip(dealers, keys, strict=False)],
    )


def _dealings(room: Room) -> tuple[bytes, ...] | None:
    senders = [one.index for one in room.opening.dealers]
    roster = _roster(_old(room), room.committee)
    return room.board.round(room.name, Step.DEALING, Round.DEALING, roster, senders)


def _certifying(room: Room) -> tuple[bytes, ...] | None:
    roster = _roster(_old(room), room.committee)
    numbers = list(_receiver_numbers(room))
    return room.board.round(room.name, Step.CERTIFYING, Round.CERTIFYING, roster, numbers)


def _audit(room: Room) -> SharedKey | None:
    """Return the result from what was published: the court trusts no relay."""
    made, dealings, signed = _enter(room), _dealings(room), _certifying(room)
    if made is None or dealings is None or signed is None:
        return None
    transcript = resharing.write_transcript(made, dealings)
    return resharing.audit(made, certify(made.room, transcript, signed))
