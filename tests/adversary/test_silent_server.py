"""A server that answers nothing, or refuses ceremonies, keeps no share alive (K-20)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from law_path import be_seen
from small_world import MONTH, law_of, running, small_world

from doublelock.holder import desk
from doublelock.protocol.api import LawDocument, LawDocuments, encode_body
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, last_day
from doublelock.protocol.errors import Refusal, WireRefused
from doublelock.transport.http import HttpClient

AFTER = last_day(MONTH) + 92


async def silent(*_: object, **__: object) -> bytes:
    raise WireRefused(Code.SERVER_UNREACHABLE, "silent")


async def rubbish(*_: object, **__: object) -> bytes:
    return b"\xc1 no answer"


async def endless(*_: object, **__: object) -> bytes:
    return await asyncio.Future()


@pytest.mark.parametrize("answer", [silent, rubbish, endless])
async def test_shares_die_whatever_the_server_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Callable[..., Awaitable[bytes]]
) -> None:
    async with running(await small_world(tmp_path)) as world:
        with monkeypatch.context() as patch:
            patch.setattr(desk, "_PATIENCE_S", 0.05)
            patch.setattr(HttpClient, "get", answer)
            patch.setattr(HttpClient, "send", answer)
            for day, kept in ((AFTER + 2, True), (AFTER + 3, False)):
                world.clock.advance_to(day * DAY_MS + DAY_MS // 2)
                for holder in world.holders:
                    with pytest.raises(Refusal):
                        await holder.step(world.clock())
                    assert (MONTH in holder.vault.key_epochs()) is kept
                    assert MONTH + 1 in holder.vault.key_epochs()
        await be_seen(world)
        assert [look.destroyed for look in await world.look()] == [[MONTH]] * 4
        await be_seen(world)
        await world.look()
        assert law_of(world).epochs[1, MONTH].destroyed == {0, 1, 2, 3}


async def test_a_refused_ceremony_stops_no_destruction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(await small_world(tmp_path)) as world:
        holder = world.holders[0]

        async def refused(*_: object) -> bool:
            raise WireRefused(Code.CEREMONY_OPENINGS, "a month")

        monkeypatch.setattr(holder.ceremonies, "step", refused)
        world.clock.advance_to((AFTER + 2) * DAY_MS + DAY_MS // 2)
        await be_seen(world)
        with pytest.raises(WireRefused) as refusal:
            await holder.step(world.clock())
        assert refusal.value.code is Code.CEREMONY_OPENINGS
        assert MONTH not in holder.vault.key_epochs()


async def test_documents_that_come_again_and_again_hold_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = LawDocument(
        number=1,
        case=bytes(32),
        kind="entry",
        author=bytes(32),
        time_ms=0,
        log_index=-1,
        document=b"",
    )
    pages = [LawDocuments(documents=(one,))] * 2

    async def again(*_: object, **__: object) -> bytes:
        return encode_body(pages.pop() if pages else LawDocuments(documents=()))

    async with running(await small_world(tmp_path)) as world:
        http = world.holders[0].http
        monkeypatch.setattr(http, "get", again)
        reader = desk.DeskReader(http)
        with pytest.raises(WireRefused) as refusal:
            await reader.news()
        assert refusal.value.code is Code.SERVER_ANSWER
        # What came before the failure is not lost: it comes again.
        pages.append(LawDocuments(documents=(one,)))
        assert await reader.news() == [one]
