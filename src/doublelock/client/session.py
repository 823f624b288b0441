"""One device's life on the stream: connect, catch up, take what comes, come back (spec W-11, W-12).

Frames are taken in their order by one task; what has arrived is written as one transaction before
anything of it is told.
"""

import asyncio
import contextlib
import random
from typing import Final

from doublelock.client.conversation import Conversations
from doublelock.client.core import MEMBER, Core, Room
from doublelock.client.details import ConversationDetails
from doublelock.client.devices import Devices
from doublelock.client.enrolment import Enrolment
from doublelock.client.events import Connection
from doublelock.client.group_info import GroupInfoCheck
from doublelock.client.joining import Joining
from doublelock.client.letters import Letters
from doublelock.client.links import Links
from doublelock.client.mailbox import Mailbox
from doublelock.client.marks import Marks
from doublelock.client.mending import Mending
from doublelock.client.notices import Notices
from doublelock.client.presence import Presence
from doublelock.client.sending import Sending
from doublelock.client.siblings import Siblings
from doublelock.client.sync import Sync
from doublelock.client.timers import Timers
from doublelock.client.watch import Watch
from doublelock.protocol import record
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import (
    EnvelopeRefused,
    Refusal,
    WireRefused,
    name_fault,
    refused_by_server,
)
from doublelock.protocol.frames import (
    COMMIT,
    Accepted,
    Bye,
    CatchUp,
    Changed,
    Cursor,
    Frame,
    FromServer,
    Hello,
    Item,
    Live,
    Mail,
    Refused,
    Welcome,
    Whispered,
)
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import DeliveryMark
from doublelock.transport.stream import Stream

_FIRST_WAIT_S: Final = 0.1
_LONGEST_WAIT_S: Final = 20.0
FATAL: Final = frozenset({Code.CONNECTION_REPLACED, Code.DEVICE_REMOVED, Code.NOT_PERMITTED})
"""Refusals after which a connection does not come back by itself."""


class Session:
    """Runs a client's connection until it is closed."""

    def __init__(self, core: Core, enrolment: Enrolment) -> None:
        self._core = core
        self.sync = Sync(core)
        self.sending = Sending(core, self.sync, self._push)
        self.conversations = Conversations(core, self._catch_up)
        self.joining = Joining(core, self._catch_up)
        self.links = Links(core, self.conversations, self.tell_newcomers)
        letters = Letters(core)
        self.devices = Devices(core, enrolment, self.conversations, letters)
        self.siblings = Siblings(core, self.devices, letters)
        self.notices = Notices(core)
        self.timers = Timers(core)
        self.details = ConversationDetails(core)
        self.marks = Marks(core, self.sending.whisper)
        self.presence = Presence(core, self.sending.whisper)
        self.up = asyncio.Event()
        self.mending = Mending(core, self.conversations, self.joining, self.devices)
        self.group_info = GroupInfoCheck(core, self.conversations)
        self.watch = Watch(core, self.devices, self.siblings, self.timers, self.mending, self.up)
        self._mailbox = Mailbox(
            core,
            self.joining,
            self.links,
            self.notices,
            self.siblings,
            self._catch_up,
            lambda done: self._push([done]),
        )
        self._stream: Stream | None = None
        self._running: asyncio.Task[None] | None = None
        self.sending.load()

    async def start(self, wait_s: float = 20.0) -> None:
        """Connect and go on connecting; returns once the first connection is up.

        Raises WireRefused when there is none in that time.
        """
        if self._running is None:
            self._running = asyncio.create_task(self._run())
            self.watch.start()
        up = asyncio.create_task(self.up.wait())
        try:
            await asyncio.wait(
                {up, self._running}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED
            )
            if self._running.done():
                self._running.result()
            if not self.up.is_set():
                raise WireRefused(Code.SERVER_UNREACHABLE, "no connection")
        finally:
            up.cancel()

    async def close(self) -> None:
        """End the connection; what waits stays in the outbox."""
        self.sending.commit()
        self.marks.stop()
        self.presence.stop()
        await self.links.stop()
        await self.siblings.stop()
        self.watch.tell_alarms()
        self.devices.forget_gone()
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError, Refusal):
                await running
        await self.watch.stop()
        await self.mending.stop()
        await self.group_info.stop()
        if self._stream is not None:
            await self._stream.close()
            self._stream = None

    # --- the connection --------------------------------------------------------------------

    async def _run(self) -> None:
        core = self._core
        wait = _FIRST_WAIT_S
        while True:
            try:
                await self._connect()
                wait = _FIRST_WAIT_S
                await self._follow()
            except Refusal as refusal:
                self._disconnected()
                core.events.put_nowait(Connection(up=False, refusal=refusal))
                if refusal.code in FATAL:
                    return
            except Exception as problem:  # a fault of ours ends no connection in silence
                if self._stream is not None:
                    with contextlib.suppress(Refusal, OSError):
                        await self._stream.close()
                self._disconnected()
                core.events.put_nowait(Connection(up=False, refusal=name_fault(problem)))
            await asyncio.sleep(wait * (0.5 + random.random()))  # noqa: S311 - only spreads load
            wait = min(wait * 2, _LONGEST_WAIT_S)

    async def _connect(self) -> None:
        core = self._core
        where = await core.http.deployment()
        token = await core.http.session()
        stream = await Stream.connect(where.stream)
        self._stream = stream
        cursors = tuple(
            Cursor(room.conversation, room.sequence)
            for room in core.rooms.values()
            if room.status == MEMBER
        )
        await stream.send([Hello(token, cursors, self._mailbox.place)])

    def _disconnected(self) -> None:
        self.up.clear()
        self._mailbox.disconnected()
        self._stream = None
        self.sending.disconnected()
        self._core.http.forget_session()
        for room in self._core.rooms.values():
            room.live = False
            room.catching = False

    async def _follow(self) -> None:
        stream = self._stream
        while stream is not None:
            frames = await stream.receive()
            for frame in frames:
                await self._take(frame)
            self.watch.tell_alarms()
            self._core.flush()
            self.mending.mend()
            self.group_info.look()

    def _push(self, frames: list[Frame]) -> bool:
        if self._stream is None or self._stream.closed:
            return False
        self._stream.push(frames)
        return True

    def _catch_up(self, room: Room) -> None:
        room.catching = True
        self._push([CatchUp(room.conversation, room.sequence)])

    # --- frames ----------------------------------------------------------------------------

    async def _take(self, frame: FromServer) -> None:
        core = self._core
        match frame:
            case Item():
                room = core.rooms.get(ConversationId(frame.conversation))
                if room is not None and not await self.sync.take(room, frame):
                    if not room.catching:
                        self._catch_up(room)
                elif room is not None and room.status != MEMBER:
                    await self._mailbox.take_held(room)
                elif room is not None and room.live:
                    self._moved(room, frame)
                    self.marks.moved(room)
            case Accepted():
                try:
                    await core.monitor.know_law(frame.time_ms)
                    behind = self.sending.accepted(frame)
                except EnvelopeRefused as refusal:
                    core.stop(core.room(ConversationId(frame.conversation)), refusal)
                else:
                    if behind is not None and not behind.catching:
                        self._catch_up(behind)
            case Refused():
                self.sending.refused(frame)
            case Live():
                await self._live(core.rooms.get(ConversationId(frame.conversation)), frame)
            case Mail():
                await self._mailbox.take(frame)
            case Whispered():
                whisper = self.sync.take_whisper(frame)
                if whisper is not None:
                    room, told = whisper
                    if isinstance(told.record, DeliveryMark) and told.record.asks:
                        self.marks.asked(room)
                    elif isinstance(told.record, record.Presence):
                        self.presence.take(room, told.account, told.record)
            case Welcome():
                self._welcomed(frame)
            case Changed():
                pass
            case Bye():
                raise refused_by_server(frame.code, frame.detail)
            case _:
                pass

    def _welcomed(self, frame: Welcome) -> None:
        core = self._core
        heads = {cursor.conversation for cursor in frame.heads}
        for room in core.rooms.values():
            # A conversation that the server does not list is one it took this device out of, or
            # hides: its timeline stands still, and nothing is sent to it.
            room.catching = room.conversation in heads
        self.up.set()
        core.tell(Connection(up=True))
        self.siblings.follow()

    async def _live(self, room: Room | None, frame: Live) -> None:
        if room is None:
            return
        room.catching = False
        if self._core.is_usable(room) and frame.sequence > room.sequence:
            self._catch_up(room)
            return
        room.live = True
        self.mending.untidy = True
        self._core.flush()
        self.sending.resume(room)
        self.marks.live(room)
        self.presence.live(room)
        room.stir()
        await self._mailbox.take_held(room)

    def _moved(self, room: Room, item: Item) -> None:
        """After a commit: what was refused for the old epoch goes out again."""
        if item.kind == COMMIT:
            self._core.flush()
            self.sending.resume(room)

    async def tell_newcomers(self, conversation: ConversationId) -> None:
        """Say again what a group is called, where this person rules it (spec V-16)."""
        core, known = self._core, self.details.find(conversation)
        room = core.room(conversation)
        if known is not None and core.account in core.context(room).admins:
            await self.sending.send(room, known)

    @property
    def busy(self) -> bool:
        """Whether a gap is being closed or a conversation put in order."""
        waits = self.mending.busy or self.links.busy
        rooms = self._core.rooms.values()
        # Of a conversation that one is out of, or that stopped, the server says no end.
        return waits or any(room.catching and room.status == MEMBER for room in rooms)
