"""One label of many messages leaves the server in many answers, and arrives whole (W-37)."""

from dataclasses import replace
from pathlib import Path

import pytest
from law_path import take_through
from small_world import NOON, SMALL, small_world

from doublelock.demo.chatting import make_room
from doublelock.demo.clock import ReplayClock
from doublelock.demo.lawpath import name_room, open_desks
from doublelock.demo.world import World
from doublelock.protocol.days import day_of
from doublelock.protocol.frames import Item
from doublelock.protocol.record import Text
from doublelock.server.inventory import Inventories

TODAY = day_of(NOON)


async def test_a_label_comes_in_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[int] = []
    whole = Inventories.envelopes

    async def counted(
        self: Inventories, labels: list[tuple[bytes, bytes, int]], after: int, most: int
    ) -> list[Item]:
        found = await whole(self, labels, after, most)
        answers.append(len(found))
        return found

    monkeypatch.setattr(Inventories, "envelopes", counted)
    world = World.open(await small_world(tmp_path), ReplayClock(NOON + 60_000), SMALL)
    world.bounds = replace(world.bounds, envelopes=3)
    await world.start()
    try:
        world.open_holders()
        await world.look()
        await world.populate(("ann", "bob", "cy"), ("ann", "bob"))
        ann, bob = world.people["ann"], world.people["bob"]
        room = await make_room(world, ("ann", "bob"))
        words = [f"word {number}".encode() for number in range(7)]
        for word in words[:3]:
            await ann.send(room, Text(word))
        # Behind a whole page stand more of the sender's items than a page holds, none a message.
        for _ in range(2):
            await ann.add(room, ["cy"])
            await ann.remove(room, ["cy"])
        await bob.send(room, Text(b"between"))
        for word in words[3:]:
            await ann.send(room, Text(word))
        desks = open_desks(world)
        try:
            opening = await take_through(
                world, desks, name_room(room, TODAY, TODAY), "1", unnamed=2
            )
        finally:
            await desks.close()
        said = [one.message.body.record for one in opening.messages]
        assert said == [*map(Text, words[:3]), Text(b"between"), *map(Text, words[3:])]
        assert opening.faults == ()
        assert answers == [3, 3, 2, 0]
    finally:
        await world.stop()
