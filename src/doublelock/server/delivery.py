"""Accept, order, make durable, sign, acknowledge, deliver: the path of every item (spec W-14).

One batch is in flight; what arrives meanwhile forms the next. A batch costs a signature, a commit
and three threads' waking, whatever it holds: so the next one waits some milliseconds for company,
and an arrival starts it rather than a timer. Checks run when a batch is formed, in
order, so that each item is judged by the state that the one before it left. Nothing is told to
anybody before the batch is durable; a batch that fails leaves no trace.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from doublelock.protocol.codes import Code
from doublelock.protocol.days import day_of
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import Refusal, WireRefused
from doublelock.protocol.frames import (
    COMMIT,
    MESSAGE,
    Refused,
    Send,
    encode,
)
from doublelock.protocol.header import Form, Header
from doublelock.protocol.identifiers import AccountId, DeploymentId, DeviceId
from doublelock.protocol.receipt import describe_item, sign_receipts
from doublelock.server.config import Bounds, Clock
from doublelock.server.connection import Connection
from doublelock.server.conversations import Conversation
from doublelock.server.fanout import Fanout
from doublelock.server.item_frames import accepted_before, accepted_now, encode_item
from doublelock.server.recent import RecentMessages
from doublelock.store.interface import Store, Tables
from doublelock.store.rows import ItemRow, LabelDay


@dataclass(frozen=True, slots=True)
class Ordered:
    """Where a handshake landed in its timeline, with its receipt; `time_ms` is the receipt's."""

    sequence: int
    time_ms: int
    previous: bytes
    index: int
    size: int
    path: bytes
    signature: bytes


@dataclass(slots=True)
class Handshake:
    """A validated MLS handshake on its way.

    `apply` moves the group in memory and `undo` moves it back; `write` makes the group's new state
    durable with the item; `announce` runs after delivery.
    """

    conversation: Conversation
    account: AccountId
    device: DeviceId
    mls: bytes
    apply: Callable[[], None]
    undo: Callable[[], None]
    write: Callable[[Tables, int, int], None]
    announce: Callable[[int, int], None]
    done: "asyncio.Future[Ordered]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


@dataclass(slots=True)
class _Message:
    """A decoded `Send`; `fresh` once the store was asked about its message id."""

    connection: Connection
    conversation: Conversation
    send: Send
    header: Header
    fresh: bool = False


_Incoming = _Message | Handshake


@dataclass(slots=True)
class _Batch:
    """What is being made durable, and how to take it back."""

    items: list[_Incoming]
    rows: list[ItemRow]
    hashes: list[bytes]
    labels: list[LabelDay]
    before: dict[Conversation, tuple[int, bytes, int]]
    undo: list[Callable[[], None]]
    signature: bytes = b""


class Delivery:
    """The one place where sequences are given out. Runs on the event loop; never waits for disk."""

    def __init__(
        self,
        store: Store,
        fanout: Fanout,
        deployment: DeploymentId,
        receipt_key: Callable[[int], SigningKey],
        clock: Clock,
        bounds: Bounds,
        recent: RecentMessages,
        arrived: Callable[[Conversation, bytes], None],
    ) -> None:
        self._arrived = arrived
        self._store = store
        self._fanout = fanout
        self._deployment = deployment
        self._key_of = receipt_key
        self._clock = clock
        self._bounds = bounds
        self._loop = asyncio.get_running_loop()
        self._pending: deque[_Incoming] = deque()
        self._in_flight = False
        self._scheduled = False
        self._begun_s = 0.0
        self._late: asyncio.TimerHandle | None = None
        self._stopping = False
        self._lookups = 0
        self._turn = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._recent = recent
        self._resolving: set[bytes] = set()

    # --- taking in -------------------------------------------------------------------------

    def send(self, connection: Connection, send: Send) -> None:
        """Take in one envelope. Raises Malformed or WireRefused; later refusals are frames."""
        if self._stopping:
            raise WireRefused(Code.STOPPING)
        if len(self._pending) >= self._bounds.pending_items:
            raise WireRefused(Code.TOO_FAST, "the server is busy")
        header = Header.decode(send.header)
        conversation = connection.conversations.get(header.conversation)
        if conversation is None:
            raise WireRefused(Code.NOT_A_MEMBER)
        if header.account != connection.account or header.device != connection.device:
            raise WireRefused(Code.SENDER_MISMATCH)
        if header.form is Form.EPHEMERAL:
            raise WireRefused(Code.FORM, "an ephemeral envelope is whispered")
        self._put(_Message(connection, conversation, send, header))

    async def post(self, handshake: Handshake) -> Ordered:
        """Take in a validated handshake and return where it landed once it is durable.

        Raises WireRefused(stopping, storage).
        """
        if self._stopping:
            raise WireRefused(Code.STOPPING)
        self._put(handshake)
        return await handshake.done

    async def stop(self) -> None:
        """Refuse what comes, finish what was accepted."""
        self._stopping = True
        await self._idle.wait()

    def _put(self, incoming: _Incoming) -> None:
        self._pending.append(incoming)
        self._idle.clear()
        if self._in_flight or self._scheduled:
            return
        if self._is_time():
            # Whatever else this turn of the loop reads joins the batch.
            self._scheduled = True
            self._loop.call_soon(self._begin)
        else:
            self._wait()

    # --- forming a batch -------------------------------------------------------------------

    def _is_time(self) -> bool:
        """Say whether a batch begins now, or waits for company."""
        bounds = self._bounds
        return (
            self._loop.time() - self._begun_s >= bounds.gather_seconds
            or len(self._pending) >= bounds.gather_items
        )

    def _wait(self) -> None:
        if self._late is None:
            at = self._begun_s + self._bounds.gather_at_most
            self._late = self._loop.call_at(at, self._begin)

    def _begin(self) -> None:
        if self._in_flight:
            return
        if self._late is not None:
            self._late.cancel()
            self._late = None
        self._scheduled = False
        self._begun_s = self._loop.time()
        batch = self._form()
        if batch is None:
            self._fanout.flush()
            if not self._pending and not self._lookups:
                self._idle.set()
            return
        self._in_flight = True
        rows, signature, labels = batch.rows, batch.signature, batch.labels
        handshakes = [
            (item, row)
            for item, row in zip(batch.items, rows, strict=True)
            if isinstance(item, Handshake)
        ]

        def change(tables: Tables) -> None:
            tables.timeline.put_batch(rows, signature, labels)
            for handshake, row in handshakes:
                handshake.write(tables, row.sequence, row.time_ms)

        try:
            self._store.submit(change, lambda error: self._finish(batch, error))
        except Refusal as refusal:
            self._loop.call_soon(self._finish, batch, refusal)

    def _form(self) -> _Batch | None:
        now = self._clock()
        batch = _Batch([], [], [], [], {}, [])
        pending, limit = self._pending, self._bounds.batch_items
        key, key_now = None, self._key_of(now)
        while pending and len(batch.items) < limit:
            last_ms = pending[0].conversation.last_ms
            signs = key_now if last_ms <= now else self._key_of(last_ms)
            if key is not None and key is not signs:
                break  # a clock went back over a change of the key: two batches
            incoming = pending.popleft()
            if isinstance(incoming, _Message):
                if not self._admit(incoming, now):
                    continue
            else:
                incoming.apply()
                batch.undo.append(incoming.undo)
            key = signs
            self._append(batch, incoming, now)
        if key is None:
            return None
        batch.signature, paths = sign_receipts(batch.hashes, self._deployment, key)
        if len(paths) > 1:  # a batch of one has no path
            rows = zip(batch.rows, paths, strict=True)
            batch.rows = [row._replace(path=path) for row, path in rows]
        return batch

    def _admit(self, message: _Message, now: int) -> bool:
        """Judge a message by the present state; refuse or put aside what cannot be taken."""
        conversation, header, connection = message.conversation, message.header, message.connection
        refusal: Code | None = None
        name = header.device + header.message_id
        if message.fresh:
            self._resolving.discard(name)
        if connection.device not in conversation.members:
            refusal = Code.NOT_A_MEMBER
        elif header.day != day_of(now):
            refusal = Code.DAY_MISMATCH
        elif not message.send.mls.startswith(conversation.prefix):
            refusal = Code.EPOCH_SUPERSEDED
        if not message.fresh and refusal is not Code.NOT_A_MEMBER:
            # A retry is answered with its first acceptance, whatever changed since.
            if refusal is None:
                known = not self._recent.is_new(name, header.message_id, now)
            else:
                known = self._recent.may_be_known(name, header.message_id)
            if known:
                self._look_up(message, name)
                return False
        if refusal is not None:
            self._refuse(message, refusal)
            return False
        return True

    def _append(self, batch: _Batch, incoming: _Incoming, now: int) -> None:
        conversation = incoming.conversation
        if conversation not in batch.before:
            batch.before[conversation] = (
                conversation.head,
                conversation.previous,
                conversation.last_ms,
            )
        sequence = conversation.head + 1
        time_ms = max(now, conversation.last_ms)
        previous = conversation.previous
        if isinstance(incoming, _Message):
            send, header = incoming.send, incoming.header
            account, device = header.account, header.device
            kind, head, body, mls = MESSAGE, send.header, send.body, send.mls
            if conversation.is_new_label(account, header.day):
                batch.labels.append(LabelDay(conversation.key, header.day, account, sequence))
        else:
            account, device = incoming.account, incoming.device
            kind, head, body, mls = COMMIT, b"", b"", incoming.mls
        fields = describe_item(
            conversation.id, sequence, previous, time_ms, account, device, head, body, mls
        )
        receipt = fields.hash(self._deployment)
        conversation.head = sequence
        conversation.last_ms = time_ms
        conversation.previous = receipt
        batch.items.append(incoming)
        batch.hashes.append(receipt)
        batch.rows.append(
            ItemRow(
                conversation.key,
                sequence,
                time_ms,
                account,
                device,
                kind,
                head,
                body,
                mls,
                previous,
                len(batch.rows),
                b"",
            )
        )

    # --- after the commit ------------------------------------------------------------------

    def _finish(self, batch: _Batch, error: BaseException | None) -> None:
        self._in_flight = False
        turn, self._turn = self._turn, asyncio.Event()
        if error is None:
            self._deliver(batch)
        else:
            self._take_back(batch, error)
        turn.set()
        if self._pending and self._is_time():
            self._begin()
            return
        self._fanout.flush()
        if self._pending:
            self._wait()
        elif not self._lookups:
            self._idle.set()

    def _deliver(self, batch: _Batch) -> None:
        """Acknowledge and fan out; one encoded frame per item, one joined piece per timeline."""
        size, signature = len(batch.rows), batch.signature
        pieces: dict[Conversation, list[bytes]] = {}
        own: dict[Conversation, dict[Connection, list[tuple[int, bytes]]]] = {}
        for incoming, row in zip(batch.items, batch.rows, strict=True):
            conversation = incoming.conversation
            conversation.durable = row.sequence
            frames = pieces.setdefault(conversation, [])
            if isinstance(incoming, _Message):
                connection = incoming.connection
                accepted = accepted_now(incoming.send.request, conversation, row, size, signature)
                live = connection in conversation.listeners
                if live and conversation not in connection.behind:
                    mine = own.setdefault(conversation, {}).setdefault(connection, [])
                    mine.append((len(frames), encode(accepted)))
                else:
                    self._fanout.put(connection, encode(accepted))
                self._arrived(conversation, row.account)
            frames.append(encode_item(conversation, row, size, signature))
        for conversation, frames in pieces.items():
            senders = own.get(conversation, {})
            for connection, replaced in senders.items():
                theirs = list(frames)
                for at, answer in replaced:
                    theirs[at] = answer
                self._fanout.put(connection, b"".join(theirs))
            self._fanout.spread(conversation, b"".join(frames), senders)
        for incoming, row in zip(batch.items, batch.rows, strict=True):
            if isinstance(incoming, Handshake):
                incoming.announce(row.sequence, row.time_ms)
                if not incoming.done.done():
                    incoming.done.set_result(
                        Ordered(
                            row.sequence,
                            row.time_ms,
                            row.previous,
                            row.leaf,
                            size,
                            row.path,
                            signature,
                        )
                    )
        self._fanout.flush()

    def _take_back(self, batch: _Batch, error: BaseException) -> None:
        for conversation, (head, previous, last_ms) in batch.before.items():
            conversation.head, conversation.previous = head, previous
            conversation.last_ms = last_ms
            conversation.label_day = -1
        for undo in reversed(batch.undo):
            undo()
        for incoming in batch.items:
            if isinstance(incoming, Handshake):
                if not incoming.done.done():
                    incoming.done.set_exception(error)
            else:
                self._recent.forget(incoming.header.device + incoming.header.message_id)
                self._refuse(incoming, Code.STORAGE)

    def _refuse(self, message: _Message, code: Code) -> None:
        self._fanout.put(message.connection, encode(Refused(message.send.request, code.value, "")))

    # --- retries ---------------------------------------------------------------------------

    def _look_up(self, message: _Message, name: bytes) -> None:
        """Ask the store whether this message id was accepted before (spec W-14)."""
        if name in self._resolving:
            self._refuse(message, Code.CONFLICT)
            return
        self._resolving.add(name)
        self._lookups += 1
        task = self._loop.create_task(self._answer_retry(message, name))
        task.add_done_callback(self._looked_up)

    def _looked_up(self, _: "asyncio.Task[None]") -> None:
        self._lookups -= 1
        if not self._lookups and not self._pending and not self._in_flight:
            self._idle.set()

    async def _answer_retry(self, message: _Message, name: bytes) -> None:
        header, conversation = message.header, message.conversation
        target = conversation.head  # an earlier copy that is still in flight is not above it
        while conversation.durable < target <= conversation.head:
            await self._turn.wait()
        try:
            item = await self._store.read(
                lambda tables: tables.timeline.find_message(
                    conversation.key, header.account, header.day, header.message_id
                )
            )
        except Refusal as refusal:
            self._resolving.discard(name)
            self._refuse(message, refusal.code)
            self._fanout.flush()
            return
        if item is None:
            message.fresh = True
            self._put(message)
            return
        self._resolving.discard(name)
        answer = accepted_before(message.send.request, conversation, item)
        self._fanout.put(message.connection, encode(answer))
        self._fanout.flush()
