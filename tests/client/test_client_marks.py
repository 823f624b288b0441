"""Names, pictures and marks over the real server (spec V-16 to V-19)."""

from pathlib import Path

import pytest
from client_world import World, next_event, world_at

from doublelock.client import marks
from doublelock.client.client import Client
from doublelock.client.events import Joined, Message, Whispering
from doublelock.protocol.identifiers import AccountId, ConversationId
from doublelock.protocol.record import AnyRecord, DeliveryMark, Details, Media, ReadMark, Text


async def people(world: World, *handles: str) -> list[Client]:
    monitor = world.monitor()
    await monitor.start()
    return [await world.person(handle, monitor=monitor) for handle in handles]


async def mark(client: Client, record: AnyRecord) -> AccountId:
    """Wait for a mark, passing over others, and return whose it is."""
    while True:
        whisper = await next_event(client, Whispering)
        if whisper.record == record:
            return whisper.account


async def test_admins_name_a_conversation_and_newcomers_hear_of_it(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, cid = await people(world, "ann", "bob", "cid")
        chat = await ann.create_conversation(["bob"])
        await next_event(bob, Joined)
        assert bob.details(chat) is None
        first, second = Details(b"Harbour", b"p" * 99), Details(b"Harbour watch", b"")
        await ann.send(chat, first)
        last = await ann.send(chat, second)
        await bob.reached(chat, last)
        assert ann.details(chat) == bob.details(chat) == second
        last = await bob.send(chat, Details(b"Bob's own", b""))  # he is no admin
        await ann.reached(chat, last)
        assert ann.details(chat) == bob.details(chat) == second
        await ann.add(chat, ["cid"])
        assert (await next_event(cid, Message)).record == second
        assert cid.details(chat) == second
        await ann.set_admins(chat, ["ann", "bob"])
        await ann.send(chat, Text(b"bob may now"))
        await bob.reached(chat, ann.sequence(chat))
        last = await bob.send(chat, first)
        await ann.reached(chat, last)
        assert ann.details(chat) == first


async def test_media_is_read_as_an_attachment(tmp_path: Path) -> None:
    source, target = tmp_path / "boat.jpg", tmp_path / "copy.jpg"
    source.write_bytes(b"not much of a picture" * 5_000)
    async with world_at(tmp_path / "world") as world:
        ann, bob = await people(world, "ann", "bob")
        chat = await ann.create_conversation(["bob"])
        file = await ann.attachments.upload(source, media_type=b"image/jpeg")
        picture = Media(
            file.blob,
            file.key,
            file.size,
            file.digest,
            file.name,
            file.media_type,
            b"at noon",
            640,
            480,
            0,
            b"t" * 2_000,
        )
        await ann.send(chat, picture)
        record = (await next_event(bob, Message)).record
        assert record == picture
        assert isinstance(record, Media)
        await bob.attachments.download(record, target)
        assert target.read_bytes() == source.read_bytes()


async def test_marks_go_out_when_turned_on_and_reach_who_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "_MOVED_S", 0.01)
    monkeypatch.setattr(marks, "_ANSWER_S", 0.01)
    async with world_at(tmp_path) as world:
        ann, bob, cid = await people(world, "ann", "bob", "cid")
        chat = await ann.create_conversation(["bob", "cid"])
        for one in (bob, cid):
            await next_event(one, Joined)
        bob.marks.delivery = bob.marks.reading = True
        sequence = await ann.send(chat, Text(b"hello"))
        assert await mark(ann, DeliveryMark(sequence, False)) == bob.account
        bob.mark_read(chat, sequence)
        assert await mark(ann, ReadMark(sequence)) == bob.account
        bob.mark_read(chat, sequence - 1)  # nobody has read less than before
        assert bob.marks.read_through(chat) == sequence
        ann = await again(world, ann, chat)
        assert await mark(ann, DeliveryMark(sequence, False)) == bob.account
        assert await mark(ann, ReadMark(sequence)) == bob.account
        # Cid gives no marks, whatever he has and whoever asks.
        cid.mark_read(chat, sequence)
        assert {one.account for one in ann.pending_events() if isinstance(one, Whispering)} <= {
            bob.account
        }


async def again(world: World, client: Client, chat: ConversationId) -> Client:
    """Close a client and open it again, with its delivery marks on."""
    world.clients.remove(client)
    await client.close()
    place = world.folder / client.handle
    other = await Client.open(place, world.key_file, clock=world.clock, monitor=client.monitor)
    world.clients.append(other)
    other.marks.delivery = True
    await other.connect()
    await other.reached(chat, 1)
    return other


async def test_too_many_are_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "_ASKING", 1)
    monkeypatch.setattr(marks, "_MOVED_S", 0.01)
    async with world_at(tmp_path) as world:
        ann, bob = await people(world, "ann", "bob")
        chat = await ann.create_conversation(["bob"])
        await next_event(bob, Joined)
        ann = await again(world, ann, chat)
        sequence = await bob.send(chat, Text(b"hello"))
        assert await mark(bob, DeliveryMark(sequence, False)) == ann.account
