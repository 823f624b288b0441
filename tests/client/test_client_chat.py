"""People talk over the real server: two, ten, coming, going, with files (spec G)."""

import asyncio
from pathlib import Path

import pytest
from client_world import World, next_event, texts, world_at

from doublelock.client import watch
from doublelock.client.client import Client
from doublelock.client.events import Joined, Left, Membership, Message, Whispering
from doublelock.client.invite import decode_invite
from doublelock.protocol.api import CONTENT_TYPE, SetTimer, encode_body
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import (
    EnvelopeRefused,
    GroupRefused,
    KeyLogRefused,
    Malformed,
    Refusal,
)
from doublelock.protocol.group_rules import AddPolicy
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import Text, Timer, Typing, decode_record


async def people(world: World, *handles: str) -> list[Client]:
    monitor = world.monitor()
    await monitor.start()
    return [await world.person(handle, monitor=monitor) for handle in handles]


async def joined(conversation: ConversationId, *clients: Client) -> None:
    for client in clients:
        assert (await next_event(client, Joined)).conversation == conversation


async def test_two_people_chat(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        chat = await ann.create_conversation(["bob"], direct=True)
        event = await next_event(bob, Joined)
        assert (event.conversation, event.by) == (chat, ann.account)
        sequence = await ann.send(chat, Text(b"hello \x00\xff"))
        message = await next_event(bob, Message)
        assert message.record == Text(b"hello \x00\xff")
        assert (message.account, message.sequence) == (ann.account, sequence)
        await bob.send(chat, Text(b"hello yourself"))
        await ann.reached(chat, sequence + 1)
        assert texts(ann, chat) == texts(bob, chat) == [b"hello \x00\xff", b"hello yourself"]
        assert await ann.safety_code("bob") == await bob.safety_code("ann")
        with pytest.raises(KeyLogRefused, match="unknown-account"):
            await ann.create_conversation(["nobody"])


async def test_without_escrow_messages_carry_no_capsule(tmp_path: Path) -> None:
    async with world_at(tmp_path, escrow=False) as world:
        ann, bob = await people(world, "ann", "bob")
        chat = await ann.create_conversation(["bob"])
        await joined(chat, bob)
        await ann.send(chat, Text(b"plain"))
        assert (await next_event(bob, Message)).record == Text(b"plain")


async def test_ten_talk_at_once_and_see_one_order(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        crowd = await people(world, *(f"p{number}" for number in range(10)))
        chat = await crowd[0].create_conversation([one.handle for one in crowd[1:]])
        await joined(chat, *crowd[1:])
        sends = [
            one.send(chat, Text(f"{one.handle} {number}".encode()))
            for number in range(3)
            for one in crowd
        ]
        last = max(await asyncio.gather(*sends))
        for one in crowd:
            await one.reached(chat, last)
        expected = texts(crowd[0], chat)
        assert len(expected) == 30
        assert all(texts(one, chat) == expected for one in crowd)


async def test_one_who_does_not_decrypt_follows_and_sends(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await people(world, "ann", "bob")
        mute = await world.person("mute", decrypt=False)
        chat = await ann.create_conversation(["bob", "mute"])
        await joined(chat, bob, mute)
        await ann.send(chat, Text(b"one"))
        await ann.renew(chat)
        last = await mute.send(chat, Text(b"two"))
        await bob.reached(chat, last)
        assert texts(bob, chat) == [b"one", b"two"]
        assert texts(mute, chat) == [b"two"]


async def test_add_remove_and_what_each_can_read(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, cid = await people(world, "ann", "bob", "cid")
        chat = await ann.create_conversation(["bob"])
        await joined(chat, bob)
        await ann.send(chat, Text(b"before"))
        with pytest.raises(GroupRefused, match="not-allowed"):
            await bob.add(chat, ["cid"])
        await ann.add(chat, ["cid"])
        await joined(chat, cid)
        assert (await next_event(bob, Membership)).added == (cid.account,)
        await ann.send(chat, Text(b"between"))
        await ann.remove(chat, ["cid"])
        assert (await next_event(cid, Left)).by == ann.account
        last = await ann.send(chat, Text(b"after"))
        await bob.reached(chat, last)
        assert texts(bob, chat) == [b"before", b"between", b"after"]
        assert texts(cid, chat) == [b"between"]
        with pytest.raises(GroupRefused, match="not-a-member"):
            await cid.remove(chat, ["ann"])
        await ann.add(chat, ["cid"])
        await joined(chat, cid)
        assert chat in cid.conversations()


async def test_a_member_leaves_by_its_own_wish(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, cid = await people(world, "ann", "bob", "cid")
        chat = await ann.create_conversation(["bob", "cid"])
        await joined(chat, bob, cid)
        with pytest.raises(GroupRefused, match="not-allowed"):
            await ann.leave(chat)
        await bob.leave(chat)
        await next_event(bob, Left)
        last = await ann.send(chat, Text(b"without bob"))
        await cid.reached(chat, last)
        assert {leaf.account for leaf in cid.members(chat)} == {ann.account, cid.account}


async def test_a_role_ends_with_membership(tmp_path: Path) -> None:
    """An admin who leaves or is removed is none any more, and none when added again."""
    async with world_at(tmp_path) as world:
        ann, bob, cid = await people(world, "ann", "bob", "cid")
        chat = await ann.create_conversation(["bob", "cid"])
        await joined(chat, bob, cid)
        await ann.set_admins(chat, ["ann", "bob", "cid"])
        await cid.reached(chat, ann.sequence(chat))
        await cid.leave(chat)
        await next_event(cid, Left)
        async with asyncio.timeout(20):
            while len(ann.members(chat)) > 2:  # noqa: ASYNC110 - the leaver's wish is committed
                await asyncio.sleep(0.01)
        assert set(ann.admins(chat)) == {ann.account, bob.account}
        await ann.remove(chat, ["bob"])
        assert ann.admins(chat) == (ann.account,)
        await ann.add(chat, ["bob"])
        assert ann.admins(chat) == (ann.account,)


async def test_commits_at_once_rebase(tmp_path: Path) -> None:
    """The first commit of an epoch wins; the losers take it and make theirs on top."""
    async with world_at(tmp_path) as world:
        crowd = await people(world, "ann", "bob", "cid", "dan", "eve", "fay")
        ann, bob, cid = crowd[:3]
        chat = await ann.create_conversation(["bob", "cid"], add_policy=AddPolicy.MEMBERS)
        await joined(chat, bob, cid)
        await asyncio.gather(
            ann.add(chat, ["dan"]),
            bob.add(chat, ["eve"]),
            cid.add(chat, ["fay"]),
            bob.send(chat, Text(b"meanwhile")),
        )
        await joined(chat, *crowd[3:])
        last = await ann.send(chat, Text(b"all six"))
        for one in crowd:
            await one.reached(chat, last)
            assert len(one.members(chat)) == 6
            assert texts(one, chat)[-1] == b"all six"


async def test_the_next_day_seals_anew(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await people(world, "ann", "bob")
        chat = await ann.create_conversation(["bob"])
        await joined(chat, bob)
        await ann.send(chat, Text(b"monday"))
        world.clock.now += 86_400_000
        await ann.send(chat, Text(b"tuesday"))
        shown = [(await next_event(bob, Message)).sequence for _ in range(2)]
        days = [item.day for item in bob.history(chat) if item.sequence in shown]
        assert days[1] == days[0] + 1


async def test_typing_is_whispered_and_kept_nowhere(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await people(world, "ann", "bob")
        chat = await ann.create_conversation(["bob"])
        await joined(chat, bob)
        ann.whisper(chat, Typing(True))
        assert (await next_event(bob, Whispering)).record == Typing(True)
        last = await ann.send(chat, Text(b"typed"))
        await bob.reached(chat, last)
        assert texts(bob, chat) == [b"typed"]


async def test_attachment_goes_around_and_damage_is_refused(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await people(world, "ann", "bob")
        chat = await ann.create_conversation(["bob"])
        await joined(chat, bob)
        file = tmp_path / "picture"
        file.write_bytes(bytes(range(256)) * 1000)
        record = await ann.attachments.upload(file, media_type=b"image/png")
        await ann.send(chat, record)
        got = (await next_event(bob, Message)).record
        assert got == record
        copy = tmp_path / "copy"
        part = tmp_path / f".{record.blob.hex()[:32]}.part"
        part.write_bytes(b"")
        (tmp_path / "copy.part").write_bytes(b"somebody else's")
        await bob.attachments.download(record, copy)
        assert copy.read_bytes() == file.read_bytes()
        assert (
            await bob.attachments.read(record, 70_000, 70_010) == file.read_bytes()[70_000:70_010]
        )
        assert (tmp_path / "copy.part").read_bytes() == b"somebody else's"
        part.write_bytes(b"x" * 100)
        with pytest.raises(EnvelopeRefused, match=Code.ATTACHMENT_DAMAGED):
            await bob.attachments.download(record, tmp_path / "bad")
        assert not (tmp_path / "bad").exists()


async def test_invites_are_text_and_serve_once(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann = await world.person("ann")
        invite = ann.invite(world.clock.now + 1000)
        assert decode_invite(invite.encode()) == invite
        bob = await world.person("bob", invite=invite)
        assert bob.monitor.key_log.account(bob.account).inviter == ann.account
        with pytest.raises(Exception, match="invitation-used"):
            await world.person("eve", invite=invite)
        for text in ("", "http://x", invite.encode()[:-9], "ftp://x/#AA"):
            with pytest.raises(Malformed):
                decode_invite(text)


async def test_a_timer_deletes_on_both_sides_what_comes_behind_it(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await people(world, "ann", "bob")
        chat = await ann.create_conversation(["bob"])
        await joined(chat, bob)
        kept = await ann.send(chat, Text(b"stays"))
        await ann.set_timer(chat, 60)
        await ann.send(chat, Text(b"goes"))
        off = await ann.set_timer(chat, 0)
        last = await bob.send(chat, Text(b"stays too"))
        await ann.reached(chat, last)
        await bob.reached(chat, off)
        assert len(ann.history(chat)) == len(bob.history(chat)) == 5
        world.clock.now += 60_000
        for one in (ann, bob):
            assert [item.sequence for item in one.history(chat)] == [kept, kept + 1, last]
            assert one.timer(chat) == 0


async def test_retention_deletes_when_connecting_and_while_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The charter's 92 days, by the deployment's clock; what is a day younger stays (G-15)."""
    monkeypatch.setattr(watch, "_WATCH_S", 0.05)
    day_ms = 86_400_000
    async with world_at(tmp_path) as world:
        ann, bob = await people(world, "ann", "bob")
        chat = await ann.create_conversation(["bob"])
        await joined(chat, bob)
        await ann.send(chat, Text(b"first"))
        world.clock.now += day_ms
        last = await ann.send(chat, Text(b"a day later"))
        await bob.reached(chat, last)
        bob = await world.reopen(bob, connect=False)
        world.clock.now += 91 * day_ms
        assert len(ann.history(chat)) == 2, "not over, by a hair"
        world.clock.now += 1
        async with asyncio.timeout(20):
            while len(ann._core.vault.history(chat)) == 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert len(bob._core.vault.history(chat)) == 2
        await bob.connect()
        for one in (ann, bob):
            kept = [decode_record(item.record) for item in one._core.vault.history(chat)]
            assert kept == [Text(b"a day later")]


async def test_who_is_alone_leaves_at_once(tmp_path: Path) -> None:
    """Also after asking in vain: the others had left meanwhile."""
    async with world_at(tmp_path, escrow=False) as world:
        ann = await world.person("ann")
        first, second = [await ann.create_conversation([]) for _ in range(2)]
        await ann.leave(first)
        await ann._session.conversations.leave(ann._core.room(second))
        assert ann.conversations() == [second]
        await ann.leave(second)
        assert ann.conversations() == []
        ann = await world.reopen(ann)
        await ann.settled(0.05)
        assert ann.conversations() == []


async def test_no_days_of_retention_are_no_limit(tmp_path: Path) -> None:
    async with world_at(tmp_path, escrow=False) as world:
        ann = await world.person("ann")
        chat = await ann.create_conversation([])
        await ann.send(chat, Text(b"for good"))
        world.clock.now += 4_000 * 86_400_000
        assert texts(ann, chat) == [b"for good"]


async def test_only_admins_set_a_groups_timer(tmp_path: Path) -> None:
    """Spec G-14: a member is refused, and its record, sent by a changed client, has no effect."""
    async with world_at(tmp_path) as world:
        ann, bob, cid = await people(world, "ann", "bob", "cid")
        chat = await ann.create_conversation(["bob", "cid"])
        await joined(chat, bob, cid)
        with pytest.raises(GroupRefused, match="not-allowed"):
            await bob.set_timer(chat, 60)
        body = encode_body(SetTimer(timer_ms=60_000))
        path = f"/v1/conversations/{chat.hex()}/timer"
        with pytest.raises(Refusal, match="not-allowed"):
            await bob._core.http.send("PUT", path, body, kind=CONTENT_TYPE)
        at = await bob.send(chat, Timer(60))
        for one in (ann, cid):
            await one.reached(chat, at)
        assert [one.timer(chat) for one in (ann, bob, cid)] == [0, 0, 0]
        assert world.server is not None
        kept = await world.server.parts.conversations.get(chat)
        assert kept is not None
        assert kept.timer_ms == 0
        at = await ann.set_timer(chat, 30)
        for one in (bob, cid):
            await one.reached(chat, at)
        assert [one.timer(chat) for one in (ann, bob, cid)] == [30, 30, 30]


async def test_either_person_sets_a_direct_conversations_timer(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await people(world, "ann", "bob")
        chat = await ann.create_conversation(["bob"], direct=True)
        await joined(chat, bob)
        at = await bob.set_timer(chat, 60)
        await ann.reached(chat, at)
        assert [one.timer(chat) for one in (ann, bob)] == [60, 60]
