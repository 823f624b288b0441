"""The message stream from a device's side: frames out, batches of frames in (spec W-10).

It decides nothing: what a frame means is for `client`. A lost connection ends the iteration with
WireRefused(server-unreachable); coming back with cursors is the session's business.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Iterable
from typing import Final, Self

from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed, WireRefused
from doublelock.protocol.frames import Frame, FromServer, encode, frames_from_server

_MESSAGE: Final = 2 * limits.FRAME
_AT_ONCE: Final = 1024 * 1024
_PAUSE_ABOVE: Final = 16 * 1024 * 1024
_CONNECT_S: Final = 20.0
_PING_S: Final = 30.0


class _Listener(WSListener):
    """Queues what arrives; stops reading from the socket while too much waits."""

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()
        self.size = 0
        self.closed = False
        self.failure: Malformed | None = None
        self.arrived = asyncio.Event()
        self.writable = asyncio.Event()
        self.writable.set()
        self.transport: WSTransport | None = None
        self._parts: list[bytes] = []
        self._paused = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
            return
        if frame.msg_type not in (WSMsgType.BINARY, WSMsgType.CONTINUATION):
            return
        data = frame.get_payload_as_bytes()
        if not frame.fin or self._parts:
            self._parts.append(data)
            if sum(map(len, self._parts)) > _MESSAGE:
                self.failure = Malformed(Code.SIZE, "stream message")
                transport.disconnect(graceful=False)
                return
            if not frame.fin:
                return
            data = b"".join(self._parts)
            self._parts = []
        self.waiting.append(data)
        self.size += len(data)
        if self.size > _PAUSE_ABOVE and not self._paused:
            transport.underlying_transport.pause_reading()
            self._paused = True
        self.arrived.set()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.closed = True
        self.arrived.set()
        self.writable.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def take(self) -> bytes:
        data = self.waiting.popleft()
        self.size -= len(data)
        if self._paused and self.size < _PAUSE_ABOVE // 2 and self.transport is not None:
            self.transport.underlying_transport.resume_reading()
            self._paused = False
        return data


class Stream:
    """One open connection of one device. Made by `connect`."""

    def __init__(self, listener: _Listener, transport: WSTransport) -> None:
        self._listener = listener
        self._transport = transport

    @classmethod
    async def connect(cls, url: str, *, ssl_context: ssl.SSLContext | None = None) -> Self:
        """Open a connection to a `ws://` or `wss://` address. Raises WireRefused."""
        listener = _Listener()
        try:
            transport, _ = await ws_connect(
                lambda: listener,
                url,
                ssl_context=ssl_context,
                websocket_handshake_timeout=_CONNECT_S,
                max_frame_size=_MESSAGE,
                enable_auto_ping=True,
                auto_ping_idle_timeout=_PING_S,
                auto_ping_reply_timeout=_PING_S,
            )
        except (OSError, WSError, TimeoutError) as problem:
            raise WireRefused(Code.SERVER_UNREACHABLE, type(problem).__name__) from None
        return cls(listener, transport)

    @property
    def closed(self) -> bool:
        """Whether the connection is gone."""
        return self._listener.closed

    def push(self, frames: Iterable[Frame]) -> None:
        """Send frames in as few stream messages as their size allows, without waiting.

        Raises WireRefused when closed.
        """
        if self._listener.closed:
            raise WireRefused(Code.SERVER_UNREACHABLE, "the connection ended")
        pieces: list[bytes] = []
        size = 0
        for piece in map(encode, frames):
            if pieces and size + len(piece) > limits.FRAME:
                self._transport.send(WSMsgType.BINARY, b"".join(pieces))
                pieces, size = [], 0
            pieces.append(piece)
            size += len(piece)
        if pieces:
            self._transport.send(WSMsgType.BINARY, b"".join(pieces))

    async def send(self, frames: Iterable[Frame]) -> None:
        """Send frames as `push` does; waits while the connection is congested."""
        await self._listener.writable.wait()
        self.push(frames)

    async def receive(self) -> list[FromServer]:
        """Return the frames of what has arrived: one stream message, or several up to 1 MiB.

        Raises WireRefused(server-unreachable) when the connection ends, Malformed for bad frames.
        """
        listener = self._listener
        while not listener.waiting:
            if listener.failure is not None:
                raise listener.failure
            if listener.closed:
                raise WireRefused(Code.SERVER_UNREACHABLE, "the connection ended")
            listener.arrived.clear()
            await listener.arrived.wait()
        data = listener.take()
        frames = frames_from_server(data)
        size = len(data)
        while listener.waiting and size + len(listener.waiting[0]) <= _AT_ONCE:
            data = listener.take()
            try:
                frames += frames_from_server(data)
            except Malformed as refusal:
                # What came before it counts; the next call tells.
                listener.failure = refusal
                listener.waiting.clear()
                self._transport.disconnect(graceful=False)
                break
            size += len(data)
        return frames

    async def close(self) -> None:
        """Close the connection in good order; nothing happens when it is closed already."""
        if not self._listener.closed:
            self._transport.send_close()
            self._transport.disconnect()
            await self._transport.wait_disconnected()
