"""What a warrant names, and which labels lie within it (spec R-4 to R-6).

An item is senders x conversations x days. It names senders or conversations or both: there is no
wildcard. Where it names conversations only, the senders found there are counted against a cap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, final

import msgspec

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import Bytes32, Document
from doublelock.protocol.errors import WarrantRefused
from doublelock.protocol.identifiers import AccountId, ConversationId, DeploymentId
from doublelock.protocol.label import Label

ScopeDay = Annotated[int, msgspec.Meta(ge=0, le=limits.LAST_DAY)]
Names = Annotated[tuple[Bytes32, ...], msgspec.Meta(max_length=limits.SUBJECTS_PER_REQUEST)]


class ScopeItem(Document, frozen=True):
    """Senders (accounts) x conversations x the days from first to last, minus what is excluded.

    An empty `senders` or `conversations` means all that the other one leaves; never both.
    """

    senders: Names
    conversations: Names
    first_day: ScopeDay
    last_day: ScopeDay
    without_senders: Names = ()
    without_conversations: Names = ()


@dataclass(frozen=True, slots=True)
class InventoryRow:
    """One (conversation, sender, day) under which the server stores something, and its epoch."""

    conversation: ConversationId
    account: AccountId
    day: int
    key_epoch: int


@final
class Scope:
    """The items of one warrant, ready to be asked. Raises WarrantRefused when they do not hold."""

    __slots__ = ("_items", "items", "named")
    items: tuple[ScopeItem, ...]
    named: frozenset[bytes]
    """Every account that some item names as a sender."""

    def __init__(self, items: Sequence[ScopeItem]) -> None:
        if not 1 <= len(items) <= limits.SCOPE_ITEMS:
            raise WarrantRefused(Code.WARRANT_TERMS, f"{len(items)} scope items")
        for item in items:
            _check_item(item)
        self.items = tuple(items)
        self.named = frozenset(bytes(sender) for item in items for sender in item.senders)
        self._items = [
            (
                frozenset(item.senders),
                frozenset(item.conversations),
                item.first_day,
                item.last_day,
                frozenset(item.without_senders),
                frozenset(item.without_conversations),
            )
            for item in items
        ]

    def covers(self, conversation: bytes, account: bytes, day: int) -> bool:
        """Say whether some item names this sender, conversation and day."""
        return any(
            first <= day <= last
            and (not senders or account in senders)
            and (not conversations or conversation in conversations)
            and account not in without_senders
            and conversation not in without_conversations
            for senders, conversations, first, last, without_senders, without_conversations in (
                self._items
            )
        )

    @property
    def days(self) -> int:
        """How many days the items cover together."""
        total, reached = 0, -1
        for first, last in sorted((item.first_day, item.last_day) for item in self.items):
            total += max(0, last - max(first, reached + 1) + 1)
            reached = max(reached, last)
        return total

    @property
    def named_accounts(self) -> frozenset[AccountId]:
        """Return every account that some item names as a sender."""
        return frozenset(map(AccountId, self.named))

    @property
    def has_unnamed(self) -> bool:
        """Whether some item leaves its senders to the conversations that it names."""
        return any(not item.senders for item in self.items)

    def unnamed(self, accounts: Iterable[bytes]) -> frozenset[bytes]:
        """Return those of the accounts that no item names."""
        return frozenset(accounts) - self.named


def labels_in_scope(
    scope: Scope, deployment: DeploymentId, committee: int, rows: Iterable[InventoryRow]
) -> tuple[Label, ...]:
    """Return the labels of exactly those rows that the scope covers, in a request's order (R-9).

    `rows` are those whose senders belong to the committee.
    """
    found = {
        Label(deployment, committee, row.key_epoch, row.conversation, row.account, row.day)
        for row in rows
        if scope.covers(row.conversation, row.account, row.day)
    }
    return tuple(sorted(found, key=Label.encode))


def _check_item(item: ScopeItem) -> None:
    if not item.senders and not item.conversations:
        raise WarrantRefused(Code.WARRANT_WILDCARD)
    if item.first_day > item.last_day:
        raise WarrantRefused(Code.WARRANT_TERMS, "last day before the first")
    for names in (
        item.senders,
        item.conversations,
        item.without_senders,
        item.without_conversations,
    ):
        if len(set(names)) != len(names):
            raise WarrantRefused(Code.WARRANT_TERMS, "a name twice")
    if set(item.senders) & set(item.without_senders):
        raise WarrantRefused(Code.WARRANT_TERMS, "a sender both named and excluded")
    if set(item.conversations) & set(item.without_conversations):
        raise WarrantRefused(Code.WARRANT_TERMS, "a conversation both named and excluded")
