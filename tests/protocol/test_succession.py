"""Who holds a key next, by charters and log alone (spec K-16)."""

import hashlib

import msgspec
from law_world import EPOCH, NOW, World, charter_terms, committee, sign_charter

from doublelock.protocol.charter import Committee, hash_terms, write_terms
from doublelock.protocol.days import DAY_MS, last_day
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.lawlog import AmendmentLogged
from doublelock.protocol.succession import escrow_committee, holds, is_due, successor

STEP = 20 * DAY_MS
FEWER = msgspec.structs.replace(committee(1), custodians=committee(1).custodians[:2])
OTHERS = msgspec.structs.replace(committee(1), custodians=committee(1).custodians[::-1][:2])
OTHERS = msgspec.structs.replace(
    OTHERS,
    custodians=tuple(
        msgspec.structs.replace(one, index=n) for n, one in enumerate(OTHERS.custodians, 1)
    ),
)
NAMED = msgspec.structs.replace(committee(1), name="Another name")


def amended(*first: Committee) -> World:
    """A world whose first committee is to change again and again, each time after 20 days."""
    world = World()
    for number, one in enumerate(first, start=1):
        current = world.state.charters[-1]
        terms = msgspec.structs.replace(
            charter_terms(),
            sequence=number,
            deployment=Bytes32(world.deployment),
            previous=Bytes32(current.hash),
            issued_ms=NOW,
            effective_ms=NOW + number * STEP,
            committees=(one, committee(2)),
        )
        names = ("operator", "1-court", "1-custodian1", "1-custodian2", "1-custodian3")
        document = sign_charter(terms, names)
        digest = hashlib.sha256(document).digest()
        entry = AmendmentLogged(Bytes32(hash_terms(write_terms(terms))), Bytes32(digest))
        world.log("operator", entry, NOW, {digest: document})
    return world


def test_a_key_stays_where_neither_holders_nor_quorum_change() -> None:
    world = amended(NAMED)
    record = world.state.epochs[1, EPOCH]
    for time_ms in (NOW, NOW + 2 * STEP):
        assert successor(world.state, record, time_ms) is None
        assert holds(world.state.charter(time_ms).committee(1), record)


def test_a_key_passes_to_the_first_that_differs_and_past_what_is_over() -> None:
    world = amended(NAMED, FEWER, OTHERS)
    state, record = world.state, world.state.epochs[1, EPOCH]
    for time_ms in (NOW, NOW + STEP, NOW + 2 * STEP):
        assert successor(state, record, time_ms) == FEWER
    assert successor(state, record, NOW + 3 * STEP) == OTHERS


def test_a_key_is_passed_on_while_it_lives_and_no_longer() -> None:
    world = amended(FEWER)
    record = world.state.epochs[1, EPOCH]
    in_force = escrow_committee(world.charter, 1)
    assert in_force is not None
    end = last_day(EPOCH) + in_force.retention_days
    assert is_due(in_force, record, (end + 1) * DAY_MS - 1)
    assert not is_due(in_force, record, (end + 1) * DAY_MS)
    world.destroy(1, EPOCH, "court")
    assert not is_due(in_force, world.state.epochs[1, EPOCH], NOW)
    assert escrow_committee(world.charter, 9) is None
