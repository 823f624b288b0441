"""What goes into the store and comes out of it: plain values, no rule and no SQL."""

from typing import NamedTuple


class ItemRow(NamedTuple):
    """One item of a timeline; `conversation` is the store's own number for it."""

    conversation: int
    sequence: int
    time_ms: int
    account: bytes
    device: bytes
    kind: int
    header: bytes
    body: bytes
    mls: bytes
    previous: bytes
    leaf: int
    path: bytes


class StoredItem(NamedTuple):
    """An item as read back, with what its batch adds; in the order of the frame's fields."""

    sequence: int
    time_ms: int
    account: bytes
    device: bytes
    kind: int
    header: bytes
    body: bytes
    mls: bytes
    previous: bytes
    leaf: int
    size: int
    path: bytes
    signature: bytes


class LabelDay(NamedTuple):
    """The first item of a sender's day in a conversation: one row a label, not a message."""

    conversation: int
    day: int
    account: bytes
    first: int


class NewConversation(NamedTuple):
    """A conversation at its creation."""

    conversation: bytes
    creator: bytes
    random: bytes
    time_ms: int


class ConversationRow(NamedTuple):
    """A conversation; `key` is the store's number, `erased` how far its content was deleted."""

    key: int
    conversation: bytes
    creator: bytes
    random: bytes
    timer_ms: int
    erased: int


class GroupRow(NamedTuple):
    """The server's public state of an MLS group, as its observer gave it."""

    epoch: int
    snapshot: bytes
    tree: bytes
    group_info: bytes


class MemberRow(NamedTuple):
    """A leaf of a group."""

    account: bytes
    device: bytes


class MailRow(NamedTuple):
    """A piece of a device's mailbox; `sequence` is 0 until it is stored."""

    sequence: int
    device: bytes
    time_ms: int
    kind: int
    conversation: bytes
    at: int
    payload: bytes


class BlobRow(NamedTuple):
    """A blob's record; its bytes lie in the blob folder."""

    blob: bytes
    account: bytes
    device: bytes
    size: int
    digest: bytes
    complete: int
    time_ms: int


class LawRow(NamedTuple):
    """A document of the law desk; `number` is 0 until stored, `log_index` -1 without entry."""

    number: int
    case: bytes
    kind: str
    author: bytes
    time_ms: int
    log_index: int
    document: bytes


class CeremonyRow(NamedTuple):
    """A key ceremony, its opening document, and the key of who opened it."""

    ceremony: bytes
    time_ms: int
    document: bytes
    author: bytes


class CeremonyMessageRow(NamedTuple):
    """One participant's message of one round."""

    number: int
    ceremony: bytes
    round: int
    author: bytes
    message: bytes
