"""Refresh and resharing over the real server (spec K-11, K-16 to K-19)."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from amending import amend, change_committee, look_until, name_custodians, open_newcomer
from law_path import be_seen
from small_world import MONTH, NOON, law_of, running, small_world

from doublelock.agency import Application
from doublelock.audit import verify_evidence
from doublelock.custodian.daemon import open_custodian
from doublelock.demo.chatting import make_room
from doublelock.demo.lawpath import name_sender, open_desks
from doublelock.demo.world import World
from doublelock.holder import participant
from doublelock.holder.daemon import HolderDaemon
from doublelock.protocol.charter import Charter
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, day_of
from doublelock.protocol.record import Text

SEEDS = (b"\x21" * 32, b"\x22" * 32)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(participant, "PATIENCE", 3)


async def test_a_refresh_changes_every_share_and_no_key(tmp_path: Path) -> None:
    async with running(await small_world(tmp_path)) as world:
        old = law_of(world).epochs[1, MONTH].keys
        world.holders[1].ceremonies.request_refresh(MONTH)
        await look_until(world, lambda law: law.epochs[1, MONTH].keys.share_version == 2)
        law = law_of(world)
        assert law.void == 0
        new = law.epochs[1, MONTH].keys
        assert (new.master_key, new.court) == (old.master_key, old.court)
        assert new.custodians.public_key == old.custodians.public_key
        assert not set(new.custodians.shares) & set(old.custodians.shares)
        assert law.epochs[1, MONTH].earlier == (old,)
        for _ in range(2):
            await world.look()
        for holder in world.holders:
            assert holder.vault.holds(new)
            assert holder.me.is_court or not holder.vault.holds(old)
            assert len(holder.folder.names("shares")) == 4
            assert _secrets(holder) == []
            assert holder.ceremonies.failures == []
            assert not await holder.ceremonies.step(law, world.clock())


async def test_a_month_is_refreshed_once_a_day_at_most(tmp_path: Path) -> None:
    """A custodian that asks without end keeps nobody busy; its wish waits for a day (K-19)."""
    async with running(await small_world(tmp_path)) as world:
        world.holders[1].ceremonies.request_refresh(MONTH)
        await look_until(world, lambda law: law.epochs[1, MONTH].keys.share_version == 2)
        for _ in range(2):
            await world.look()
        world.holders[1].ceremonies.request_refresh(MONTH)
        law = law_of(world)
        almost = law.epochs[1, MONTH].logged_ms + DAY_MS - 1
        for holder in world.holders:
            assert not await holder.ceremonies.step(law, almost)
        world.clock.advance_to(almost + 1)
        await look_until(world, lambda law: law.epochs[1, MONTH].keys.share_version == 3)


async def test_a_dealer_that_deals_wrong_is_named_and_left_out(tmp_path: Path) -> None:
    async with running(await small_world(tmp_path)) as world:
        bad = world.holders[1].ceremonies._part
        keep = bad.keep

        def bend(room: participant.Room, piece: str, data: bytes) -> bytes:
            return keep(
                room, piece, bytes([data[0] ^ 1]) + data[1:] if piece == "dealing" else data
            )

        bad.keep = bend  # type: ignore[method-assign]
        world.holders[0].ceremonies.request_refresh(MONTH)
        await look_until(world, lambda law: law.epochs[1, MONTH].keys.share_version == 2)
        assert law_of(world).void == 0
        for holder in world.holders:
            named = [(one.code, one.culprits) for one in holder.ceremonies.failures]
            # The court hears of it once all have certified: it was a matter of the custodians'.
            assert named == ([] if holder.me.is_court else [(Code.FORM, (2,))])
            assert holder.vault.holds(law_of(world).epochs[1, MONTH].keys)


async def test_a_holder_that_lost_its_share_gets_a_new_one(tmp_path: Path) -> None:
    """Nobody waits for it longer than their patience; a quorum deals, and all receive."""
    async with running(await small_world(tmp_path)) as world:
        world.holders[2].vault.discard(MONTH)
        world.holders[0].ceremonies.request_refresh(MONTH)
        await look_until(world, lambda law: law.epochs[1, MONTH].keys.share_version == 2)
        assert world.holders[2].vault.holds(law_of(world).epochs[1, MONTH].keys)
        assert [one for holder in world.holders for one in holder.ceremonies.failures] == []


async def test_keys_pass_to_the_next_committee_without_one_who_is_away(tmp_path: Path) -> None:
    """Custodian 1 is away and leaves; two new ones come, and it takes three from now on."""
    async with running(await small_world(tmp_path)) as world:
        await world.populate(("ann", "bob"), ("ann", "bob"))
        room = await make_room(world, ("ann", "bob"))
        await world.people["ann"].send(room, Text(b"before"))
        desks = open_desks(world)
        today = day_of(NOON)
        scope = name_sender(desks, "ann", today, today)
        asked = Application("fraud", "Criminal Code 12", "7", scope, validity_ms=14 * DAY_MS)
        case = (await desks.agency.apply(asked)).commitment
        for desk in (desks.minister, desks.judge):
            await be_seen(world)
            await desk.approve(case)
        await be_seen(world)
        await desks.agency.request(case)
        await be_seen(world)
        await world.look()
        opening = await desks.agency.open_case(case)
        before = law_of(world)
        seeds = [*world.founded.committees[0].custodians[1:], *SEEDS]
        terms = change_committee(
            before.charters[0], 1, custodians=name_custodians(seeds), threshold=3
        )
        charter = await amend(world, before.charters[0], terms)
        gone, *stay, court = world.holders
        newcomers = _newcomers(world, charter)
        world.holders[:] = [*stay, court, *newcomers]
        # While the delay runs, everything is prepared and nothing changes.
        await look_until(
            world, lambda _: all(len(one.folder.names("shares")) == 4 for one in newcomers)
        )
        assert {one.keys.share_version for one in law_of(world).epochs.values()} == {1}
        for holder in stay:
            assert all(holder.vault.holds(one.keys) for one in law_of(world).epochs.values())
        # Then all of it is logged at once, by whoever holds it now.
        world.clock.advance_to(charter.terms.effective_ms)
        await look_until(world, lambda law: all(len(r.holders) == 4 for r in law.epochs.values()))
        law = law_of(world)
        assert law.void == 0
        for key, record in law.epochs.items():
            assert record.keys.master_key == before.epochs[key].keys.master_key
            assert (record.keys.custodians.threshold, record.keys.share_version) == (3, 2)
        await world.look()
        for holder in world.holders:
            assert all(holder.vault.holds(record.keys) for record in law.epochs.values())
            assert len(holder.folder.names("shares")) == 4
            assert _secrets(holder) == []
        # Who left destroys what it had, as soon as it sees the log again.
        assert len(gone.vault.key_epochs()) == 4
        await gone.step(world.clock())
        assert gone.vault.key_epochs() == ()
        world.holders.append(gone)
        # They answer what the old ones had answered, and the evidence holds under both charters.
        await be_seen(world)
        later = await desks.agency.open_case(case)
        assert [one.line for one in later.messages] == [one.line for one in opening.messages]
        assert (later.culprits, later.faults) == ((), ())
        assert sorted(holder for _, holder, _ in later.releases) == [0, 1, 2, 3, 4]
        await desks.agency.write(later, tmp_path / "evidence")
        assert len(verify_evidence(tmp_path / "evidence", world.deployment).content.messages) == 1
        await desks.close()
        # The new committee makes the next month's key.
        world.clock.advance_to(NOON + 31 * 86_400_000)
        await look_until(world, lambda law: (1, MONTH + 4) in law.epochs)
        assert len(law_of(world).epochs[1, MONTH + 4].holders) == 4


def _newcomers(world: World, charter: Charter) -> list[HolderDaemon]:
    return [
        open_newcomer(world, f"new-{n}", seed, charter, open_custodian)
        for n, seed in enumerate(SEEDS)
    ]


def _secrets(holder: HolderDaemon) -> Sequence[str]:
    pieces = ("static", "dealer", "dealt", "dealing", "computed")
    return [one.name for one in holder.folder.path.rglob("ceremonies/*/*") if one.name in pieces]
