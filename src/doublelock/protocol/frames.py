"""The message stream's frames: what a device and the server say to each other (spec W-10 to W-19).

One WebSocket binary message carries one or more frames, each with its u32 length in front, so that
a commit's frames travel together and one encoded frame serves every recipient. A frame is a msgpack
array whose first element is its number.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Annotated, Final

from msgspec import DecodeError, Meta, Struct, msgpack

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed

_INT64: Final = 2**63 - 1

U16 = Annotated[int, Meta(ge=0, le=0xFFFF)]
U64 = Annotated[int, Meta(ge=0, le=_INT64)]
"""A number below 2^63: what msgpack, SQL and JavaScript's BigInt all hold."""
Bytes32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
Bytes16 = Annotated[bytes, Meta(min_length=16, max_length=16)]
Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
Header = Annotated[bytes, Meta(min_length=138, max_length=266)]
Body = Annotated[bytes, Meta(min_length=1, max_length=limits.BODY)]
Mls = Annotated[bytes, Meta(min_length=1, max_length=limits.MLS_APPLICATION)]
Handshake = Annotated[bytes, Meta(max_length=limits.MLS_COMMIT)]
Path = Annotated[bytes, Meta(max_length=limits.RECEIPT_PATH * 32)]
Text = Annotated[str, Meta(max_length=512)]

MESSAGE: Final = 1
COMMIT: Final = 2
ERASED: Final = 3
"""An item whose retention or timer has run out: header, body and mls are their SHA-256."""

WELCOME_MAIL: Final = 1
NOTICE_MAIL: Final = 2
LAW_MAIL: Final = 3
OWN_MAIL: Final = 4
"""From a device of the same account; the payload is a `mail.Relayed`, as of the next."""
OTHERS_MAIL: Final = 5
"""From a device of another account."""
DEPARTURE_MAIL: Final = 6
"""The commit `at` of `conversation` took the device out; its timeline can be read up to there."""


class Frame(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """The base of every frame."""


class Cursor(Frame, frozen=True):
    """How far a device has a conversation: it wants what comes after `after`."""

    conversation: Bytes32
    after: U64


# --- from a device --------------------------------------------------------------------------


class Hello(Frame, frozen=True, tag=0):
    """First frame of a connection: the session token, where to go on, the mailbox's last number.

    Conversations without a cursor are delivered live only; `CatchUp` asks for more (spec W-12).
    """

    token: Bytes32
    cursors: Annotated[tuple[Cursor, ...], Meta(max_length=limits.CURSORS)]
    mailbox: U64


class Send(Frame, frozen=True, tag=1):
    """One sealed envelope; its conversation, day and sender stand in the header (spec W-13).

    `request` is the device's own number for the answer. A message id that was accepted before is
    answered with its first acceptance and stored once.
    """

    request: U64
    header: Header
    body: Body
    mls: Mls


class Whisper(Frame, frozen=True, tag=2):
    """An ephemeral envelope (header form 3) for who is online; never stored or answered."""

    header: Header
    body: Annotated[bytes, Meta(min_length=1, max_length=limits.EPHEMERAL_BODY)]
    mls: Mls


class MailboxDone(Frame, frozen=True, tag=3):
    """The mailbox up to and including `through` is safe with the device; delete it."""

    through: U64


class CatchUp(Frame, frozen=True, tag=5):
    """Send what comes after `after` in a conversation, then go on live (spec W-15)."""

    conversation: Bytes32
    after: U64


class Ping(Frame, frozen=True, tag=6):
    """Are you there; answered by `Pong`."""

    request: U64


# --- from the server ------------------------------------------------------------------------


class Welcome(Frame, frozen=True, tag=32):
    """The session holds; `time_ms` is the deployment's clock, `heads` each conversation's last."""

    time_ms: U64
    heads: tuple[Cursor, ...]


class Accepted(Frame, frozen=True, tag=33):
    """A `Send` is durable, at `sequence`, with its receipt; it stands in place of the `Item`.

    `index` of `size`, `path` (32-byte hashes joined) and `signature` prove the receipt's leaf in
    its batch (spec W-14).
    """

    request: U64
    conversation: Bytes32
    sequence: U64
    time_ms: U64
    previous: Bytes32
    index: U64
    size: U64
    path: Path
    signature: Signature


class Refused(Frame, frozen=True, tag=34):
    """A frame was refused: `request` names it (0 when it has no number), `code` says why."""

    request: U64
    code: Text
    detail: Text


class Item(Frame, frozen=True, tag=35):
    """One item of a conversation's timeline with its receipt; the same bytes for every recipient.

    `kind` is MESSAGE, COMMIT (header and body empty, mls the PublicMessage) or ERASED.
    """

    conversation: Bytes32
    sequence: U64
    time_ms: U64
    account: Bytes32
    device: Bytes16
    kind: U16
    header: Annotated[bytes, Meta(max_length=266)]
    body: Annotated[bytes, Meta(max_length=limits.BODY)]
    mls: Handshake
    previous: Bytes32
    index: U64
    size: U64
    path: Path
    signature: Signature


class Whispered(Frame, frozen=True, tag=36):
    """An ephemeral envelope from an authenticated device."""

    time_ms: U64
    account: Bytes32
    device: Bytes16
    header: Header
    body: Annotated[bytes, Meta(min_length=1, max_length=limits.EPHEMERAL_BODY)]
    mls: Mls


class Mail(Frame, frozen=True, tag=37):
    """One piece of the device's mailbox: a welcome, a departure, a notice, another device's bytes.

    For a welcome, `conversation` is the group and `at` the sequence of the commit that added the
    device: its timeline begins after it.
    """

    sequence: U64
    time_ms: U64
    kind: U16
    conversation: Bytes32
    at: U64
    payload: Annotated[bytes, Meta(max_length=limits.MLS_WELCOME)]


class Live(Frame, frozen=True, tag=38):
    """The device has everything of the conversation up to `sequence`; what follows comes live."""

    conversation: Bytes32
    sequence: U64


class Pong(Frame, frozen=True, tag=39):
    """The answer to `Ping`, with the deployment's clock."""

    request: U64
    time_ms: U64


class Changed(Frame, frozen=True, tag=40):
    """A conversation's settings or the device's place in it changed (spec W-16).

    `member` is 0 when the device is no member any more; `timer_ms` is 0 without a timer.
    """

    conversation: Bytes32
    member: U16
    timer_ms: U64


class Bye(Frame, frozen=True, tag=41):
    """The server ends the connection; everything acknowledged is safe, come back with cursors."""

    code: Text
    detail: Text


FromDevice = Hello | Send | Whisper | MailboxDone | CatchUp | Ping
FromServer = Welcome | Accepted | Refused | Item | Whispered | Mail | Live | Pong | Changed | Bye

_encoder: Final = msgpack.Encoder()
_from_device: Final[msgpack.Decoder[FromDevice]] = msgpack.Decoder(FromDevice)
_from_server: Final[msgpack.Decoder[FromServer]] = msgpack.Decoder(FromServer)
_length: Final = struct.Struct(">I")


def encode(frame: Frame) -> bytes:
    """Return a frame with its u32 length in front; such pieces join into one stream message."""
    data = _encoder.encode(frame)
    return _length.pack(len(data)) + data


def split(message: bytes, limit: int = limits.FRAME) -> Iterator[bytes]:
    """Yield the frames of one stream message, without their lengths (spec W-10).

    Raises Malformed(SIZE) for an empty message, an empty frame, one over `limit`, or a cut one.
    """
    at, total = 0, len(message)
    if total == 0:
        raise Malformed(Code.SIZE, "empty message")
    while at < total:
        start = at + 4
        if start > total:
            raise Malformed(Code.SIZE, "cut length")
        (size,) = _length.unpack_from(message, at)
        at = start + size
        if size == 0 or size > limit or at > total:
            raise Malformed(Code.SIZE, f"frame of {size} bytes")
        yield message[start:at]


def decode_from_device(data: bytes) -> FromDevice:
    """Return one frame that a device sent. Raises Malformed(FORM)."""
    try:
        return _from_device.decode(data)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(Code.FORM, "frame") from error


def decode_from_server(data: bytes) -> FromServer:
    """Return one frame that the server sent. Raises Malformed(FORM)."""
    try:
        return _from_server.decode(data)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(Code.FORM, "frame") from error


def frames_from_server(message: bytes) -> list[FromServer]:
    """Return every frame of one stream message from the server. Raises Malformed."""
    return [decode_from_server(data) for data in split(message)]


def join(frames: Iterable[Frame]) -> bytes:
    """Return one stream message of the given frames."""
    return b"".join(map(encode, frames))


def application_prefix(conversation: bytes, epoch: int) -> bytes:
    """Return how every MLS application message of a group and epoch begins (RFC 9420 §6.3, §17.1).

    mls10, mls_private_message, the 32-byte group id, u64 epoch, application: 46 bytes. The server
    compares it instead of parsing MLS: another epoch is refused with `epoch-superseded`.
    """
    return b"\x00\x01\x00\x02\x20" + conversation + epoch.to_bytes(8, "big") + b"\x01"
