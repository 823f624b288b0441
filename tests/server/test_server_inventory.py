"""What a warrant covers is read in pieces: however long a day was, little of it is held at once."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from doublelock.protocol.documents import Bytes32
from doublelock.protocol.scope import Scope, ScopeItem
from doublelock.server.inventory import read_places
from doublelock.store.interface import Tables
from doublelock.store.rows import ItemRow, LabelDay, NewConversation
from doublelock.store.sqlite import SqliteStore

T = TypeVar("T")
ALICE, BOB = b"A" * 32, b"B" * 32
ROOMS = (b"1" * 32, b"2" * 32)
DAY = 7


class CountingStore(SqliteStore):
    """A store that notes how many items each read brought into memory."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, b"D" * 32)
        self.held: list[int] = []

    async def read(self, query: Callable[[Tables], T]) -> T:
        def counted(tables: Tables) -> T:
            whole, count = tables.timeline.label_items, 0

            def label_items(*where: object) -> list[object]:
                nonlocal count
                found = whole(*where)  # type: ignore[arg-type]
                count += len(found)
                return list(found)

            tables.timeline.label_items = label_items  # type: ignore[assignment, method-assign]
            try:
                return query(tables)
            finally:
                del tables.timeline.label_items
                self.held.append(count)

        return await super().read(counted)


def fill(tables: Tables, room: bytes, senders: list[bytes]) -> None:
    """Write a day on which these people wrote in this order."""
    key = tables.groups.create(NewConversation(room, b"d" * 16, b"r" * 32, 1))
    assert key is not None
    items = [
        ItemRow(key, at, 1, sender, b"d" * 16, 1, b"head", b"body", b"mls", b"p" * 32, 0, b"")
        for at, sender in enumerate(senders, start=1)
    ]
    labels = [LabelDay(key, DAY, who, senders.index(who) + 1) for who in dict.fromkeys(senders)]
    tables.timeline.put_batch(items, b"s" * 64, labels)


async def test_a_long_day_is_read_in_pieces_and_whole(tmp_path: Path) -> None:
    store = CountingStore(tmp_path / "server.db")
    await store.write(lambda tables: fill(tables, ROOMS[0], [ALICE, BOB] * 10 + [ALICE] * 3))
    await store.write(lambda tables: fill(tables, ROOMS[1], [ALICE] * 4))
    await store.write(lambda tables: fill(tables, b"3" * 32, [BOB]))
    scope = Scope([ScopeItem((), (Bytes32(ROOMS[0]), Bytes32(ROOMS[1])), DAY, DAY)])
    for at_once in (1, 4, 5, 100):
        store.held.clear()
        found: dict[tuple[bytes, bytes], list[int]] = {}
        async for place, items in read_places(store, scope, at_once):
            found.setdefault((place[1], place[2]), []).extend(item.sequence for item in items)
        assert found == {
            (ROOMS[0], ALICE): [*range(1, 20, 2), 21, 22, 23],
            (ROOMS[0], BOB): [*range(2, 21, 2)],
            (ROOMS[1], ALICE): [1, 2, 3, 4],
        }
        assert max(store.held) <= at_once
    await store.close()
