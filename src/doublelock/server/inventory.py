"""What the server stores for a warrant: the signed inventory, and the envelopes themselves.

It lists exactly what the warrant's scope covers of one committee's accounts (spec R-24, W-37).
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Final, NamedTuple

from doublelock.protocol import jws
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.frames import MESSAGE, Item
from doublelock.protocol.header import Form, Header
from doublelock.protocol.identifiers import AccountId, ConversationId, DeploymentId
from doublelock.protocol.inventory import (
    InventoryHead,
    StoredEnvelope,
    hash_envelope,
    list_label,
    write_inventory,
)
from doublelock.protocol.label import Label
from doublelock.protocol.receipt import ReceiptFields
from doublelock.protocol.scope import InventoryRow, Scope
from doublelock.protocol.warrant import Warrant
from doublelock.server.conversations import describe_stored
from doublelock.server.item_frames import stored_frame
from doublelock.store.interface import Store, Tables
from doublelock.store.rows import StoredItem

Place = tuple[int, bytes, bytes, int]
"""The store's number of a conversation, its id, an account and a day."""
_AT_ONCE: Final = 256


class Inventories:
    """Answers for warrants out of the store; `receipt` gives the key that signs at a time."""

    def __init__(
        self, store: Store, deployment: DeploymentId, receipt: Callable[[int], SigningKey]
    ) -> None:
        self._store = store
        self._deployment = deployment
        self._receipt = receipt

    async def rows(self, warrant: Warrant) -> list[InventoryRow]:
        """Return every label of a warrant's committee that has something in its scope."""
        found: dict[InventoryRow, None] = {}
        async for place, items in read_places(self._store, warrant.scope):
            for key_epoch, _ in _sealed(items, warrant.terms.committee):
                found[_row(place, key_epoch)] = None
        return list(found)

    async def sign(self, warrant: Warrant, labels: Collection[Label], now_ms: int) -> bytes:
        """Return the signed inventory of some labels in a warrant's scope."""
        wanted = {
            InventoryRow(label.conversation, label.account, label.day, label.key_epoch)
            for label in labels
        }
        named: dict[InventoryRow, list[tuple[int, bytes]]] = {}
        conversations: dict[bytes, int] = {}
        async for place, items in read_places(self._store, warrant.scope):
            for key_epoch, envelope in _sealed(items, warrant.terms.committee):
                row = _row(place, key_epoch)
                if row in wanted:
                    name = hash_envelope(envelope)
                    named.setdefault(row, []).append((envelope.sequence, name))
                    conversations[place[1]] = place[0]
        rows = [list_label(row, envelopes) for row, envelopes in named.items()]
        heads = await self._store.read(lambda tables: self._heads(tables, conversations))
        payload = write_inventory(
            self._deployment, warrant.terms.committee, warrant.commitment, now_ms, rows, heads
        )
        key = self._receipt(now_ms)
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
    store: Store, scope: Scope, at_once: int = _AT_ONCE
) -> AsyncIterator[tuple[Place, list[StoredItem]]]:
    """Yield the items of every place that a scope covers, in order; a long place in pieces.

    However much one sender wrote on a day, no more than `at_once` items are held.
    """
    places = await store.read(lambda tables: _places(tables, scope))
    start = _Start(0, 0)
    while start.place < len(places):
        pieces, start = await store.read(
            partial(_read_on, places=places, start=start, at_once=at_once)
        )
        for piece in pieces:
            yield piece


def _places(tables: Tables, scope: Scope) -> list[Place]:
    """Return where the scope may have something, by sender or by conversation, each place once."""
    found: dict[Place, None] = {}
    for item in scope.items:
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
        if scope.covers(conversation.conversation, account, day):
            places.append((key, conversation.conversation, account, day))
    return places


class _Start(NamedTuple):
    """Where the next read begins: a place by its number, behind a sequence."""

    place: int
    after: int


def _read_on(
    tables: Tables, places: list[Place], start: _Start, at_once: int
) -> tuple[list[tuple[Place, list[StoredItem]]], _Start]:
    """Return the next pieces, `at_once` items and places at most, and where to go on."""
    pieces: list[tuple[Place, list[StoredItem]]] = []
    left = at_once
    at, after = start
    while at < len(places) and left > 0 and len(pieces) < at_once:
        place = places[at]
        items = tables.timeline.label_items(place[0], place[2], place[3], after, left)
        pieces.append((place, items))
        if len(items) == left:
            return pieces, _Start(at, items[-1].sequence)
        left -= len(items)
        at, after = at + 1, 0
    return pieces, _Start(at, after)


def _row(place: Place, key_epoch: int) -> InventoryRow:
    return InventoryRow(ConversationId(place[1]), AccountId(place[2]), place[3], key_epoch)


def _sealed(items: Iterable[StoredItem], committee: int) -> Iterator[tuple[int, StoredEnvelope]]:
    """Yield the sealed messages of a committee with their key epochs, in order."""
    for item in items:
        if item.kind != MESSAGE:
            continue
        header = Header.decode(item.header)
        if header.form is Form.SEALED and header.committee == committee:
            yield header.key_epoch, StoredEnvelope(item.sequence, item.header, item.body)


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
