"""COCKTAIL-DKG v0.2.1, pure: each step takes a state and messages and returns the next (spec K-7).

::

    open_room ──► start ──► Dealt ──► receive ──► Computed ──► finish ──► Completed
                    │ dealing           │ signed transcript      (erase the static secret)
                    └── coordinator ────┴── coordinator

A state is saved before its message leaves: a resumed participant sends the very same bytes.
COCKTAIL's recovery is left out on purpose: it would bring destroyed shares back (spec K-12).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from doublelock.protocol import dealing, limits, polynomial
from doublelock.protocol.ceremony import CeremonyName, Kind
from doublelock.protocol.codes import Code
from doublelock.protocol.dealing import DealingRoom
from doublelock.protocol.encoding import Reader, field, long_field, u16, u64
from doublelock.protocol.errors import CeremonyRefused, Malformed
from doublelock.protocol.prime_group import Element, PrimeGroup
from doublelock.protocol.transcript import (
    Certificate,
    SecretShare,
    SharedKey,
    certify,
    check_certificate,
    read_commitments,
    shared_key,
    sign_transcript,
    write_transcript,
)

FIRST_SHARE_VERSION: Final = 1
_DEALT_TAG: Final = b"doublelock/v1/dkg/dealt"
_COMPUTED_TAG: Final = b"doublelock/v1/dkg/computed"


def open_room(
    group: PrimeGroup, session_id: bytes, threshold: int, static_keys: Sequence[Element]
) -> DealingRoom:
    """Return the room of a key generation; its context is COCKTAIL's recommended one.

    Raises CeremonyRefused(CEREMONY_SETUP) unless 1 ≤ threshold ≤ n ≤ 64 and all keys differ.
    """
    count = len(static_keys)
    if not 1 <= threshold <= count <= limits.CUSTODIANS or len(set(static_keys)) != count:
        raise CeremonyRefused(Code.CEREMONY_SETUP, f"{threshold} of {count}")
    context = group.digest(
        b"COCKTAIL-DKG-CONTEXT"
        + u64(len(session_id))
        + session_id
        + u64(len(group.suite_id))
        + group.suite_id
        + count.to_bytes(4, "little")
        + b"".join(static_keys)
    )
    return DealingRoom(group, context, threshold, tuple(static_keys))


def enter(name: CeremonyName, group: PrimeGroup, static_keys: Sequence[Element]) -> DealingRoom:
    """Return the room of the key generation that a name speaks of (spec K-8).

    Raises CeremonyRefused(CEREMONY_SETUP) for another kind or version, and as `open_room`.
    """
    if (name.kind, name.share_version) != (Kind.KEY_GENERATION, FIRST_SHARE_VERSION):
        raise CeremonyRefused(Code.CEREMONY_SETUP, "not the name of a key generation")
    return open_room(group, name.encode(), name.threshold, static_keys)


@dataclass(frozen=True, slots=True)
class Dealt:
    """A participant after round 1: its static secret and the message it sent. Secret."""

    room: DealingRoom
    index: int
    static_secret: int
    message: bytes

    def encode(self) -> bytes:
        """Return the state's bytes, secret: seal them before they are stored."""
        return _encode_state(_DEALT_TAG, self.room, self.index, self.static_secret, self.message)

    def __repr__(self) -> str:
        return f"Dealt(index={self.index})"


@dataclass(frozen=True, slots=True)
class Computed:
    """A participant after round 2: its new share and the transcript it is about to sign. Secret.

    `payloads` are what each dealer sent beside its share.
    """

    room: DealingRoom
    index: int
    static_secret: int
    share: int
    transcript: bytes
    payloads: tuple[bytes, ...]

    @property
    def message(self) -> bytes:
        """Return the round-3 payload: transcript hash ‖ Schnorr signature (deterministic)."""
        return sign_transcript(self.room.group, self.static_secret, self.transcript)

    def encode(self) -> bytes:
        """Return the state's bytes, secret: seal them before they are stored."""
        share = self.room.group.encode_scalar(self.share)
        payloads = u16(len(self.payloads)) + b"".join(map(long_field, self.payloads))
        return _encode_state(
            _COMPUTED_TAG,
            self.room,
            self.index,
            self.static_secret,
            share + long_field(self.transcript) + payloads,
        )

    def __repr__(self) -> str:
        return f"Computed(index={self.index})"


@dataclass(frozen=True, slots=True)
class Completed:
    """A participant after round 3: keep these, erase everything else of the ceremony."""

    share: SecretShare
    key: SharedKey
    certificate: Certificate


def start(
    room: DealingRoom,
    index: int,
    static_secret: int,
    random: bytes,
    payloads: Sequence[bytes] = (),
) -> Dealt:
    """Round 1: deal a fresh polynomial; `random` is (threshold + 1) × 64 bytes.

    Raises CeremonyRefused(CEREMONY_SETUP) when the static secret is not that of `index`.
    """
    if not dealing.is_receiver(room, index, static_secret):
        raise CeremonyRefused(Code.CEREMONY_SETUP, "the static key is not this participant's")
    *coefficients, ephemeral = polynomial.draw_scalars(random, room.threshold + 1, room.group.order)
    dealt = dealing.deal(room, static_secret, coefficients, ephemeral, payloads)
    return Dealt(room, index, static_secret, dealt.encode())


def receive(dealt: Dealt, messages: Sequence[bytes], extension: bytes = b"") -> Computed:
    """Round 2: check every dealing (participant 1 first), open the shares, make the transcript.

    Raises CeremonyRefused naming the culprits: (FORM), (PROOF_OF_POSSESSION), (SHARE_MISMATCH),
    (SHARE_UNREADABLE); (TRANSCRIPT_MISMATCH) when the coordinator altered our own message.
    """
    room, group, index = dealt.room, dealt.room.group, dealt.index
    if len(messages) != len(room.receivers):
        raise CeremonyRefused(Code.CEREMONY_MISMATCH, "not one dealing of each participant")
    if messages[index - 1] != dealt.message:
        raise CeremonyRefused(Code.TRANSCRIPT_MISMATCH, "our own dealing came back altered")
    indices = range(1, len(messages) + 1)
    dealings = dealing.check_dealings(room, messages, indices)
    dealers = list(zip(indices, room.receivers, strict=True))
    opened = dealing.open_all_shares(room, dealings, dealers, index, dealt.static_secret)
    share = sum(one.share for one in opened) % group.order
    joint = _joint_commitment(group, [one.commitment for one in dealings])
    _check_share(group, share, joint, index)
    transcript = write_transcript(room, dealings, extension)
    payloads = tuple(one.payload for one in opened)
    return Computed(room, index, dealt.static_secret, share, transcript, payloads)


def finish(computed: Computed, messages: Sequence[bytes]) -> Completed:
    """Round 3: accept the key once every participant signed the same transcript.

    Raises CeremonyRefused(TRANSCRIPT_MISMATCH), see `transcript.certify`.
    """
    certificate = certify(computed.room, computed.transcript, messages)
    key = audit(computed.room, certificate)
    share = SecretShare(computed.index, computed.share, key.share_version, key.transcript_hash)
    return Completed(share, key, certificate)


def audit(room: DealingRoom, certificate: Certificate) -> SharedKey:
    """Return the public result of a certificate; needs nothing secret, so anyone can.

    Raises CeremonyRefused(TRANSCRIPT_MISMATCH, PROOF_OF_POSSESSION), Malformed.
    """
    name = check_certificate(room, certificate)
    joint = _joint_commitment(room.group, read_commitments(room, certificate.transcript))
    return shared_key(room.group, joint, len(room.receivers), FIRST_SHARE_VERSION, name)


def _joint_commitment(
    group: PrimeGroup, commitments: Sequence[Sequence[Element]]
) -> tuple[Element, ...]:
    try:
        return tuple(
            group.combine(column, [1] * len(column)) for column in zip(*commitments, strict=True)
        )
    except Malformed:  # the contributions cancel out: nobody can arrange that alone
        raise CeremonyRefused(Code.CEREMONY_SETUP, "the joint key is the identity") from None


def _check_share(group: PrimeGroup, share: int, joint: Sequence[Element], index: int) -> None:
    try:
        holds = group.base_multiple(share) == dealing.value_at(group, joint, index)
    except Malformed:
        holds = False
    if not holds:
        raise CeremonyRefused(Code.SHARE_MISMATCH, "our share does not match the joint key")


def judge_complaint(
    room: DealingRoom, messages: Sequence[bytes], accuser: int, static_secret: int
) -> None:
    """Settle a complaint in an ABORTED key generation: raises naming who is to blame.

    The accuser gives away its static secret, which serves no other ceremony; so anybody can open
    what was dealt to it. Each `messages` entry must come from an identity-signed message. Raises
    CeremonyRefused with the dealers at fault, or with the accuser when no dealing is.
    """
    if not dealing.is_receiver(room, accuser, static_secret):
        raise CeremonyRefused(Code.CEREMONY_MISMATCH, "not the accuser's key", (accuser,))
    indices = range(1, len(messages) + 1)
    dealings = dealing.check_dealings(room, messages, indices)
    dealers = list(zip(indices, room.receivers, strict=True))
    dealing.open_all_shares(room, dealings, dealers, accuser, static_secret)
    raise CeremonyRefused(Code.CEREMONY_MISMATCH, "the complaint is unfounded", (accuser,))


def _encode_state(
    tag: bytes, room: DealingRoom, index: int, static_secret: int, rest: bytes
) -> bytes:
    return b"".join(
        (
            field(tag),
            field(room.group.suite_id),
            field(room.context),
            u16(room.threshold),
            u16(len(room.receivers)),
            *room.receivers,
            u16(index),
            room.group.encode_scalar(static_secret),
            long_field(rest),
        )
    )


def _decode_state(
    group: PrimeGroup, tag: bytes, data: bytes
) -> tuple[DealingRoom, int, int, bytes]:
    reader = Reader(data)
    if reader.field(64) != tag or reader.field(64) != group.suite_id:
        raise Malformed(Code.FORM, "not this state of a ceremony")
    context = reader.field(64)
    threshold, count = reader.u16(), reader.u16()
    if not 1 <= threshold <= count <= limits.CUSTODIANS:
        raise Malformed(Code.FORM, "threshold out of range")
    keys = tuple(group.element(reader.take(group.element_size)) for _ in range(count))
    room = DealingRoom(group, context, threshold, keys)
    index = reader.u16()
    static_secret = group.scalar(reader.take(group.scalar_size))
    rest = reader.long_field(limits.CEREMONY_STATE)
    reader.end()
    if not dealing.is_receiver(room, index, static_secret):
        raise Malformed(Code.FORM, "the static key is not this participant's")
    return room, index, static_secret, rest


def decode_dealt(group: PrimeGroup, data: bytes) -> Dealt:
    """Return a saved state after round 1. Raises Malformed."""
    return Dealt(*_decode_state(group, _DEALT_TAG, data))


def decode_computed(group: PrimeGroup, data: bytes) -> Computed:
    """Return a saved state after round 2. Raises Malformed."""
    room, index, static_secret, rest = _decode_state(group, _COMPUTED_TAG, data)
    reader = Reader(rest)
    share = group.scalar(reader.take(group.scalar_size))
    transcript = reader.long_field(limits.TRANSCRIPT)
    payloads = tuple(reader.long_field(limits.SEALED_SHARE) for _ in range(reader.u16()))
    reader.end()
    return Computed(room, index, static_secret, share, transcript, payloads)
