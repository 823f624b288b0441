"""Letters between the devices of one account, which the server carries unread (spec D-1 to D-4).

A device tells its siblings a key of its own to seal to; what is sealed to it then is a name or a
piece of the account's history. The letters are signed by the key that the key log lists, so that
nobody else can slip one in, and are bound to both devices.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from doublelock.protocol import limits
from doublelock.protocol.attachment import count_chunks
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import SIGNATURE_SIZE, verify
from doublelock.protocol.encoding import Reader, tagged, u8, u16, u64
from doublelock.protocol.encoding import field as sized
from doublelock.protocol.errors import Malformed
from doublelock.protocol.identifiers import AccountId, DeploymentId, DeviceId
from doublelock.protocol.keylog_entry import Signer

KEY_SIZE: Final = 32
_VERSION: Final = 1
_KEY: Final = 1
_SEALED: Final = 2
_NAME: Final = 1
_PIECE: Final = 2
_TAG: Final = b"doublelock/v1/letter"


@dataclass(frozen=True, slots=True)
class Route:
    """From which device of an account to which other; every letter is bound to it."""

    deployment: DeploymentId
    account: AccountId
    sender: DeviceId
    receiver: DeviceId

    @property
    def context(self) -> tuple[bytes, ...]:
        """Return what a sealed letter's HPKE is bound to."""
        return (self.deployment, self.account, self.sender, self.receiver)


@dataclass(frozen=True, slots=True)
class KeyLetter:
    """The X25519 key (32 bytes) that its sender wants to be sealed to from `time_ms` on.

    `asks` says that the receiver's own key is wanted in return.
    """

    key: bytes
    time_ms: int
    asks: bool


@dataclass(frozen=True, slots=True)
class SealedLetter:
    """Bytes of HPKE that the holder of the receiver's `key` (32 bytes) can open."""

    key: bytes
    sealed: bytes


def sign_letter(route: Route, letter: KeyLetter | SealedLetter, sign: Signer) -> bytes:
    """Return a letter's bytes, signed by its sender's device key."""
    if isinstance(letter, KeyLetter):
        body = u8(_KEY) + letter.key + u64(letter.time_ms) + u8(letter.asks)
    else:
        body = u8(_SEALED) + letter.key + letter.sealed
    body = u8(_VERSION) + body
    return body + sign(_signed_bytes(route, body))


def open_letter(route: Route, data: bytes, sender_key: bytes) -> KeyLetter | SealedLetter:
    """Return a letter that its sender signed for this receiver.

    `sender_key` is the key that the key log lists for the sender now. Raises Malformed: size, form,
    bad-signature.
    """
    if len(data) > limits.OWN_MAIL:
        raise Malformed(Code.SIZE, "letter")
    body, signature = data[:-SIGNATURE_SIZE], data[-SIGNATURE_SIZE:]
    reader = Reader(body)
    if reader.u8() != _VERSION:
        raise Malformed(Code.FORM, "letter version")
    kind = reader.u8()
    key = reader.take(KEY_SIZE)
    letter: KeyLetter | SealedLetter
    if kind == _KEY:
        time_ms, asks = reader.u64(), reader.u8()
        reader.end()
        if asks > 1 or time_ms > limits.NUMBER:
            raise Malformed(Code.FORM, "letter")
        letter = KeyLetter(key, time_ms, bool(asks))
    elif kind == _SEALED:
        letter = SealedLetter(key, reader.rest())
    else:
        raise Malformed(Code.FORM, "letter kind")
    verify(sender_key, signature, _signed_bytes(route, body))
    return letter


def _signed_bytes(route: Route, body: bytes) -> bytes:
    return tagged(_TAG, *route.context, hashlib.sha256(body).digest())


# --- what is sealed ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeviceName:
    """What the sender is called by its person from `time_ms` on: at most 255 bytes."""

    name: bytes
    time_ms: int


@dataclass(frozen=True, slots=True)
class HistoryPiece:
    """One file of the account's history (spec D-5): `number` of `count`, from 0.

    `blob` (32 bytes) names it at the server, `file_key` (32 bytes) opens it, `size` is its
    plaintext's bytes, `digest` (32 bytes) the SHA-256 of its ciphertext.
    """

    number: int
    count: int
    blob: bytes
    file_key: bytes = field(repr=False)
    size: int
    digest: bytes


def encode_content(content: DeviceName | HistoryPiece) -> bytes:
    """Return what a sealed letter holds."""
    if isinstance(content, DeviceName):
        return u8(_NAME) + u64(content.time_ms) + sized(content.name)
    return b"".join(
        (
            u8(_PIECE),
            u16(content.number),
            u16(content.count),
            content.blob,
            content.file_key,
            u64(content.size),
            content.digest,
        )
    )


def decode_content(data: bytes) -> DeviceName | HistoryPiece:
    """Return what a sealed letter holds. Raises Malformed: size, form."""
    reader = Reader(data)
    kind = reader.u8()
    content: DeviceName | HistoryPiece
    if kind == _NAME:
        time_ms = reader.u64()
        if time_ms > limits.NUMBER:
            raise Malformed(Code.FORM, "letter content")
        content = DeviceName(reader.field(limits.DEVICE_NAME), time_ms)
    elif kind == _PIECE:
        number, count = reader.u16(), reader.u16()
        blob, file_key = reader.take(32), reader.take(KEY_SIZE)
        size, digest = reader.u64(), reader.take(32)
        if number >= count or size > limits.HISTORY_PIECE:
            raise Malformed(Code.SIZE, f"piece {number} of {count}, {size} bytes")
        count_chunks(size)
        content = HistoryPiece(number, count, blob, file_key, size, digest)
    else:
        raise Malformed(Code.FORM, "letter content")
    reader.end()
    return content
