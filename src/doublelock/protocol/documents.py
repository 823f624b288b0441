"""Strict JSON documents: one form in, typed values out; bytes are base64url (spec C-1).

A document is a frozen msgspec Struct that forbids unknown members. Members that occur twice are
refused, because two readers could then see two documents under one signature.
"""

import binascii
import json
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar

import msgspec

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed

T = TypeVar("T")

Millis = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""A time or a span in milliseconds that JSON numbers carry exactly."""
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Day = Annotated[int, msgspec.Meta(ge=0, le=2_932_000)]
"""A day since 1970-01-01, up to the end of year 9996."""
CommitteeNumber = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
KeyEpoch = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Word = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,63}\Z")]
"""A lower-case term such as an offence class."""

_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
_PADDING: Final = (b"", b"===", b"==", b"=")


class Opaque(bytes):
    """Bytes in a document: unpadded base64url in JSON, at most 512 KiB."""

    LEAST: ClassVar[int] = 0
    MOST: ClassVar[int] = 512 * 1024

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the bytes of canonical unpadded base64url. Raises ValueError."""
        if len(text) > (cls.MOST * 4 + 2) // 3:
            raise ValueError("too many bytes")
        data = decode_base64url(text)
        if not cls.LEAST <= len(data) <= cls.MOST:
            raise ValueError(f"{len(data)} bytes, not {cls.LEAST} to {cls.MOST}")
        return cls(data)


class Bytes16(Opaque):
    """16 bytes."""

    LEAST = MOST = 16


class Bytes32(Opaque):
    """32 bytes."""

    LEAST = MOST = 32


class Bytes48(Opaque):
    """48 bytes."""

    LEAST = MOST = 48


class Bytes64(Opaque):
    """64 bytes."""

    LEAST = MOST = 64


class Bytes96(Opaque):
    """96 bytes."""

    LEAST = MOST = 96


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The base of every JSON document."""


def encode_base64url(data: bytes) -> str:
    """Return unpadded base64url (RFC 4648 §5)."""
    text = binascii.b2a_base64(data, newline=False).translate(_TO_URL, b"=")
    return text.decode("ascii")


def decode_base64url(text: str) -> bytes:
    """Return the bytes of unpadded base64url, canonical only. Raises ValueError."""
    try:
        raw = text.encode("ascii").translate(_FROM_URL)
        data = binascii.a2b_base64(raw + _PADDING[len(raw) % 4], strict_mode=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64url") from None
    # With the alphabet strict, only the bits that a last, short quantum leaves over are free.
    spare = len(data) % 3
    if spare and not text.endswith(encode_base64url(data[-spare:])):
        raise ValueError("base64url is not canonical")
    return data


def _to_text(value: object) -> str:
    if isinstance(value, bytes):
        return encode_base64url(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")


def _from_text(kind: type, value: object) -> Any:
    if issubclass(kind, Opaque) and isinstance(value, str):
        return kind.from_text(value)
    raise ValueError("not base64url text")


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_to_text)


def encode(document: object) -> bytes:
    """Return a document's JSON bytes, members in the order of its type."""
    return _ENCODER.encode(document)


def decode(data: bytes, kind: type[T], limit: int) -> T:
    """Return the document in at most `limit` bytes.

    Raises Malformed: size; form (not JSON, unknown, missing or repeated members, wrong types).
    """
    if len(data) > limit:
        raise Malformed(Code.SIZE, f"document of {len(data)} bytes, at most {limit}")
    try:
        value = msgspec.json.decode(data, type=kind, dec_hook=_from_text)
        json.loads(data, object_pairs_hook=_refuse_repeated, parse_constant=_refuse_constant)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        # The parser's own words could quote the document, which may hold a name.
        raise Malformed(Code.FORM, _expected(kind)) from None
    return value


def _expected(kind: type) -> str:
    """Say what was expected; how a module calls the forms of its own is nobody else's matter."""
    name = getattr(kind, "__name__", "")
    return f"not a {name} document" if name and not name.startswith("_") else "not such a document"


def _refuse_repeated(pairs: Sequence[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("repeated member")


def _refuse_constant(_: str) -> None:
    raise ValueError("not a JSON number")
