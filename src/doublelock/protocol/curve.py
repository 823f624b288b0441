"""BLS12-381 for everyone: strict decoding, secret and public operations, pairing bytes (spec K-1).

Two libraries, one type. What touches a secret scalar runs in blst (flat time): the functions named
`*_secret_multiple`. What touches public values alone runs in arkworks (fast sums and pairings):
`g1_sum`, `g2_sum`, `pairing`, `pairings_match`. A `G1` or `G2` was checked once, when it was
made, and is never decoded again.
"""

import hashlib
from collections.abc import Sequence
from typing import ClassVar, Final, Self, final

from py_arkworks_bls12381 import GT, G1Point, G2Point
from py_arkworks_bls12381 import Scalar as PublicScalar

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed
from pyblst import BlstP1Element, BlstP2Element

ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
G1_SIZE: Final = 48
G2_SIZE: Final = 96
GT_SIZE: Final = 576
SCALAR_SIZE: Final = 32
_COORDINATE: Final = 48


@final
class G1:
    """A point of the prime-order subgroup of G1, never the identity; `encoded` is 48 bytes.

    Made by `decode`, `hash_to_g1` and the operations below; the libraries' own forms are kept
    so that nothing is decoded twice.
    """

    __slots__ = ("_fast", "_flat", "encoded")
    SIZE: ClassVar[int] = G1_SIZE
    encoded: bytes

    def __init__(self, flat: BlstP1Element | None, fast: G1Point | None, encoded: bytes) -> None:
        if encoded[0] & 0x40:  # the infinity bit of a compressed encoding
            raise Malformed(Code.BAD_POINT, "identity in G1")
        self._flat = flat
        self._fast = fast
        self.encoded = encoded

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the point of 48 compressed bytes. Raises Malformed(BAD_POINT) unless canonical,
        on the curve, in the subgroup and not the identity (spec K-1; ZCash serialisation)."""
        if len(data) != G1_SIZE:
            raise Malformed(Code.BAD_POINT, f"G1 of {len(data)} bytes, not {G1_SIZE}")
        try:
            flat = BlstP1Element.uncompress(data)
        except ValueError:
            raise Malformed(Code.BAD_POINT, "not a point of G1") from None
        return cls(flat, None, _same(flat.compress(), data))

    @property
    def flat(self) -> BlstP1Element:
        """Return blst's form, for secret scalars."""
        if self._flat is None:
            self._flat = BlstP1Element.uncompress(self.encoded)
        return self._flat

    @property
    def fast(self) -> G1Point:
        """Return arkworks' form, for public operations; it was checked when it was made."""
        if self._fast is None:
            self._fast = G1Point.from_compressed_bytes_unchecked(self.encoded)
        return self._fast

    def __eq__(self, other: object) -> bool:
        return isinstance(other, G1) and self.encoded == other.encoded

    def __hash__(self) -> int:
        return hash(self.encoded)

    def __repr__(self) -> str:  # a partial is secret: a repr may reach a log
        return "G1(...)"


@final
class G2:
    """A point of the prime-order subgroup of G2, never the identity; `encoded` is 96 bytes."""

    __slots__ = ("_fast", "_flat", "encoded")
    SIZE: ClassVar[int] = G2_SIZE
    encoded: bytes

    def __init__(self, flat: BlstP2Element | None, fast: G2Point | None, encoded: bytes) -> None:
        if encoded[0] & 0x40:
            raise Malformed(Code.BAD_POINT, "identity in G2")
        self._flat = flat
        self._fast = fast
        self.encoded = encoded

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the point of 96 compressed bytes. Raises Malformed(BAD_POINT) unless canonical,
        on the curve, in the subgroup and not the identity (spec K-1; ZCash serialisation)."""
        if len(data) != G2_SIZE:
            raise Malformed(Code.BAD_POINT, f"G2 of {len(data)} bytes, not {G2_SIZE}")
        try:
            flat = BlstP2Element.uncompress(data)
        except ValueError:
            raise Malformed(Code.BAD_POINT, "not a point of G2") from None
        return cls(flat, None, _same(flat.compress(), data))

    @property
    def flat(self) -> BlstP2Element:
        """Return blst's form, for secret scalars."""
        if self._flat is None:
            self._flat = BlstP2Element.uncompress(self.encoded)
        return self._flat

    @property
    def fast(self) -> G2Point:
        """Return arkworks' form, for public operations; it was checked when it was made."""
        if self._fast is None:
            self._fast = G2Point.from_compressed_bytes_unchecked(self.encoded)
        return self._fast

    def __eq__(self, other: object) -> bool:
        return isinstance(other, G2) and self.encoded == other.encoded

    def __hash__(self) -> int:
        return hash(self.encoded)

    def __repr__(self) -> str:
        return f"G2({self.encoded[:4].hex()}...)"


def _same(encoded: bytes, data: bytes) -> bytes:
    if encoded != data:
        raise Malformed(Code.BAD_POINT, "not the canonical encoding")
    return encoded


G1_GENERATOR: Final = G1.decode(G1Point().to_compressed_bytes())
G2_GENERATOR: Final = G2.decode(G2Point().to_compressed_bytes())


def decode_scalar(data: bytes, *, zero: bool = False) -> int:
    """Return the scalar of 32 big-endian bytes, below ORDER and, unless `zero`, not zero.

    Raises Malformed(BAD_SCALAR).
    """
    if len(data) != SCALAR_SIZE:
        raise Malformed(Code.BAD_SCALAR, f"scalar of {len(data)} bytes, not {SCALAR_SIZE}")
    value = int.from_bytes(data, "big")
    if value >= ORDER or (value == 0 and not zero):
        raise Malformed(Code.BAD_SCALAR, "scalar out of range")
    return value


def encode_scalar(scalar: int) -> bytes:
    """Return 32 big-endian bytes of a scalar in [0, ORDER). Raises Malformed(BAD_SCALAR)."""
    if not 0 <= scalar < ORDER:
        raise Malformed(Code.BAD_SCALAR, "scalar out of range")
    return scalar.to_bytes(SCALAR_SIZE, "big")


def _secret(scalar: int) -> int:
    if not 0 < scalar < ORDER:
        raise Malformed(Code.BAD_SCALAR, "scalar out of range")
    return scalar


def hash_to_g1(message: bytes, dst: bytes) -> G1:
    """Return the point of a message: BLS12381G1_XMD:SHA-256_SSWU_RO_ (RFC 9380 §8.8.1).

    `dst` is 1 to 255 bytes, else Malformed(SIZE).
    """
    if not 0 < len(dst) <= 255:
        raise Malformed(Code.SIZE, "DST of 0 or over 255 bytes")
    flat = BlstP1Element.hash_to_group(message, dst)
    return G1(flat, None, flat.compress())


def g1_secret_multiple(point: G1, scalar: int) -> G1:
    """Return scalar·point in flat time, 0 < scalar < ORDER. Raises Malformed(BAD_SCALAR)."""
    flat = point.flat.scalar_mul(_secret(scalar))
    return G1(flat, None, flat.compress())


def g2_secret_multiple(point: G2, scalar: int) -> G2:
    """Return scalar·point in flat time, 0 < scalar < ORDER. Raises Malformed(BAD_SCALAR)."""
    flat = point.flat.scalar_mul(_secret(scalar))
    return G2(flat, None, flat.compress())


def g1_sum(points: Sequence[G1], scalars: Sequence[int] | None = None) -> G1:
    """Return the sum of points, each times its PUBLIC scalar if given (time depends on them).

    Raises Malformed(SIZE) for none or unequal counts, (BAD_POINT) when the sum is the identity.
    """
    factors = _factors(len(points), scalars)
    fast = G1Point.multiexp_unchecked([point.fast for point in points], factors)
    return G1(None, fast, fast.to_compressed_bytes())


def g2_sum(points: Sequence[G2], scalars: Sequence[int] | None = None) -> G2:
    """Return the sum of points, each times its PUBLIC scalar if given (time depends on them).

    Raises Malformed(SIZE) for none or unequal counts, (BAD_POINT) when the sum is the identity.
    """
    if scalars is None and points:
        total = points[0].fast
        for point in points[1:]:
            total += point.fast
        return G2(None, total, total.to_compressed_bytes())
    factors = _factors(len(points), scalars)
    fast = G2Point.multiexp_unchecked([point.fast for point in points], factors)
    return G2(None, fast, fast.to_compressed_bytes())


def _factors(count: int, scalars: Sequence[int] | None) -> list[PublicScalar]:
    if not count or (scalars is not None and len(scalars) != count):
        raise Malformed(Code.SIZE, "a sum needs as many scalars as points, one at least")
    return [PublicScalar(value % ORDER) for value in scalars or [1] * count]


def pairing(left: G1, right: G2) -> bytes:
    """Return e(left, right): 576 bytes, 12 coefficients of 48 big-endian, c0.c0.c0 first.

    The order is c0.c0.c0, c0.c0.c1, c0.c1.c0 … c1.c2.c1 of the tower 2-3-2 (spec K-2).
    """
    # arkworks prints the coefficients in that order, each little-endian.
    reverse = bytes.fromhex(str(GT.pairing(left.fast, right.fast)))[::-1]
    return b"".join(
        reverse[at : at + _COORDINATE] for at in range(GT_SIZE - _COORDINATE, -1, -_COORDINATE)
    )


def pairings_match(left: Sequence[tuple[G1, G2]], right: Sequence[tuple[G1, G2]]) -> bool:
    """Say whether the products of the pairings on both sides are equal, at one final step."""
    points = [p.fast for p, _ in left] + [-p.fast for p, _ in right]
    return GT.pairing_check(points, [q.fast for _, q in left] + [q.fast for _, q in right])


def expand_message_xmd(message: bytes, dst: bytes, size: int) -> bytes:
    """Return `size` (1 to 8,160) uniform bytes from a message: SHA-256 (RFC 9380 §5.3.1).

    `dst` is 1 to 255 bytes. Raises Malformed(SIZE).
    """
    blocks = -(-size // 32)
    if not 0 < blocks <= 255 or not 0 < len(dst) <= 255:
        raise Malformed(Code.SIZE, "expand_message_xmd out of range")
    dst_prime = dst + len(dst).to_bytes(1, "big")
    first = hashlib.sha256(bytes(64) + message + size.to_bytes(2, "big") + b"\x00" + dst_prime)
    seed = first.digest()
    block = hashlib.sha256(seed + b"\x01" + dst_prime).digest()
    out = [block]
    for index in range(2, blocks + 1):
        mixed = (int.from_bytes(seed, "big") ^ int.from_bytes(block, "big")).to_bytes(32, "big")
        block = hashlib.sha256(mixed + index.to_bytes(1, "big") + dst_prime).digest()
        out.append(block)
    return b"".join(out)[:size]


def hash_to_scalar(message: bytes, dst: bytes) -> int:
    """Return a scalar in [0, ORDER) from 48 expanded bytes (RFC 9380 §5.2, L = 48)."""
    return int.from_bytes(expand_message_xmd(message, dst, 48), "big") % ORDER
