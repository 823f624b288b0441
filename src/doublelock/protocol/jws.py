"""Documents under several signatures: JWS general JSON serialization (RFC 7515 §7.2.1; spec C-2).

`joserfc` verifies, and each signature must also hold by the one strict rule of `ed25519`. A
protected header is exactly alg (`Ed25519`, RFC 9864), kid and typ: no `none`, no `crit`, no key
inside the document, no unprotected header. `typ` names the document's purpose, so that a signature
under one kind of document is none under another.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import GeneralJSONSerialization, JWSRegistry, deserialize_json

from doublelock.protocol import ed25519, limits
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import (
    Document,
    decode,
    decode_base64url,
    encode,
    encode_base64url,
)
from doublelock.protocol.encoding import tagged
from doublelock.protocol.errors import Malformed

Signer = Callable[[bytes], bytes]
"""Signs bytes with an Ed25519 key that it holds: bytes in, 64 bytes out."""


class Purpose(StrEnum):
    """What a signed document is for: its `typ`."""

    CHARTER = "doublelock-charter+jws"
    WARRANT = "doublelock-warrant+jws"
    INVENTORY = "doublelock-inventory+jws"
    METADATA = "doublelock-metadata+jws"
    NOTICE = "doublelock-notice+jws"
    EVIDENCE = "doublelock-evidence+jws"


@dataclass(frozen=True, slots=True)
class VerifiedDocument:
    """A document whose every signature holds: payload bytes as received, and who signed them.

    `signers` are Ed25519 keys (32 bytes each), in the document's order, none twice.
    """

    purpose: Purpose
    payload: bytes
    signers: tuple[bytes, ...]


class _Protected(Document, frozen=True):
    alg: Literal["Ed25519"]
    kid: str
    typ: str


class _Signature(Document, frozen=True):
    protected: str
    signature: str


class _General(Document, frozen=True):
    payload: str
    signatures: tuple[_Signature, ...]


_REGISTRY: Final = JWSRegistry(algorithms=["Ed25519"])
_REGISTRY.max_payload_length = limits.INVENTORY * 2
_REGISTRY.max_signature_length = 86


def key_id(key: bytes) -> str:
    """Return a key's `kid`: 22 characters from the hash of its 32 bytes."""
    return encode_base64url(hashlib.sha256(tagged(b"doublelock/v1/key-id", key)).digest()[:16])


def signing_input(payload: bytes, purpose: Purpose, key: bytes) -> bytes:
    """Return what the holder of `key` signs (RFC 7515 §5.1)."""
    return f"{_protected(purpose, key)}.{encode_base64url(payload)}".encode("ascii")


def compose(payload: bytes, purpose: Purpose, signatures: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return the document of a payload and its (key 32, signature 64) pairs."""
    return encode(
        _General(
            payload=encode_base64url(payload),
            signatures=tuple(
                _Signature(_protected(purpose, key), encode_base64url(signature))
                for key, signature in signatures
            ),
        )
    )


def sign(payload: bytes, purpose: Purpose, signers: Sequence[tuple[bytes, Signer]]) -> bytes:
    """Return the document signed by each (key, signer)."""
    return compose(
        payload,
        purpose,
        [(key, signer(signing_input(payload, purpose, key))) for key, signer in signers],
    )


def read_payload(data: bytes, limit: int) -> bytes:
    """Return the payload, UNVERIFIED: to find out whose keys to verify it with, and nothing else.

    Raises Malformed.
    """
    return _payload(_general(data, limit), limit)


def merge(first: bytes, second: bytes, limit: int) -> bytes:
    """Return one document with the signatures of two over the same payload; nothing is verified.

    Raises Malformed, also when the payloads differ.
    """
    one, two = _general(first, limit), _general(second, limit)
    if one.payload != two.payload:
        raise Malformed(Code.FORM, "signatures over different documents")
    there = {signature.protected for signature in one.signatures}
    more = tuple(entry for entry in two.signatures if entry.protected not in there)
    return encode(_General(one.payload, one.signatures + more))


def verify(data: bytes, purpose: Purpose, keys: Collection[bytes], limit: int) -> VerifiedDocument:
    """Return the document with its signers; each signature must be by one of `keys`, none twice.

    Raises Malformed: size, form (also crit, foreign algorithms, embedded keys, repeated members,
    another purpose), unknown-signer, bad-signature.
    """
    general = _general(data, limit)
    payload = _payload(general, limit)
    by_id: Mapping[str, bytes] = {key_id(key): bytes(key) for key in keys}
    signers: list[bytes] = []
    for entry in general.signatures:
        header = _header(entry.protected)
        if header.typ != purpose.value:
            raise Malformed(Code.WRONG_PURPOSE, "signature's typ")
        key = by_id.get(header.kid)
        if key is None:
            raise Malformed(Code.UNKNOWN_SIGNER, "signature by a key that has no part in this")
        if key in signers:
            raise Malformed(Code.FORM, "one key signs twice")
        signers.append(key)
    _verify_by_joserfc(general, by_id)
    for key, entry in zip(signers, general.signatures, strict=True):
        ed25519.verify(
            key,
            decode_base64url(entry.signature),
            f"{entry.protected}.{general.payload}".encode("ascii"),
        )
    return VerifiedDocument(purpose, payload, tuple(signers))


def _verify_by_joserfc(general: _General, by_id: Mapping[str, bytes]) -> None:
    """Let the library check form, header and signature by its own reading of RFC 7515."""
    raw: GeneralJSONSerialization = {
        "payload": general.payload,
        "signatures": [
            {"protected": entry.protected, "signature": entry.signature}
            for entry in general.signatures
        ],
    }
    try:
        deserialize_json(
            raw,
            lambda member: _joserfc_key(by_id[member.headers()["kid"]]),
            registry=_REGISTRY,
        )
    except BadSignatureError:
        raise Malformed(Code.BAD_SIGNATURE) from None
    except (JoseError, ValueError, KeyError, TypeError):
        raise Malformed(Code.FORM, "not a signed document") from None


def _joserfc_key(key: bytes) -> OKPKey:
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": encode_base64url(key)})


def _protected(purpose: Purpose, key: bytes) -> str:
    return encode_base64url(encode(_Protected("Ed25519", key_id(key), purpose.value)))


def _general(data: bytes, limit: int) -> _General:
    # base64url of the payload, and room for the signatures
    general = decode(data, _General, limit * 2 + limits.SIGNERS * 512)
    if not 1 <= len(general.signatures) <= limits.SIGNERS:
        raise Malformed(Code.SIZE, f"{len(general.signatures)} signatures")
    return general


def _payload(general: _General, limit: int) -> bytes:
    try:
        payload = decode_base64url(general.payload)
    except ValueError:
        raise Malformed(Code.FORM, "payload") from None
    if len(payload) > limit:
        raise Malformed(Code.SIZE, f"payload of {len(payload)} bytes, at most {limit}")
    return payload


def _header(protected: str) -> _Protected:
    if len(protected) > 512:
        raise Malformed(Code.SIZE, "protected header")
    try:
        data = decode_base64url(protected)
    except ValueError:
        raise Malformed(Code.FORM, "protected header") from None
    return decode(data, _Protected, 512)
