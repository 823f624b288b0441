"""frames.json: the message stream's frames, and such as must be refused (spec W-10 to W-19)."""

from msgspec import structs

from doublelock.protocol import frames
from doublelock.protocol.frames import Cursor, Frame, encode
from vectors.make.world import (
    ACCOUNT,
    CONVERSATION,
    DEVICE,
    Form,
    bytes_of,
    envelope,
)

_SEALED = envelope()
_WHISPER = envelope(Form.EPHEMERAL)
_MLS = bytes_of("mls")
_PREVIOUS = bytes_of("previous receipt")
_SIGNATURE = bytes_of("a receipt's signature", 64)
_PATH = bytes_of("a path", 64)

FROM_DEVICE: tuple[Frame, ...] = (
    frames.Hello(bytes_of("token"), (), 0),
    frames.Hello(bytes_of("token"), (Cursor(CONVERSATION, 7), Cursor(bytes(32), 2**53 - 1)), 300),
    frames.Send(1, _SEALED.header, _SEALED.body, _MLS),
    frames.Whisper(_WHISPER.header, _WHISPER.body, _MLS),
    frames.MailboxDone(0x10000),
    frames.Seen(CONVERSATION, 127, 128),
    frames.CatchUp(CONVERSATION, 255),
    frames.Ping(256),
)
FROM_SERVER: tuple[Frame, ...] = (
    frames.Welcome(1_262_606_400_000, (Cursor(CONVERSATION, 2**32 - 1),)),
    frames.Accepted(1, CONVERSATION, 5, 2**32, _PREVIOUS, 4, 7, _PATH, _SIGNATURE),
    frames.Refused(3, "too-fast", "é \u2028"),
    frames.Item(
        CONVERSATION,
        5,
        1_262_606_400_001,
        ACCOUNT,
        DEVICE,
        frames.MESSAGE,
        _SEALED.header,
        _SEALED.body,
        _MLS,
        _PREVIOUS,
        0,
        1,
        b"",
        _SIGNATURE,
    ),
    frames.Item(
        CONVERSATION,
        6,
        1_262_606_400_002,
        ACCOUNT,
        DEVICE,
        frames.COMMIT,
        b"",
        b"",
        bytes(300),
        _PREVIOUS,
        1,
        2,
        _PATH,
        _SIGNATURE,
    ),
    frames.Whispered(0, ACCOUNT, DEVICE, _WHISPER.header, _WHISPER.body, _MLS),
    frames.Mail(9, 8, frames.WELCOME_MAIL, CONVERSATION, 4, b"welcome"),
    frames.Live(CONVERSATION, 5),
    frames.Pong(256, 1_262_606_400_000),
    frames.Changed(CONVERSATION, 0, 86_400_000),
    frames.Bye("stopping", ""),
)


def _value(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Frame):
        return _fields(value)
    return [_value(each) for each in value] if isinstance(value, tuple) else value


def _fields(frame: Frame) -> dict[str, object]:
    return {name: _value(member) for name, member in structs.asdict(frame).items()}


def _good(sender: str, frame: Frame) -> dict[str, object]:
    encoded = encode(frame)
    return {
        "from": sender,
        "kind": type(frame).__name__,
        "fields": _fields(frame),
        "encoded": encoded.hex(),
    }


def build() -> dict[str, object]:
    """Return the file."""
    ping, pong = encode(frames.Ping(256)), encode(frames.Pong(256, 1))
    bad = (
        ("empty", b""),
        ("an unknown number", b"\x92\x63\x01"),
        ("a server's frame from a device", pong[4:]),
        ("no array", b"\x06"),
        ("too few members", b"\x91\x06"),
        ("too many members", b"\x93\x06\x01\x01"),
        ("a fraction", b"\x92\x06\xcb" + bytes(8)),
        ("a negative number", b"\x92\x06\xff"),
        ("a truth value for a number", b"\x92\x06\xc3"),
        ("text for bytes", b"\x92\x03\xa1a"),
        ("bytes left over", ping[4:] + b"\x00"),
        ("a token of 31 bytes", b"\x94\x00\xc4\x1f" + bytes(31) + b"\x90\x00"),
        ("cut", ping[4:-1]),
        ("nested without end", b"\x91" * 2000),
    )
    splits = (
        ("empty", b""),
        ("a cut length", ping[:3]),
        ("a cut frame", ping[:-1]),
        ("an empty frame", bytes(4)),
        ("over the limit", b"\x7f\xff\xff\xff" + bytes(8)),
    )
    return {
        "about": "Frames in msgpack, each with its u32 length in front; fields by Python's names.",
        "rules": ["W-10", "W-11", "W-12", "W-13", "W-14", "W-15", "W-16"],
        "good": [
            *(_good("device", frame) for frame in FROM_DEVICE),
            *(_good("server", frame) for frame in FROM_SERVER),
        ],
        "bad": [{"why": why, "encoded": data.hex(), "code": "form"} for why, data in bad],
        "split": {
            "message": (ping + pong).hex(),
            "frames": [ping[4:].hex(), pong[4:].hex()],
            "bad": [{"why": why, "message": data.hex(), "code": "size"} for why, data in splits],
        },
        "application_prefix": {
            "conversation": CONVERSATION.hex(),
            "epoch": 258,
            "bytes": frames.application_prefix(CONVERSATION, 258).hex(),
        },
    }
