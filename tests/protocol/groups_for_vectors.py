"""The groups of the published COCKTAIL-DKG vectors: ristretto255 and P-256; for tests alone."""

import hashlib
from collections.abc import Sequence
from typing import Final

import rbcl
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from ecdsa import NIST256p
from ecdsa.ellipticcurve import INFINITY, PointJacobi

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed
from doublelock.protocol.prime_group import Element, open_xchacha20, seal_xchacha20


class Ristretto255:
    """COCKTAIL(Ristretto255, SHA-512) over libsodium."""

    suite_id: Final = b"COCKTAIL(Ristretto255, SHA-512)"
    prefix: Final = b"COCKTAIL-DKG-Ristretto255-SHA512"
    order: Final = 2**252 + 27742317777372353535851937790883648493
    element_size: Final = 32
    scalar_size: Final = 32

    def element(self, data: bytes) -> Element:
        if (
            len(data) != 32
            or not any(data)
            or not rbcl.crypto_core_ristretto255_is_valid_point(data)
        ):
            raise Malformed(Code.BAD_POINT)
        return Element(data)

    def scalar(self, data: bytes) -> int:
        value = int.from_bytes(data, "little")
        if len(data) != 32 or value >= self.order:
            raise Malformed(Code.BAD_SCALAR)
        return value

    def encode_scalar(self, scalar: int) -> bytes:
        return scalar.to_bytes(32, "little")

    def base_multiple(self, secret: int) -> Element:
        if not secret:
            raise Malformed(Code.BAD_SCALAR)
        return Element(rbcl.crypto_scalarmult_ristretto255_base(self.encode_scalar(secret)))

    def multiple(self, element: Element, secret: int) -> Element:
        if not secret:
            raise Malformed(Code.BAD_SCALAR)
        return Element(rbcl.crypto_scalarmult_ristretto255(self.encode_scalar(secret), element))

    def combine(self, elements: Sequence[Element], factors: Sequence[int]) -> Element:
        total = bytes(32)
        for element, factor in zip(elements, factors, strict=True):
            if factor % self.order:
                total = rbcl.crypto_core_ristretto255_add(
                    total, self.multiple(element, factor % self.order)
                )
        return self.element(total)

    def digest(self, data: bytes) -> bytes:
        return hashlib.sha512(data).digest()

    def hash_to_scalar(self, data: bytes) -> int:
        return int.from_bytes(hashlib.sha512(data).digest(), "little") % self.order

    def seal(self, key: bytes, nonce: bytes, plaintext: bytes) -> bytes:
        return seal_xchacha20(key, nonce, plaintext)

    def open(self, key: bytes, nonce: bytes, ciphertext: bytes) -> bytes:
        return open_xchacha20(key, nonce, ciphertext)


class P256:
    """COCKTAIL(P-256, SHA-256) over the `ecdsa` package, with XAES-256-GCM."""

    suite_id: Final = b"COCKTAIL(P-256, SHA-256)"
    prefix: Final = b"COCKTAIL-DKG-P256-SHA256"
    order: Final = int(NIST256p.order)
    element_size: Final = 33
    scalar_size: Final = 32

    def element(self, data: bytes) -> Element:
        self._point(data)
        return Element(data)

    def _point(self, data: bytes) -> PointJacobi:
        if len(data) != 33 or data[0] not in (2, 3):
            raise Malformed(Code.BAD_POINT)
        try:
            return PointJacobi.from_bytes(NIST256p.curve, data, order=self.order)
        except Exception:
            raise Malformed(Code.BAD_POINT) from None

    def _encode(self, point: PointJacobi) -> Element:
        if point == INFINITY:
            raise Malformed(Code.BAD_POINT)
        return Element(point.to_bytes("compressed"))

    def scalar(self, data: bytes) -> int:
        value = int.from_bytes(data, "big")
        if len(data) != 32 or value >= self.order:
            raise Malformed(Code.BAD_SCALAR)
        return value

    def encode_scalar(self, scalar: int) -> bytes:
        return scalar.to_bytes(32, "big")

    def base_multiple(self, secret: int) -> Element:
        if not secret:
            raise Malformed(Code.BAD_SCALAR)
        return self._encode(NIST256p.generator * secret)

    def multiple(self, element: Element, secret: int) -> Element:
        if not secret:
            raise Malformed(Code.BAD_SCALAR)
        return self._encode(self._point(element) * secret)

    def combine(self, elements: Sequence[Element], factors: Sequence[int]) -> Element:
        total = INFINITY
        for element, factor in zip(elements, factors, strict=True):
            total = self._point(element) * factor + total
        return self._encode(total)

    def digest(self, data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    def hash_to_scalar(self, data: bytes) -> int:
        wide = (
            hashlib.sha256(b"\x01" + data).digest() + hashlib.sha256(b"\x02" + data).digest()[:16]
        )
        return int.from_bytes(wide, "big") % self.order

    def seal(self, key: bytes, nonce: bytes, plaintext: bytes) -> bytes:
        return AESGCM(_xaes_key(key, nonce)).encrypt(nonce[12:], plaintext, None)

    def open(self, key: bytes, nonce: bytes, ciphertext: bytes) -> bytes:
        try:
            return AESGCM(_xaes_key(key, nonce)).decrypt(nonce[12:], ciphertext, None)
        except InvalidTag:
            raise Malformed(Code.SHARE_UNREADABLE) from None


def _xaes_key(key: bytes, nonce: bytes) -> bytes:
    """C2SP XAES-256-GCM, steps 1 to 5."""
    block = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    doubled = int.from_bytes(block.update(bytes(16)), "big") << 1
    if doubled >> 128:
        doubled = doubled & (2**128 - 1) ^ 0x87
    messages = (bytes([0, counter, 0x58, 0]) + nonce[:12] for counter in (1, 2))
    return b"".join(
        block.update((int.from_bytes(message, "big") ^ doubled).to_bytes(16, "big"))
        for message in messages
    )
