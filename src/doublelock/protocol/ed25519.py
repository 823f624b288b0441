"""Ed25519 with one strict rule on every platform (RFC 8032 §5.1; spec K-3).

Libraries differ on small-order keys, torsion and non-canonical bytes, so two honest verifiers could
disagree about one signature. Our rule leaves no room: A and R are canonical encodings of points of
the prime-order subgroup other than the identity, S is below the group's order, and
[S]B = R + [k]A. libsodium checks A once a key; the implementation that MLS uses here then compares
the bytes of R with [S]B - [k]A, which leaves R no torsion and no second encoding either.
"""

from functools import lru_cache
from typing import Final, final

from doublelock_mls import SignaturePublicKey, SignatureSecretKey
from nacl.bindings import crypto_core_ed25519_is_valid_point

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed

KEY_SIZE: Final = 32
SEED_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64


@final
class VerifyKey:
    """A public key that was checked when it was made; `encoded` is 32 bytes."""

    __slots__ = ("_verifies", "encoded")
    encoded: bytes

    def __init__(self, data: bytes) -> None:
        """Raise Malformed(BAD_POINT) unless `data` is canonical, of prime order, no identity."""
        if len(data) != KEY_SIZE:
            raise Malformed(Code.BAD_POINT, f"Ed25519 key of {len(data)} bytes, not {KEY_SIZE}")
        if not crypto_core_ed25519_is_valid_point(data):
            raise Malformed(Code.BAD_POINT, "Ed25519 key is not of prime order or not canonical")
        self.encoded = data
        self._verifies = SignaturePublicKey(data).verifies

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raise Malformed(BAD_SIGNATURE) unless the 64 bytes sign `message` by the strict rule.

        `message` is always built by `encoding.tagged`, so that no signature serves two purposes.
        """
        if not self._verifies(signature, message):
            raise Malformed(Code.BAD_SIGNATURE)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyKey) and self.encoded == other.encoded

    def __hash__(self) -> int:
        return hash(self.encoded)

    def __repr__(self) -> str:
        return f"VerifyKey({self.encoded.hex()})"


@lru_cache(maxsize=8192)
def verify_key(data: bytes) -> VerifyKey:
    """Return the checked public key of 32 bytes; the latest ones are remembered.

    Raises Malformed(BAD_POINT).
    """
    return VerifyKey(data)


def verify(key: bytes, signature: bytes, message: bytes) -> None:
    """Check a signature (64) by a key (32 bytes). Raises Malformed(BAD_POINT, BAD_SIGNATURE)."""
    verify_key(key).verify(signature, message)


@final
class SigningKey:
    """A private key from its 32-byte seed; it never shows the seed."""

    __slots__ = ("_key", "public")
    public: VerifyKey

    def __init__(self, seed: bytes) -> None:
        """Raise Malformed(BAD_SCALAR) unless `seed` is 32 bytes."""
        if len(seed) != SEED_SIZE:
            raise Malformed(Code.BAD_SCALAR, f"Ed25519 seed of {len(seed)} bytes, not {SEED_SIZE}")
        self._key = SignatureSecretKey(seed)
        self.public = VerifyKey(self._key.public)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of a message built by `encoding.tagged`."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"SigningKey(public={self.public.encoded.hex()})"
