"""What a ceremony needs around COCKTAIL's rounds: opening, court's half, proofs (spec K-13).

Every message on a ceremony's board names its step and is signed by its author's identity, so that
whoever relays it can drop it but not change it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from doublelock.protocol import limits
from doublelock.protocol.ceremony import CeremonyName, Kind, decode_name
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import G1, G1_SIZE, G2, G2_SIZE
from doublelock.protocol.ed25519 import KEY_SIZE, SIGNATURE_SIZE, SigningKey, VerifyKey
from doublelock.protocol.encoding import Reader, long_field, tagged, u16
from doublelock.protocol.errors import CeremonyRefused, Malformed
from doublelock.protocol.keyepoch import HalfKey

_STEP_TAG: Final = b"doublelock/v1/ceremony/step"
_NAME_LIMIT: Final = 1024


class Step(IntEnum):
    """The number under which a message stands on the board: one per author and step."""

    STATIC_KEY = 1
    """A receiver's fresh static key; of the court, its half of the key."""
    DEALING = 2
    CERTIFYING = 3
    POSSESSION = 4
    SIGNING = 5
    DEALER_KEY = 6
    """An old holder's fresh static key for dealing, in a resharing."""


@dataclass(frozen=True, slots=True)
class Dealer:
    """An old holder that passes its share on: its index then, and its identity key (32)."""

    index: int
    key: bytes


@dataclass(frozen=True, slots=True)
class Opening:
    """A ceremony's opening document: its name and, for a resharing, who deals, ascending."""

    name: CeremonyName
    dealers: tuple[Dealer, ...] = ()

    def encode(self) -> bytes:
        """Return the u32-prefixed name, u16 count, then u16 index and 32 bytes of key each."""
        rows = b"".join(u16(dealer.index) + dealer.key for dealer in self.dealers)
        return long_field(self.name.encode()) + u16(len(self.dealers)) + rows


def decode_opening(data: bytes) -> Opening:
    """Return the opening of its bytes. Raises Malformed."""
    reader = Reader(data)
    name = decode_name(reader.long_field(_NAME_LIMIT))
    count = reader.u16()
    if count > limits.CUSTODIANS or (count > 0) != (name.kind is Kind.RESHARING):
        raise Malformed(Code.FORM, "dealers of a ceremony")
    dealers = tuple(Dealer(reader.u16(), reader.take(KEY_SIZE)) for _ in range(count))
    reader.end()
    indices = [dealer.index for dealer in dealers]
    if indices != sorted(set(indices)):
        raise Malformed(Code.FORM, "dealers of a ceremony")
    return Opening(name, dealers)


def sign_step(name: CeremonyName, step: Step, payload: bytes, identity: SigningKey) -> bytes:
    """Return the payload and its author's 64-byte signature for one step of one ceremony."""
    return payload + identity.sign(_statement(name, step, payload))


def accept_step(name: CeremonyName, step: Step, data: bytes, key: VerifyKey) -> bytes:
    """Return the payload that the holder of `key` signed for this step.

    Raises CeremonyRefused(BAD_SIGNATURE).
    """
    payload, signature = data[:-SIGNATURE_SIZE], data[-SIGNATURE_SIZE:]
    try:
        key.verify(signature, _statement(name, step, payload))
    except Malformed:
        raise CeremonyRefused(Code.BAD_SIGNATURE, f"ceremony step {step.name.lower()}") from None
    return payload


def encode_court_half(public_key: G2, possession: G1) -> bytes:
    """Return the court's key and its proof of possession: 144 bytes."""
    return public_key.encoded + possession.encoded


def decode_court_half(data: bytes) -> HalfKey:
    """Return the half of a court with a single key, its proof not yet checked. Raises Malformed."""
    if len(data) != G2_SIZE + G1_SIZE:
        raise Malformed(Code.SIZE, "the court's half of a key")
    public_key = G2.decode(data[:G2_SIZE])
    return HalfKey(public_key, G1.decode(data[G2_SIZE:]), 1, (public_key,))


def roster_of(old: Sequence[VerifyKey], receivers: Sequence[VerifyKey]) -> list[VerifyKey]:
    """Return whom a resharing's roster names: all old holders, then all receivers (spec K-11).

    In a refresh everybody stands there twice, with a fresh static key for each part.
    """
    return [*old, *receivers]


def _statement(name: CeremonyName, step: Step, payload: bytes) -> bytes:
    return tagged(_STEP_TAG, name.digest, u16(step), hashlib.sha256(payload).digest())
