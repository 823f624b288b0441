"""Records: what a message says, as small typed structures in msgpack arrays (spec V-3, V-4).

Text is bytes, kept byte for byte as it was sent, whatever its charset; `display` is the one rule
for showing it.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct, msgpack

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed

_Id16 = Annotated[bytes, Meta(min_length=16, max_length=16)]
_Id32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
_U32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
_U16 = Annotated[int, Meta(ge=0, le=2**16 - 1)]
_U63 = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Content = Annotated[bytes, Meta(max_length=limits.RECORD)]
_Name = Annotated[bytes, Meta(max_length=255)]
_Thumbnail = Annotated[bytes, Meta(max_length=limits.THUMBNAIL)]


class Record(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag_field="kind"):
    """The root of every record: an array whose first element is its kind's number (spec V-3)."""


class Text(Record, frozen=True, tag=1):
    """A message's text, any bytes; UTF-8 unless it is not."""

    content: _Content


class Reply(Record, frozen=True, tag=2):
    """A text in answer to another message (its id, 16 bytes)."""

    target: _Id16
    content: _Content


class Edit(Record, frozen=True, tag=3):
    """A new text in place of an own message's; both stay in evidence."""

    target: _Id16
    content: _Content


class Delete(Record, frozen=True, tag=4):
    """A wish that an own message be shown no more."""

    target: _Id16


class Reaction(Record, frozen=True, tag=5):
    """A short mark on a message, or its withdrawal when `mark` is empty; at most 32 bytes."""

    target: _Id16
    mark: Annotated[bytes, Meta(max_length=32)]


class Attachment(Record, frozen=True, tag=6):
    """A file: where its encrypted bytes lie and all that is needed to read and check them.

    `blob` is its 32-byte name in the blob store, `key` 32 bytes, `size` the plaintext's bytes,
    `digest` SHA-256 over the ciphertext. `caption` is shown as a text is.
    """

    blob: _Id32
    key: _Id32
    size: Annotated[int, Meta(ge=0, le=limits.BLOB)]
    digest: _Id32
    name: _Name
    media_type: _Name
    caption: Annotated[bytes, Meta(max_length=16 * 1024)] = b""

    def __repr__(self) -> str:  # the key may not reach a log
        return f"Attachment(size={self.size})"


class Timer(Record, frozen=True, tag=7):
    """From here on, messages disappear after so many seconds; 0 for never."""

    seconds: _U32


class MembershipNotice(Record, frozen=True, tag=8):
    """Who was added (1), removed (2) or left (3): words beside the group's own record."""

    change: Annotated[int, Meta(ge=1, le=3)]
    account: _Id32


class Details(Record, frozen=True, tag=9):
    """What a conversation is called and looks like: a name of at most 256 bytes, and a picture.

    The picture is a whole image of at most 24 KiB, or empty. It counts from an admin alone, and the
    latest counts (spec V-16).
    """

    name: Annotated[bytes, Meta(max_length=limits.CONVERSATION_NAME)]
    picture: _Thumbnail = b""

    def __repr__(self) -> str:  # content, as the name is, that no log needs
        return f"Details(picture of {len(self.picture)} bytes)"


class Media(Attachment, frozen=True, tag=10):
    """An attachment that can be shown or played where it stands in the conversation (spec V-17).

    `width` and `height` are pixels, 0 for sound; `duration_ms` is 0 for a still picture.
    `thumbnail` is a whole image of at most 24 KiB, or empty; of a sound, up to 64 bytes of
    loudness.
    `target` is the id of the message that it answers (16 bytes), or empty.
    """

    width: _U16 = 0
    height: _U16 = 0
    duration_ms: _U32 = 0
    thumbnail: _Thumbnail = b""
    target: Annotated[bytes, Meta(max_length=16)] = b""


class Typing(Record, frozen=True, tag=32):
    """The sender is typing, or has stopped."""

    active: bool


class ReadMark(Record, frozen=True, tag=33):
    """The sender has read the conversation up to and including a sequence number."""

    through: _U63


class Presence(Record, frozen=True, tag=34):
    """The sender is away (0), here (1) or busy (2)."""

    state: Annotated[int, Meta(ge=0, le=2)]


class DeliveryMark(Record, frozen=True, tag=35):
    """The sender's device has the conversation up to and including a sequence number.

    `asks` says that it has just come online, and that whoever gives marks may tell theirs again.
    """

    through: _U63
    asks: bool


Stored = (
    Text
    | Reply
    | Edit
    | Delete
    | Reaction
    | Attachment
    | Timer
    | MembershipNotice
    | Details
    | Media
)
Ephemeral = Typing | ReadMark | Presence | DeliveryMark
AnyRecord = Stored | Ephemeral
EPHEMERAL_KINDS: Final = (Typing, ReadMark, Presence, DeliveryMark)

_MESSAGE_ID: Final = 16
_encoder: Final = msgpack.Encoder()
_decoder: Final = msgpack.Decoder(AnyRecord)


def encode_record(record: AnyRecord) -> bytes:
    """Return a record's bytes. Raises Malformed(SIZE) over 64 KiB."""
    data = _encoder.encode(record)
    if len(data) > limits.RECORD:
        raise Malformed(Code.SIZE, f"record of {len(data)} bytes, at most {limits.RECORD}")
    return data


def decode_record(data: bytes) -> AnyRecord:
    """Return the record of at most 64 KiB. Raises Malformed(SIZE, FORM, NOT_CANONICAL)."""
    if len(data) > limits.RECORD:
        raise Malformed(Code.SIZE, f"record of {len(data)} bytes, at most {limits.RECORD}")
    try:
        record: AnyRecord = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Malformed(Code.FORM, "not a record") from None
    if _encoder.encode(record) != data:  # msgpack can say one thing in several ways
        raise Malformed(Code.NOT_CANONICAL, "record is not in its shortest form")
    if isinstance(record, Media) and len(record.target) not in (0, _MESSAGE_ID):
        raise Malformed(Code.FORM, "what a file answers")
    return record


_SHOWN: Final = {
    **{code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A)},
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD),
    0x061C: 0xFFFD,
    0x200E: 0xFFFD,
    0x200F: 0xFFFD,
    0x2028: 0x0A,
    0x2029: 0x0A,
}


# Windows-1252 lacks five bytes: they stay what they are in Latin-1.
_LEGACY: Final = {
    byte: character
    for byte in range(0x80, 0xA0)
    if (character := bytes((byte,)).decode("cp1252", "ignore"))
}


def display(content: bytes) -> str:
    """Return what to show for a text's bytes (spec V-4); for eyes only, never encoded back.

    UTF-8, else Windows-1252, else Latin-1 for what that lacks; control characters become their
    pictures (U+2400...), directional controls U+FFFD: a text cannot dress up what stands around it.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1").translate(_LEGACY)
    return text.translate(_SHOWN)
