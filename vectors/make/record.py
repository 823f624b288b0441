"""record.json: every kind of record, and bytes that are none (spec V-3, V-4)."""

from doublelock.protocol.record import (
    AnyRecord,
    Attachment,
    Delete,
    DeliveryMark,
    Details,
    Edit,
    Media,
    MembershipNotice,
    Presence,
    Reaction,
    ReadMark,
    Reply,
    Text,
    Timer,
    Typing,
    display,
    encode_record,
)
from vectors.make.world import ACCOUNT, MESSAGE_ID, bytes_of


def build() -> dict[str, object]:
    """Return the file."""
    records: list[AnyRecord] = [
        Text(b"hello"),
        Text(b""),
        Text(b"caf\xe9 \x00\xff"),
        Reply(MESSAGE_ID, b"yes"),
        Edit(MESSAGE_ID, b"no"),
        Delete(MESSAGE_ID),
        Reaction(MESSAGE_ID, b"\xf0\x9f\x91\x8d"),
        Reaction(MESSAGE_ID, b""),
        Attachment(
            bytes_of("blob"),
            bytes_of("file key"),
            70_000,
            bytes_of("digest"),
            b"plan.pdf",
            b"application/pdf",
            b"the plan",
        ),
        Timer(86_400),
        MembershipNotice(1, ACCOUNT),
        Details(b"Harbour watch", bytes_of("picture", 48)),
        Details(b"", b""),
        Media(
            bytes_of("blob"),
            bytes_of("file key"),
            70_000,
            bytes_of("digest"),
            b"boat.jpg",
            b"image/jpeg",
            b"",
            4_032,
            3_024,
            0,
            bytes_of("thumbnail", 300),
        ),
        Media(
            bytes_of("blob"),
            bytes_of("file key"),
            9_000,
            bytes_of("digest"),
            b"",
            b"audio/ogg",
            b"",
            0,
            0,
            61_500,
            b"",
        ),
        Media(
            bytes_of("blob"),
            bytes_of("file key"),
            9_000,
            bytes_of("digest"),
            b"plan.pdf",
            b"application/pdf",
            target=MESSAGE_ID,
        ),
        Typing(True),
        ReadMark(2**40),
        Presence(2),
        DeliveryMark(7, True),
        DeliveryMark(2**40, False),
    ]
    answering = encode_record(records[15])
    bad = [
        ("a file that answers half an id", answering[:-18] + b"\xc4\x08" + answering[-8:], "form"),
        ("media without the answer's place", b"\x9c" + answering[1:-18], "not-canonical"),
        ("empty", b"", "form"),
        ("an unknown kind", b"\x92\x63\xc4\x00", "form"),
        ("a text as a string", b"\x92\x01\xa2hi", "form"),
        ("one element too many", b"\x93\x01\xc4\x00\xc0", "form"),
        ("one element too few", b"\x91\x01", "form"),
        ("a map", b"\x81\x01\xc4\x00", "form"),
        ("trailing bytes", b"\x92\x01\xc4\x02hi\x00", "form"),
        ("a length in more bytes than needed", b"\x92\x01\xc5\x00\x02hi", "not-canonical"),
        ("a number in more bytes than needed", b"\x92\x07\xcd\x00\x05", "not-canonical"),
        (
            "an array's length in more bytes than needed",
            b"\xdc\x00\x02\x01\xc4\x00",
            "not-canonical",
        ),
        ("a short message id", b"\x92\x04\xc4\x02hi", "form"),
        ("a presence of 3", b"\x92\x22\x03", "form"),
        ("a delivery mark whose question is a number", b"\x93\x23\x01\x01", "form"),
        ("details without a picture's place", b"\x92\x09\xc4\x00", "not-canonical"),
        (
            "a name of 257 bytes",
            b"\x93\x09\xc5\x01\x01" + bytes(257) + b"\xc4\x00",
            "form",
        ),
        ("a negative read mark", b"\x92\x21\xff", "form"),
    ]
    shown = [b"plain", b"caf\xc3\xa9", b"caf\xe9 \x81", b"a\x01\x02b\tc\n\x7f", "a\u202eb".encode()]
    return {
        "about": "Records in msgpack, and the one rule for showing a text's bytes.",
        "rules": ["V-3", "V-4"],
        "good": [
            {"kind": type(record).__name__, "encoded": encode_record(record).hex()}
            for record in records
        ],
        "bad": [{"why": why, "encoded": data.hex(), "code": code} for why, data, code in bad],
        "display": [{"content": content.hex(), "shown": display(content)} for content in shown],
    }
