"""The public record of a ceremony, signed by all who received a share (spec K-10).

COCKTAIL-DKG v0.2.1, Round 3: the transcript's bytes and the success certificate.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from doublelock.protocol import limits, schnorr
from doublelock.protocol.codes import Code
from doublelock.protocol.dealing import Dealing, DealingRoom, refuse_culprits, value_at
from doublelock.protocol.encoding import Reader, field, long_field
from doublelock.protocol.errors import CeremonyRefused, Malformed
from doublelock.protocol.prime_group import Element, PrimeGroup

_TRANSCRIPT_TAG: Final = b"doublelock/v1/ceremony/transcript"


@dataclass(frozen=True, slots=True)
class SharedKey:
    """The public result of a ceremony: the key, its holders' verification shares, its generation.

    `transcript_hash` (32) and `share_version` are the generation: only shares of one combine.
    """

    threshold: int
    public_key: Element
    verification_shares: tuple[Element, ...]
    share_version: int
    transcript_hash: bytes


@dataclass(frozen=True, slots=True)
class SecretShare:
    """One holder's share of one generation. Secret; `repr` does not show it."""

    index: int
    secret: int
    share_version: int
    transcript_hash: bytes

    def __repr__(self) -> str:
        return f"SecretShare(index={self.index}, share_version={self.share_version})"


def hash_transcript(transcript: bytes) -> bytes:
    """Return the 32 bytes by which key epochs, shares and logs name a transcript."""
    return hashlib.sha256(field(_TRANSCRIPT_TAG) + transcript).digest()


def write_transcript(room: DealingRoom, dealings: Sequence[Dealing], extension: bytes) -> bytes:
    """Return COCKTAIL's transcript T of a room and all its dealings, participant 1 first."""
    group = room.group

    def sized(data: bytes) -> bytes:
        return len(data).to_bytes(8, "little") + data

    return b"".join(
        (
            sized(group.suite_id),
            sized(room.context),
            len(room.receivers).to_bytes(4, "little"),
            room.threshold.to_bytes(4, "little"),
            *room.receivers,
            *(point for dealing in dealings for point in dealing.commitment),
            *(dealing.proof for dealing in dealings),
            *(dealing.ephemeral for dealing in dealings),
            sized(extension),
        )
    )


def read_commitments(room: DealingRoom, transcript: bytes) -> tuple[tuple[Element, ...], ...]:
    """Return each participant's commitment in a transcript of this room, proofs checked.

    Raises Malformed for other bytes than `write_transcript` makes for the room, and
    CeremonyRefused(PROOF_OF_POSSESSION) with the culprits.
    """
    if len(transcript) > limits.TRANSCRIPT:
        raise Malformed(Code.SIZE, "transcript too large")
    group, count = room.group, len(room.receivers)
    reader = Reader(transcript)
    head = write_transcript(room, (), b"")[:-8]
    if reader.take(len(head)) != head:
        raise Malformed(Code.FORM, "transcript of another session")
    commitments = tuple(
        tuple(group.element(reader.take(group.element_size)) for _ in range(room.threshold))
        for _ in range(count)
    )
    proofs = [reader.take(schnorr.signature_size(group)) for _ in range(count)]
    ephemerals = [group.element(reader.take(group.element_size)) for _ in range(count)]
    reader.take(int.from_bytes(reader.take(8), "little"))
    reader.end()
    culprits = []
    for index, (commitment, proof, ephemeral) in enumerate(
        zip(commitments, proofs, ephemerals, strict=True), start=1
    ):
        message = room.context + b"".join(commitment) + ephemeral
        try:
            schnorr.verify(group, commitment[0], message, proof)
        except Malformed:
            culprits.append(index)
    refuse_culprits(Code.PROOF_OF_POSSESSION, culprits)
    return commitments


def shared_key(
    group: PrimeGroup,
    commitment: Sequence[Element],
    receivers: int,
    share_version: int,
    transcript_hash: bytes,
) -> SharedKey:
    """Return the public result of the commitment to the joint polynomial."""
    shares = tuple(value_at(group, commitment, index) for index in range(1, receivers + 1))
    return SharedKey(len(commitment), commitment[0], shares, share_version, transcript_hash)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A transcript with the signature of every receiver: what the log holds."""

    transcript: bytes
    signatures: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Return the u32-prefixed transcript and the signatures, receiver 1 first."""
        return long_field(self.transcript) + b"".join(self.signatures)


def decode_certificate(room: DealingRoom, data: bytes) -> Certificate:
    """Return a certificate's parts, not yet checked. Raises Malformed."""
    reader = Reader(data)
    transcript = reader.long_field(limits.TRANSCRIPT)
    size = schnorr.signature_size(room.group)
    signatures = tuple(reader.take(size) for _ in room.receivers)
    reader.end()
    return Certificate(transcript, signatures)


def sign_transcript(group: PrimeGroup, static_secret: int, transcript: bytes) -> bytes:
    """Return the round-3 payload: the transcript's hash (32) and the signature over it."""
    return hash_transcript(transcript) + schnorr.sign(group, static_secret, transcript)


def certify(room: DealingRoom, transcript: bytes, payloads: Sequence[bytes]) -> Certificate:
    """Return the certificate once every receiver's round-3 payload holds for OUR transcript.

    Raises CeremonyRefused(TRANSCRIPT_MISMATCH): without culprits when a receiver signed another
    transcript (a split view: compare the messages with `ceremony.refuse_equivocation`), with them
    when a signature does not hold.
    """
    if len(payloads) != len(room.receivers):
        raise CeremonyRefused(Code.TRANSCRIPT_MISMATCH, "not one signature of each receiver")
    name = hash_transcript(transcript)
    culprits: list[int] = []
    signatures = []
    for index, (key, payload) in enumerate(zip(room.receivers, payloads, strict=True), start=1):
        if payload[: len(name)] != name and len(payload) >= len(name):
            raise CeremonyRefused(Code.TRANSCRIPT_MISMATCH, f"receiver {index} saw another one")
        signatures.append(payload[len(name) :])
        try:
            schnorr.verify(room.group, key, transcript, signatures[-1])
        except Malformed:
            culprits.append(index)
    refuse_culprits(Code.TRANSCRIPT_MISMATCH, culprits)
    return Certificate(transcript, tuple(signatures))


def check_certificate(room: DealingRoom, certificate: Certificate) -> bytes:
    """Return the transcript hash of a certificate that every receiver of the room signed.

    Raises CeremonyRefused(TRANSCRIPT_MISMATCH).
    """
    name = hash_transcript(certificate.transcript)
    certify(room, certificate.transcript, [name + one for one in certificate.signatures])
    return name
