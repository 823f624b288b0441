"""A key epoch: the public keys of one committee's month, proven, and signed by all (spec K-13).

MPK = MPK_custodians + MPK_court, so that the court's share is needed by algebra. Both halves carry
a proof of possession; the statement is signed by every custodian and the court.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from doublelock.protocol import curve, limits
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import G1, G1_SIZE, G2, G2_SIZE
from doublelock.protocol.ed25519 import SIGNATURE_SIZE, VerifyKey
from doublelock.protocol.encoding import Reader, long_field, tagged, u8, u16, u32
from doublelock.protocol.errors import CeremonyRefused, CharterRefused, Malformed
from doublelock.protocol.identifiers import DEPLOYMENT_SIZE, DeploymentId
from doublelock.protocol.polynomial import lagrange
from doublelock.protocol.prime_group import Element
from doublelock.protocol.transcript import SharedKey

_TAG: Final = b"doublelock/v1/key-epoch"
_POSSESSION_TAG: Final = b"doublelock/v1/key-epoch/possession"
POSSESSION_DST: Final = b"DOUBLELOCK-V1-POSSESSION-BLS12381G1_XMD:SHA-256_SSWU_RO_"
_HASH_SIZE: Final = 32


class Role(IntEnum):
    """Whose half of the master public key."""

    CUSTODIANS = 1
    COURT = 2


@dataclass(frozen=True, slots=True)
class EpochId:
    """Which month of which committee of which deployment."""

    deployment: DeploymentId
    committee: int
    key_epoch: int


@dataclass(frozen=True, slots=True)
class HalfKey:
    """One half of the MPK: key, proof of possession, quorum and each holder's verification share.

    A court with a single key has threshold 1 and that key as its only share.
    """

    public_key: G2
    possession: G1
    threshold: int
    shares: tuple[G2, ...]


def prove_possession(epoch: EpochId, role: Role, public_key: G2, secret: int) -> G1:
    """Return secret·H(epoch, role, public key) in G1: a holder's part, or the whole proof.

    The hash has a DST of its own, so that the result is no key of any label (spec K-14).
    """
    return curve.g1_secret_multiple(_possession_point(epoch, role, public_key), secret)


def _possession_point(epoch: EpochId, role: Role, public_key: G2) -> G1:
    message = tagged(
        _POSSESSION_TAG,
        epoch.deployment,
        u16(epoch.committee),
        u16(epoch.key_epoch),
        u8(role),
        public_key.encoded,
    )
    return curve.hash_to_g1(message, POSSESSION_DST)


def combine_possession(
    epoch: EpochId,
    role: Role,
    public_key: G2,
    shares: Sequence[G2],
    parts: Sequence[tuple[int, G1]],
) -> G1:
    """Return the proof of a quorum's parts (index, part); `shares` are all verification shares.

    Raises CeremonyRefused(PROOF_OF_POSSESSION) naming the holders whose part is wrong.
    """
    point = _possession_point(epoch, role, public_key)
    indices = [index for index, _ in parts]
    if not all(1 <= index <= len(shares) for index in indices):
        raise CeremonyRefused(Code.CEREMONY_MISMATCH, "no such holder")
    factors = lagrange(indices, curve.ORDER)
    proof = curve.g1_sum([part for _, part in parts], factors)
    if curve.pairings_match([(proof, curve.G2_GENERATOR)], [(point, public_key)]):
        return proof
    culprits = tuple(
        index
        for index, part in parts
        if not curve.pairings_match([(part, curve.G2_GENERATOR)], [(point, shares[index - 1])])
    )
    raise CeremonyRefused(Code.PROOF_OF_POSSESSION, "holders' parts", culprits)


def custodians_half(epoch: EpochId, key: SharedKey, parts: Sequence[tuple[int, G1]]) -> HalfKey:
    """Return the custodians' half from a ceremony's result and a quorum's parts of the proof.

    Raises CeremonyRefused(PROOF_OF_POSSESSION) naming the holders whose part is wrong, and
    (CEREMONY_MISMATCH) when there are fewer parts than the threshold.
    """
    if len(parts) < key.threshold:
        raise CeremonyRefused(Code.CEREMONY_MISMATCH, f"{len(parts)} of {key.threshold} parts")
    public_key = G2.decode(key.public_key)
    shares = tuple(G2.decode(share) for share in key.verification_shares)
    proof = combine_possession(epoch, Role.CUSTODIANS, public_key, shares, parts)
    return HalfKey(public_key, proof, key.threshold, shares)


def court_half(epoch: EpochId, secret: int) -> HalfKey:
    """Return the half of a court with a single key, from its secret scalar."""
    public_key = curve.g2_secret_multiple(curve.G2_GENERATOR, secret)
    proof = prove_possession(epoch, Role.COURT, public_key, secret)
    return HalfKey(public_key, proof, 1, (public_key,))


@dataclass(frozen=True, slots=True)
class KeyEpochStatement:
    """What every custodian and the court sign. `transcript_hash` (32) is the custodians'."""

    epoch: EpochId
    share_version: int
    transcript_hash: bytes
    custodians: HalfKey
    court: HalfKey
    master_key: G2

    def encode(self) -> bytes:
        """Return the tagged fields: about 700 bytes and 96 per holder."""
        return tagged(
            _TAG,
            self.epoch.deployment,
            u16(self.epoch.committee),
            u16(self.epoch.key_epoch),
            u32(self.share_version),
            self.transcript_hash,
            *_half_fields(self.custodians),
            *_half_fields(self.court),
            self.master_key.encoded,
        )


def _half_fields(half: HalfKey) -> tuple[bytes, ...]:
    shares = b"".join(share.encoded for share in half.shares)
    return half.public_key.encoded, half.possession.encoded, u16(half.threshold), shares


def make_statement(
    epoch: EpochId,
    share_version: int,
    transcript_hash: bytes,
    custodians: HalfKey,
    court: HalfKey,
) -> KeyEpochStatement:
    """Return the statement of both halves. Raises Malformed(BAD_POINT) if they cancel out."""
    master = curve.g2_sum([custodians.public_key, court.public_key])
    return KeyEpochStatement(epoch, share_version, transcript_hash, custodians, court, master)


def decode_statement(data: bytes) -> KeyEpochStatement:
    """Return the statement of its bytes, points checked, meaning not. Raises Malformed."""
    if len(data) > limits.KEY_EPOCH:
        raise Malformed(Code.SIZE, "key epoch too large")
    reader = Reader(data)
    if reader.field(len(_TAG)) != _TAG:
        raise Malformed(Code.FORM, "not a key epoch")
    deployment = DeploymentId(_sized(reader, DEPLOYMENT_SIZE))
    committee, key_epoch, version = (
        int.from_bytes(_sized(reader, size), "big") for size in (2, 2, 4)
    )
    transcript_hash = _sized(reader, _HASH_SIZE)
    custodians, court = _decode_half(reader), _decode_half(reader)
    master = G2.decode(_sized(reader, G2_SIZE))
    reader.end()
    epoch = EpochId(deployment, committee, key_epoch)
    return KeyEpochStatement(epoch, version, transcript_hash, custodians, court, master)


def _sized(reader: Reader, size: int) -> bytes:
    data = reader.field(size)
    if len(data) != size:
        raise Malformed(Code.SIZE, f"field of {len(data)} bytes, not {size}")
    return data


def _decode_half(reader: Reader) -> HalfKey:
    public_key = G2.decode(_sized(reader, G2_SIZE))
    possession = G1.decode(_sized(reader, G1_SIZE))
    threshold = int.from_bytes(_sized(reader, 2), "big")
    encoded = reader.field(limits.CUSTODIANS * G2_SIZE)
    count, left = divmod(len(encoded), G2_SIZE)
    if left or not 1 <= threshold <= count:
        raise Malformed(Code.FORM, "verification shares and quorum do not fit")
    shares = tuple(G2.decode(encoded[at * G2_SIZE :][:G2_SIZE]) for at in range(count))
    return HalfKey(public_key, possession, threshold, shares)


@dataclass(frozen=True, slots=True)
class SignedKeyEpoch:
    """A statement's bytes, each custodian's Ed25519 signature over them, and the court's."""

    statement: bytes
    signatures: tuple[bytes, ...]
    court_signature: bytes

    def encode(self) -> bytes:
        """Return u32-prefixed statement ‖ u16 count ‖ 64 per custodian ‖ 64 of the court."""
        count = u16(len(self.signatures))
        return long_field(self.statement) + count + b"".join(self.signatures) + self.court_signature


def decode_signed(data: bytes) -> SignedKeyEpoch:
    """Return the parts of a signed key epoch, not yet checked. Raises Malformed."""
    reader = Reader(data)
    statement = reader.long_field(limits.KEY_EPOCH)
    count = reader.u16()
    if count > limits.CUSTODIANS:
        raise Malformed(Code.SIZE, "too many signatures")
    signatures = tuple(reader.take(SIGNATURE_SIZE) for _ in range(count))
    court_signature = reader.take(SIGNATURE_SIZE)
    reader.end()
    return SignedKeyEpoch(statement, signatures, court_signature)


@dataclass(frozen=True, slots=True)
class VerifiedKeyEpoch:
    """A key epoch to which messages may be sealed, once it stands in a cosigned checkpoint.

    `master_key` is the MPK; `custodians.shares` and `court.shares` verify partials; the pair
    (share_version, transcript_hash) is the generation of the custodians' shares.
    """

    epoch: EpochId
    share_version: int
    transcript_hash: bytes
    custodians: HalfKey
    court: HalfKey
    master_key: G2


def verify_key_epoch(
    signed: SignedKeyEpoch,
    custodian_keys: Sequence[VerifyKey],
    court_key: VerifyKey,
    epoch: EpochId,
    threshold: int,
) -> VerifiedKeyEpoch:
    """Return the key epoch that all custodians (charter's order) and the court signed.

    `epoch` and `threshold` are what the charter and the calendar demand. Raises Malformed;
    CharterRefused(KEY_EPOCH_STATEMENT, KEY_EPOCH_SIGNATURES, PROOF_OF_POSSESSION) (spec K-13).
    """
    statement = decode_statement(signed.statement)
    custodians, court = statement.custodians, statement.court
    if statement.epoch != epoch:
        raise CharterRefused(Code.KEY_EPOCH_STATEMENT, "another committee or month")
    if (custodians.threshold, len(custodians.shares)) != (threshold, len(custodian_keys)):
        raise CharterRefused(Code.KEY_EPOCH_STATEMENT, "not the charter's quorum")
    if len(signed.signatures) != len(custodian_keys):
        raise CharterRefused(Code.KEY_EPOCH_SIGNATURES, "not one of each custodian")
    keys = [*custodian_keys, court_key]
    for key, signature in zip(keys, (*signed.signatures, signed.court_signature), strict=True):
        try:
            key.verify(signature, signed.statement)
        except Malformed:
            raise CharterRefused(Code.KEY_EPOCH_SIGNATURES, key.encoded[:4].hex()) from None
    expected = make_statement(
        epoch, statement.share_version, statement.transcript_hash, custodians, court
    )
    if expected.master_key != statement.master_key:
        raise CharterRefused(Code.KEY_EPOCH_STATEMENT, "the master key is not the sum")
    for role, half in ((Role.CUSTODIANS, custodians), (Role.COURT, court)):
        _check_half(epoch, role, half)
    return VerifiedKeyEpoch(
        epoch,
        statement.share_version,
        statement.transcript_hash,
        custodians,
        court,
        statement.master_key,
    )


def _check_half(epoch: EpochId, role: Role, half: HalfKey) -> None:
    point = _possession_point(epoch, role, half.public_key)
    proof = [(half.possession, curve.G2_GENERATOR)]
    if not curve.pairings_match(proof, [(point, half.public_key)]):
        raise CharterRefused(Code.PROOF_OF_POSSESSION, role.name.lower())
    # All verification shares lie on one polynomial of degree t-1 with the key at 0.
    base = range(1, half.threshold + 1)
    for at in (0, *range(half.threshold + 1, len(half.shares) + 1)):
        expected = half.shares[at - 1] if at else half.public_key
        factors = lagrange(base, curve.ORDER, at)
        if curve.g2_sum(half.shares[: half.threshold], factors) != expected:
            raise CharterRefused(Code.KEY_EPOCH_STATEMENT, "verification shares do not fit the key")


def shared_key_of(verified: VerifiedKeyEpoch) -> SharedKey:
    """Return the custodians' key as the logged epoch gives it: what a resharing starts from."""
    half = verified.custodians
    return SharedKey(
        half.threshold,
        Element(half.public_key.encoded),
        tuple(Element(share.encoded) for share in half.shares),
        verified.share_version,
        verified.transcript_hash,
    )


def refuse_changed_key(old: VerifiedKeyEpoch, new: VerifiedKeyEpoch) -> None:
    """Raise CharterRefused(KEY_EPOCH_CHANGED) unless `new` is `old`, or a later resharing of it.

    A resharing keeps epoch, both public keys and the court's half, and raises the share version.
    """
    same = (old.epoch, old.custodians.public_key, old.court, old.master_key) == (
        new.epoch,
        new.custodians.public_key,
        new.court,
        new.master_key,
    )
    if not same or (new != old and new.share_version <= old.share_version):
        raise CharterRefused(Code.KEY_EPOCH_CHANGED)
