"""A metadata warrant: nothing before both locks and the log, exactly its scope, and notices too."""

from pathlib import Path

import pytest
from law_path import NOON, TODAY, Town, town

from doublelock.agency import Application
from doublelock.agency.request import make_request
from doublelock.protocol import jws
from doublelock.protocol.charter_terms import WarrantKind
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.errors import Refusal
from doublelock.protocol.lawlog import Ground, ReleaseRequest
from doublelock.protocol.lawrecords import WarrantStatus
from doublelock.protocol.metadata import verify_metadata
from doublelock.protocol.scope import ScopeItem


async def file(here: Town, scope: tuple[ScopeItem, ...], unnamed: int = 0) -> bytes:
    warrant = await here.agency.apply(
        Application(
            "fraud",
            "Criminal Code 12",
            "case 8/2010",
            scope,
            WarrantKind.METADATA,
            validity_ms=2 * DAY_MS,
            gag_ms=DAY_MS,
            unnamed_senders=unnamed,
        )
    )
    await here.seen()
    return warrant.commitment


async def approve(here: Town, case: bytes) -> None:
    for desk in (here.minister, here.judge):
        await desk.pending()
        await desk.approve(case)
        await here.seen()


async def refused(here: Town, case: bytes) -> Code:
    with pytest.raises(Refusal) as caught:
        await here.agency.metadata(case, 5)
    return caught.value.code


async def test_metadata_is_given_when_logged_and_for_exactly_its_scope(tmp_path: Path) -> None:
    async with town(tmp_path / "world") as here:
        room = await here.room("ada", "bob", "cy")
        other = await here.world.people["ada"].create_conversation(["bob"])
        await here.say(room, here.world.people["ada"], [b"one", b"twenty-two"])
        await here.say(room, here.world.people["bob"], [b"bob's"])
        await here.say(other, here.world.people["ada"], [b"elsewhere"])

        case = await file(here, here.scope("ada"))
        assert await refused(here, case) is Code.WARRANT_UNAPPROVED
        await here.minister.pending()
        await here.minister.approve(case)
        await here.seen()
        assert await refused(here, case) is Code.WARRANT_UNAPPROVED
        await here.judge.pending()
        await here.judge.approve(case)
        await here.seen()

        before = here.world.server.law.desk.state
        given, data = await here.agency.metadata(case, 30)
        ada = here.world.people["ada"].account
        found = {
            (label.conversation, label.account, label.day): len(facts)
            for label, facts in given.labels
        }
        assert found == {(room, ada, TODAY): 2, (other, ada, TODAY): 1}
        facts = [
            one for label, facts in given.labels if label.conversation == room for one in facts
        ]
        assert facts[1].body_size > facts[0].body_size > 0
        assert NOON <= facts[0].time_ms <= facts[1].time_ms

        state = here.world.server.law.desk.state
        assert state.void == before.void
        record = state.warrants[case]
        warrant = here.agency.party.warrant(case)
        assert record.owed == {warrant.subject(ada)}
        assert state.tallies[1].requests == 1
        # Again: nothing new, so no second entry; a later conversation is a request of its own.
        await here.agency.metadata(case, 30)
        assert here.world.server.law.desk.state.size == state.size

        await refuse_other_ways(here, case, data)
        await tell_people(here, case)


async def refuse_other_ways(here: Town, case: bytes, data: bytes) -> None:
    """A metadata warrant opens no inventory, no envelope, no key; others get nothing by it."""
    party = here.agency.party
    path = f"/v1/law/cases/{case.hex()}"
    with pytest.raises(Refusal) as caught:
        await make_request(party, case)
    assert caught.value.code is Code.WARRANT_KIND
    with pytest.raises(Refusal) as caught:
        await here.agency.open_case(case)
    assert caught.value.code is Code.WARRANT_KIND
    for method in ("GET", "POST"):
        with pytest.raises(Refusal) as caught:
            await here.minister.party.http.send(method, f"{path}/metadata", b"")
        assert caught.value.code is Code.NOT_PERMITTED
    subjects = tuple(here.world.server.law.desk.state.warrants[case].owed)
    forged = ReleaseRequest(Bytes32(case), Bytes32(bytes(32)), 1, 1, (Bytes32(subjects[0]),))
    with pytest.raises(Refusal) as caught:
        await party.log(forged)  # labels that nobody could tell stand in no log
    assert caught.value.code is Code.NOT_PERMITTED
    # What the server signed holds for labels of logged requests alone, and under its key alone.
    with pytest.raises(Refusal) as caught:
        verify_metadata(data, party.watch.state.charters, party.warrant(case), ())
    assert caught.value.code is Code.ENVELOPE_FOREIGN
    payload = jws.read_payload(data, 1 << 20)
    own = jws.sign(payload, jws.Purpose.METADATA, [(party.me.key, party.signer.sign)])
    with pytest.raises(Refusal) as caught:
        verify_metadata(own, party.watch.state.charters, party.warrant(case), ())
    assert caught.value.code is Code.UNKNOWN_SIGNER
    looks = await here.world.look()
    assert [one for look in looks for one in look.answers] == []


async def tell_people(here: Town, case: bytes) -> None:
    """Those whose metadata was given are told when the gag ends; else the agency gets no more."""
    here.world.clock.advance_to(NOON + 6 * DAY_MS)
    await here.seen()
    assert await refused(here, case) in (Code.WARRANT_EXPIRED, Code.WARRANT_LAPSED)
    next_case = await file(here, here.scope("bob"))
    await approve(here, next_case)
    assert await refused(here, next_case) is Code.NOTICE_OVERDUE
    looks = await here.world.look()
    assert sum(look.notices for look in looks) == 1
    await here.seen()
    state = here.world.server.law.desk.state
    record = state.warrants[case]
    assert record.delivered == record.owed
    assert state.tallies[1].notices == 1
    given, _ = await here.agency.metadata(next_case, 30)
    assert [len(facts) for _, facts in given.labels] == [1]


async def test_a_conversation_tells_its_senders_up_to_the_cap(tmp_path: Path) -> None:
    async with town(tmp_path / "world") as here:
        room = await here.room("ada", "bob", "cy")
        for handle in ("ada", "bob"):
            await here.say(room, here.world.people[handle], [b"hello"])
        narrow = await file(here, here.scope(rooms=(room,)), unnamed=1)
        await approve(here, narrow)
        assert await refused(here, narrow) is Code.UNNAMED_SENDERS
        assert here.world.server.law.desk.state.tallies[1].requests == 0

        case = await file(here, here.scope(rooms=(room,)), unnamed=2)
        await approve(here, case)
        given, _ = await here.agency.metadata(case, 30)
        people = {here.world.people[handle].account for handle in ("ada", "bob")}
        assert {label.account for label, _ in given.labels} == people

        await here.judge.cancel(case, Ground.NECESSITY)
        assert await refused(here, case) is Code.WARRANT_CANCELLED
        await here.seen()
        assert await here.agency.status(case) is WarrantStatus.CANCELLED
