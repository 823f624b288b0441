"""The message stream's listener: WebSocket in and out, hello, dispatch (spec W-10 to W-18).

Everything it reads is hostile: a frame that no rule accepts ends the connection with a named `Bye`,
one that is refused for what it asks is answered with `Refused`.
"""

import asyncio
import contextlib
import errno
import os
import time
from collections.abc import Callable
from typing import Final

from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_create_server,
)

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed, Refusal, WireRefused
from doublelock.protocol.frames import (
    Bye,
    CatchUp,
    Cursor,
    FromDevice,
    Hello,
    MailboxDone,
    Ping,
    Pong,
    Refused,
    Send,
    Welcome,
    Whisper,
    Whispered,
    decode_from_device,
    encode,
    split,
)
from doublelock.protocol.header import Form, Header
from doublelock.protocol.session import DeviceSubject
from doublelock.server.catchup import CatchUps
from doublelock.server.config import ServerConfig
from doublelock.server.connection import Connection
from doublelock.server.conversations import Conversations
from doublelock.server.delivery import Delivery
from doublelock.server.fanout import Fanout
from doublelock.server.rates import Bucket
from doublelock.server.sessions import Sessions
from doublelock.store.interface import Store

_PATH: Final = b"/v1/stream"
_READ_BUFFER: Final = 2048
_FAREWELL_S: Final = 1.0
_STOPPING: Final = encode(Bye(Code.STOPPING.value, ""))


class Stream:
    """The listener and what its connections need; one per server."""

    def __init__(
        self,
        config: ServerConfig,
        store: Store,
        sessions: Sessions,
        conversations: Conversations,
        delivery: Delivery,
        fanout: Fanout,
        catch_ups: CatchUps,
        arrived: Callable[[Connection], None],
        lost: Callable[[Connection], None],
    ) -> None:
        self.arrived = arrived
        """Told of every connection that said hello."""
        self.lost = lost
        """Told of one that was cut without a sign that it had what was sent last."""
        self.origins: frozenset[str] = frozenset()
        """Pages of these may connect, once the server's addresses are known (spec W-42)."""
        self.config = config
        self.store = store
        self.sessions = sessions
        self.conversations = conversations
        self.delivery = delivery
        self.fanout = fanout
        self.catch_ups = catch_ups
        self.open: set[StreamListener] = set()
        self.empty = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()
        self.writable = asyncio.Event()
        """Set for good: what every connection waits on that is not held back."""
        self.writable.set()
        self._server: asyncio.Server | None = None
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen, and return the port. Raises OSError that names the address."""
        host, wanted = self.config.host, self.config.stream_port
        try:
            self._server = await ws_create_server(
                self._accept,
                host,
                wanted,
                max_frame_size=2 * limits.FRAME,
                read_buffer_init_size=_READ_BUFFER,
                logger_name="stream",
            )
        except OSError as problem:
            number = problem.errno or errno.EADDRNOTAVAIL
            words = os.strerror(number) if number > 0 else problem.strerror
            raise OSError(number, words, f"{host}:{wanted}") from None
        self._listening = asyncio.create_task(self._listen_for_life())
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def stop_listening(self) -> None:
        """Take no further connections."""
        if self._server is not None:
            self._server.close()
        if self._listening is not None:
            self._listening.cancel()

    async def stop(self) -> None:
        """End every connection and wait for what runs on their behalf."""
        self.fanout.stop()
        for listener in list(self.open):
            listener.cut(_STOPPING)
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.empty.clear()
        if self.open:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.empty.wait(), _FAREWELL_S)
        for listener in list(self.open):
            listener.abort()
        await asyncio.sleep(0)

    def _accept(self, request: WSUpgradeRequest) -> "StreamListener | None":
        if request.path != _PATH or len(self.open) >= self.config.bounds.connections:
            return None
        origin = request.headers.get("origin")
        if origin is not None and origin.lower() not in self.origins:
            return None  # a page of somebody else's; programs that are no browser send none
        return StreamListener(self)

    async def _listen_for_life(self) -> None:
        """Ask who is silent for a sign of life, and cut who gives none: it is away (spec W-44)."""
        while True:
            await asyncio.sleep(self.config.bounds.silence_seconds)
            for listener in list(self.open):
                listener.ask_for_life()

    def run(self, work: "asyncio.Task[None]") -> None:
        """Keep a task until it ends."""
        self.tasks.add(work)
        work.add_done_callback(self.tasks.discard)


class StreamListener(WSListener):
    """One WebSocket: a `Pipe` outwards, frames inwards."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream
        self._transport: WSTransport | None = None
        self._connection: Connection | None = None
        self._greeted = False
        self._partial = bytearray()
        self._timeout: asyncio.TimerHandle | None = None
        self._grace: asyncio.TimerHandle | None = None
        self._underlying: asyncio.Transport | None = None
        self._writable = stream.writable
        self._silent = False
        self._told = False

    # --- Pipe ------------------------------------------------------------------------------

    def push(self, data: bytes) -> None:
        """Send one stream message; never blocks."""
        if self._transport is not None:
            self._told = True
            self._transport.send(WSMsgType.BINARY, data)

    def waiting(self) -> int:
        """Return how many bytes the device has not taken yet."""
        if self._transport is None:
            return 0
        return self._transport.underlying_transport.get_write_buffer_size()

    async def drained(self) -> None:
        """Wait until the device has taken most of what was pushed, or is gone."""
        await self._writable.wait()

    def cut(self, farewell: bytes) -> None:
        """Send a last message and close; whoever does not read it is dropped."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        transport.send(WSMsgType.BINARY, farewell)
        transport.send_close(WSCloseCode.GOING_AWAY)
        transport.disconnect()
        # A reader that takes nothing must not keep our memory: what it missed, it asks for again.
        self._grace = asyncio.get_running_loop().call_later(_FAREWELL_S, self.abort)

    def abort(self) -> None:
        """Drop the connection and whatever waits for it."""
        if self._underlying is not None:
            self._underlying.abort()

    def ask_for_life(self) -> None:
        """Ping a device that said nothing since the last time; drop one that did not answer."""
        if self._transport is None:
            return
        if not self._silent:
            self._silent = True
            self._transport.send_ping()
            return
        connection, told = self._connection, self._told
        if connection is not None:
            self._stream.fanout.leave(connection)
        self.abort()
        if connection is not None and told:
            self._stream.lost(connection)

    # --- WebSocket -------------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Wait for `Hello`, not for long."""
        self._transport = transport
        self._stream.open.add(self)
        self._underlying = transport.underlying_transport
        transport.underlying_transport.set_write_buffer_limits(self._stream.config.bounds.drain)
        self._timeout = asyncio.get_running_loop().call_later(
            self._stream.config.bounds.hello_seconds, self._bye, Code.NO_SESSION
        )

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Forget the connection; what it was sent and did not take, it asks for again."""
        self.resume_writing()
        self._transport = None
        self._stream.open.discard(self)
        if not self._stream.open:
            self._stream.empty.set()
        if self._grace is not None:
            self._grace.cancel()
        if self._timeout is not None:
            self._timeout.cancel()
        if self._connection is not None:
            self._stream.catch_ups.stop(self._connection)
            self._stream.fanout.leave(self._connection)

    def pause_writing(self) -> None:
        """Hold back what is read from the store, until the device has taken what was sent."""
        self._writable = asyncio.Event()

    def resume_writing(self) -> None:
        """Go on."""
        self._writable.set()
        self._writable = self._stream.writable

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take in one WebSocket frame."""
        if self._transport is None:
            return
        self._silent = self._told = False
        try:
            kind = frame.msg_type
            if kind == WSMsgType.BINARY or kind == WSMsgType.CONTINUATION:
                data = frame.get_payload_as_bytes()
                if not frame.fin or self._partial:
                    self._partial += data
                    if len(self._partial) > 2 * limits.FRAME:
                        raise Malformed(Code.SIZE, "message")
                    if not frame.fin:
                        return
                    data, self._partial = bytes(self._partial), bytearray()
                for piece in split(data):
                    self._take(decode_from_device(piece))
            elif kind == WSMsgType.CLOSE:
                transport.send_close(WSCloseCode.OK)
                transport.disconnect()
            elif kind == WSMsgType.TEXT:
                raise Malformed(Code.FORM, "binary messages only")
        except Refusal as refusal:
            self._bye(refusal.code, refusal.detail)

    def _bye(self, code: Code, detail: str = "") -> None:
        if self._connection is not None:
            self._stream.catch_ups.stop(self._connection)
            self._stream.fanout.leave(self._connection)
        self.cut(encode(Bye(code.value, detail)))

    # --- frames ----------------------------------------------------------------------------

    def _take(self, frame: FromDevice) -> None:
        connection = self._connection
        if connection is None:
            if self._greeted or not isinstance(frame, Hello):
                raise WireRefused(Code.NO_SESSION, "hello comes first, alone")
            self._greeted = True
            self._stream.run(asyncio.create_task(self._greet(frame)))
            return
        if isinstance(frame, Send):
            try:
                connection.sends.take(time.monotonic())
                self._stream.delivery.send(connection, frame)
            except Refusal as refusal:
                self._refuse(connection, frame.request, refusal)
        elif isinstance(frame, Whisper):
            try:
                self._whisper(connection, frame)
            except Refusal as refusal:
                self._refuse(connection, 0, refusal)
        elif isinstance(frame, Hello):
            raise Malformed(Code.FORM, "a second hello")
        else:
            try:
                connection.sends.take(time.monotonic())
                self._small(connection, frame)
            except Refusal as refusal:
                self._refuse(connection, frame.request if isinstance(frame, Ping) else 0, refusal)

    def _small(self, connection: Connection, frame: MailboxDone | CatchUp | Ping) -> None:
        stream, device = self._stream, connection.device
        match frame:
            case Ping(request):
                stream.fanout.tell(connection, Pong(request, stream.config.clock()))
            case CatchUp(name, after):
                conversation = connection.conversations.get(name)
                if conversation is None and name in connection.departed:
                    conversation, _ = connection.departed[name]
                if conversation is None:
                    raise WireRefused(Code.NOT_A_MEMBER)
                stream.catch_ups.start(connection, conversation, after)
            case MailboxDone(through):
                stream.store.submit(
                    lambda tables: tables.devices.drop_mail(device, through), _ignore
                )

    def _whisper(self, connection: Connection, frame: Whisper) -> None:
        connection.whispers.take(time.monotonic())
        header = Header.decode(frame.header)
        conversation = connection.conversations.get(header.conversation)
        if conversation is None or connection.device not in conversation.members:
            raise WireRefused(Code.NOT_A_MEMBER)
        if header.account != connection.account or header.device != connection.device:
            raise WireRefused(Code.SENDER_MISMATCH)
        if header.form is not Form.EPHEMERAL:
            raise WireRefused(Code.FORM, "only an ephemeral envelope is whispered")
        if not frame.mls.startswith(conversation.prefix):
            raise WireRefused(Code.EPOCH_SUPERSEDED)
        passed_on = Whispered(
            self._stream.config.clock(),
            connection.account,
            connection.device,
            frame.header,
            frame.body,
            frame.mls,
        )
        self._stream.fanout.spread(conversation, encode(passed_on), (connection,))
        self._stream.fanout.flush()

    def _refuse(self, connection: Connection, request: int, refusal: Refusal) -> None:
        self._stream.fanout.tell(connection, Refused(request, refusal.code.value, refusal.detail))

    # --- hello -----------------------------------------------------------------------------

    async def _greet(self, hello: Hello) -> None:
        stream = self._stream
        try:
            subject = stream.sessions.subject(hello.token)
            if not isinstance(subject, DeviceSubject):
                raise WireRefused(Code.NOT_PERMITTED, "devices only")
        except Refusal as refusal:
            self._bye(refusal.code, refusal.detail)
            return
        if self._timeout is not None:
            self._timeout.cancel()
        rates = stream.config.rates
        connection = Connection(
            self,
            subject.account,
            subject.device,
            Bucket(rates.sends, rates.sends_burst),
            Bucket(rates.whispers, rates.whispers_burst),
        )
        connection.mailbox = hello.mailbox
        # In before the question, so that whoever adds the device meanwhile finds it.
        stream.fanout.enter(connection)
        self._connection = connection
        stream.arrived(connection)
        try:
            found = await stream.conversations.of_device(subject.device)
        except Refusal as refusal:
            self._bye(refusal.code, refusal.detail)
            return
        if self._transport is None:
            return
        for conversation in found:
            if connection.device in conversation.members:
                stream.fanout.follow(connection, conversation)
        heads = tuple(Cursor(item.id, item.durable) for item in found)
        stream.fanout.tell(connection, Welcome(stream.config.clock(), heads))
        for cursor in hello.cursors:
            behind = connection.conversations.get(cursor.conversation)
            if behind is not None:
                connection.behind[behind] = min(cursor.after, behind.durable)
        try:
            await stream.catch_ups.send_mailbox(connection)
        except Refusal as refusal:
            self._bye(refusal.code, refusal.detail)
            return
        for behind, after in list(connection.behind.items()):
            stream.catch_ups.start(connection, behind, after)


def _ignore(_: BaseException | None) -> None:
    """Nobody waits for this change: the device repeats it when it comes back."""
