"""Two jurisdictions in one conversation: a warrant of one opens nothing of the other (E-1)."""

from pathlib import Path

import pytest
from law_path import take_through
from small_world import NOON

from doublelock.agency.opening import Opening
from doublelock.demo.chatting import make_room
from doublelock.demo.clock import ReplayClock
from doublelock.demo.founding import Plan
from doublelock.demo.lawpath import Desks, name_room, name_sender, open_desks
from doublelock.demo.world import World
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, day_of
from doublelock.protocol.errors import WireRefused
from doublelock.protocol.record import Text

PLAN = Plan(
    now_ms=NOON - DAY_MS,
    custodians=2,
    threshold=2,
    witnesses=2,
    quorum=1,
    jurisdictions=("Northland", "Southland"),
)
TODAY = day_of(NOON)


async def test_each_committee_opens_its_own_senders_and_no_others(tmp_path: Path) -> None:
    world = World.open(tmp_path, ReplayClock(NOON), PLAN)
    await world.start()
    desks: list[Desks] = []
    try:
        world.open_holders()
        await world.hold_ceremonies(lambda _, __: None)
        for committee, handles in ((1, ("ann", "abe")), (2, ("sue", "sam"))):
            await world.populate(handles, handles, committee=committee)
        room = await make_room(world, ("ann", "sue", "abe", "sam"))
        said: list[tuple[str, bytes]] = []
        for turn, handle in enumerate(("ann", "sue", "abe", "sam", "sue", "ann")):
            word = f"{handle} {turn}".encode()
            await world.people[handle].send(room, Text(word))
            said.append((handle, word))
        north, south = desks = [open_desks(world, committee) for committee in (1, 2)]

        # Northland asks for the whole conversation, and gets its own people's part of it.
        scope = name_room(room, TODAY, TODAY)
        first = await take_through(world, north, scope, "N 1", unnamed=4)
        assert _texts(first) == [word for handle, word in said if handle in ("ann", "abe")]
        assert {label.committee for label in first.label_keys} == {1}
        assert (first.faults, first.culprits) == ((), ())
        # Southland's custodians never saw that case; handed to them, they refuse it by name.
        case = first.warrant.commitment
        stranger = next(one for one in world.holders if one.me.committee == 2)
        assert stranger.serving.requests(case) == ()
        for kind in ("warrant", "request"):
            for document in north.agency.party.documents(case, kind):
                stranger.serving._take(document)
        (answer,) = await stranger.serving.step(world.clock())
        assert (answer.warrant, answer.refusal) == (case, Code.WARRANT_COMMITTEE)
        # Nor does Northland's prosecutor get anything by naming Southland's people.
        with pytest.raises(WireRefused) as refused:
            await take_through(world, north, name_sender(north, "sue", TODAY, TODAY), "N 2")
        assert refused.value.code is Code.LABELS_COUNT

        # With one warrant of each committee everything opens.
        second = await take_through(world, south, scope, "S 1", unnamed=4)
        assert _texts(second) == [word for handle, word in said if handle in ("sue", "sam")]
        assert sorted(_texts(first) + _texts(second)) == sorted(word for _, word in said)
        assert world.holders[0].watch.state.void == 0
    finally:
        for one in desks:
            await one.close()
        await world.stop()


def _texts(opening: Opening) -> list[bytes]:
    return [
        one.message.body.record.content
        for one in opening.messages
        if isinstance(one.message.body.record, Text)
    ]
