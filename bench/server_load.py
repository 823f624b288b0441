"""The load: many devices on real sockets in this process, with envelopes that were made before."""

import asyncio
import os
import struct
import time
from dataclasses import dataclass, field

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from doublelock.protocol.days import day_of, key_epoch_of
from doublelock.protocol.frames import (
    MESSAGE,
    Accepted,
    Cursor,
    Hello,
    Item,
    Live,
    Refused,
    Send,
    Welcome,
    application_prefix,
    encode,
    join,
)
from doublelock.protocol.header import Form, Header
from doublelock.protocol.identifiers import (
    AccountId,
    ConversationId,
    DeviceId,
    make_message_id,
)

BODY = 400
_MLS = 150
_PATH = 7 * 32
_LENGTH = struct.Struct(">I")
ANSWER = encode(Accepted(0, bytes(32), 0, 0, bytes(32), 0, 100, bytes(_PATH), bytes(64)))
"""What a bare server acknowledges with: as many bytes as the real one's."""


def _tag(kind: type) -> int:
    return int(kind.__struct_config__.tag)  # type: ignore[attr-defined]


_ACCEPTED, _ITEM, _REFUSED, _LIVE, _WELCOME = (
    _tag(kind) for kind in (Accepted, Item, Refused, Live, Welcome)
)


@dataclass
class Person:
    """A device and what it takes part in."""

    account: AccountId
    device: DeviceId
    token: bytes
    line: "Line | None" = None


class Line(WSListener):
    """Counts frames by their number without decoding them, and keeps a window of sends open.

    What it counted is looked at afterwards, in a sample (`bench.server_check`).
    """

    def __init__(self) -> None:
        super().__init__()
        self.transport: WSTransport | None = None
        self.items = 0
        self.accepted = 0
        self.refused = 0
        self.live = asyncio.Event()
        self.welcome = asyncio.Event()
        self.queue: list[bytes] = []
        self.arrivals: list[float] | None = None
        self.sample: list[bytes] = []
        self.sampling = 0

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != WSMsgType.BINARY:
            return
        data = frame.get_payload_as_memoryview()
        at, end, accepted, items = 0, len(data), 0, 0
        while at < end:
            (size,) = _LENGTH.unpack_from(data, at)
            tag = data[at + 5]
            if tag == _ITEM:
                items += 1
            elif tag == _ACCEPTED:
                accepted += 1
            elif tag == _REFUSED:
                self.refused += 1
            elif tag == _LIVE:
                self.live.set()
            elif tag == _WELCOME:
                self.welcome.set()
            if self.sampling and tag in (_ITEM, _ACCEPTED):
                self.sampling -= 1
                self.sample.append(bytes(data[at : at + 4 + size]))
            at += 4 + size
        if items:
            self.items += items
            if self.arrivals is not None:
                self.arrivals += [time.perf_counter()] * items
        if accepted:
            self.accepted += accepted
            self.more(accepted)

    def more(self, number: int) -> None:
        """Send the next messages, together."""
        if self.queue and self.transport is not None:
            some, self.queue = self.queue[-number:], self.queue[:-number]
            self.transport.send(WSMsgType.BINARY, b"".join(some))

    def keep(self, number: int) -> None:
        """Keep the next so many items and acknowledgements as they come, to be looked at later."""
        self.sample, self.sampling = [], number


@dataclass
class Crowd:
    """Everybody's lines to one server."""

    stream: str
    people: list[Person] = field(default_factory=list)

    async def connect(self, some: list[Person], *cursors: Cursor) -> None:
        """Connect people and wait until they are welcome."""
        for person in some:
            line = person.line = await open_line(self.stream)
            assert line.transport is not None
            line.transport.send(WSMsgType.BINARY, join([Hello(person.token, cursors, 0)]))
        for person in some:
            assert person.line is not None
            await person.line.welcome.wait()

    async def leave(self, some: list[Person]) -> None:
        """Close people's lines."""
        for person in some:
            if person.line is not None and person.line.transport is not None:
                person.line.transport.disconnect()
                await person.line.transport.wait_disconnected()
                person.line = None


async def open_line(stream: str) -> Line:
    """Return a line to a stream's address."""
    _, line = await ws_connect(Line, stream, max_frame_size=1 << 26)
    assert isinstance(line, Line)
    return line


def make_items(number: int) -> list[bytes]:
    """Return items as a server would deliver them, for servers that only pass bytes on."""
    one, half, random = bytes(32), bytes(16), os.urandom(BODY + 300)
    path = random[:_PATH]
    return [
        encode(
            Item(
                one, at, 0, one, half, MESSAGE, random[:266], random[:BODY],
                random[: _MLS + 46], one, 0, 100, path, bytes(64),
            )
        )
        for at in range(number)
    ]  # fmt: skip


def make_sends(person: Person, conversation: bytes, number: int) -> list[bytes]:
    """Return encoded sends whose form is right; what they hold, a server cannot check."""
    now = time.time_ns() // 1_000_000
    day = day_of(now)
    sends = []
    prefix = application_prefix(conversation, 0)
    random = os.urandom(BODY + 300)
    for request in range(number):
        # Stamped ahead: they are sent later than they are made.
        header = Header(
            Form.SEALED,
            ConversationId(conversation),
            make_message_id(now + 600_000, os.urandom(10)),
            person.account,
            person.device,
            1,
            key_epoch_of(day),
            day,
            random[:128],
            random[128:160],
        ).encode()
        sends.append(encode(Send(request, header, random[:BODY], prefix + random[:_MLS])))
    return sends
