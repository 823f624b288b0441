"""What the server stores for a warrant: the signed inventory, and the envelopes themselves.

It lists exactly what the warrant's scope covers of one committee's accounts (spec R-24, W-37).
"""

from collections.abc import AsyncIterator, Collection, Iterable
from functools import partial
from typing import Final

from doublelock.protocol import jws
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.frames import MESSAGE, Item
from doublelock.protocol.header import Form, Header
from doublelock.protocol.identifiers import AccountId, ConversationId, DeploymentId
from doublelock.protocol.inventory import (
    InventoryHead,
    InventoryLabel,
    StoredEnvelope,
    list_label,
    write_inventory,
)
from doublelock.protocol.label import Label
from doublelock.protocol.receipt import ReceiptFields
from doublelock.protocol.scope import InventoryRow
from doublelock.protocol.warrant import Warrant
from doublelock.server.conversations import describe_stored
from doublelock.server.item_frames import stored_frame
from doublelock.store.interface import Store, Tables
from doublelock.store.rows import StoredItem

Place = tuple[int, bytes, bytes, int]
"""The store's number of a conversation, its id, an account and a day."""
_AT_ONCE: Final = 64


class Inventories:
    """Answers for warrants out of the store; `receipt` signs."""

    def __init__(self, store: Store, deployment: DeploymentId, receipt: SigningKey) -> None:
        self._store = store
        self._deployment = deployment
        self._receipt = receipt

    async def rows(self, warrant: Warrant) -> list[InventoryRow]:
        """Return every label of a warrant's committee that has something in its scope."""
        return [
            InventoryRow(ConversationId(place[1]), AccountId(place[2]), place[3], key_epoch)
            async for place, items in read_places(self._store, warrant, _AT_ONCE)
            for key_epoch in _sealed(items, warrant.terms.committee)
        ]

    async def sign(self, warrant: Warrant, labels: Collection[Label], now_ms: int) -> bytes:
        """Return the signed inventory of some labels in a warrant's scope."""
        wanted = {
            InventoryRow(label.conversation, label.account, label.day, label.key_epoch)
            for label in labels
        }
        rows: list[InventoryLabel] = []
        conversations: dict[bytes, int] = {}
        async for place, items in read_places(self._store, warrant, _AT_ONCE):
            for key_epoch, envelopes in _sealed(items, warrant.terms.committee).items():
                row = InventoryRow(
                    ConversationId(place[1]), AccountId(place[2]), place[3], key_epoch
                )
                if row not in wanted:
                    continue
                rows.append(list_label(row, envelopes))
                conversations[place[1]] = place[0]
        heads = await self._store.read(lambda tables: self._heads(tables, conversations))
        payload = write_inventory(
            self._deployment, warrant.terms.committee, warrant.commitment, now_ms, rows, heads
        )
        key = self._receipt
        return jws.sign(payload, jws.Purpose.INVENTORY, [(key.public.encoded, key.sign)])

    async def envelopes(
        self, labels: Iterable[tuple[bytes, bytes, int]], after: int, most: int
    ) -> list[Item]:
        """Return stored messages of some labels as the stream would deliver them, `most` of them.

        They come in the labels' order; those of the first label from behind sequence `after` on.
        """
        wanted = list(labels)
        return await self._store.read(lambda tables: _deliver(tables, wanted, after, most))

    def _heads(self, tables: Tables, conversations: dict[bytes, int]) -> list[InventoryHead]:
        heads = []
        for conversation, key in sorted(conversations.items()):
            last = tables.timeline.last(key)
            if last is None:
                continue
            fields: ReceiptFields = describe_stored(ConversationId(conversation), last)
            heads.append(
                InventoryHead(
                    conversation=Bytes32(conversation),
                    sequence=last.sequence,
                    receipt=Bytes32(fields.hash(self._deployment)),
                )
            )
        return heads


async def read_places(
    store: Store, warrant: Warrant, at_once: int
) -> AsyncIterator[tuple[Place, list[StoredItem]]]:
    """Yield every place that a warrant's scope covers with its items, some places in each read."""
    places = await store.read(lambda tables: _places(tables, warrant))
    for start in range(0, len(places), at_once):
        some = places[start : start + at_once]
        for found in await store.read(partial(_items, places=some)):
            yield found


def _places(tables: Tables, warrant: Warrant) -> list[Place]:
    """Return where the scope may have something, by sender or by conversation, each place once."""
    found: dict[Place, None] = {}
    for item in warrant.terms.scope:
        named = [tables.groups.find(bytes(name)) for name in item.conversations]
        for row in named:
            for label in tables.timeline.labels(row.key) if row is not None else ():
                found[(label.conversation, b"", bytes(label.account), label.day)] = None
        for sender in item.senders if not item.conversations else ():
            for label in tables.timeline.labels_of(bytes(sender), item.first_day, item.last_day):
                found[(label.conversation, b"", bytes(label.account), label.day)] = None
    places = []
    for key, _, account, day in found:
        conversation = tables.groups.by_key(key)
        if conversation is None:
            continue
        if warrant.scope.covers(conversation.conversation, account, day):
            places.append((key, conversation.conversation, account, day))
    return places


def _items(tables: Tables, places: list[Place]) -> list[tuple[Place, list[StoredItem]]]:
    return [(place, tables.timeline.label_items(place[0], place[2], place[3])) for place in places]


def _sealed(items: Iterable[StoredItem], committee: int) -> dict[int, list[StoredEnvelope]]:
    """Return the sealed messages of a committee by key epoch, in order."""
    found: dict[int, list[StoredEnvelope]] = {}
    for item in items:
        if item.kind != MESSAGE:
            continue
        header = Header.decode(item.header)
        if header.form is Form.SEALED and header.committee == committee:
            envelope = StoredEnvelope(item.sequence, item.header, item.body)
            found.setdefault(header.key_epoch, []).append(envelope)
    return found


def _deliver(
    tables: Tables, labels: list[tuple[bytes, bytes, int]], after: int, most: int
) -> list[Item]:
    frames: list[Item] = []
    for conversation, account, day in labels:
        if len(frames) >= most:
            break
        row = tables.groups.find(conversation)
        while row is not None and len(frames) < most:
            left = most - len(frames)
            some = tables.timeline.label_items(row.key, account, day, after, left)
            if not some:
                break
            # A run of what is no message must not make the answer look like the last one.
            after = some[-1].sequence
            frames += [stored_frame(conversation, item) for item in some if item.kind == MESSAGE]
        after = 0
    return frames
