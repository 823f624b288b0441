"""Ordering of handshakes, trees, key packages, timers, retention, blobs (W-19, W-32 to W-35)."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from server_world import World

from doublelock.protocol.api import (
    CONTENT_TYPE,
    Blob,
    ClaimedKeyPackages,
    ClaimKeyPackages,
    ConversationState,
    DeviceName,
    KeyPackageCount,
    PostCommit,
    PostedCommit,
    PublishKeyPackages,
    SetTimer,
    StartBlob,
    encode_body,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import WireRefused
from doublelock.protocol.frames import ERASED, MESSAGE, Accepted, Changed, Cursor, Item


async def test_the_first_commit_of_an_epoch_wins_and_the_other_is_told_to_rebase(
    world: World,
) -> None:
    async with world.serve() as server:
        anna, bert = await world.join(server, "anna"), await world.join(server, "bert")
        conversation = await anna.create()
        await anna.add(conversation, bert)
        path = f"/v1/conversations/{conversation.hex()}/commits"

        async def renew(device: object) -> PostedCommit:
            assert device in (anna, bert)
            who = anna if device is anna else bert
            pending = who.groups[conversation].commit(now=world.clock.now // 1000)
            body = PostCommit(commit=pending.message, group_info=pending.group_info)
            return await who.http.ask("POST", path, body, PostedCommit)

        outcomes = await asyncio.gather(renew(anna), renew(bert), return_exceptions=True)
        won = [one for one in outcomes if isinstance(one, PostedCommit)]
        lost = [one for one in outcomes if isinstance(one, WireRefused)]
        assert (len(won), len(lost)) == (1, 1)
        assert won[0].epoch == 2
        assert lost[0].code is Code.EPOCH_SUPERSEDED


async def test_commits_of_others_and_strangers_are_refused(world: World) -> None:
    async with world.serve() as server:
        anna, bert = await world.join(server, "anna"), await world.join(server, "bert")
        carl = await world.join(server, "carl")
        conversation = await anna.create()
        await anna.add(conversation, bert)
        path = f"/v1/conversations/{conversation.hex()}/commits"
        pending = anna.groups[conversation].commit(now=world.clock.now // 1000)
        body = PostCommit(commit=pending.message, group_info=pending.group_info)
        with pytest.raises(WireRefused) as refusal:
            await bert.http.ask("POST", path, body, PostedCommit)
        assert refusal.value.code is Code.SENDER_MISMATCH
        with pytest.raises(WireRefused) as refusal:
            await carl.http.ask("POST", path, body, PostedCommit)
        assert refusal.value.code is Code.NOT_A_MEMBER
        broken = bytearray(pending.message)
        broken[-1] ^= 1
        broken[len(broken) // 2] ^= 1
        with pytest.raises(WireRefused) as refusal:
            await anna.http.ask("POST", path, PostCommit(commit=bytes(broken)), PostedCommit)
        assert refusal.value.code is Code.COMMIT_INVALID
        done = await anna.http.ask("POST", path, body, PostedCommit)
        assert done.epoch == 2


async def test_a_restarted_server_goes_on_with_the_group(world: World) -> None:
    async with world.serve() as server:
        anna, bert = await world.join(server, "anna"), await world.join(server, "bert")
        conversation = await anna.create()
    async with world.serve() as server:
        anna.reach(server)
        bert.reach(server)
        await anna.add(conversation, bert)
        tree = await bert.http.get(f"/v1/conversations/{conversation.hex()}/tree")
        assert tree == anna.groups[conversation].ratchet_tree()
        info = await bert.http.get(f"/v1/conversations/{conversation.hex()}/group-info")
        assert info
        state = await bert.http.ask(
            "GET", f"/v1/conversations/{conversation.hex()}", None, ConversationState
        )
        assert {one.device for one in state.members} == {anna.device, bert.device}


async def test_key_packages_are_ones_own_and_given_out_once(world: World) -> None:
    async with world.serve() as server:
        anna, bert = await world.join(server, "anna"), await world.join(server, "bert")
        packages = [bert.mls.generate_key_package(world.clock.now // 1000) for _ in range(2)]
        body = PublishKeyPackages(packages=tuple(one.message for one in packages))
        with pytest.raises(WireRefused) as refusal:
            await anna.http.ask("POST", "/v1/key-packages", body, KeyPackageCount)
        assert refusal.value.code is Code.SENDER_MISMATCH
        published = await bert.http.ask("POST", "/v1/key-packages", body, KeyPackageCount)
        assert published.left == 2
        names = (DeviceName(account=bert.account, device=bert.device),) * 3
        claimed = await anna.http.ask(
            "POST", "/v1/key-packages/claim", ClaimKeyPackages(devices=names), ClaimedKeyPackages
        )
        assert claimed.packages == (packages[0].message, packages[1].message, b"")


async def test_a_timer_erases_and_the_receipt_chain_stays(world: World) -> None:
    async with world.serve() as server:
        anna = await world.join(server, "anna")
        conversation = await anna.create()
        line = await anna.connect()
        send = anna.envelope(conversation, b"gone in a minute")
        assert isinstance(await line.ask(send), Accepted)
        await anna.http.send(
            "PUT",
            f"/v1/conversations/{conversation.hex()}/timer",
            encode_body(SetTimer(timer_ms=60_000)),
            kind=CONTENT_TYPE,
        )
        assert (await line.next(Changed)).timer_ms == 60_000
        assert await server.parts.sweeper.sweep() == 0
        world.clock.now += 61_000
        assert isinstance(await line.ask(anna.envelope(conversation, b"stays")), Accepted)
        assert await server.parts.sweeper.sweep() == 1
        first, second = await (await anna.connect(Cursor(conversation, 0))).items(2)
        assert first.kind == ERASED
        assert first.body == hashlib.sha256(send.body).digest()
        assert first.header == hashlib.sha256(send.header).digest()
        assert second.kind == MESSAGE
        assert isinstance(second, Item)


async def test_retention_erases_every_conversation(world: World) -> None:
    async with world.serve() as server:
        anna = await world.join(server, "anna")
        conversation = await anna.create()
        line = await anna.connect()
        for _ in range(3):
            await line.ask(anna.envelope(conversation))
        world.clock.now += 31 * 86_400_000
        assert await server.parts.sweeper.sweep() == 3


async def test_no_days_of_retention_are_no_limit(tmp_path: Path) -> None:
    world = World(tmp_path, retention_days=0)
    async with world.serve() as server:
        anna = await world.join(server, "anna")
        line = await anna.connect()
        await line.ask(anna.envelope(await anna.create()))
        world.clock.now += 400 * 86_400_000
        assert await server.parts.sweeper.sweep() == 0


async def test_a_blob_is_uploaded_in_pieces_resumed_and_read_in_ranges(world: World) -> None:
    data = bytes(range(256)) * 2000
    async with world.serve() as server:
        anna, bert = await world.join(server, "anna"), await world.join(server, "bert")
        start = StartBlob(size=len(data), digest=hashlib.sha256(data).digest())
        blob = await anna.http.ask("POST", "/v1/blobs", start, Blob)
        path = f"/v1/blobs/{blob.blob.hex()}"
        await anna.http.send("PATCH", path, data[:200_000], parameters={"offset": 0})
        with pytest.raises(WireRefused) as refusal:
            await anna.http.send("PATCH", path, data[:9], parameters={"offset": 0})
        assert refusal.value.code is Code.BLOB_OFFSET
        with pytest.raises(WireRefused) as refusal:
            await bert.http.get(path)
        assert refusal.value.code is Code.NOT_FOUND
    async with world.serve() as server:
        anna.reach(server)
        bert.reach(server)
        there = int((await anna.http.head(path))["x-received"])
        assert there == 200_000
        await anna.http.send("PATCH", path, data[there:], parameters={"offset": there})
        assert await bert.http.get(path) == data
        assert await bert.http.get(path, span=(1000, 1999)) == data[1000:2000]
        assert await bert.http.get(path, span=(len(data) - 5, len(data) + 99)) == data[-5:]


async def test_a_blob_that_differs_from_its_digest_is_never_there(world: World) -> None:
    async with world.serve() as server:
        anna = await world.join(server, "anna")
        blob = await anna.http.ask("POST", "/v1/blobs", StartBlob(size=3, digest=bytes(32)), Blob)
        path = f"/v1/blobs/{blob.blob.hex()}"
        with pytest.raises(WireRefused) as refusal:
            await anna.http.send("PATCH", path, b"abc", parameters={"offset": 0})
        assert refusal.value.code is Code.BLOB_DIGEST
        with pytest.raises(WireRefused) as refusal:
            await anna.http.send("PATCH", path, b"abcd", parameters={"offset": 0})
        assert refusal.value.code is Code.SIZE
        with pytest.raises(WireRefused) as refusal:
            await anna.http.get(path)
        assert refusal.value.code is Code.NOT_FOUND
