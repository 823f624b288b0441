"""RFC 9180, base mode, one message: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.

The purpose and everything that a sealed message must be bound to go into `info` (RFC 9180 §8.1:
for one message, `info` and `aad` serve alike), as length-prefixed fields under a tag.
"""

from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from doublelock.protocol.codes import Code
from doublelock.protocol.encoding import tagged
from doublelock.protocol.errors import Malformed

KEY_SIZE: Final = 32
OVERHEAD: Final = 32 + 16
"""A sealed message is longer by the encapsulated key and the AEAD's tag."""

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _info(purpose: str, context: tuple[bytes, ...]) -> bytes:
    return tagged(b"doublelock/v1/seal", purpose.encode(), *context)


@dataclass(frozen=True, slots=True)
class SealPublicKey:
    """An X25519 public key, 32 bytes, that anyone may seal to."""

    encoded: bytes
    _key: X25519PublicKey = field(repr=False, compare=False)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the key of 32 bytes. Raises Malformed(SIZE)."""
        if len(data) != KEY_SIZE:
            raise Malformed(Code.SIZE, f"sealing key of {len(data)} bytes, not {KEY_SIZE}")
        return cls(data, X25519PublicKey.from_public_bytes(data))

    def seal(self, purpose: str, context: tuple[bytes, ...], message: bytes) -> bytes:
        """Return `message` sealed for one purpose and context: `OVERHEAD` bytes longer.

        Raises Malformed(BAD_POINT) for a key of low order (RFC 9180 §7.1.4).
        """
        try:
            return _SUITE.encrypt(message, self._key, _info(purpose, context))
        except ValueError:
            raise Malformed(Code.BAD_POINT, "sealing key of low order") from None


@dataclass(frozen=True, slots=True)
class SealKey:
    """An X25519 private key; `encoded` is 32 secret bytes."""

    encoded: bytes = field(repr=False)
    public: SealPublicKey
    _key: X25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def make(cls, secret: bytes) -> Self:
        """Return the key of 32 random (or stored) bytes. Raises Malformed(SIZE)."""
        if len(secret) != KEY_SIZE:
            raise Malformed(Code.SIZE, f"sealing secret of {len(secret)} bytes, not {KEY_SIZE}")
        key = X25519PrivateKey.from_private_bytes(secret)
        return cls(secret, SealPublicKey.decode(key.public_key().public_bytes_raw()), key)

    def unseal(self, purpose: str, context: tuple[bytes, ...], sealed: bytes) -> bytes:
        """Return the message of `SealPublicKey.seal` for the same purpose and context.

        Raises Malformed(SEAL_UNREADABLE), whatever the cause.
        """
        try:
            return _SUITE.decrypt(sealed, self._key, _info(purpose, context))
        except (InvalidTag, ValueError):
            raise Malformed(Code.SEAL_UNREADABLE, purpose) from None
