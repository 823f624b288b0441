"""Conversations in memory: what accepting and delivering need, loaded when first used."""

import asyncio
from typing import TYPE_CHECKING

from doublelock.protocol.days import day_of
from doublelock.protocol.frames import ERASED, application_prefix
from doublelock.protocol.identifiers import AccountId, ConversationId, DeploymentId, DeviceId
from doublelock.protocol.receipt import FIRST, ReceiptFields, describe_item
from doublelock.store.interface import Store, Tables
from doublelock.store.rows import ConversationRow, MemberRow, StoredItem

if TYPE_CHECKING:
    from doublelock.server.connection import Connection


class Conversation:
    """One timeline's state. `head` counts assigned sequences, `durable` those that are safe.

    Delivery owns every field but `listeners`, which fan-out owns, and `commit_lock`.
    """

    __slots__ = (
        "commit_lock",
        "durable",
        "epoch",
        "head",
        "id",
        "key",
        "label_accounts",
        "label_day",
        "last_ms",
        "listeners",
        "members",
        "prefix",
        "previous",
        "row",
        "timer_ms",
    )

    def __init__(self, row: ConversationRow, epoch: int) -> None:
        self.key = row.key
        self.id = ConversationId(row.conversation)
        self.row = row
        self.timer_ms = row.timer_ms
        self.head = 0
        self.durable = 0
        self.previous = FIRST
        self.last_ms = 0
        self.members: dict[DeviceId, AccountId] = {}
        self.listeners: set[Connection] = set()
        self.commit_lock = asyncio.Lock()
        self.label_day = -1
        self.label_accounts: set[bytes] = set()
        self.set_epoch(epoch)

    def set_epoch(self, epoch: int) -> None:
        """Move to an MLS epoch: application messages of every other are refused (spec W-13)."""
        self.epoch = epoch
        self.prefix = application_prefix(self.id, epoch)

    def is_new_label(self, account: bytes, day: int) -> bool:
        """Say whether this is the account's first item of the day here, as far as memory goes."""
        if day != self.label_day:
            self.label_day = day
            self.label_accounts = set()
        if account in self.label_accounts:
            return False
        self.label_accounts.add(account)
        return True


def describe_stored(conversation: ConversationId, item: StoredItem) -> ReceiptFields:
    """Return the receipt fields of a stored item, erased or not (spec W-19)."""
    account, device = AccountId(item.account), DeviceId(item.device)
    if item.kind == ERASED:
        return ReceiptFields(
            conversation,
            item.sequence,
            item.previous,
            item.time_ms,
            account,
            device,
            item.header,
            item.body,
            item.mls,
        )
    return describe_item(
        conversation,
        item.sequence,
        item.previous,
        item.time_ms,
        account,
        device,
        item.header,
        item.body,
        item.mls,
    )


class Conversations:
    """Every conversation that was used since the start."""

    def __init__(self, store: Store, deployment: DeploymentId) -> None:
        self._store = store
        self._deployment = deployment
        self._known: dict[bytes, Conversation] = {}
        self._loading: dict[bytes, asyncio.Task[Conversation | None]] = {}

    def known(self, conversation: bytes) -> Conversation | None:
        """Return a conversation that is in memory."""
        return self._known.get(conversation)

    async def get(self, conversation: bytes) -> Conversation | None:
        """Return a conversation, loaded if need be, or None when there is none."""
        found = self._known.get(conversation)
        if found is not None:
            return found
        task = self._loading.get(conversation)
        if task is None:
            task = asyncio.create_task(self._load(conversation))
            self._loading[conversation] = task
            task.add_done_callback(lambda _: self._loading.pop(conversation, None))
        return await asyncio.shield(task)

    async def of_device(self, device: bytes) -> list[Conversation]:
        """Return every conversation whose group has this device as a leaf."""
        rows = await self._store.read(lambda tables: tables.groups.of_device(device))
        found = [await self.get(row.conversation) for row in rows]
        # Membership may have changed between the query and now; memory is what counts.
        return [item for item in found if item is not None and device in item.members]

    async def _load(self, conversation: bytes) -> Conversation | None:
        def query(
            tables: Tables,
        ) -> tuple[ConversationRow, int, list[MemberRow], StoredItem | None] | None:
            row = tables.groups.find(conversation)
            if row is None:
                return None
            return (
                row,
                tables.groups.epoch(row.key),
                tables.groups.members(row.key),
                tables.timeline.last(row.key),
            )

        found = await self._store.read(query)
        if found is None:
            return None
        row, epoch, members, last = found
        return self.add(row, epoch, members, last)

    def add(
        self,
        row: ConversationRow,
        epoch: int,
        members: list[MemberRow],
        last: StoredItem | None = None,
    ) -> Conversation:
        """Put a conversation into memory and return it."""
        state = Conversation(row, epoch)
        state.members = {DeviceId(leaf.device): AccountId(leaf.account) for leaf in members}
        if last is not None:
            state.head = state.durable = last.sequence
            state.last_ms = last.time_ms
            state.previous = describe_stored(state.id, last).hash(self._deployment)
            state.label_day = day_of(last.time_ms)
        return self._known.setdefault(row.conversation, state)
