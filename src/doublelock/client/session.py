"""One device's life on the stream: connect, catch up, take what comes, come back (spec W-11, W-12).

Frames are taken in their order by one task; what has arrived is written as one transaction before
anything of it is told.
"""

import asyncio
import contextlib
import random
from typing import Final

from doublelock_mls import MlsError

from doublelock.client.conversation import Conversations
from doublelock.client.core import BROKEN, MEMBER, STOPPED, Core, Room
from doublelock.client.details import ConversationDetails
from doublelock.client.devices import Devices
from doublelock.client.enrolment import Enrolment
from doublelock.client.events import (
    AccountAlarm,
    CharterAmended,
    Connection,
    EpochsLow,
    LogAlarm,
    RefusedItem,
    Stopped,
)
from doublelock.client.groups import name_failure
from doublelock.client.joining import Joining
from doublelock.client.letters import Letters
from doublelock.client.linking import ALARMS_SEEN
from doublelock.client.links import Links
from doublelock.client.marks import Marks
from doublelock.client.notices import Notices
from doublelock.client.sending import Sending
from doublelock.client.siblings import Siblings
from doublelock.client.sync import Sync
from doublelock.client.timers import Timers
from doublelock.protocol.codes import Code
from doublelock.protocol.days import day_of, key_epoch_of
from doublelock.protocol.encoding import u64
from doublelock.protocol.errors import EnvelopeRefused, GroupRefused, Refusal, WireRefused
from doublelock.protocol.frames import (
    COMMIT,
    DEPARTURE_MAIL,
    NOTICE_MAIL,
    OTHERS_MAIL,
    OWN_MAIL,
    WELCOME_MAIL,
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
    MailboxDone,
    Refused,
    Welcome,
    Whispered,
)
from doublelock.protocol.identifiers import AccountId, ConversationId
from doublelock.protocol.keylog import find_alarm
from doublelock.protocol.record import DeliveryMark
from doublelock.transport.stream import Stream

_FIRST_WAIT_S: Final = 0.1
_LONGEST_WAIT_S: Final = 20.0
_WATCH_S: Final = 60.0
_EPOCHS_READY: Final = 3
_WISH_WAIT_S: Final = 2.0
_WISH_STEP_S: Final = 0.2
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
        self._stream: Stream | None = None
        self._running: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._ready = _EPOCHS_READY
        self._tasks: dict[ConversationId, asyncio.Task[None]] = {}
        self._held: list[Mail] = []
        self._seen = 0
        self._mailbox = core.vault.number("mailbox")
        self._applied = 0
        self._charters = 0
        self._void = 0
        self._alarms_seen = core.vault.number(ALARMS_SEEN)
        self._untidy = False
        self.up = asyncio.Event()
        self.sending.load()

    async def start(self, wait_s: float = 20.0) -> None:
        """Connect and go on connecting; returns once the first connection is up.

        Raises WireRefused when there is none in that time.
        """
        if self._running is None:
            self._running = asyncio.create_task(self._run())
            self._watching = asyncio.create_task(self._watch())
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
        await self.links.stop()
        await self.siblings.stop()
        self._tell_alarms()
        self.devices.forget_gone()
        own = [task for task in (self._running, self._watching) if task is not None]
        for task in [*self._tasks.values(), *own]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Refusal):
                await task
        self._running = self._watching = None
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
                core.events.put_nowait(Connection(up=False, refusal=_fault(problem)))
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
        await stream.send([Hello(token, cursors, self._mailbox)])

    def _disconnected(self) -> None:
        self.up.clear()
        self._held.clear()
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
            self._tell_alarms()
            self._core.flush()
            self._mend()

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
                    await self._take_held(room)
                elif room is not None and room.live:
                    self._moved(room, frame)
                    self.marks.moved(room)
            case Accepted():
                try:
                    behind = self.sending.accepted(frame)
                except EnvelopeRefused as refusal:
                    self._stop(core.room(ConversationId(frame.conversation)), refusal)
                else:
                    if behind is not None and not behind.catching:
                        self._catch_up(behind)
            case Refused():
                self.sending.refused(frame)
            case Live():
                await self._live(core.rooms.get(ConversationId(frame.conversation)), frame)
            case Mail():
                await self._take_mail(frame)
            case Whispered():
                whisper = self.sync.take_whisper(frame)
                if whisper is not None:
                    room, record = whisper
                    if isinstance(record, DeliveryMark) and record.asks:
                        self.marks.asked(room)
            case Welcome():
                self._welcomed(frame)
            case Changed():
                pass
            case Bye():
                raise WireRefused(_code(frame.code), frame.detail)
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
        self._untidy = True
        self._core.flush()
        self.sending.resume(room)
        self.marks.live(room)
        room.stir()
        await self._take_held(room)

    def _moved(self, room: Room, item: Item) -> None:
        """After a commit: what was refused for the old epoch goes out again."""
        if item.kind == COMMIT:
            self._core.flush()
            self.sending.resume(room)

    def _stop(self, room: Room, refusal: Refusal) -> None:
        room.status = STOPPED
        room.dirty = True
        self._core.tell(Stopped(room.conversation, refusal))
        room.stir()

    # --- mailbox ---------------------------------------------------------------------------

    async def _take_held(self, room: Room) -> None:
        for mail in [held for held in self._held if held.conversation == room.conversation]:
            self._held.remove(mail)
            await self._take_mail(mail)

    async def _take_mail(self, mail: Mail) -> None:
        core = self._core
        if mail.kind == WELCOME_MAIL:
            conversation = ConversationId(mail.conversation)
            try:
                if not await self.joining.take_welcome(mail):
                    self._held.append(mail)
                    return
            except WireRefused:
                raise
            except Refusal as refusal:
                core.tell(
                    RefusedItem(conversation, mail.at, mail.time_ms, AccountId(bytes(32)), refusal)
                )
        elif mail.kind == DEPARTURE_MAIL:
            room = core.rooms.get(ConversationId(mail.conversation))
            if room is not None and room.status == MEMBER and room.sequence < mail.at:
                # Only the commit itself says who took this device out: it comes first.
                self._held.append(mail)
                if not room.catching:
                    self._catch_up(room)
                return
        elif mail.sequence > self._mailbox and mail.kind == NOTICE_MAIL:
            self.notices.take(mail)
        elif mail.sequence > self._mailbox and mail.kind == OTHERS_MAIL:
            await self.links.take(mail)
        elif mail.sequence > self._mailbox and mail.kind == OWN_MAIL:
            await self._take_letter(mail)
        self._seen = max(self._seen, mail.sequence)
        # The mark never passes what is held: a new connection brings that again.
        if not self._held and self._seen > self._mailbox:
            mailbox = self._mailbox = self._seen
            core.write(lambda: core.vault.write_fact("mailbox", u64(mailbox)))
        core.flush()
        if not self._held:
            self._push([MailboxDone(self._mailbox)])

    async def tell_newcomers(self, conversation: ConversationId) -> None:
        """Say again what a group is called, where this person rules it (spec V-16)."""
        core, known = self._core, self.details.find(conversation)
        room = core.room(conversation)
        if known is not None and core.account in core.context(room).admins:
            await self.sending.send(room, known)

    async def _take_letter(self, mail: Mail) -> None:
        core = self._core
        try:
            await self.siblings.take(mail)
        except WireRefused:
            raise
        except Refusal as refusal:
            core.tell(
                RefusedItem(
                    ConversationId(bytes(32)), 0, mail.time_ms, AccountId(core.account), refusal
                )
            )

    # --- mending and alarms ----------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a gap is being closed or a conversation put in order."""
        waits = bool(self._tasks) or self.links.busy
        return waits or any(room.catching for room in self._core.rooms.values())

    def _mend(self) -> None:
        """Rejoin what is broken, commit what waits to be; one task at a time per conversation."""
        untidy, self._untidy = self._untidy, False
        for room in self._core.rooms.values():
            if room.conversation in self._tasks:
                self._untidy = self._untidy or untidy
                continue
            if room.status == BROKEN:
                work = self._rejoin(room)
            elif room.status != MEMBER or not room.live:
                continue
            elif room.wish:
                work = self._grant(room)
            elif untidy and self.devices.is_untidy(room):
                work = self._tidy(room)
            else:
                continue
            task = asyncio.create_task(work)
            self._tasks[room.conversation] = task
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        for name in [name for name, running in self._tasks.items() if running is task]:
            del self._tasks[name]

    async def _rejoin(self, room: Room) -> None:
        """Try until the room is back; a race that is lost, or a server away, ends nothing."""
        core, wait = self._core, _FIRST_WAIT_S
        while room.status == BROKEN:
            try:
                await self.joining.rejoin(room)
            except (Refusal, MlsError) as problem:
                refusal = name_failure(problem) if isinstance(problem, MlsError) else problem
                if refusal.code is Code.NOT_A_MEMBER:
                    self.joining.leave_behind(room)
                    return
                if isinstance(refusal, GroupRefused) and refusal.code is not Code.EPOCH_SUPERSEDED:
                    self._stop(room, refusal)
                    core.flush()
                    return
                await asyncio.sleep(wait * (0.5 + random.random()))  # noqa: S311 - spreads load
                wait = min(wait * 2, _LONGEST_WAIT_S)

    async def _grant(self, room: Room) -> None:
        """Admins first, then one after the other: whoever comes second has nothing to do."""
        core = self._core
        if core.account not in core.context(room).admins:
            await asyncio.sleep(self._turn_s(room))
        if room.wish and room.status == MEMBER:
            room.wish = False
            with contextlib.suppress(Refusal):
                await self.conversations.grant_wishes(room)

    async def _tidy(self, room: Room) -> None:
        """Let a group follow the key log; owners and admins go first."""
        core, devices = self._core, self.devices
        if not devices.missing(room) and core.account not in core.context(room).admins:
            await asyncio.sleep(self._turn_s(room))
        with contextlib.suppress(Refusal):
            await devices.bring_in(room)
            await devices.take_out(room, core.gone)

    def _turn_s(self, room: Room) -> float:
        """Return when a member without a role has its turn: one after the other."""
        rank = self._core.group(room).own_leaf_index
        return _WISH_WAIT_S + min(rank * _WISH_STEP_S, _LONGEST_WAIT_S)

    async def _watch(self) -> None:
        """Read both logs now and then: what they say of this account is news that nobody sends."""
        core = self._core
        if core.monitor.law.size:
            known = core.monitor.charters
            self._charters = min(len(known), 1 + known.index(core.monitor.charter))
        while True:
            try:
                await core.monitor.refresh(_WATCH_S)
            except WireRefused:
                pass  # the stream's own trouble tells of it
            except Refusal as refusal:
                core.tell(LogAlarm("key or law", refusal))
            try:
                self._tell_news()
            except Exception as problem:  # nor the watch
                core.tell(LogAlarm("key or law", _fault(problem)))
            await asyncio.sleep(_WATCH_S)

    def _tell_news(self) -> None:
        self._tell_alarms()
        self._tell_amendments()
        self._check_epochs()
        self.devices.forget_gone()
        self._core.flush()
        self.timers.sweep()
        self._untidy = True
        self._mend()

    def _tell_amendments(self) -> None:
        """Tell of every charter that is to come, and of those that came while this one was away."""
        charters = self._core.monitor.charters
        in_force = 1 + charters.index(self._core.monitor.charter)
        self._charters = self._charters or in_force
        for before, charter in zip(
            charters[self._charters - 1 :], charters[self._charters :], strict=False
        ):
            self._core.tell(CharterAmended(charter, before, int(charter.terms.effective_ms)))
        self._charters = len(charters)

    def _check_epochs(self) -> None:
        """Three key epochs are ready ahead; an alarm sounds at two (DESIGN §4)."""
        core = self._core
        committee = core.monitor.key_log.committee(core.account)
        if not core.monitor.charter.committee(committee).requires_capsule:
            return
        ready = core.monitor.epochs_ready(committee, key_epoch_of(day_of(core.clock())))
        if ready < self._ready:
            core.tell(EpochsLow(committee, ready))
        self._ready = min(ready, _EPOCHS_READY)

    def _tell_alarms(self) -> None:
        core, monitor = self._core, self._core.monitor
        for applied in monitor.applied[self._applied :]:
            alarm = find_alarm(applied, core.account, core.identity.made)
            if alarm is not None and applied.index >= self._alarms_seen:
                core.tell(AccountAlarm(alarm))
            if applied.removed and applied.index >= self.devices.tidied:
                core.gone.update(applied.removed)
                self._untidy = True
            if applied.account == core.account and applied.added and self.up.is_set():
                self._untidy = True
                self.siblings.follow()
        self._applied = len(monitor.applied)
        for void in monitor.refused[self._void :]:
            core.tell(LogAlarm(void.log, void.refusal))
        self._void = len(monitor.refused)


def _fault(problem: Exception) -> Refusal:
    """Name what nobody expected by its kind alone: its words may hold a secret."""
    return WireRefused(Code.DEFECT, type(problem).__name__)


def _code(value: str) -> Code:
    try:
        return Code(value)
    except ValueError:
        return Code.SERVER_ANSWER
