"""One dealer's message: commitments, proof, ephemeral key and a sealed share for each receiver.

Round 1 of COCKTAIL-DKG v0.2.1, byte for byte; resharing deals with the same message (spec K-7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from doublelock.protocol import limits, polynomial, schnorr
from doublelock.protocol.codes import Code
from doublelock.protocol.encoding import Reader, u64
from doublelock.protocol.errors import CeremonyRefused, Malformed
from doublelock.protocol.prime_group import KEY_SIZE, NONCE_SIZE, TAG_SIZE, Element, PrimeGroup

_ONE_HASH: Final = KEY_SIZE + NONCE_SIZE


@dataclass(frozen=True, slots=True)
class DealingRoom:
    """What dealers and receivers of one session agree on before anybody deals.

    `context` is unique to the session and binds suite, dealers and receivers; `threshold` is the
    number of commitments; `receivers` are static keys, receiver 1 first.
    """

    group: PrimeGroup
    context: bytes
    threshold: int
    receivers: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Dealing:
    """A decoded round-1 message; sizes follow the group, threshold and receivers of the room."""

    commitment: tuple[Element, ...]
    proof: bytes
    ephemeral: Element
    sealed_shares: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Return msg1: C ‖ PoP ‖ E ‖ (u64 length ‖ ciphertext) per receiver."""
        framed = b"".join(u64(len(sealed)) + sealed for sealed in self.sealed_shares)
        return b"".join(self.commitment) + self.proof + self.ephemeral + framed


def decode_dealing(room: DealingRoom, data: bytes) -> Dealing:
    """Return the dealing of a msg1 with exactly `threshold` commitments and one share each.

    Raises Malformed(SIZE, BAD_POINT).
    """
    if len(data) > limits.CEREMONY_MESSAGE:
        raise Malformed(Code.SIZE, "round message too large")
    group, reader = room.group, Reader(data)
    commitment = tuple(
        group.element(reader.take(group.element_size)) for _ in range(room.threshold)
    )
    proof = reader.take(schnorr.signature_size(group))
    ephemeral = group.element(reader.take(group.element_size))
    sealed = tuple(_sealed_share(group, reader) for _ in room.receivers)
    reader.end()
    return Dealing(commitment, proof, ephemeral, sealed)


def _sealed_share(group: PrimeGroup, reader: Reader) -> bytes:
    size = reader.u64()
    if not group.scalar_size + TAG_SIZE <= size <= limits.SEALED_SHARE:
        raise Malformed(Code.SIZE, "sealed share too short or too long")
    return reader.take(size)


def deal(
    room: DealingRoom,
    static_secret: int,
    coefficients: Sequence[int],
    ephemeral_secret: int,
    payloads: Sequence[bytes] = (),
) -> Dealing:
    """Return the dealing of a polynomial (`threshold` secrets, none zero, constant first).

    `payloads` are sent beside the shares, one per receiver. Raises Malformed(BAD_SCALAR, FORM).
    """
    group = room.group
    extras = payloads or [b""] * len(room.receivers)
    if len(coefficients) != room.threshold or len(extras) != len(room.receivers):
        raise Malformed(Code.FORM, "one coefficient per commitment, one payload per receiver")
    commitment = tuple(group.base_multiple(coefficient) for coefficient in coefficients)
    ephemeral = group.base_multiple(ephemeral_secret)
    dealer = group.base_multiple(static_secret)
    proof = schnorr.sign(group, coefficients[0], proof_message(room, commitment, ephemeral))
    sealed = []
    for index, (receiver, extra) in enumerate(zip(room.receivers, extras, strict=True), start=1):
        share = polynomial.evaluate(coefficients, index, group.order)
        key, nonce = key_and_nonce(
            group,
            group.multiple(receiver, ephemeral_secret) + group.multiple(receiver, static_secret),
            ephemeral + dealer + receiver,
            room.context,
        )
        sealed.append(group.seal(key, nonce, group.encode_scalar(share) + extra))
    return Dealing(commitment, proof, ephemeral, tuple(sealed))


def proof_message(room: DealingRoom, commitment: Sequence[Element], ephemeral: Element) -> bytes:
    """Return what a proof of possession signs: context ‖ C ‖ E."""
    return room.context + b"".join(commitment) + ephemeral


def key_and_nonce(
    group: PrimeGroup, shared: bytes, keys: bytes, context: bytes
) -> tuple[bytes, bytes]:
    """Return the AEAD key (32) and nonce (24): H6(S^e ‖ S^d, E, P_s, P_r, context).

    `shared` is S^e ‖ S^d and `keys` is E ‖ P_s ‖ P_r, all of fixed size (COCKTAIL, Round 1, 5.2).
    """

    def h6(extra: bytes) -> bytes:
        size = len(extra).to_bytes(8, "little")
        return group.digest(group.prefix + b"-H6" + shared + keys + size + extra)

    once = h6(context)
    if len(once) >= _ONE_HASH:
        return once[:KEY_SIZE], once[KEY_SIZE:_ONE_HASH]

    def labelled(label: bytes) -> bytes:
        return b"".join(len(part).to_bytes(8, "little") + part for part in (context, label))

    return h6(labelled(b"key")), h6(labelled(b"nonce"))[:NONCE_SIZE]


def check_dealings(
    room: DealingRoom, encoded: Sequence[bytes], indices: Sequence[int]
) -> tuple[Dealing, ...]:
    """Return the dealings whose form and proofs of possession all hold; indices name dealers.

    Raises CeremonyRefused(FORM, PROOF_OF_POSSESSION) with all culprits.
    """
    dealings: list[Dealing] = []
    culprits: list[int] = []
    for index, data in zip(indices, encoded, strict=True):
        try:
            dealings.append(decode_dealing(room, data))
        except Malformed:
            culprits.append(index)
    refuse_culprits(Code.FORM, culprits)
    for index, dealing in zip(indices, dealings, strict=True):
        message = proof_message(room, dealing.commitment, dealing.ephemeral)
        try:
            schnorr.verify(room.group, dealing.commitment[0], message, dealing.proof)
        except Malformed:
            culprits.append(index)
    refuse_culprits(Code.PROOF_OF_POSSESSION, culprits)
    return tuple(dealings)


@dataclass(frozen=True, slots=True)
class OpenedShare:
    """A share that matches its dealer's commitment, and the payload beside it. Secret."""

    share: int
    payload: bytes

    def __repr__(self) -> str:
        return "OpenedShare(...)"


def open_share(
    room: DealingRoom, dealing: Dealing, dealer: Element, index: int, static_secret: int
) -> OpenedShare:
    """Return the share sealed to receiver `index`, once it matches the commitment.

    Raises Malformed(SHARE_UNREADABLE) when it cannot be opened, (SHARE_MISMATCH) when it is
    no scalar, zero, or not on the committed polynomial (COCKTAIL, Round 2, 3).
    """
    group = room.group
    shared = group.multiple(dealing.ephemeral, static_secret) + group.multiple(
        dealer, static_secret
    )
    keys = dealing.ephemeral + dealer + room.receivers[index - 1]
    key, nonce = key_and_nonce(group, shared, keys, room.context)
    plaintext = group.open(key, nonce, dealing.sealed_shares[index - 1])
    try:
        share = group.scalar(plaintext[: group.scalar_size])
        expected = value_at(group, dealing.commitment, index)
        # A share of zero is refused with the rest: an honest dealer meets it never (spec K-7).
        matches = group.base_multiple(share) == expected
    except Malformed:
        matches = False
    if not matches:
        raise Malformed(Code.SHARE_MISMATCH)
    return OpenedShare(share, plaintext[group.scalar_size :])


def is_receiver(room: DealingRoom, index: int, static_secret: int) -> bool:
    """Say whether a static secret belongs to receiver `index` (1 or more) of the room."""
    if not 1 <= index <= len(room.receivers):
        return False
    return room.group.base_multiple(static_secret) == room.receivers[index - 1]


def value_at(group: PrimeGroup, commitment: Sequence[Element], index: int) -> Element:
    """Return the committed polynomial's value at an index, times the generator."""
    return group.combine(commitment, polynomial.powers(index, len(commitment), group.order))


def open_all_shares(
    room: DealingRoom,
    dealings: Sequence[Dealing],
    dealers: Sequence[tuple[int, Element]],
    index: int,
    static_secret: int,
) -> tuple[OpenedShare, ...]:
    """Return every dealer's share for receiver `index`; dealers are (index, static key).

    Raises CeremonyRefused(SHARE_UNREADABLE, SHARE_MISMATCH) with all culprits of either kind.
    """
    opened: list[OpenedShare] = []
    unreadable: list[int] = []
    mismatched: list[int] = []
    for dealing, (who, key) in zip(dealings, dealers, strict=True):
        try:
            opened.append(open_share(room, dealing, key, index, static_secret))
        except Malformed as refusal:
            (unreadable if refusal.code is Code.SHARE_UNREADABLE else mismatched).append(who)
    refuse_culprits(Code.SHARE_MISMATCH, mismatched)
    refuse_culprits(Code.SHARE_UNREADABLE, unreadable)
    return tuple(opened)


def refuse_culprits(code: Code, culprits: Sequence[int]) -> None:
    """Raise CeremonyRefused naming the culprits, if there are any."""
    if culprits:
        names = ", ".join(map(str, culprits))
        raise CeremonyRefused(code, f"participant {names}", tuple(culprits))
