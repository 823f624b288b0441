"""Stream messages over a real socket: joined as far as their size allows, taken as they arrived."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed, WireRefused
from doublelock.protocol.frames import Ping, Pong, Send, decode_from_device, join, split
from doublelock.transport.stream import Stream


class Peer(WSListener):
    """Keeps what it gets, and lets the test send what it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[bytes] = []
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.BINARY:
            self.messages.append(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()

    def tell(self, *messages: bytes) -> None:
        assert self.transport is not None
        for message in messages:
            self.transport.send(WSMsgType.BINARY, message)


@asynccontextmanager
async def line() -> AsyncIterator[tuple[Stream, Peer]]:
    peer = Peer()
    server = await ws_create_server(lambda _: peer, "127.0.0.1", 0, max_frame_size=2 * limits.FRAME)
    port = server.sockets[0].getsockname()[1]
    stream = await Stream.connect(f"ws://127.0.0.1:{port}/")
    try:
        yield stream, peer
    finally:
        await stream.close()
        server.close()
        await server.wait_closed()


async def test_frames_pushed_together_are_one_message_unless_they_are_too_large() -> None:
    body = bytes(limits.BODY)
    sends = [
        Send(number, bytes(138), body, b"m") for number in range(2 * limits.FRAME // len(body))
    ]
    async with line() as (stream, peer):
        stream.push([Ping(1), Ping(2)])
        stream.push([])
        stream.push(sends)
        got: list[int] = []
        async with asyncio.timeout(20):
            while len(got) < len(sends) + 2:
                await asyncio.sleep(0.01)
                got = [
                    frame.request
                    for message in peer.messages
                    for frame in map(decode_from_device, split(message))
                    if isinstance(frame, Ping | Send)
                ]
        assert got == [1, 2, *range(len(sends))]
        assert len(peer.messages) < 6
        assert all(len(message) <= limits.FRAME for message in peer.messages)


async def test_what_arrived_is_taken_together_and_in_order() -> None:
    async with line() as (stream, peer):
        peer.tell(*(join([Pong(number, 0)]) for number in range(50)))
        calls = 0
        got: list[int] = []
        while len(got) < 50:
            calls += 1
            got += [frame.request for frame in await stream.receive() if isinstance(frame, Pong)]
        assert got == list(range(50))
        assert calls < 50


async def test_what_came_before_a_bad_message_counts_and_nothing_after_it() -> None:
    async with line() as (stream, peer):
        good = join([Pong(1, 0)])
        peer.tell(good, good, b"\x00\x00\x00\x01\xc1", good)
        await asyncio.sleep(0.1)
        got = await stream.receive()
        assert got == [Pong(1, 0)] * 2
        with pytest.raises((Malformed, WireRefused)) as refused:
            await stream.receive()
        assert refused.value.code is Code.FORM
