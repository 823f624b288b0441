"""letter.json: letters between an account's devices, and a history's bytes (spec D-1 to D-5).

HPKE draws its own ephemeral key, so the sealed bytes are fixed here and only opened.
"""

from collections.abc import Callable

from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.group_rules import ConversationKind
from doublelock.protocol.history import (
    Contact,
    HistoryFile,
    HistoryItem,
    HistoryPart,
    decode_history,
    encode_history,
)
from doublelock.protocol.identifiers import AccountId, DeviceId, make_message_id, name_device
from doublelock.protocol.letter import (
    DeviceName,
    HistoryPiece,
    KeyLetter,
    Route,
    SealedLetter,
    decode_content,
    encode_content,
    open_letter,
    sign_letter,
)
from doublelock.protocol.record import Attachment, Details, Reply, Text
from doublelock.seal import SealKey
from vectors.make.world import ACCOUNT, CONVERSATION, DEPLOYMENT, TIME_MS, bytes_of, flip
from vectors.make.world import refusal_of as code_of

SENDER = SigningKey(bytes_of("sibling 1"))
RECEIVER = SealKey.make(bytes_of("letter key"))
ROUTE = Route(
    DEPLOYMENT, ACCOUNT, name_device(SENDER.public.encoded), DeviceId(bytes_of("receiver", 16))
)
NAME = DeviceName("Telefon – Küche".encode(), TIME_MS)
PIECE = HistoryPiece(1, 3, bytes_of("blob"), bytes_of("file key"), 70_000, bytes_of("digest"))
SEALED = bytes.fromhex(
    "ed6061d35584f95f7b7122c14f9b9ad0499daa92a3c5d5ed06c5d4bad4c7204bd1e2e6bcf55d664c4d077f28e4"
    "5a11d3d919f473767ea8af397a76678fdfb2ee4e5cb4b5c9432be70957b62c2e"
)
BOB = AccountId(bytes_of("bob"))


def history() -> HistoryFile:
    """Return a file with one of everything."""
    first = make_message_id(TIME_MS, bytes_of("first", 10))
    items = (
        HistoryItem(3, TIME_MS, ACCOUNT, first, Text(b"caf\xe9"), b"coffee", ((BOB, b"+1"),)),
        HistoryItem(5, TIME_MS + 9, BOB, make_message_id(TIME_MS, bytes_of("second", 10)), None),
        HistoryItem(
            8,
            TIME_MS + 20,
            BOB,
            make_message_id(TIME_MS, bytes_of("third", 10)),
            Reply(first, b"yes"),
            None,
            (),
            TIME_MS + 60_000,
        ),
        HistoryItem(
            9,
            TIME_MS + 30,
            ACCOUNT,
            make_message_id(TIME_MS, bytes_of("fourth", 10)),
            Attachment(bytes_of("blob"), bytes_of("key"), 5, bytes_of("digest"), b"a", b"b", b"c"),
        ),
    )
    part = HistoryPart(
        CONVERSATION, ConversationKind.GROUP, (ACCOUNT, BOB), 60, Details(b"Quay 7"), 2, items
    )
    return HistoryFile((Contact(BOB, bytes_of("side")),), (part,))


def build() -> dict[str, object]:
    """Return the file."""
    key = KeyLetter(RECEIVER.public.encoded, TIME_MS, True)
    letters = [
        ("key", sign_letter(ROUTE, key, SENDER.sign)),
        ("sealed", sign_letter(ROUTE, SealedLetter(RECEIVER.public.encoded, SEALED), SENDER.sign)),
    ]
    data = letters[0][1]
    file = encode_history(history())
    bad_letters = (
        ("of another version", bytes((2,)) + data[1:]),
        ("of another kind", data[:1] + b"\3" + data[2:]),
        ("asks for two", data[:42] + b"\2" + data[43:]),
        ("cut", data[:-1]),
        ("another key", flip(data, 5)),
        ("empty", b""),
        ("over 64 KiB", letters[1][1] + bytes(65536)),
    )
    contents = [("name", encode_content(NAME)), ("piece", encode_content(PIECE))]
    piece = contents[1][1]
    bad_contents = (
        ("of another kind", b"\3" + piece[1:]),
        ("piece 3 of 3", piece[:1] + b"\0\3" + piece[3:]),
        ("over 16 MiB", piece[:69] + bytes((0, 0, 0, 0, 1, 0, 0, 1)) + piece[77:]),
        ("a byte too many", piece + b"\0"),
        ("a long name", encode_content(DeviceName(bytes(256), TIME_MS))),
    )
    items = file.index((3).to_bytes(8, "big") + TIME_MS.to_bytes(8, "big"))
    bad_files = (
        ("of another version", b"\2" + file[1:]),
        ("cut", file[:-1]),
        ("a byte too many", file + b"\0"),
        ("out of order", file[: items + 7] + b"\6" + file[items + 8 :]),
        ("a number over 2^53", file[:items] + b"\xff" + file[items + 1 :]),
        ("deleted, and there", file[: items + 64] + b"\3" + file[items + 65 :]),
        ("more parts than bytes", file[:67] + b"\xff\xff\xff\xff" + file[71:]),
    )
    return {
        "about": "Letters of a device to a sibling, what is sealed in them, and a history.",
        "rules": ["D-1", "D-2", "D-3", "D-5"],
        "route": {
            "deployment": DEPLOYMENT.hex(),
            "account": ACCOUNT.hex(),
            "sender": ROUTE.sender.hex(),
            "receiver": ROUTE.receiver.hex(),
        },
        "sender_seed": bytes_of("sibling 1").hex(),
        "sender_key": SENDER.public.encoded.hex(),
        "receiver_secret": RECEIVER.encoded.hex(),
        "receiver_key": RECEIVER.public.encoded.hex(),
        "time_ms": TIME_MS,
        "letters": [{"kind": kind, "letter": each.hex()} for kind, each in letters],
        "sealed": SEALED.hex(),
        "opened": encode_content(NAME).hex(),
        "contents": [
            {"kind": "name", "name": NAME.name.hex(), "encoded": contents[0][1].hex()},
            {
                "kind": "piece",
                "number": PIECE.number,
                "count": PIECE.count,
                "blob": PIECE.blob.hex(),
                "file_key": PIECE.file_key.hex(),
                "size": PIECE.size,
                "digest": PIECE.digest.hex(),
                "encoded": contents[1][1].hex(),
            },
        ],
        "history": file.hex(),
        "items": [
            {
                "sequence": item.sequence,
                "deleted": item.record is None,
                "edited": None if item.edited is None else item.edited.hex(),
                "marks": [[account.hex(), mark.hex()] for account, mark in item.marks],
                "expires_ms": item.expires_ms,
            }
            for item in history().parts[0].items
        ],
        "bad_letters": _bad(bad_letters, lambda each: open_letter(ROUTE, each, _key())),
        "bad_contents": _bad(bad_contents, decode_content),
        "bad_histories": _bad(bad_files, decode_history),
    }


def _key() -> bytes:
    return SENDER.public.encoded


def _bad(
    cases: tuple[tuple[str, bytes], ...], read: Callable[[bytes], object]
) -> list[dict[str, object]]:
    return [
        {"why": why, "data": data.hex(), "code": code_of(lambda data=data: read(data))}  # type: ignore[misc]
        for why, data in cases
    ]
