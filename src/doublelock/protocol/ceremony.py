"""What binds a ceremony together: its name, fresh static keys and identity-signed messages.

Holders are numbered 1 to n in the order of the committee's identity keys (spec K-8, K-9).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import SIGNATURE_SIZE, SigningKey, VerifyKey
from doublelock.protocol.encoding import Reader, long_field, tagged, u8, u16, u32
from doublelock.protocol.errors import CeremonyRefused, Malformed
from doublelock.protocol.identifiers import DEPLOYMENT_SIZE, DeploymentId
from doublelock.protocol.prime_group import Element, PrimeGroup

NONCE_SIZE: Final = 32
HASH_SIZE: Final = 32
_NAME_TAG: Final = b"doublelock/v1/ceremony"
_ROSTER_TAG: Final = b"doublelock/v1/ceremony/roster"
_STATIC_KEY_TAG: Final = b"doublelock/v1/ceremony/static-key"
_MESSAGE_TAG: Final = b"doublelock/v1/ceremony/message"


class Kind(IntEnum):
    """What a ceremony does: make a new key, or pass an old one on."""

    KEY_GENERATION = 1
    RESHARING = 2


class Round(IntEnum):
    """The round of a message: a dealing (COCKTAIL's round 1) or a signed transcript (round 3)."""

    DEALING = 1
    COMPLAINT = 2
    CERTIFYING = 3


@dataclass(frozen=True, slots=True)
class CeremonyName:
    """The name of one ceremony; its encoding is COCKTAIL's session id.

    `roster` (32) names the identity keys of all who take part; `nonce` is 32 random bytes.
    """

    deployment: DeploymentId
    committee: int
    key_epoch: int
    kind: Kind
    share_version: int
    threshold: int
    roster: bytes
    nonce: bytes

    def encode(self) -> bytes:
        """Return the tagged fields of the name."""
        return tagged(
            _NAME_TAG,
            self.deployment,
            u16(self.committee),
            u16(self.key_epoch),
            u8(self.kind),
            u32(self.share_version),
            u16(self.threshold),
            self.roster,
            self.nonce,
        )

    @property
    def digest(self) -> bytes:
        """Return the SHA-256 of the encoding (32 bytes): how messages refer to the ceremony."""
        return hashlib.sha256(self.encode()).digest()


def decode_name(data: bytes) -> CeremonyName:
    """Return the name of its tagged fields. Raises Malformed."""
    reader = Reader(data)
    if reader.field(len(_NAME_TAG)) != _NAME_TAG:
        raise Malformed(Code.FORM, "not the name of a ceremony")
    fields = [reader.field(64) for _ in range(8)]
    reader.end()
    sizes = (DEPLOYMENT_SIZE, 2, 2, 1, 4, 2, HASH_SIZE, NONCE_SIZE)
    if tuple(map(len, fields)) != sizes or fields[3][0] not in tuple(Kind):
        raise Malformed(Code.FORM, "not the name of a ceremony")
    committee, key_epoch, kind, version, threshold = (
        int.from_bytes(field, "big") for field in fields[1:6]
    )
    return CeremonyName(
        DeploymentId(fields[0]),
        committee,
        key_epoch,
        Kind(kind),
        version,
        threshold,
        fields[6],
        fields[7],
    )


def name_roster(keys: Sequence[VerifyKey]) -> bytes:
    """Return the 32-byte name of the identity keys, holder 1 first."""
    return hashlib.sha256(tagged(_ROSTER_TAG, *(key.encoded for key in keys))).digest()


@dataclass(frozen=True, slots=True)
class CertifiedStaticKey:
    """A holder's fresh static key for one ceremony, with its identity's signature (64)."""

    holder: int
    key: bytes
    signature: bytes

    def encode(self) -> bytes:
        """Return u16 holder ‖ key ‖ signature."""
        return u16(self.holder) + self.key + self.signature


def _static_key_statement(name: CeremonyName, group: PrimeGroup, holder: int, key: bytes) -> bytes:
    return tagged(_STATIC_KEY_TAG, name.encode(), group.suite_id, u16(holder), key)


def certify_static_key(
    name: CeremonyName, group: PrimeGroup, holder: int, secret: int, identity: SigningKey
) -> CertifiedStaticKey:
    """Return the certificate of a static secret drawn for this ceremony alone (spec K-8)."""
    key = group.base_multiple(secret)
    return CertifiedStaticKey(
        holder, key, identity.sign(_static_key_statement(name, group, holder, key))
    )


def decode_static_key(group: PrimeGroup, data: bytes) -> CertifiedStaticKey:
    """Return the certificate of its bytes, its signature not yet checked. Raises Malformed."""
    reader = Reader(data)
    certified = CertifiedStaticKey(
        reader.u16(), reader.take(group.element_size), reader.take(SIGNATURE_SIZE)
    )
    reader.end()
    return certified


def accept_static_keys(
    name: CeremonyName,
    group: PrimeGroup,
    certified: Sequence[CertifiedStaticKey],
    identities: Sequence[VerifyKey],
    holders: Sequence[int] | None = None,
) -> tuple[Element, ...]:
    """Return the static keys of all holders (unless named), in order: valid, distinct, signed.

    In a resharing to another committee, old holders stand first in the roster and only those who
    deal are named (spec K-11). Raises CeremonyRefused(CEREMONY_SETUP) for another roster or
    count, and with the culprits (BAD_SIGNATURE) for a bad key or signature, (CEREMONY_SETUP) for
    a repeated key.
    """
    if name.roster != name_roster(identities):
        raise CeremonyRefused(Code.CEREMONY_SETUP, "the roster is another")
    expected = list(range(1, len(identities) + 1) if holders is None else holders)
    if [one.holder for one in certified] != expected or not set(expected) <= set(
        range(1, len(identities) + 1)
    ):
        raise CeremonyRefused(Code.CEREMONY_SETUP, "not one static key of each holder, in order")
    keys: list[Element] = []
    culprits: list[int] = []
    for one in certified:
        try:
            keys.append(group.element(one.key))
            statement = _static_key_statement(name, group, one.holder, one.key)
            identities[one.holder - 1].verify(one.signature, statement)
        except Malformed:
            culprits.append(one.holder)
    if culprits:
        raise CeremonyRefused(Code.BAD_SIGNATURE, "static key", tuple(culprits))
    repeated = tuple(one.holder for one in certified if keys.count(Element(one.key)) > 1)
    if repeated:
        raise CeremonyRefused(Code.CEREMONY_SETUP, "repeated static key", repeated)
    return tuple(keys)


@dataclass(frozen=True, slots=True)
class SignedRoundMessage:
    """One holder's message of one round, signed by its identity: what the coordinator relays."""

    ceremony: bytes
    round: Round
    sender: int
    payload: bytes
    signature: bytes

    def encode(self) -> bytes:
        """Return 32 ceremony ‖ u8 round ‖ u16 sender ‖ u32-prefixed payload ‖ 64 signature."""
        return (
            self.ceremony
            + u8(self.round)
            + u16(self.sender)
            + long_field(self.payload)
            + self.signature
        )

    @property
    def statement(self) -> bytes:
        """Return the bytes that the identity signs; the payload enters by its SHA-256."""
        return tagged(
            _MESSAGE_TAG,
            self.ceremony,
            u8(self.round),
            u16(self.sender),
            hashlib.sha256(self.payload).digest(),
        )


def sign_message(
    name: CeremonyName, message_round: Round, sender: int, payload: bytes, identity: SigningKey
) -> SignedRoundMessage:
    """Return a payload signed for its ceremony, round and sender."""
    unsigned = SignedRoundMessage(name.digest, message_round, sender, payload, b"")
    return SignedRoundMessage(
        name.digest, message_round, sender, payload, identity.sign(unsigned.statement)
    )


def decode_message(data: bytes) -> SignedRoundMessage:
    """Return the message of its bytes, its signature not yet checked. Raises Malformed."""
    if len(data) > limits.CEREMONY_MESSAGE:
        raise Malformed(Code.SIZE, "round message too large")
    reader = Reader(data)
    ceremony, number, sender = reader.take(HASH_SIZE), reader.u8(), reader.u16()
    if number not in tuple(Round):
        raise Malformed(Code.FORM, "no such round")
    payload = reader.long_field(limits.CEREMONY_MESSAGE)
    message = SignedRoundMessage(
        ceremony, Round(number), sender, payload, reader.take(SIGNATURE_SIZE)
    )
    reader.end()
    return message


def accept_message(
    name: CeremonyName,
    message_round: Round,
    message: SignedRoundMessage,
    identities: Sequence[VerifyKey],
) -> bytes:
    """Return the payload of a message that its sender signed for this ceremony and round.

    Raises CeremonyRefused(CEREMONY_MISMATCH) when it belongs elsewhere, (BAD_SIGNATURE) when the
    signature does not hold; no culprit: anybody may have made it.
    """
    expected = (name.digest, message_round)
    if (message.ceremony, message.round) != expected or not 1 <= message.sender <= len(identities):
        raise CeremonyRefused(Code.CEREMONY_MISMATCH)
    try:
        identities[message.sender - 1].verify(message.signature, message.statement)
    except Malformed:
        raise CeremonyRefused(Code.BAD_SIGNATURE, f"message of {message.sender}") from None
    return message.payload


def accept_round(
    name: CeremonyName,
    message_round: Round,
    messages: Sequence[SignedRoundMessage],
    identities: Sequence[VerifyKey],
    senders: Sequence[int] | None = None,
) -> tuple[bytes, ...]:
    """Return one payload from each sender (all holders unless named), in order.

    Raises CeremonyRefused as `accept_message`; (CEREMONY_MISMATCH) when one is missing or extra.
    """
    expected = list(range(1, len(identities) + 1) if senders is None else senders)
    if [message.sender for message in messages] != expected:
        raise CeremonyRefused(Code.CEREMONY_MISMATCH, "not one message of each sender, in order")
    return tuple(accept_message(name, message_round, one, identities) for one in messages)


def refuse_equivocation(
    first: SignedRoundMessage,
    second: SignedRoundMessage,
    name: CeremonyName,
    identities: Sequence[VerifyKey],
) -> None:
    """Raise CeremonyRefused(EQUIVOCATION), naming the sender, when both are signed yet differ.

    Holders that saw different transcripts compare what the coordinator showed them: either a
    sender signed both, or the coordinator altered one and its signature does not hold.
    """
    one = accept_message(name, first.round, first, identities)
    other = accept_message(name, first.round, second, identities)
    if first.sender == second.sender and one != other:
        detail = f"holder {first.sender}"
        raise CeremonyRefused(Code.EQUIVOCATION, detail, (first.sender,))
