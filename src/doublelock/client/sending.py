"""Sending: sealed at sending time, again when day or epoch moved on, stored once (spec G-12).

A message id is drawn once and kept; whatever happens in between, the timeline holds it at most
once. The keys that a sealing uses up are burnt in the vault before its bytes leave.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Final

from doublelock_mls import MlsError

from doublelock.client.core import MEMBER, Core, Room
from doublelock.client.events import NotSent
from doublelock.client.groups import name_failure
from doublelock.client.sync import Sync
from doublelock.client.vault import Outgoing
from doublelock.protocol.capsule import seal
from doublelock.protocol.codes import Code
from doublelock.protocol.days import day_of, key_epoch_of
from doublelock.protocol.envelope import SealedEnvelope, make_send_keys, seal_envelope
from doublelock.protocol.errors import CharterRefused, Refusal, WireRefused, refused_by_server
from doublelock.protocol.frames import Accepted, Frame, Refused, Send, Whisper
from doublelock.protocol.header import Form
from doublelock.protocol.identifiers import ConversationId, MessageId, make_message_id
from doublelock.protocol.label import Label
from doublelock.protocol.record import AnyRecord, Ephemeral, encode_record

_SEAL_AGAIN: Final = frozenset({Code.EPOCH_SUPERSEDED, Code.DAY_MISMATCH})
_LATER: Final = frozenset({Code.TOO_FAST, Code.STORAGE, Code.STOPPING})
_PAUSE_S: Final = 0.2
_TRIES: Final = 20

Push = Callable[[list[Frame]], bool]
"""Sends frames now; False when there is no connection."""


class Sending:
    """One device's outbox. `push` is the session's; the outbox outlives every connection."""

    def __init__(self, core: Core, sync: Sync, push: Push) -> None:
        self._core = core
        self._sync = sync
        self._push = push
        self._next = 1
        self._flying: dict[int, bytes] = {}
        self._waiting: dict[bytes, Outgoing] = {}
        self._tries: dict[bytes, int] = {}
        self._done: dict[bytes, asyncio.Future[int]] = {}
        self._queue: list[Outgoing] = []
        self._stored: asyncio.Future[None] | None = None
        sync.settled = self.settle

    def load(self) -> None:
        """Read what an earlier run left in the outbox."""
        for outgoing in self._core.vault.outbox():
            self._waiting[outgoing.message_id] = outgoing

    @property
    def waiting(self) -> int:
        """How many messages are on their way."""
        return len(self._waiting)

    async def send(self, room: Room, record: AnyRecord) -> tuple[MessageId, "asyncio.Future[int]"]:
        """Put a record into the outbox and on its way; the future gives its sequence.

        Raises Malformed for a record over its limits, GroupRefused where one is no member.
        """
        core = self._core
        now = core.clock()
        await self._know_epoch()
        message_id = make_message_id(now, core.random(10))
        outgoing = Outgoing(room.conversation, message_id, encode_record(record), now)
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        done.add_done_callback(_retrieve)
        self._done[message_id] = done
        # Shared by all that this turn of the loop posts: one of them given up ends no other.
        await asyncio.shield(self._enqueue(outgoing))
        return message_id, done

    def commit(self) -> None:
        """Write what was put into the queue as one transaction, then send it together."""
        queue, self._queue = self._queue, []
        stored, self._stored = self._stored, None
        if stored is None:
            return
        aloft = set(self._flying.values())
        queue = [outgoing for outgoing in queue if outgoing.message_id not in aloft]
        try:
            self._dispatch(queue, new=True)
        except Exception as problem:
            for outgoing in queue:
                self.drop(outgoing.message_id)
                self._done.pop(outgoing.message_id, None)
            stored.set_exception(problem)
        else:
            stored.set_result(None)

    def _enqueue(self, outgoing: Outgoing) -> "asyncio.Future[None]":
        """Send with whatever else this turn of the loop sends; the future is that commit."""
        self._waiting[outgoing.message_id] = outgoing
        self._queue.append(outgoing)
        if self._stored is None:
            loop = asyncio.get_running_loop()
            self._stored = loop.create_future()
            loop.call_soon(self.commit)
        return self._stored

    async def _know_epoch(self) -> None:
        """Look for the day's key epoch in the law log when it is not known yet."""
        core = self._core
        day = day_of(core.clock())
        committee = core.monitor.key_log.committee(core.account)
        try:
            if core.escrows_on(committee, day):
                core.monitor.epoch_for(committee, key_epoch_of(day), day)
        except CharterRefused:
            with contextlib.suppress(WireRefused):
                await core.monitor.sync_law()

    def resume(self, room: Room) -> None:
        """Send what waits for a room that has just gone live, as it was sealed where it can be."""
        if self._waiting:
            aloft = set(self._flying.values())
            self._dispatch(
                [
                    outgoing
                    for outgoing in self._waiting.values()
                    if outgoing.conversation == room.conversation
                    and outgoing.message_id not in aloft
                ]
            )

    def disconnected(self) -> None:
        """The connection ended: nothing is in flight any more."""
        self._flying.clear()

    def drop(self, message_id: bytes) -> None:
        """The timeline brought an own message: it is not on its way any more."""
        self._waiting.pop(message_id, None)
        self._tries.pop(message_id, None)

    def settle(self, message_id: bytes, sequence: int) -> None:
        """Tell whoever waits where the message stands."""
        self.drop(message_id)
        done = self._done.pop(message_id, None)
        if done is not None and not done.done():
            done.set_result(sequence)

    def whisper(self, room: Room, record: Ephemeral) -> None:
        """Send an ephemeral record to who is online now; dropped without a connection."""
        core = self._core
        group = core.group(room)
        now = core.clock()
        label = self._label(room, day_of(now))
        keys = make_send_keys(core.random(32), b"", label, Form.EPHEMERAL)
        envelope = seal_envelope(
            keys,
            make_message_id(now, core.random(10)),
            core.device,
            core.signing_key,
            core.random(32),
            encode_record(record),
        )
        try:
            encrypted = group.encrypt(envelope.payload, envelope.header_hash)
        except MlsError as error:
            raise name_failure(error) from None
        core.vault.write_sent(room.conversation, encrypted.epoch, encrypted.generation + 1)
        self._push([Whisper(envelope.header, envelope.body, encrypted.ciphertext)])

    # --- answers ---------------------------------------------------------------------------

    def accepted(self, frame: Accepted) -> Room | None:
        """Take the server's acceptance; the caller flushes. Returns a room to catch up, or None."""
        core = self._core
        message_id = self._flying.pop(frame.request, None)
        outgoing = None if message_id is None else self._waiting.get(message_id)
        if message_id is None or outgoing is None:
            return None
        room = core.room(_conversation(outgoing))
        behind = frame.sequence > room.sequence + 1
        self._sync.take_accepted(room, frame, outgoing)
        return room if behind else None

    def refused(self, frame: Refused) -> None:
        """Take the server's refusal of one message: seal again, try later, or give it up."""
        message_id = self._flying.pop(frame.request, None)
        outgoing = None if message_id is None else self._waiting.get(message_id)
        if message_id is None or outgoing is None:
            return
        refusal = refused_by_server(frame.code, frame.detail)
        code = refusal.code
        tries = self._tries.get(message_id, 0) + 1
        self._tries[message_id] = tries
        if tries > _TRIES or code not in _SEAL_AGAIN | _LATER:
            self.give_up(outgoing, refusal)
            return
        room = self._core.room(_conversation(outgoing))
        if code is Code.EPOCH_SUPERSEDED:
            if self._is_fresh(room, outgoing):
                return  # the commit that superseded it is still to come, and resumes it
            self._enqueue(outgoing)
            return
        if code is Code.DAY_MISMATCH:
            outgoing = self._waiting[message_id] = _unsealed(outgoing)
        loop = asyncio.get_running_loop()
        loop.call_later(_PAUSE_S * tries, self._again, message_id)

    def give_up(self, outgoing: Outgoing, refusal: Refusal) -> None:
        """Drop a message that will never be taken, and say why."""
        core = self._core
        message_id = MessageId(outgoing.message_id)
        core.vault.drop_outgoing(message_id)
        self.drop(message_id)
        core.tell(NotSent(_conversation(outgoing), message_id, refusal))
        done = self._done.pop(message_id, None)
        if done is not None and not done.done():
            done.set_exception(refusal)

    def _again(self, message_id: bytes) -> None:
        outgoing = self._waiting.get(message_id)
        if outgoing is not None and message_id not in self._flying.values():
            self._enqueue(outgoing)

    # --- sealing ---------------------------------------------------------------------------

    def _dispatch(self, items: Iterable[Outgoing], *, new: bool = False) -> None:
        """Seal what needs it and send it: one transaction, then one push (spec G-12).

        What cannot go now waits; where it is `new`, the vault does not have it yet.
        """
        core = self._core
        going: list[Outgoing] = []
        failed: list[tuple[Outgoing, Refusal]] = []
        burnt: dict[ConversationId, tuple[int, int]] = {}
        with core.vault.transaction():
            for outgoing in items:
                try:
                    room = core.room(_conversation(outgoing))
                    if not self._may_go(room):
                        if new:
                            core.vault.write_outgoing(outgoing)
                        continue
                    if not self._is_fresh(room, outgoing):
                        outgoing, following = self._seal(room, outgoing)
                        burnt[room.conversation] = outgoing.epoch, following
                        core.vault.write_outgoing(outgoing)
                except Refusal as refusal:
                    failed.append((outgoing, refusal))
                else:
                    going.append(outgoing)
            for conversation, (epoch, following) in burnt.items():
                core.vault.write_sent(conversation, epoch, following)
        for outgoing, why in failed:
            self.give_up(outgoing, why)
        if failed:
            core.flush()
        self._launch(going)

    def _launch(self, going: list[Outgoing]) -> None:
        frames: list[Frame] = []
        first = self._next
        for request, outgoing in enumerate(going, first):
            self._waiting[outgoing.message_id] = outgoing
            self._flying[request] = outgoing.message_id
            frames.append(Send(request, outgoing.header, outgoing.body, outgoing.mls))
        self._next += len(frames)
        if frames and not self._push(frames):
            for request in range(first, self._next):
                del self._flying[request]

    def _may_go(self, room: Room) -> bool:
        if room.status != MEMBER or not room.live or room.catching:
            return False
        return not self._core.group(room).commit_required

    def _is_fresh(self, room: Room, outgoing: Outgoing) -> bool:
        return (
            bool(outgoing.mls)
            and outgoing.epoch == self._core.group(room).epoch
            and outgoing.day == day_of(self._core.clock())
        )

    def _seal(self, room: Room, outgoing: Outgoing) -> tuple[Outgoing, int]:
        """Seal and encrypt; the vault gets both, and the generation after, before it leaves."""
        core = self._core
        group = core.group(room)
        day = day_of(core.clock())
        envelope = self._envelope(room, outgoing, group.epoch, day)
        try:
            encrypted = group.encrypt(envelope.payload, envelope.header_hash)
        except MlsError as error:
            raise name_failure(error) from None
        sealed = Outgoing(
            outgoing.conversation,
            outgoing.message_id,
            outgoing.record,
            outgoing.created_ms,
            envelope.header,
            envelope.body,
            encrypted.ciphertext,
            encrypted.epoch,
            day,
        )
        return sealed, encrypted.generation + 1

    def _envelope(self, room: Room, outgoing: Outgoing, epoch: int, day: int) -> SealedEnvelope:
        core = self._core
        if room.keys is None or room.keys_epoch != epoch or room.keys.label.day != day:
            seed = core.random(32)
            label = self._label(room, day)
            if core.escrows_on(label.committee, day):
                key = core.monitor.epoch(label.committee, label.key_epoch)
                room.keys = make_send_keys(
                    seed, seal(seed, label, key.master_key).capsule, label, Form.SEALED
                )
            else:
                room.keys = make_send_keys(seed, b"", label, Form.UNESCROWED)
            room.keys_epoch = epoch
        return seal_envelope(
            room.keys,
            MessageId(outgoing.message_id),
            core.device,
            core.signing_key,
            core.random(32),
            outgoing.record,
        )

    def _label(self, room: Room, day: int) -> Label:
        core = self._core
        committee = core.monitor.key_log.committee(core.account)
        epoch = key_epoch_of(day)
        if core.escrows_on(committee, day):
            epoch = core.monitor.epoch_for(committee, epoch, day).epoch.key_epoch
        return Label(core.deployment, committee, epoch, room.conversation, core.account, day)


def _conversation(outgoing: Outgoing) -> ConversationId:
    """Return the conversation of an outgoing message."""
    return ConversationId(outgoing.conversation)


def _unsealed(outgoing: Outgoing) -> Outgoing:
    return Outgoing(
        outgoing.conversation, outgoing.message_id, outgoing.record, outgoing.created_ms
    )


def _retrieve(done: "asyncio.Future[int]") -> None:
    """Mark an exception as seen: `NotSent` tells of it too."""
    if not done.cancelled():
        done.exception()
