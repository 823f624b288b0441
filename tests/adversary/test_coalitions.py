"""No single party, and no coalition short of a quorum with the court, opens anything.

The attackers have their real shares, out of the real vaults of a running town, and the real
ciphertext out of the real store.
"""

import secrets
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from ceremony_people import GROUP, Committee, reshare

from doublelock.protocol import jws, resharing
from doublelock.protocol.capsule import LabelKey, open_capsule, seal
from doublelock.protocol.ceremony import Kind
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import (
    G1,
    G2,
    G2_GENERATOR,
    ORDER,
    g1_secret_multiple,
    g1_sum,
    g2_secret_multiple,
)
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.errors import (
    CeremonyRefused,
    EnvelopeRefused,
    EvidenceRefused,
    ReleaseRefused,
    WireRefused,
)
from doublelock.protocol.header import Header
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.inventory import (
    InventoryHead,
    StoredEnvelope,
    hash_envelope,
    list_label,
    write_inventory,
)
from doublelock.protocol.label import Label
from doublelock.protocol.partial import (
    COURT,
    HolderKeys,
    PartialSet,
    combine_batch,
    make_partials,
    read_holder_keys,
)
from doublelock.protocol.polynomial import lagrange
from doublelock.protocol.scope import InventoryRow

from .corrupt import LABELS, SECRET, Corrupt
from .lying import stored_items

pytestmark = pytest.mark.asyncio(loop_scope="module")


def opens(capsule: bytes, key: LabelKey, mpk: G2) -> bool:
    """Say whether a key opens a capsule; one that does not is told by the capsule's own check."""
    try:
        open_capsule(capsule, key, mpk)
    except EnvelopeRefused as refusal:
        if refusal.code is not Code.CAPSULE_MISMATCH:
            raise
        return False
    return True


class Loot:
    """Everything that holders have between them for one label, and a capsule to open with it."""

    def __init__(self, here: Corrupt, header: Header) -> None:
        self.label = header.label(here.world.deployment)
        self.header = header
        record = here.holders[0].watch.state.epochs[1, self.label.key_epoch]
        self.keys: HolderKeys = read_holder_keys(record.keys)
        shares = [holder.vault._current(record.keys) for holder in here.holders]
        self.sets = {
            one.index: make_partials(one.index, one.secret, [self.label]) for one in shares
        }

    def combined(self, custodians: tuple[int, ...], *, court: bool) -> G1:
        """Add up what a coalition has, as a key would be added up."""
        points = [self.sets[index].points[0] for index in custodians]
        factors = lagrange(custodians, ORDER) if custodians else []
        parts = [
            g1_secret_multiple(point, factor) for point, factor in zip(points, factors, strict=True)
        ]
        if court:
            parts.append(self.sets[COURT].points[0])
        return g1_sum(parts, [1] * len(parts))

    def opens(self, point: G1) -> bool:
        return opens(self.header.capsule, LabelKey(self.label, point), self.keys.mpk)

    def combine(self, custodians: tuple[int, ...], court: PartialSet | None) -> Code | None:
        """Ask the honest way; the name of the refusal, or None."""
        given = [self.sets[index] for index in custodians]
        try:
            combine_batch(
                [self.label],
                given,
                court or self.sets[custodians[0]],
                self.keys,
                secrets.token_bytes(32),
            )
        except ReleaseRefused as refusal:
            return refusal.code
        return None


async def take_loot(here: Corrupt) -> Loot:
    for holder in here.holders:
        await holder.step(here.world.clock())
    bob = here.world.people["bob"]
    items = [
        one
        for one in await stored_items(bob, here.room, 1)
        if one.account == here.town.agency.account("ada")
    ]
    return Loot(here, Header.decode(items[0].header))


async def test_operator_alone_reads_nothing(here: Corrupt) -> None:
    """No file of the server's holds the words, nor any key that the people's clients hold."""
    ada = here.world.people["ada"]
    seeds = [ada._core.identity.seed, ada._core.room(here.room).keys.seed]
    files = server_files(here)
    assert len(files) > 5
    for data in files:
        assert not any(secret in data for secret in (SECRET, *seeds))


def server_files(here: Corrupt) -> list[bytes]:
    folder = Path(here.world.folder / "server")
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


async def test_every_quorum_with_the_court_opens_and_nothing_less_does(here: Corrupt) -> None:
    loot = await take_loot(here)
    indices = tuple(index for index in loot.sets if index != COURT)
    assert (len(indices), loot.keys.threshold) == (3, 2)
    for size in range(len(indices) + 1):
        for coalition in combinations(indices, size):
            for court in (False, True):
                if not coalition and not court:
                    continue
                enough = court and size >= loot.keys.threshold
                assert loot.opens(loot.combined(coalition, court=court)) is enough


async def test_the_rule_names_what_a_coalition_lacks(here: Corrupt) -> None:
    loot = await take_loot(here)
    court = loot.sets[COURT]
    assert loot.combine((1, 2), court) is None
    assert loot.combine((1, 2, 3), None) is Code.PARTIALS_MISSING
    assert loot.combine((2,), court) is Code.PARTIALS_MISSING
    stolen = PartialSet(COURT, loot.sets[3].points)
    assert loot.combine((1, 2), stolen) is Code.PARTIAL_WRONG
    posed = PartialSet(2, court.points)
    loot.sets[2] = posed
    assert loot.combine((1, 2), court) is Code.PARTIAL_WRONG


async def test_an_agency_without_the_court_or_a_quorum_gets_nothing(here: Corrupt) -> None:
    court = here.holders[-1]
    for some in (here.holders[:3], [court], [here.holders[0], court]):
        warrant = await here.town.warrant(here.town.scope("ada"))
        made = await here.town.agency.request(warrant.commitment)
        await here.town.seen()
        assert await here.answers(made.request, some) == [None] * len(some)
        await here.town.seen()
        with pytest.raises(ReleaseRefused) as refused:
            await here.town.agency.open_case(warrant.commitment)
        assert refused.value.code is Code.PARTIALS_MISSING


async def test_a_custodian_that_lies_is_named_and_passed_over(here: Corrupt) -> None:
    liar: Any = here.holders[0]
    honest = liar.vault.release

    def wrong(permit: Any, epochs: Any) -> PartialSet:
        real = honest(permit, epochs)
        return make_partials(real.index, 12345, permit.labels)

    liar.vault.release = wrong
    try:
        warrant = await here.town.warrant(here.town.scope("ada"))
        made = await here.town.agency.request(warrant.commitment)
        await here.town.seen()
        assert await here.answers(made.request) == [None] * 4
    finally:
        liar.vault.release = honest
    await here.town.seen()
    opening = await here.town.agency.open_case(warrant.commitment)
    assert [(one.holder, one.code) for one in opening.culprits] == [(1, Code.PARTIAL_WRONG)]
    assert [one.message.body.record.content for one in opening.messages] == [SECRET]  # type: ignore[union-attr]


async def test_a_server_that_lists_foreign_labels(here: Corrupt) -> None:
    """The inventory grows beyond the warrant: an honest agency asks for nothing of it."""
    warrant = await here.town.warrant(here.town.scope("ada"))
    label = here.label("bob")
    row = InventoryRow(label.conversation, label.account, label.day, label.key_epoch)
    stored = StoredEnvelope(2, b"h" * 266, b"b" * 200)
    payload = write_inventory(
        here.world.deployment,
        1,
        warrant.commitment,
        here.world.clock(),
        [list_label(row, [(stored.sequence, hash_envelope(stored))])],
        [InventoryHead(Bytes32(label.conversation), 9, Bytes32(b"h" * 32))],
    )
    key = here.world.server.parts.config.keys.receipt
    lie = jws.sign(payload, jws.Purpose.INVENTORY, [(key.public.encoded, key.sign)])
    http: Any = here.town.agency.party.http
    honest = http.get

    async def get(path: str, **options: Any) -> bytes:
        return lie if path.endswith("/inventory") else await honest(path, **options)

    http.get = get
    try:
        with pytest.raises(EvidenceRefused) as refused:
            await here.town.agency.request(warrant.commitment)
    finally:
        http.get = honest
    assert refused.value.code is Code.EVIDENCE_SCOPE


async def test_old_and_new_shares_open_nothing_together() -> None:
    """A holder that kept its share over a refresh, and one that has the new: no key of them."""
    old = Committee(3, 2)
    done = old.generate()
    refresh = Committee(3, 2, "refresh", Kind.RESHARING, 2)
    new = reshare(
        done[0].key,
        [one.share for one in done],
        refresh,
        dict(enumerate(refresh.secrets, start=1)),
    )
    mixed = [done[0].share, new[1].share]
    with pytest.raises(CeremonyRefused) as refused:
        resharing.refuse_mixed(mixed)
    assert refused.value.code is Code.SHARE_GENERATION
    court = 424_242
    custodians = G2.decode(done[0].key.public_key)
    mpk = G2.decode(GROUP.combine([done[0].key.public_key, GROUP.base_multiple(court)], [1, 1]))
    name = old.name
    label = Label(
        name.deployment,
        name.committee,
        name.key_epoch,
        ConversationId(b"c" * 32),
        b"a" * 32,  # type: ignore[arg-type]
        14_600,
    )
    sealed = seal(b"m" * 32, label, mpk)
    assert custodians.encoded == done[0].key.public_key

    def attempt(shares: list[Any]) -> bool:
        factors = lagrange([one.index for one in shares], ORDER)
        parts = [
            g1_secret_multiple(label.point(), one.secret * factor % ORDER)
            for one, factor in zip(shares, factors, strict=True)
        ]
        parts.append(g1_secret_multiple(label.point(), court))
        return opens(sealed.capsule, LabelKey(label, g1_sum(parts, [1] * 3)), mpk)

    assert attempt([done[0].share, done[1].share])
    assert attempt([new[0].share, new[1].share])
    assert not attempt(mixed)
    keys = HolderKeys(
        name.deployment,
        name.committee,
        name.key_epoch,
        2,
        {n: G2.decode(one) for n, one in enumerate(new[0].key.verification_shares, start=1)},
        g2_secret_multiple(G2_GENERATOR, court),
        mpk,
    )
    sets = [make_partials(one.index, one.secret, [label]) for one in mixed]
    with pytest.raises(ReleaseRefused) as wrong:
        combine_batch([label], sets, make_partials(COURT, court, [label]), keys, bytes(32))
    assert (wrong.value.code, wrong.value.culprits) == (Code.PARTIAL_WRONG, (1,))


async def test_no_notice_no_next_key(here: Corrupt) -> None:
    """The gag is over, and the server lets nobody tell the people: their agency gets no more."""
    desk = here.world.server.law.desk

    async def hidden(*_: object) -> None:
        raise WireRefused(Code.ENTRY_VOID)

    honest = desk._file_notice
    desk._file_notice = hidden
    bobs = here.label("bob")
    first = await here.ask(await here.papers(who="bob"), bobs)
    try:
        here.world.clock.advance_to(here.world.clock() + 11 * DAY_MS)
        await here.town.seen()
        request = await here.ask(await here.papers(), here.label())
        assert await here.answers(request) == [Code.NOTICE_OVERDUE] * 4
        assert first != request
    finally:
        desk._file_notice = honest
    for holder in here.holders:
        await holder.step(here.world.clock())
    await here.town.seen()
    answered = await here.answers(request)
    assert Code.NOTICE_OVERDUE not in answered


async def test_two_disjoint_quorums_do_not_exceed_the_cap(here: Corrupt) -> None:
    """One warrant is answered by some holders, the next by others: the log alone counts."""
    used = sum(one.labels for one in here.world.server.law.desk.state.recent.get(1, ()))
    left = LABELS - used
    assert left > 2
    first, second = await here.papers(), await here.papers()
    rooms = [secrets.token_bytes(32) for _ in range(left + 1)]
    one = await here.ask(first, *(here.label(where=room) for room in rooms[:-2]))
    two = await here.ask(second, *(here.label(where=room) for room in rooms[-2:]))
    assert await here.answers(one, [here.holders[0], here.holders[3]]) == [None] * 2
    assert await here.answers(two, here.holders[1:3]) == [Code.CAP_EXCEEDED] * 2
