"""The deployment's name towards push services: VAPID tokens by one P-256 key (RFC 8292)."""

from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from joserfc import jwt
from joserfc.jwk import ECKey

from doublelock.protocol.documents import encode_base64url

_ALGORITHM: Final = "ES256"
_LIFE_S: Final = 12 * 3600
_RENEW_S: Final = 3600
_AUDIENCES: Final = 256


def make_key() -> bytes:
    """Return a fresh signing key, PKCS #8 in DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


class Vapid:
    """Signs for one deployment; `clock` is the machine's, in seconds: push services know no other.

    `contact` is a `mailto:` or `https:` address, left out when empty.
    """

    def __init__(self, key: bytes, contact: str, clock: Callable[[], float]) -> None:
        private = load_der_private_key(key, None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise TypeError("not an elliptic curve key")
        self.public = private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        self._key = ECKey.import_key(
            private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        self._contact = contact
        self._clock = clock
        self._tokens: dict[str, tuple[str, float]] = {}

    def authorization(self, audience: str) -> str:
        """Return the `Authorization` header for a push service's origin; one token serves hours."""
        now = self._clock()
        token, end = self._tokens.get(audience, ("", 0.0))
        if end < now + _RENEW_S:
            end = now + _LIFE_S
            claims: dict[str, str | int] = {"aud": audience, "exp": int(end)}
            if self._contact:
                claims["sub"] = self._contact
            token = jwt.encode({"alg": _ALGORITHM}, claims, self._key, [_ALGORITHM])
            if len(self._tokens) >= _AUDIENCES:
                self._tokens.clear()
            self._tokens[audience] = (token, end)
        return f"vapid t={token}, k={encode_base64url(self.public)}"
