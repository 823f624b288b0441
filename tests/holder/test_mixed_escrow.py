"""One committee escrows and another does not: each account goes by its own (C-3, C-6)."""

from pathlib import Path

from law_path import take_through
from small_world import NOON

from doublelock.agency.opening import Opening
from doublelock.client.client import Client
from doublelock.client.events import Message, RefusedItem
from doublelock.demo.chatting import make_room
from doublelock.demo.clock import ReplayClock
from doublelock.demo.founding import Plan
from doublelock.demo.lawpath import name_room, open_desks
from doublelock.demo.world import World
from doublelock.protocol.days import DAY_MS, day_of
from doublelock.protocol.header import Form, Header
from doublelock.protocol.record import Text

PLAN = Plan(
    now_ms=NOON - DAY_MS,
    custodians=2,
    threshold=2,
    witnesses=2,
    quorum=1,
    jurisdictions=("Northland", "Free Port"),
    unescrowed=("Free Port",),
)
TODAY = day_of(NOON)


async def test_a_warrant_opens_the_escrowed_committees_people_alone(tmp_path: Path) -> None:
    world = World.open(tmp_path, ReplayClock(NOON), PLAN)
    await world.start()
    try:
        world.open_holders()
        assert {holder.me.committee for holder in world.holders} == {1}
        await world.hold_ceremonies(lambda _, __: None)
        for committee, handles in ((1, ("ann", "abe")), (2, ("fay", "fred"))):
            await world.populate(handles, handles, committee=committee)
        everybody = ("ann", "fay", "abe", "fred")
        room = await make_room(world, everybody)
        said = [(who, f"{who} {turn}".encode()) for turn in range(2) for who in everybody]
        for who, word in said:
            await world.people[who].send(room, Text(word))
        for who in everybody:
            others = [word for speaker, word in said if speaker != who]
            assert await heard(world.people[who], len(others)) == others

        # Each account's envelopes have the form for its committee, in one group.
        inside = await world.server.parts.conversations.get(room)
        assert inside is not None
        rows = await world.server.parts.store.read(
            lambda tables: tables.timeline.after(inside.key, 0, 100, 1 << 20, 100)
        )
        headers = [Header.decode(row.header) for row in rows if row.header]
        assert [(header.committee, header.form) for header in headers] == [
            (1, Form.SEALED),
            (2, Form.UNESCROWED),
        ] * 4

        desks = open_desks(world, 1)
        try:
            scope = name_room(room, TODAY, TODAY)
            opening = await take_through(world, desks, scope, "1/10", unnamed=4)
        finally:
            await desks.close()
        assert texts(opening) == [word for who, word in said if who in ("ann", "abe")]
        assert {label.committee for label in opening.label_keys} == {1}
        assert (opening.faults, opening.culprits) == ((), ())
    finally:
        await world.stop()


async def heard(client: Client, count: int) -> list[bytes]:
    """Return the next texts that others sent; a refused message fails the test."""
    found: list[bytes] = []
    async for event in client.receive():
        assert not isinstance(event, RefusedItem), event
        if isinstance(event, Message) and event.account != client.account:
            assert isinstance(event.record, Text)
            found.append(event.record.content)
        if len(found) == count:
            break
    return found


def texts(opening: Opening) -> list[bytes]:
    return [
        one.message.body.record.content
        for one in opening.messages
        if isinstance(one.message.body.record, Text)
    ]
