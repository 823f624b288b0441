"""Passing a key on, to the same committee (refresh) or another; the key is unchanged (spec K-11).

Each dealer of the old committee deals its own old share to the new receivers with the message of
COCKTAIL's round 1; a dealing whose constant is not the dealer's old verification share is refused.
The new share is the Lagrange sum over the qualified dealers, who stand in the transcript that
every receiver signs. Old and new shares carry different generations and never mix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from doublelock.protocol import dealing, limits, polynomial, schnorr
from doublelock.protocol.ceremony import CeremonyName, Kind
from doublelock.protocol.codes import Code
from doublelock.protocol.dealing import Dealing, DealingRoom
from doublelock.protocol.encoding import Reader, field, long_field, u16, u32
from doublelock.protocol.errors import CeremonyRefused, Malformed
from doublelock.protocol.prime_group import Element, PrimeGroup
from doublelock.protocol.transcript import (
    Certificate,
    SecretShare,
    SharedKey,
    certify,
    check_certificate,
    shared_key,
    sign_transcript,
)

_CONTEXT_TAG: Final = b"doublelock/v1/resharing/context"
_TRANSCRIPT_TAG: Final = b"doublelock/v1/resharing/transcript"
_STATE_TAG: Final = b"doublelock/v1/resharing/reshared"


@dataclass(frozen=True, slots=True)
class ResharingRoom:
    """What old dealers and new receivers agree on: `dealers` are (old index, fresh static key).

    `room` holds the new threshold and the receivers' fresh static keys; `old` is the key as the
    last certified generation left it.
    """

    room: DealingRoom
    old: SharedKey
    dealers: tuple[tuple[int, Element], ...]


def open_room(
    group: PrimeGroup,
    session_id: bytes,
    threshold: int,
    receivers: Sequence[Element],
    old: SharedKey,
    dealers: Sequence[tuple[int, Element]],
) -> ResharingRoom:
    """Return the room of a resharing. In a refresh a holder's two static keys are the same one.

    Raises CeremonyRefused(CEREMONY_SETUP) unless 1 ≤ threshold ≤ receivers ≤ 64, keys differ
    and dealers are old holders in ascending order; (TOO_FEW_DEALERS) under the old threshold.
    """
    indices = [index for index, _ in dealers]
    count = len(receivers)
    if (
        not 1 <= threshold <= count <= limits.CUSTODIANS
        or len(set(receivers)) != count
        or len({key for _, key in dealers}) != len(dealers)
        or indices != sorted(set(indices))
        or not all(1 <= index <= len(old.verification_shares) for index in indices)
    ):
        raise CeremonyRefused(Code.CEREMONY_SETUP, f"{threshold} of {count}")
    if len(dealers) < old.threshold:
        raise CeremonyRefused(Code.TOO_FEW_DEALERS, f"{len(dealers)} of {old.threshold}")
    context = group.digest(
        b"".join(
            (
                field(_CONTEXT_TAG),
                field(group.suite_id),
                field(session_id),
                old.public_key,
                u32(old.share_version),
                old.transcript_hash,
                u16(old.threshold),
                u16(len(old.verification_shares)),
                *old.verification_shares,
                u16(threshold),
                u16(count),
                *receivers,
                u16(len(dealers)),
                *(u16(index) + key for index, key in dealers),
            )
        )
    )
    room = DealingRoom(group, context, threshold, tuple(receivers))
    return ResharingRoom(room, old, tuple(dealers))


def enter(
    name: CeremonyName,
    group: PrimeGroup,
    receivers: Sequence[Element],
    old: SharedKey,
    dealers: Sequence[tuple[int, Element]],
) -> ResharingRoom:
    """Return the room of the resharing that a name speaks of (spec K-8).

    Raises CeremonyRefused(CEREMONY_SETUP) for another kind, or a version that does not follow the
    old key's, and as `open_room`.
    """
    if (name.kind, name.share_version) != (Kind.RESHARING, old.share_version + 1):
        raise CeremonyRefused(Code.CEREMONY_SETUP, "not the name of this key's next resharing")
    return open_room(group, name.encode(), name.threshold, receivers, old, dealers)


def deal(resharing: ResharingRoom, share: SecretShare, static_secret: int, random: bytes) -> bytes:
    """Return an old holder's dealing of its share; `random` is threshold × 64 bytes.

    Raises CeremonyRefused(SHARE_GENERATION) for a share of another generation,
    (CEREMONY_SETUP) when share or static secret is not that of a dealer.
    """
    room, old = resharing.room, resharing.old
    if (share.share_version, share.transcript_hash) != (old.share_version, old.transcript_hash):
        raise CeremonyRefused(Code.SHARE_GENERATION, f"share of version {share.share_version}")
    group = room.group
    mine = (share.index, group.base_multiple(static_secret))
    if (
        mine not in resharing.dealers
        or group.base_multiple(share.secret) != old.verification_shares[share.index - 1]
    ):
        raise CeremonyRefused(Code.CEREMONY_SETUP, "not a dealer's share and static key")
    *others, ephemeral = polynomial.draw_scalars(random, room.threshold, group.order)
    return dealing.deal(room, static_secret, [share.secret, *others], ephemeral).encode()


@dataclass(frozen=True, slots=True)
class Reshared:
    """A receiver that opened its new share and is about to sign the transcript. Secret."""

    index: int
    static_secret: int
    share: int
    transcript: bytes

    def message(self, group: PrimeGroup) -> bytes:
        """Return the round-3 payload: transcript hash ‖ Schnorr signature (deterministic)."""
        return sign_transcript(group, self.static_secret, self.transcript)

    def encode(self, group: PrimeGroup) -> bytes:
        """Return the state's bytes, secret: seal them before they are stored."""
        return b"".join(
            (
                field(_STATE_TAG),
                u16(self.index),
                group.encode_scalar(self.static_secret),
                group.encode_scalar(self.share),
                long_field(self.transcript),
            )
        )

    def __repr__(self) -> str:
        return f"Reshared(index={self.index})"


def decode_reshared(group: PrimeGroup, data: bytes) -> Reshared:
    """Return a saved receiver. Raises Malformed."""
    reader = Reader(data)
    if reader.field(64) != _STATE_TAG:
        raise Malformed(Code.FORM, "not this state of a ceremony")
    index = reader.u16()
    static_secret = group.scalar(reader.take(group.scalar_size))
    share = group.scalar(reader.take(group.scalar_size))
    transcript = reader.long_field(limits.TRANSCRIPT)
    reader.end()
    return Reshared(index, static_secret, share, transcript)


def receive(
    resharing: ResharingRoom, index: int, static_secret: int, messages: Sequence[bytes]
) -> Reshared:
    """Check all dealings (in the order of the dealers), open the shares, make the transcript.

    Raises CeremonyRefused naming dealers by their OLD index: (FORM), (PROOF_OF_POSSESSION),
    (DEALER_MISMATCH), (SHARE_MISMATCH), (SHARE_UNREADABLE).
    """
    room = resharing.room
    group = room.group
    if not dealing.is_receiver(room, index, static_secret):
        raise CeremonyRefused(Code.CEREMONY_SETUP, "the static key is not this receiver's")
    dealings = _read_dealings(resharing, messages)
    indices = [dealer for dealer, _ in resharing.dealers]
    opened = dealing.open_all_shares(room, dealings, resharing.dealers, index, static_secret)
    factors = polynomial.lagrange(indices, group.order)
    share = sum(one.share * by for one, by in zip(opened, factors, strict=True)) % group.order
    return Reshared(index, static_secret, share, _transcript(resharing, dealings))


def write_transcript(resharing: ResharingRoom, messages: Sequence[bytes]) -> bytes:
    """Return the transcript of all dealings, in the order of the dealers; needs nothing secret.

    Raises CeremonyRefused naming dealers by their old index, as `receive` does but for the shares.
    """
    return _transcript(resharing, _read_dealings(resharing, messages))


def _read_dealings(resharing: ResharingRoom, messages: Sequence[bytes]) -> tuple[Dealing, ...]:
    if len(messages) != len(resharing.dealers):
        raise CeremonyRefused(Code.CEREMONY_MISMATCH, "not one dealing of each dealer")
    indices = [dealer for dealer, _ in resharing.dealers]
    dealings = dealing.check_dealings(resharing.room, messages, indices)
    _check_constants(resharing, [one.commitment for one in dealings])
    return dealings


def _transcript(resharing: ResharingRoom, dealings: Sequence[Dealing]) -> bytes:
    return b"".join(
        (
            _transcript_head(resharing),
            *(point for one in dealings for point in one.commitment),
            *(one.proof + one.ephemeral for one in dealings),
        )
    )


def _transcript_head(resharing: ResharingRoom) -> bytes:
    """The context binds everything agreed; the qualified dealers stand in clear beside it."""
    dealers = (u16(index) for index, _ in resharing.dealers)
    return b"".join(
        (
            field(_TRANSCRIPT_TAG),
            field(resharing.room.group.suite_id),
            field(resharing.room.context),
            u32(resharing.old.share_version + 1),
            u16(resharing.room.threshold),
            u16(len(resharing.room.receivers)),
            u16(len(resharing.dealers)),
            *dealers,
        )
    )


def _check_constants(resharing: ResharingRoom, commitments: Sequence[Sequence[Element]]) -> None:
    old = resharing.old.verification_shares
    culprits = [
        dealer
        for (dealer, _), commitment in zip(resharing.dealers, commitments, strict=True)
        if commitment[0] != old[dealer - 1]
    ]
    dealing.refuse_culprits(Code.DEALER_MISMATCH, culprits)


@dataclass(frozen=True, slots=True)
class Completed:
    """A receiver at the end: its share of the next generation, the same public key."""

    share: SecretShare
    key: SharedKey
    certificate: Certificate


def finish(resharing: ResharingRoom, reshared: Reshared, messages: Sequence[bytes]) -> Completed:
    """Accept the share once every receiver signed the same transcript.

    Raises CeremonyRefused(TRANSCRIPT_MISMATCH), (SHARE_MISMATCH) for a state of another room.
    """
    certificate = certify(resharing.room, reshared.transcript, messages)
    key = audit(resharing, certificate)
    group, index = resharing.room.group, reshared.index
    mine = dealing.is_receiver(resharing.room, index, reshared.static_secret)
    if not mine or group.base_multiple(reshared.share) != key.verification_shares[index - 1]:
        raise CeremonyRefused(Code.SHARE_MISMATCH, "our share does not match the key")
    share = SecretShare(index, reshared.share, key.share_version, key.transcript_hash)
    return Completed(share, key, certificate)


def audit(resharing: ResharingRoom, certificate: Certificate) -> SharedKey:
    """Return the public result of a resharing's certificate; needs nothing secret.

    Raises CeremonyRefused(TRANSCRIPT_MISMATCH, PROOF_OF_POSSESSION, DEALER_MISMATCH,
    KEY_EPOCH_CHANGED), Malformed.
    """
    name = check_certificate(resharing.room, certificate)
    commitments = _read_commitments(resharing, certificate.transcript)
    _check_constants(resharing, commitments)
    group = resharing.room.group
    factors = polynomial.lagrange([index for index, _ in resharing.dealers], group.order)
    joint = tuple(group.combine(column, factors) for column in zip(*commitments, strict=True))
    if joint[0] != resharing.old.public_key:
        raise CeremonyRefused(Code.KEY_EPOCH_CHANGED, "the public key changed")
    version = resharing.old.share_version + 1
    return shared_key(group, joint, len(resharing.room.receivers), version, name)


def _read_commitments(
    resharing: ResharingRoom, transcript: bytes
) -> tuple[tuple[Element, ...], ...]:
    room, group = resharing.room, resharing.room.group
    reader = Reader(transcript)
    head = _transcript_head(resharing)
    if reader.take(len(head)) != head:
        raise Malformed(Code.FORM, "transcript of another resharing")
    commitments = tuple(
        tuple(group.element(reader.take(group.element_size)) for _ in range(room.threshold))
        for _ in resharing.dealers
    )
    culprits: list[int] = []
    for (dealer, _), commitment in zip(resharing.dealers, commitments, strict=True):
        proof = reader.take(schnorr.signature_size(group))
        ephemeral = group.element(reader.take(group.element_size))
        message = dealing.proof_message(room, commitment, ephemeral)
        try:
            schnorr.verify(group, commitment[0], message, proof)
        except Malformed:
            culprits.append(dealer)
    reader.end()
    dealing.refuse_culprits(Code.PROOF_OF_POSSESSION, culprits)
    return commitments


def refuse_mixed(shares: Sequence[SecretShare]) -> None:
    """Raise CeremonyRefused(SHARE_GENERATION) unless all shares are of one generation."""
    if len({(share.share_version, share.transcript_hash) for share in shares}) > 1:
        raise CeremonyRefused(Code.SHARE_GENERATION)
