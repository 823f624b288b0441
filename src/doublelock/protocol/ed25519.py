"""Ed25519 with one strict rule on every platform (RFC 8032 §5.1; spec K-3).

Libraries differ on small-order keys, torsion and non-canonical bytes, so two honest verifiers could
disagree about one signature. Our rule leaves no room: A and R are canonical encodings of points of
the prime-order subgroup other than the identity, S is below the group's order, and
[S]B = R + [k]A. With A checked, a verifier that compares the bytes of R holds that rule but for the
identity and for S, which are checked here; one that multiplies by the cofactor must check R for
torsion besides. libsodium has been both: which one this is, is asked once, of a signature.
"""

from functools import lru_cache
from typing import Final, final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import BadSignatureError

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed

KEY_SIZE: Final = 32
SEED_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64
_IDENTITY: Final = b"\x01" + bytes(31)
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
# A key, and a signature of nothing by it whose R carries torsion: only the cofactor forgives that.
_PROBE_KEY: Final = bytes.fromhex(
    "b862409fb5c4c4123df2abf7462b88f041ad36dd6864ce872fd5472be363c5b1"
)
_PROBE_SIGNATURE: Final = bytes.fromhex(
    "cdbc161be64c4302f56443ff29ccf36a2075be1a1fa67ff126b56315f5681c38"
    "cf8696c276b745dd154f8b655d4c37dd6e1859f569757a2946600593db100f04"
)


def _satisfies(key: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether libsodium (twice as fast as OpenSSL here) finds that the equation holds."""
    try:
        crypto_sign_open(signature + message, key)
    except BadSignatureError:
        return False
    return True


_COFACTORED: Final = _satisfies(_PROBE_KEY, _PROBE_SIGNATURE, b"")


@final
class VerifyKey:
    """A public key that was checked when it was made; `encoded` is 32 bytes."""

    __slots__ = ("encoded",)
    encoded: bytes

    def __init__(self, data: bytes) -> None:
        """Raise Malformed(BAD_POINT) unless `data` is canonical, of prime order, no identity."""
        if len(data) != KEY_SIZE:
            raise Malformed(Code.BAD_POINT, f"Ed25519 key of {len(data)} bytes, not {KEY_SIZE}")
        if not crypto_core_ed25519_is_valid_point(data):
            raise Malformed(Code.BAD_POINT, "Ed25519 key is not of prime order or not canonical")
        self.encoded = data

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raise Malformed(BAD_SIGNATURE) unless the 64 bytes sign `message` by the strict rule.

        `message` is always built by `encoding.tagged`, so that no signature serves two purposes.
        """
        commitment = signature[:32]
        if (
            len(signature) != SIGNATURE_SIZE
            or commitment == _IDENTITY
            or int.from_bytes(signature[32:], "little") >= _ORDER
            or not _satisfies(self.encoded, signature, message)
            or (_COFACTORED and not crypto_core_ed25519_is_valid_point(commitment))
        ):
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
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = VerifyKey(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of a message built by `encoding.tagged`."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"SigningKey(public={self.public.encoded.hex()})"
