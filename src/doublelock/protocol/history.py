"""An account's history as one of its devices hands it to another (spec D-5).

What arrives is the other device's word: it verified each message when it came, and its receiver
cannot do so again. Everything here is read as hostile none the less.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.encoding import Reader, u8, u16, u32, u64
from doublelock.protocol.encoding import field as sized
from doublelock.protocol.errors import Malformed
from doublelock.protocol.group_rules import ConversationKind
from doublelock.protocol.identifiers import (
    ACCOUNT_SIZE,
    CONVERSATION_SIZE,
    MESSAGE_ID_SIZE,
    AccountId,
    ConversationId,
    MessageId,
)
from doublelock.protocol.record import (
    Attachment,
    Details,
    Media,
    Reply,
    Text,
    decode_record,
    encode_record,
)

_VERSION: Final = 1
_DELETED: Final = 1
_EDITED: Final = 2
_MARK: Final = 64

Kept = Text | Reply | Attachment | Media
"""The records that stand in a timeline by themselves; others change one of these."""


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """A message as it stands: `record` is none where it was deleted, `edited` its newer text.

    `marks` are reactions by account; `expires_ms` is 0 for never.
    """

    sequence: int
    time_ms: int
    account: AccountId
    message_id: MessageId
    record: Kept | None
    edited: bytes | None = None
    marks: tuple[tuple[AccountId, bytes], ...] = ()
    expires_ms: int = 0


@dataclass(frozen=True, slots=True)
class HistoryPart:
    """A conversation, or a part of it: who is in it, what it is called, its timer, its messages.

    `details` stands at `details_at`; none where nobody named it. Items ascend by sequence.
    """

    conversation: ConversationId
    kind: ConversationKind
    members: tuple[AccountId, ...]
    timer_seconds: int
    details: Details | None
    details_at: int
    items: tuple[HistoryItem, ...]


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom the account's person has verified: the digest of that side of the safety code (Y-11)."""

    account: AccountId
    digest: bytes


@dataclass(frozen=True, slots=True)
class HistoryFile:
    """One piece of what is handed over: at most 16 MiB."""

    contacts: tuple[Contact, ...]
    parts: tuple[HistoryPart, ...]


def encode_history(history: HistoryFile) -> bytes:
    """Return the file's bytes."""
    return b"".join(
        (
            u8(_VERSION),
            u16(len(history.contacts)),
            *(contact.account + contact.digest for contact in history.contacts),
            u32(len(history.parts)),
            *(piece for part in history.parts for piece in _encode_part(part)),
        )
    )


def decode_history(data: bytes) -> HistoryFile:
    """Return the history in a file. Raises Malformed: size, form."""
    if len(data) > limits.HISTORY_PIECE:
        raise Malformed(Code.SIZE, "history")
    reader = Reader(data)
    if reader.u8() != _VERSION:
        raise Malformed(Code.FORM, "history version")
    contacts = tuple(
        Contact(AccountId(reader.take(ACCOUNT_SIZE)), reader.take(32)) for _ in range(reader.u16())
    )
    parts = tuple(_read_part(reader) for _ in range(reader.u32()))
    reader.end()
    return HistoryFile(contacts, parts)


def split_history(
    contacts: tuple[Contact, ...], parts: Iterable[HistoryPart], limit: int
) -> Iterator[HistoryFile]:
    """Yield files of about `limit` bytes; a long conversation goes on in the next one."""
    waiting: list[HistoryPart] = []
    size = 0
    for part in parts:
        items: list[HistoryItem] = []
        for item in part.items:
            length = len(_encode_item(item))
            if size + length > limit and (waiting or items):
                yield HistoryFile(contacts, (*waiting, _with_items(part, items)))
                contacts, waiting, items, size = (), [], [], 0
            items.append(item)
            size += length
        waiting.append(_with_items(part, items))
        size += len(b"".join(_encode_part(_with_items(part, []))))
    yield HistoryFile(contacts, tuple(waiting))


def _with_items(part: HistoryPart, items: list[HistoryItem]) -> HistoryPart:
    return HistoryPart(
        part.conversation,
        part.kind,
        part.members,
        part.timer_seconds,
        part.details,
        part.details_at,
        tuple(items),
    )


def _encode_part(part: HistoryPart) -> Iterator[bytes]:
    details = b"" if part.details is None else encode_record(part.details)
    yield part.conversation + u8(part.kind) + u16(len(part.members)) + b"".join(part.members)
    yield u32(part.timer_seconds) + u64(part.details_at) + u32(len(details)) + details
    yield u32(len(part.items))
    for item in part.items:
        yield _encode_item(item)


def _encode_item(item: HistoryItem) -> bytes:
    record = b"" if item.record is None else encode_record(item.record)
    flags = (_DELETED if item.record is None else 0) | (_EDITED if item.edited is not None else 0)
    edited = item.edited or b""
    head = u64(item.sequence) + u64(item.time_ms) + item.account + item.message_id
    body = u8(flags) + u64(item.expires_ms) + u32(len(record)) + record + u32(len(edited)) + edited
    marks = (account + sized(mark) for account, mark in item.marks)
    return head + body + u16(len(item.marks)) + b"".join(marks)


def _read_part(reader: Reader) -> HistoryPart:
    conversation = ConversationId(reader.take(CONVERSATION_SIZE))
    try:
        kind = ConversationKind(reader.u8())
    except ValueError:
        raise Malformed(Code.FORM, "conversation kind") from None
    count = reader.u16()
    if count > limits.GROUP_MEMBERS:
        raise Malformed(Code.SIZE, f"{count} members")
    members = tuple(AccountId(reader.take(ACCOUNT_SIZE)) for _ in range(count))
    timer_seconds, details_at = reader.u32(), reader.u64()
    if details_at > limits.NUMBER:
        raise Malformed(Code.FORM, "details of a conversation")
    data = reader.long_field(limits.RECORD)
    details = decode_record(data) if data else None
    if details is not None and not isinstance(details, Details):
        raise Malformed(Code.FORM, "details of a conversation")
    items: list[HistoryItem] = []
    for _ in range(reader.u32()):
        item = _read_item(reader)
        if items and item.sequence <= items[-1].sequence:
            raise Malformed(Code.NOT_CANONICAL, "history out of order")
        items.append(item)
    return HistoryPart(
        conversation, kind, members, timer_seconds, details, details_at, tuple(items)
    )


def _read_item(reader: Reader) -> HistoryItem:
    sequence, time_ms = reader.u64(), reader.u64()
    account = AccountId(reader.take(ACCOUNT_SIZE))
    message_id = MessageId(reader.take(MESSAGE_ID_SIZE))
    flags, expires_ms = reader.u8(), reader.u64()
    data, edited = reader.long_field(limits.RECORD), reader.long_field(limits.RECORD)
    marks = tuple(
        (AccountId(reader.take(ACCOUNT_SIZE)), reader.field(_MARK)) for _ in range(reader.u16())
    )
    numbers_fit = max(sequence, time_ms, expires_ms) <= limits.NUMBER
    flags_fit = flags <= _DELETED | _EDITED and bool(flags & _DELETED) == (not data)
    if not numbers_fit or not flags_fit or (edited and not flags & _EDITED):
        raise Malformed(Code.FORM, "item of a history")
    record = decode_record(data) if data else None
    if record is not None and not isinstance(record, Kept):
        raise Malformed(Code.FORM, "a record that stands for nothing by itself")
    return HistoryItem(
        sequence,
        time_ms,
        account,
        message_id,
        record,
        edited if flags & _EDITED else None,
        marks,
        expires_ms,
    )
