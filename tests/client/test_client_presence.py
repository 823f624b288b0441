"""Who is here, and who is not heard, over the real server (spec V-20, V-21)."""

from pathlib import Path

import pytest
from client_world import World, next_event, world_at

from doublelock.client import marks, presence
from doublelock.client.client import Client
from doublelock.client.events import Joined, Message, Seen, Whispering
from doublelock.commands.chat_session import Chat
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import Media, Presence, ReadMark, Text, Typing


async def pair(world: World) -> tuple[Client, Client, ConversationId]:
    ann, bob = await world.person("ann"), await world.person("bob")
    chat = await ann.create_conversation(["bob"], direct=True)
    await next_event(bob, Joined)
    for one in (ann, bob):
        await one.settled(0.05)
        one.pending_events()
    return ann, bob, chat


async def test_two_who_wish_it_see_each_other_come_and_go(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, _ = await pair(world)
        for one in (ann, bob):
            one.presence.turn(True)
        assert ann.presence.of(bob.account) is None
        bob.presence.set_here(True)
        assert await next_event(ann, Seen) == Seen(bob.account, True, world.clock.now)
        # Who comes later hears of who is there already.
        ann.presence.set_here(True)
        assert await next_event(bob, Seen) == Seen(ann.account, True, world.clock.now)
        assert ann.presence.of(bob.account) == Seen(bob.account, True, world.clock.now)
        world.clock.now += 60_000
        bob.presence.set_here(False)
        away = Seen(bob.account, False, world.clock.now)
        assert await next_event(ann, Seen) == away
        # It is kept, and of no further use to who tells none.
        ann = await world.reopen(ann)
        assert ann.presence.on
        assert ann.presence.of(bob.account) == away
        ann.presence.turn(False)
        assert ann.presence.of(bob.account) is None
        ann = await world.reopen(ann)
        assert not ann.presence.on


async def test_the_end_of_a_connection_says_that_one_is_away(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, _ = await pair(world)
        for one in (ann, bob):
            one.presence.turn(True)
        bob.presence.set_here(True)
        assert (await next_event(ann, Seen)).here
        await world.reopen(bob, connect=False)
        assert not (await next_event(ann, Seen)).here


async def test_who_is_silent_for_five_minutes_counts_as_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "_AGAIN_S", 0.05)
    async with world_at(tmp_path) as world:
        ann, bob, chat = await pair(world)
        for one in (ann, bob):
            one.presence.turn(True)
        bob.presence.set_here(True)
        came = await next_event(ann, Seen)
        world.clock.now += 299_000
        while (seen := ann.presence.of(bob.account)) == came:
            await next_event(ann, Whispering)
        assert seen == Seen(bob.account, True, world.clock.now), "said again"
        bob.presence._rest()
        whisper = await ann.send(chat, Text(b"a round trip"))
        await bob.reached(chat, whisper)
        world.clock.now += 300_001
        seen = ann.presence.of(bob.account)
        assert seen is not None
        assert not seen.here


async def test_nothing_is_told_unasked_nor_in_groups(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, chat = await pair(world)
        group = await ann.create_conversation(["bob"])
        await next_event(bob, Joined)
        bob.presence.turn(True)
        ann.presence.set_here(True)  # off: nothing leaves
        ann.whisper(group, Presence(1))  # against the rule: nothing counts
        ann.whisper(chat, Typing(True))
        while True:
            whisper = await next_event(bob, Whispering)
            if whisper.conversation == chat:
                break
            assert whisper.conversation == group
        assert whisper.record == Typing(True)
        assert bob.presence.of(ann.account) is None
        # Who tells none sees none, whatever comes.
        bob.presence.set_here(True)
        last = await bob.send(chat, Text(b"here"))
        await ann.reached(chat, last)
        assert ann.presence.of(bob.account) is None


async def test_who_is_blocked_is_not_heard_and_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "_MOVED_S", 0.01)
    async with world_at(tmp_path) as world:
        ann, bob, chat = await pair(world)
        group = await ann.create_conversation(["bob"])
        await next_event(bob, Joined)
        ann.blocked.block(bob.account)
        for one in (ann, bob):
            one.presence.turn(True)
            one.presence.set_here(True)
            one.marks.reading = True
        ann = await world.reopen(ann)
        assert ann.blocked.accounts() == [bob.account]
        assert ann.is_hidden(chat)
        assert not ann.is_hidden(group)
        ann.presence.set_here(True)
        ann.marks.reading = True
        bob.whisper(chat, Typing(True))
        last = await bob.send(chat, Text(b"are you there?"))
        await ann.reached(chat, last)
        ann.mark_read(chat, last)
        ann.mark_read(group, 1)  # what both are in goes on as it was
        while (whisper := await next_event(bob, Whispering)).record != ReadMark(1):
            assert whisper.conversation == group
        assert not [one for one in bob.pending_events() if isinstance(one, Whispering | Seen)]
        assert bob.presence.of(ann.account) is None
        assert ann.presence.of(bob.account) is None
        assert not [one for one in ann.pending_events() if isinstance(one, Whispering)]
        # Heard again, with what was written in between.
        ann.blocked.unblock(bob.account)
        assert not ann.is_hidden(chat)
        assert len(ann.history(chat)) == 1
        last = await bob.send(chat, Text(b"again"))
        await ann.reached(chat, last)
        assert (await next_event(ann, Message)).record == Text(b"again")


async def test_whether_a_conversation_is_hidden_is_said_without_listing_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, chat = await pair(world)
        group = await ann.create_conversation(["bob"])
        await next_event(bob, Joined)
        ann.blocked.block(bob.account)
        shown = Chat(ann)
        with monkeypatch.context() as patched:
            patched.setattr(ann, "conversations", lambda: pytest.fail("listed them all"))
            assert shown.hides(chat)
            assert not shown.hides(group)
            assert not shown.hides(ConversationId(b"?" * 32))
        assert ann.is_member(chat)


async def test_a_blocked_one_cannot_ask_to_join(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, _ = await pair(world)
        group = await ann.create_conversation([])
        link = ann.links.make(group, b"")
        ann.blocked.block(bob.account)
        await bob.links.ask(link)
        chat = await bob.create_conversation(["ann"])  # mail behind it
        while (await next_event(ann, Joined)).conversation != chat:
            pass
        assert ann.links.requests() == []


async def test_a_file_answers_a_message(tmp_path: Path) -> None:
    source = tmp_path / "plan.txt"
    source.write_bytes(b"the plan")
    async with world_at(tmp_path / "world") as world:
        ann, bob, chat = await pair(world)
        await ann.send(chat, Text(b"what is the plan?"))
        asked = await next_event(bob, Message)
        record = await bob.attachments.upload(source, target=asked.message_id)
        await bob.send(chat, record)
        answer = await next_event(ann, Message)
        while answer.account != bob.account:
            answer = await next_event(ann, Message)
        assert answer.record == record
        assert isinstance(record, Media)
        assert record.target == asked.message_id
