"""The prime-order groups on which a key ceremony runs, and ours: BLS12-381 G2 (spec K-4).

The ceremony's code knows a group through `PrimeGroup` alone. So the very same code passes the
vectors that COCKTAIL-DKG publishes for other groups and runs on ours. Elements travel as checked
encodings (`Element`), scalars as integers in [0, order).
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NewType, Protocol

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from doublelock.protocol import curve
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed

Element = NewType("Element", bytes)
"""A canonical encoding of a group element other than the identity, checked when it was made."""

KEY_SIZE: Final = 32
NONCE_SIZE: Final = 24
TAG_SIZE: Final = 16


class PrimeGroup(Protocol):
    """A group of prime order with the hashes and the AEAD of one COCKTAIL ciphersuite."""

    @property
    def suite_id(self) -> bytes:
        """The canonical ciphersuite id, verbatim."""
        ...

    @property
    def prefix(self) -> bytes:
        """The prefix of the suite's hashes; `-H6`, `-H7` and `-NONCE` follow it."""
        ...

    @property
    def order(self) -> int:
        """The prime order of the group."""
        ...

    @property
    def element_size(self) -> int:
        """Bytes of an encoded element."""
        ...

    @property
    def scalar_size(self) -> int:
        """Bytes of an encoded scalar."""
        ...

    def element(self, data: bytes) -> Element:
        """Return the checked element. Raises Malformed(BAD_POINT)."""
        ...

    def scalar(self, data: bytes) -> int:
        """Return the scalar in [0, order). Raises Malformed(BAD_SCALAR)."""
        ...

    def encode_scalar(self, scalar: int) -> bytes:
        """Return the encoding of a scalar in [0, order)."""
        ...

    def base_multiple(self, secret: int) -> Element:
        """Return secret·generator, 0 < secret < order. Raises Malformed(BAD_SCALAR)."""
        ...

    def multiple(self, element: Element, secret: int) -> Element:
        """Return secret·element, 0 < secret < order. Raises Malformed(BAD_SCALAR)."""
        ...

    def combine(self, elements: Sequence[Element], factors: Sequence[int]) -> Element:
        """Return the sum of elements times PUBLIC factors. Raises Malformed(BAD_POINT) if zero."""
        ...

    def digest(self, data: bytes) -> bytes:
        """Return the suite's hash of `data`."""
        ...

    def hash_to_scalar(self, data: bytes) -> int:
        """Return a near-uniform scalar in [0, order) (COCKTAIL, Schnorr Hash-to-Scalar)."""
        ...

    def seal(self, key: bytes, nonce: bytes, plaintext: bytes) -> bytes:
        """Return the AEAD ciphertext under a 32-byte key and a 24-byte nonce."""
        ...

    def open(self, key: bytes, nonce: bytes, ciphertext: bytes) -> bytes:
        """Return the plaintext. Raises Malformed(SHARE_UNREADABLE)."""
        ...


def seal_xchacha20(key: bytes, nonce: bytes, plaintext: bytes) -> bytes:
    """Return the XChaCha20-Poly1305 ciphertext without associated data."""
    return crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, None, nonce, key)


def open_xchacha20(key: bytes, nonce: bytes, ciphertext: bytes) -> bytes:
    """Return the plaintext of XChaCha20-Poly1305. Raises Malformed(SHARE_UNREADABLE)."""
    if len(ciphertext) < TAG_SIZE:  # the binding takes the length for a size below zero
        raise Malformed(Code.SHARE_UNREADABLE)
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, None, nonce, key)
    except CryptoError:
        raise Malformed(Code.SHARE_UNREADABLE) from None


@lru_cache(maxsize=8192)
def _g2(data: bytes) -> curve.G2:
    return curve.G2.decode(data)


class Bls12381G2:
    """BLS12-381 G2 with SHA-512 and XChaCha20-Poly1305, scalars big-endian (spec K-4).

    COCKTAIL-DKG names no suite for this group: the id and the prefixes are ours.
    """

    suite_id: Final = b"DOUBLELOCK-COCKTAIL(BLS12-381-G2, SHA-512)"
    prefix: Final = b"DOUBLELOCK-COCKTAIL-DKG-BLS12381G2-SHA512"
    order: Final = curve.ORDER
    element_size: Final = curve.G2_SIZE
    scalar_size: Final = curve.SCALAR_SIZE

    def element(self, data: bytes) -> Element:
        """Return the checked element of 96 bytes. Raises Malformed(BAD_POINT)."""
        return Element(_g2(data).encoded)

    def scalar(self, data: bytes) -> int:
        """Return the scalar of 32 big-endian bytes. Raises Malformed(BAD_SCALAR)."""
        return curve.decode_scalar(data, zero=True)

    def encode_scalar(self, scalar: int) -> bytes:
        """Return 32 big-endian bytes."""
        return curve.encode_scalar(scalar)

    def base_multiple(self, secret: int) -> Element:
        """Return secret·P2 in flat time. Raises Malformed(BAD_SCALAR) for zero."""
        return Element(curve.g2_secret_multiple(curve.G2_GENERATOR, secret).encoded)

    def multiple(self, element: Element, secret: int) -> Element:
        """Return secret·element in flat time. Raises Malformed(BAD_SCALAR) for zero."""
        return Element(curve.g2_secret_multiple(_g2(element), secret).encoded)

    def combine(self, elements: Sequence[Element], factors: Sequence[int]) -> Element:
        """Return the sum of elements times public factors. Raises Malformed(BAD_POINT)."""
        return Element(curve.g2_sum([_g2(element) for element in elements], factors).encoded)

    def digest(self, data: bytes) -> bytes:
        """Return SHA-512 (64 bytes)."""
        return hashlib.sha512(data).digest()

    def hash_to_scalar(self, data: bytes) -> int:
        """Return SHA-512, read big-endian, modulo the order: a bias below 2^-256."""
        return int.from_bytes(hashlib.sha512(data).digest(), "big") % curve.ORDER

    def seal(self, key: bytes, nonce: bytes, plaintext: bytes) -> bytes:
        """Return the XChaCha20-Poly1305 ciphertext."""
        return seal_xchacha20(key, nonce, plaintext)

    def open(self, key: bytes, nonce: bytes, ciphertext: bytes) -> bytes:
        """Return the plaintext. Raises Malformed(SHARE_UNREADABLE)."""
        return open_xchacha20(key, nonce, ciphertext)


BLS12381_G2: Final = Bls12381G2()
