"""People talk over the real server: two, ten, coming, going (spec G)."""

from pathlib import Path

from client_world import next_event, texts, world_at

from doublelock.client.events import Joined, Message
from doublelock.protocol.record import Text


async def test_two_people_chat(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        chat = await ann.create_conversation(["bob"], direct=True)
        joined = await next_event(bob, Joined)
        assert (joined.conversation, joined.by) == (chat, ann.account)
        sequence = await ann.send(chat, Text(b"hello \x00\xff"))
        message = await next_event(bob, Message)
        assert message.record == Text(b"hello \x00\xff")
        assert (message.account, message.sequence) == (ann.account, sequence)
        await bob.send(chat, Text(b"hello yourself"))
        await ann.reached(chat, sequence + 1)
        assert texts(ann, chat) == texts(bob, chat) == [b"hello \x00\xff", b"hello yourself"]
        assert await ann.safety_code("bob") == await bob.safety_code("ann")
