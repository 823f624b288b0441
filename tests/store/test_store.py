"""Every store keeps the same promises (SQLite is the one store so far)."""

import asyncio
import contextlib
import hashlib
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import WireRefused
from doublelock.store.interface import Store, Tables
from doublelock.store.rows import (
    CeremonyRow,
    ItemRow,
    LabelDay,
    MemberRow,
    NewConversation,
    StoredItem,
)
from doublelock.store.sqlite import SqliteStore
from doublelock.store.statements import read_statements

DEPLOYMENT = b"D" * 32
OpenStore = Callable[[Path], Store]


@pytest.fixture(params=["sqlite"])
def open_store(request: pytest.FixtureRequest) -> OpenStore:
    assert request.param == "sqlite"
    return lambda folder: SqliteStore(folder / "server.db", DEPLOYMENT)


def item(conversation: int, sequence: int, time_ms: int = 1000, body: bytes = b"body") -> ItemRow:
    return ItemRow(
        conversation,
        sequence,
        time_ms,
        b"A" * 32,
        b"d" * 16,
        1,
        bytes(34) + sequence.to_bytes(16, "big") + b"rest",
        body,
        b"mls",
        b"p" * 32,
        0,
        b"",
    )


def all_files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def create(tables: Tables, name: bytes = b"C" * 32) -> int:
    key = tables.groups.create(NewConversation(name, b"d" * 16, b"r" * 32, 1))
    assert key is not None
    return key


async def test_what_was_written_is_there_after_reopening(
    open_store: OpenStore, tmp_path: Path
) -> None:
    store = open_store(tmp_path)

    def change(tables: Tables) -> int:
        key = create(tables)
        tables.groups.change_members(key, [MemberRow(b"A" * 32, b"d" * 16)], [])
        tables.timeline.put_batch(
            [item(key, 1), item(key, 2)], b"s" * 64, [LabelDay(key, 7, b"A" * 32, 1)]
        )
        return key

    key = await store.write(change)
    await store.close()
    store = open_store(tmp_path)
    items = await store.read(lambda tables: tables.timeline.after(key, 0, 10, 10**6, 10))
    assert [one.sequence for one in items] == [1, 2]
    assert items[0].size == 2
    assert items[0].signature == b"s" * 64
    (row,) = await store.read(lambda tables: tables.groups.of_device(b"d" * 16))
    assert row.key == key
    await store.close()


async def test_a_change_that_fails_is_undone_alone(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store(tmp_path)

    def fail(tables: Tables) -> None:
        create(tables, b"F" * 32)
        raise WireRefused(Code.CONFLICT)

    outcomes = await asyncio.gather(
        store.write(lambda tables: create(tables, b"1" * 32)),
        store.write(fail),
        store.write(lambda tables: create(tables, b"2" * 32)),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], WireRefused)
    names = [row.conversation for row in await store.read(lambda tables: tables.groups.all())]
    assert names == [b"1" * 32, b"2" * 32]
    await store.close()


async def test_a_sequence_is_given_once(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    key = await store.write(create)
    await store.write(lambda tables: tables.timeline.put_batch([item(key, 1)], b"s" * 64, []))
    with pytest.raises(sqlite3.IntegrityError):
        await store.write(lambda tables: tables.timeline.put_batch([item(key, 1)], b"s" * 64, []))
    await store.close()


async def test_erasing_leaves_hashes_and_no_byte_in_any_file(
    open_store: OpenStore, tmp_path: Path
) -> None:
    store = open_store(tmp_path)
    secret = b"what nobody shall find again"

    def change(tables: Tables) -> int:
        key = create(tables)
        tables.timeline.put_batch(
            [item(key, 1, 1000, secret), item(key, 2, 5000, b"later")], b"s" * 64, []
        )
        return key

    key = await store.write(change)
    assert await store.write(lambda tables: tables.timeline.erase(key, 3000, 100)) == 1
    assert await store.write(lambda tables: tables.timeline.erase(key, 3000, 100)) == 0
    await store.scrub()
    first, second = await store.read(lambda tables: tables.timeline.after(key, 0, 10, 10**6, 10))
    assert (first.kind, first.body) == (3, hashlib.sha256(secret).digest())
    assert (second.kind, second.body) == (1, b"later")
    await store.close()
    assert secret not in b"".join(path.read_bytes() for path in all_files(tmp_path))


async def test_a_key_package_is_given_out_once_and_the_last_resort_again(
    open_store: OpenStore, tmp_path: Path
) -> None:
    store = open_store(tmp_path)
    account, device = b"A" * 32, b"d" * 16

    def publish(tables: Tables) -> None:
        tables.devices.put_key_packages(account, device, [b"one", b"two"], b"last")

    def claim(tables: Tables) -> bytes:
        return tables.devices.claim_key_package(account, device)

    await store.write(publish)
    got = [await store.write(claim) for _ in range(4)]
    assert got == [b"one", b"two", b"last", b"last"]
    assert await store.write(lambda t: t.devices.claim_key_package(b"B" * 32, device)) == b""
    await store.close()


def label_items(tables: Tables, key: int, day: int) -> list[StoredItem]:
    return tables.timeline.label_items(key, b"A" * 32, day)


async def test_labels_find_a_senders_day(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store(tmp_path)

    def change(tables: Tables) -> int:
        key = create(tables)
        days = [LabelDay(key, 7, b"A" * 32, 1), LabelDay(key, 8, b"A" * 32, 3)]
        tables.timeline.put_batch([item(key, n) for n in (1, 2, 3)], b"s" * 64, days)
        tables.timeline.put_batch([item(key, 4)], b"s" * 64, [LabelDay(key, 8, b"A" * 32, 4)])
        return key

    key = await store.write(change)
    for day, sequences in ((6, []), (7, [1, 2]), (8, [3, 4])):
        found = await store.read(partial(label_items, key=key, day=day))
        assert [one.sequence for one in found] == sequences
    assert len(await store.read(lambda tables: tables.timeline.labels_of(b"A" * 32, 0, 9))) == 2
    await store.close()


async def test_another_deployments_file_and_a_damaged_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    await SqliteStore(path, DEPLOYMENT).close()
    with pytest.raises(WireRefused) as refusal:
        SqliteStore(path, b"E" * 32)
    assert refusal.value.code is Code.STORAGE
    data = bytearray(path.read_bytes())
    data[4096:8192] = bytes(4096)
    path.write_bytes(data)
    with pytest.raises(WireRefused):
        SqliteStore(path, DEPLOYMENT)


async def test_what_one_custodian_opened_lately_is_found_alone(
    open_store: OpenStore, tmp_path: Path
) -> None:
    store = open_store(tmp_path)
    rows = [
        CeremonyRow(bytes([number]) * 32, 1000 * number, b"opening", author)
        for number, author in enumerate([b"A" * 32, b"A" * 32, b"B" * 32, b"A" * 32], start=1)
    ]

    def put(tables: Tables) -> None:
        assert all(tables.law.put_ceremony(row) for row in rows)

    await store.write(put)
    found = await store.read(lambda tables: tables.law.opened_after(b"A" * 32, 1000))
    assert found == [rows[1], rows[3]]
    assert await store.read(lambda tables: tables.law.opened_after(b"A" * 32, 4000)) == []
    await store.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "server.db")) as database:
        plan = database.execute(
            "EXPLAIN QUERY PLAN " + read_statements("law")["opened_after"], (b"A" * 32, 1000)
        ).fetchall()
    assert [row[3].split()[0] for row in plan] == ["SEARCH"]
