"""The encrypted hand-over of an account's history from one of its devices to another (spec D-5).

Whoever gives has verified each message when it came; whoever takes cannot do so again. What a
device has itself always stays.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Final

from msgspec import DecodeError, Struct, msgpack
from msgspec.structs import replace as changed

from doublelock.client.core import LEFT, Core, Room
from doublelock.client.details import ConversationDetails
from doublelock.client.events import HandedOver
from doublelock.client.groups import roster_of
from doublelock.client.timers import Timers
from doublelock.client.vault import Shown
from doublelock.protocol.api import Blob, StartBlob
from doublelock.protocol.attachment import SEALED_CHUNK, open_attachment, seal_chunks, sealed_size
from doublelock.protocol.codes import Code
from doublelock.protocol.days import day_of
from doublelock.protocol.errors import GroupRefused, Refusal, VaultRefused, WireRefused
from doublelock.protocol.group_rules import ConversationKind
from doublelock.protocol.history import (
    HistoryFile,
    HistoryItem,
    HistoryPart,
    Kept,
    decode_history,
    encode_history,
    split_history,
)
from doublelock.protocol.identifiers import AccountId, DeviceId, MessageId
from doublelock.protocol.letter import HistoryPiece
from doublelock.protocol.record import (
    AnyRecord,
    Attachment,
    Delete,
    Edit,
    Reaction,
    Reply,
    Text,
    decode_record,
    encode_record,
)

_FILE: Final = 4 * 1024 * 1024
"""Bytes of a file, about."""
_FILES: Final = 48
_PIECE: Final = 14 * SEALED_CHUNK
_PREFIX: Final = "piece/"
_NO_DEVICE: Final = bytes(16)

HANDED_OVER: Final = "handed-over"
"""In the detail of what came from another device of the account, which verified it."""

Send = Callable[[HistoryPiece], Awaitable[None]]


class _Waiting(Struct, frozen=True):
    """A piece that is known of and not taken in yet; its key is secret."""

    sender: bytes
    number: int
    count: int
    blob: bytes
    file_key: bytes
    size: int
    digest: bytes

    @property
    def fact(self) -> str:
        """Return the name under which the vault keeps it."""
        return f"{_PREFIX}{self.sender.hex()}/{self.number:05d}"


class HandOver:
    """Gives one device's history to a sibling, and takes a sibling's."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._details = ConversationDetails(core)
        self._timers = Timers(core)
        self.taken = 0
        """How many messages this device has taken over since it was opened."""

    # --- giving ------------------------------------------------------------------------------

    async def give(self, send: Send, *, everything: bool) -> None:
        """Give what conversations are called, and with `everything` the messages.

        `send` carries one piece to the other device. Raises WireRefused; it may be repeated.
        """
        self._timers.sweep()
        parts = [self._part(room, everything=everything) for room in self._core.rooms.values()]
        limit = _FILE
        while len(files := list(split_history((), parts, limit))) > _FILES:
            limit *= 2
        for number, file in enumerate(files):
            plain = encode_history(file)
            key = self._core.random(32)
            blob, digest = await self._upload(key, plain)
            await send(HistoryPiece(number, len(files), blob, key, len(plain), digest))

    def _part(self, room: Room, *, everything: bool) -> HistoryPart:
        core, conversation = self._core, room.conversation
        members: tuple[AccountId, ...] = ()
        kind = ConversationKind.GROUP
        try:
            kind = core.context(room).kind
            members = tuple(dict.fromkeys(leaf.account for leaf in roster_of(core.group(room))))
        except GroupRefused:
            pass  # left: who was in it is no longer known here
        found = self._details.said(conversation)
        details_at, details = found if found is not None else (0, None)
        shown = core.vault.history(conversation) if everything else []
        return HistoryPart(
            conversation,
            kind,
            members,
            self._timers.seconds(conversation),
            details,
            details_at,
            tuple(fold(shown, lambda item: self._timers.expires_ms(conversation, item))),
        )

    async def _upload(self, key: bytes, plain: bytes) -> tuple[bytes, bytes]:
        http = self._core.http
        sealed = b"".join(seal_chunks(key, plain))
        digest = hashlib.sha256(sealed).digest()
        body = StartBlob(size=len(sealed), digest=digest)
        blob = await http.ask("POST", "/v1/blobs", body, Blob)
        for at in range(blob.received, len(sealed), _PIECE):
            piece = sealed[at : at + _PIECE]
            url = f"/v1/blobs/{blob.blob.hex()}"
            await http.send("PATCH", url, piece, parameters={"offset": at})
        return blob.blob, digest

    # --- taking ------------------------------------------------------------------------------

    def keep(self, piece: HistoryPiece, sender: DeviceId) -> None:
        """Keep a piece until it is taken in; the caller flushes."""
        waiting = _Waiting(
            sender,
            piece.number,
            piece.count,
            piece.blob,
            piece.file_key,
            piece.size,
            piece.digest,
        )
        vault = self._core.vault
        self._core.write(lambda: vault.write_fact(waiting.fact, msgpack.encode(waiting)))

    async def take_in(self) -> bool:
        """Fetch and take in what waits; say whether the last of all pieces is in.

        Pieces stay while the server is away: raises WireRefused then.
        """
        core, last = self._core, False
        for data in core.vault.facts(_PREFIX):
            try:
                waiting = msgpack.decode(data, type=_Waiting)
            except DecodeError:
                raise VaultRefused(Code.VAULT_DAMAGED, "piece") from None
            sender = DeviceId(waiting.sender)
            refusal: Refusal | None = None
            count = 0
            try:
                count = self._take_file(await self._fetch(waiting))
            except WireRefused as problem:
                if problem.code is not Code.NOT_FOUND:
                    raise
                refusal = problem
            except Refusal as problem:
                refusal = problem  # damaged, or not what was agreed on: told, and not kept
            self.taken += count
            core.write(partial(core.vault.drop_fact, waiting.fact))
            core.tell(HandedOver(sender, count, refusal))
            core.flush()
            last = last or waiting.number == waiting.count - 1
        return last

    async def _fetch(self, waiting: _Waiting) -> HistoryFile:
        total, url = sealed_size(waiting.size), f"/v1/blobs/{waiting.blob.hex()}"
        sealed = bytearray()
        while len(sealed) < total:
            end = min(len(sealed) + _PIECE, total)
            sealed += await self._core.http.get(url, span=(len(sealed), end - 1), limit=_PIECE)
        reference = Attachment(
            waiting.blob, waiting.file_key, waiting.size, waiting.digest, b"", b""
        )
        chunks = (
            bytes(sealed[at : at + SEALED_CHUNK]) for at in range(0, len(sealed), SEALED_CHUNK)
        )
        return decode_history(b"".join(open_attachment(reference, chunks)))

    def _take_file(self, file: HistoryFile) -> int:
        core, count = self._core, 0
        for part in file.parts:
            if part.conversation not in core.rooms:
                # Until this device is brought in, it can be read and not written to.
                room = Room(part.conversation, LEFT)
                room.dirty = True
                core.rooms[part.conversation] = room
            if part.details is not None:
                self._details.keep(part.conversation, part.details_at, part.details)
            items = self._news(part)
            core.write(partial(core.vault.write_history, part.conversation, items))
            count += len(items)
        return count

    def _news(self, part: HistoryPart) -> list[Shown]:
        """Return what this device has not; a message that is to disappear is not taken over."""
        there = self._core.vault.history(part.conversation)
        places = {item.sequence for item in there}
        known = {item.message_id for item in there}
        return [
            Shown(
                item.sequence,
                item.time_ms,
                item.account,
                _NO_DEVICE,
                item.message_id,
                day_of(item.time_ms),
                encode_record(_as_edited(item.record, item.edited)),
                detail=HANDED_OVER,
            )
            for item in part.items
            if item.record is not None
            and item.sequence not in places
            and item.message_id not in known
            and not item.expires_ms
        ]


def _as_edited(record: Kept, edited: bytes | None) -> Kept:
    if edited is None:
        return record
    return changed(record, content=edited) if isinstance(record, Text | Reply) else record


def fold(shown: list[Shown], expires: Callable[[Shown], int]) -> Iterator[HistoryItem]:
    """Yield messages as they stand: edits, deletions and reactions are in what they change."""
    standing: dict[bytes, HistoryItem] = {}
    for item in shown:
        if item.refusal:
            continue
        record = decode_record(item.record)
        account = AccountId(item.account)
        if isinstance(record, Kept):
            standing[item.message_id] = HistoryItem(
                item.sequence,
                item.time_ms,
                account,
                MessageId(item.message_id),
                record,
                expires_ms=expires(item),
            )
        elif (target := standing.get(getattr(record, "target", b""))) is not None:
            standing[target.message_id] = _amended(target, account, record)
    yield from sorted(standing.values(), key=lambda item: item.sequence)


def _amended(target: HistoryItem, account: AccountId, record: AnyRecord) -> HistoryItem:
    own = account == target.account
    kept, edited, marks = target.record, target.edited, dict(target.marks)
    if isinstance(record, Edit) and own and kept is not None:
        edited = record.content
    elif isinstance(record, Delete) and own:
        kept, edited, marks = None, None, {}
    elif isinstance(record, Reaction):
        marks.pop(account, None)
        if record.mark:
            marks[account] = record.mark
    return HistoryItem(
        target.sequence,
        target.time_ms,
        target.account,
        target.message_id,
        kept,
        edited,
        tuple(marks.items()),
        target.expires_ms,
    )
