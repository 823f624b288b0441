"""The law log's fold: what counts, what is void, and that everybody gets the same (spec R-20)."""

import hashlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from law_world import (
    EPOCH,
    HOUR,
    NOW,
    TODAY,
    World,
    account,
    amend,
    charter_terms,
    committee,
    key,
    key_epoch_statement,
    party,
    public,
    sign_charter,
)

from doublelock.protocol.charter import Custodian, hash_terms, write_terms
from doublelock.protocol.charter_terms import WarrantKind
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, first_day
from doublelock.protocol.documents import Bytes32, Opaque, encode_base64url
from doublelock.protocol.errors import CharterRefused, LogRefused, Malformed, Refusal
from doublelock.protocol.lawlog import (
    AmendmentLogged,
    Approval,
    Cancellation,
    EpochExtended,
    Ground,
    KeyEpochLogged,
    Lapse,
    NoticeDelivered,
    ReleaseLogged,
    WarrantRefused,
    sign_entry,
    stamp,
    verify_entry,
    verify_line,
)
from doublelock.protocol.lawrecords import WarrantStatus
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.merkle import leaf_hash, range_root, reduce_perfect
from doublelock.protocol.release_request import (
    decode_request,
    encode_request,
    labels_root,
)
from doublelock.protocol.warrant import describe_filing, verify_warrant


def last_void(world: World) -> Code | None:
    return world.state.last_void


def test_the_fold_knows_the_logs_root_at_every_size() -> None:
    world = World()
    world.warrant()
    leaves = [leaf_hash(line) for line in world.lines]
    for size in range(len(leaves) + 1):

        def node(level: int, index: int) -> bytes:
            return reduce_perfect(leaves[index << level : (index + 1) << level])

        assert world.state.root_at(size) == range_root(0, size, node)
    with pytest.raises(LogRefused):
        world.state.root_at(len(leaves) + 1)


def test_an_older_state_goes_its_own_way() -> None:
    world = World()
    before = world.state
    world.warrant()
    root = world.state.root
    forked = before.apply(before.size, b"another line")
    assert forked.root != world.state.root_at(before.size + 1)
    assert world.state.root == root
    assert (before.void, forked.void) == (0, 1)


def test_lines_come_one_after_the_other() -> None:
    world = World()
    with pytest.raises(LogRefused):
        world.state.apply(world.state.size + 1, world.lines[0])
    with pytest.raises(TypeError):
        LawState(object(), world.deployment, (), world.state.tree)


def test_a_warrants_states_have_etsis_names() -> None:
    world = World()
    warrant = world.warrant(approved=())
    name = Bytes32(warrant.commitment)

    def status(time_ms: int = NOW) -> WarrantStatus:
        return world.state.warrants[warrant.commitment].status(time_ms)

    assert status() == WarrantStatus.AWAITING_APPROVAL
    world.log("1-minister", Approval(name))
    assert status() == WarrantStatus.AWAITING_APPROVAL
    world.log("1-judge", Approval(name))
    assert status() == WarrantStatus.APPROVED
    assert status(warrant.terms.valid_until_ms) == WarrantStatus.EXPIRED
    world.log("1-agency", Cancellation(name, Ground.WITHDRAWN))
    assert status() == WarrantStatus.CANCELLED
    other = world.warrant(salt=Bytes32(b"X" * 32), approved=())
    world.log("1-judge", WarrantRefused(Bytes32(other.commitment), Ground.PROPORTIONALITY))
    assert world.state.warrants[other.commitment].status(NOW) == WarrantStatus.REJECTED
    tally = world.state.tallies[1]
    assert (tally.filed, tally.approved, tally.refused, tally.cancelled) == (2, 1, 1, 1)


def test_an_urgent_warrant_that_nobody_confirms_in_time_is_over() -> None:
    world = World()
    warrant = world.warrant("1-agency", "1-minister", urgent=True)
    record = world.state.warrants[warrant.commitment]
    assert record.status(NOW) == WarrantStatus.EMERGENCY_APPROVAL
    late = record.window_end_ms
    assert record.status(late) == WarrantStatus.EXPIRED
    name = Bytes32(warrant.commitment)
    world.log("1-judge", Approval(name), late, void=True)
    world.log("operator", Lapse(name, "unconfirmed"), late)
    world.log("operator", Lapse(name, "unconfirmed"), late, void=True)


def test_an_urgent_warrant_confirmed_in_time_is_approved() -> None:
    world = World()
    warrant = world.warrant("1-agency", "1-minister", urgent=True)
    world.log("1-judge", Approval(Bytes32(warrant.commitment)))
    late = NOW + 10 * DAY_MS
    assert world.state.warrants[warrant.commitment].status(late) == WarrantStatus.APPROVED


@pytest.mark.parametrize(
    "author", ["operator", "1-court", "1-agency", "2-judge", "1-custodian1", "receipts", "nobody"]
)
def test_who_may_not_approve_does_not(author: str) -> None:
    world = World()
    warrant = world.warrant(approved=())
    world.log(author, Approval(Bytes32(warrant.commitment)), void=True)
    assert world.state.warrants[warrant.commitment].approvals == ()


def test_a_replayed_line_is_void() -> None:
    world = World()
    warrant = world.warrant()
    for line in world.lines[-3:]:
        entry = verify_line(world.deployment, line).signed
        author = world.charter.party(entry.author)
        assert author is not None
        world.log(author.name, entry.entry, void=True)
    assert len(world.state.warrants[warrant.commitment].approvals) == 2


def test_time_never_runs_backwards() -> None:
    world = World()
    warrant = world.warrant(approved=())
    back = world.state.time_ms - 1
    world.log("1-judge", Approval(Bytes32(warrant.commitment)), back, void=True)
    assert world.state.last_void is Code.ENTRY_TIME


def test_nothing_counts_before_the_genesis_line() -> None:
    world = World()
    state = LawState.begin(world.charter)
    warrant = verify_warrant(world.document(world.terms(), "1-agency"), world.charter)
    filing = sign_entry(
        world.deployment, describe_filing(warrant), public("1-agency"), key("1-agency").sign
    )
    state = state.apply(0, stamp(filing, NOW))
    assert (state.void, dict(state.warrants)) == (1, {})
    state = state.apply(1, world.lines[0])
    assert state.founded
    assert state.apply(2, stamp(filing, NOW)).void == 1


def test_a_renewal_follows_its_own_agencys_warrant_as_often_as_allowed() -> None:
    world = World()
    first = world.warrant()
    second = world.warrant(salt=Bytes32(b"2" * 32), renews=Bytes32(first.commitment))
    assert world.state.warrants[second.commitment].renewals == 1
    terms = world.terms(salt=Bytes32(b"3" * 32), renews=Bytes32(second.commitment))
    third = verify_warrant(world.document(terms, "1-agency"), world.charter)
    world.log("1-agency", describe_filing(third), void=True)
    assert world.state.last_void is Code.WARRANT_RENEWAL


def test_an_amendment_counts_from_the_logs_time_on() -> None:
    world = World()
    effective = NOW + 15 * DAY_MS
    terms = msgspec.structs.replace(
        charter_terms(),
        sequence=1,
        deployment=Bytes32(world.deployment),
        previous=Bytes32(world.charter.hash),
        issued_ms=0,
        effective_ms=effective,
        skew_ms=1,
    )
    names = ["operator"]
    names += [f"{n}-{who}" for n in (1, 2) for who in ("court", "custodian1", "custodian2")]
    document = sign_charter(terms, names)
    digest = hashlib.sha256(document).digest()
    entry = AmendmentLogged(Bytes32(hash_terms(write_terms(terms))), Bytes32(digest))
    with pytest.raises(CharterRefused) as refused:
        world.log("operator", entry)
    assert refused.value.code is Code.CHARTER_MISSING
    size = world.state.size
    world.log("operator", entry, documents={digest: document})
    assert world.state.size == size + 1
    assert world.state.charter(effective - 1).terms.skew_ms == 60_000
    assert world.state.charter(effective).terms.skew_ms == 1
    # Logged later, the same document would cut the delay short.
    other = World()
    other.log("operator", entry, NOW + 2 * DAY_MS, {digest: document}, void=True)
    assert other.state.last_void is Code.CHARTER_DELAY


def test_a_key_epoch_is_never_replaced_and_a_dead_one_never_revived() -> None:
    world = World()
    world.log("operator", world.key_epoch(1, EPOCH, version=2))
    world.log("operator", world.key_epoch(1, EPOCH), void=True)
    assert last_void(world) is Code.KEY_EPOCH_CHANGED
    # Old shares are no shares: destroying version 1 says nothing of version 2.
    with pytest.raises(AssertionError):
        world.destroy(1, EPOCH, "custodian1", version=1)
    world.destroy(1, EPOCH, "custodian1", version=2)
    assert world.state.epochs[(1, EPOCH)].alive
    world.destroy(1, EPOCH, "custodian2", version=2)
    assert not world.state.epochs[(1, EPOCH)].alive
    world.log("operator", world.key_epoch(1, EPOCH, version=3), void=True)
    assert last_void(world) is Code.EPOCH_DEAD


def test_a_court_keeps_its_place_while_its_keys_live() -> None:
    """C-11: its share is whole; nobody else has it, and nobody else can be given it."""
    world = World()
    entry, documents = amend(
        world, msgspec.structs.replace(committee(1), court=party("1-other court"))
    )
    world.log("operator", entry, NOW, documents, void=True)
    assert last_void(world) is Code.CHARTER_FIXED
    world.destroy(1, EPOCH, "court")
    world.log("operator", entry, NOW + HOUR, documents)
    assert len(world.state.charters) == 2


def test_a_courts_office_passes_on_with_its_key() -> None:
    world = World()
    renamed = msgspec.structs.replace(party("1-court"), name="Court of Appeal")
    entry, documents = amend(world, msgspec.structs.replace(committee(1), court=renamed))
    world.log("operator", entry, NOW, documents)
    assert world.state.charters[1].committee(1).court == renamed


def test_a_generation_counts_under_the_charter_in_force_alone() -> None:
    """R-22: between its line and its holders in force nobody could release."""
    world = World()
    two = msgspec.structs.replace(committee(1), custodians=committee(1).custodians[:2])
    entry, documents = amend(world, two)
    world.log("operator", entry, NOW, documents)
    passed = KeyEpochLogged(
        1, EPOCH, Opaque(key_epoch_statement(world.deployment, 1, EPOCH, 2, size=2))
    )
    world.log("operator", passed, NOW + DAY_MS, void=True)
    assert last_void(world) is Code.KEY_EPOCH_STATEMENT
    before = world.state.epochs[1, EPOCH]
    world.log("operator", passed, NOW + 15 * DAY_MS)
    record = world.state.epochs[1, EPOCH]
    assert record.holders == before.holders[:2]
    assert record.earlier == (before.keys,)
    assert (record.number_of(public("1-custodian2")), record.number_of(public("operator"))) == (
        2,
        0,
    )
    # Whose share was passed on has none to destroy, and is no party any more.
    with pytest.raises(AssertionError):
        world.destroy(1, EPOCH, "custodian3", version=2)
    assert last_void(world) is Code.ENTRY_AUTHOR


def test_who_came_but_got_no_share_yet_states_no_destruction() -> None:
    world = World()
    new = (*committee(1).custodians[:2], Custodian(3, "new", public("1-custodian4")))
    entry, documents = amend(world, msgspec.structs.replace(committee(1), custodians=new))
    world.log("operator", entry, NOW, documents)
    world.time_ms = NOW + 16 * DAY_MS
    with pytest.raises(AssertionError):
        world.destroy(1, EPOCH, "custodian4")
    assert last_void(world) is Code.NOT_A_HOLDER
    world.destroy(1, EPOCH, "custodian2")


def test_an_extension_ends_with_the_charters_days() -> None:
    world = World()
    begin = first_day(EPOCH + 1)
    world.log("operator", EpochExtended(1, EPOCH, begin + 5), void=True)
    world.log("operator", EpochExtended(1, EPOCH, begin + 4))
    assert world.state.extensions[(1, EPOCH)] == begin + 4
    item = msgspec.structs.replace(world.terms().scope[0], first_day=begin, last_day=begin + 9)
    valid = begin * DAY_MS
    warrant = world.warrant(scope=(item,), valid_from_ms=valid, valid_until_ms=valid + 20 * DAY_MS)
    now = (begin + 6) * DAY_MS
    for day, good in ((begin + 4, True), (begin + 5, False)):
        request = world.request(
            warrant,
            (world.label("alice", day=day, key_epoch=EPOCH),),
            time_ms=now - HOUR,
        )
        if good:
            world.release(warrant, request, now_ms=now)
            continue
        with pytest.raises(Refusal) as refused:
            world.release(warrant, request, now_ms=now)
        assert refused.value.code is Code.LABEL_EPOCH


def test_releases_and_notices_are_counted_once() -> None:
    world = World()
    warrant = world.warrant(gag_end_ms=NOW)
    request = world.request(warrant, (world.label("alice"),))
    name, hashed = Bytes32(warrant.commitment), Bytes32(request.signed.hash)
    release = ReleaseLogged(name, hashed, 2, ((EPOCH, 1),), 1, Bytes32(b"m" * 32))
    world.log("1-custodian2", release)
    world.log("1-custodian2", release, void=True)
    world.log("1-custodian1", release, void=True)
    world.log("2-custodian2", release, void=True)
    # The next generation of the shares is another release.
    world.log("1-custodian2", msgspec.structs.replace(release, versions=((EPOCH, 2),)))
    told = NoticeDelivered(name, Bytes32(warrant.subject(account("alice"))))
    world.log("operator", told, NOW - 1, void=True)
    world.log("2-court", told, NOW, void=True)
    world.log("operator", told, NOW)
    world.log("1-court", told, void=True)
    stranger = NoticeDelivered(name, Bytes32(warrant.subject(account("dave"))))
    world.log("operator", stranger, void=True)
    tally = world.state.tallies[1]
    assert (tally.releases, tally.notices, tally.labels) == (2, 1, 1)


def test_no_entry_holds_a_name() -> None:
    world = World()
    warrant = world.warrant()
    world.request(warrant, (world.label("alice"),))
    everything = b"".join(world.lines)
    for secret in (account("alice"), account("bob")):
        assert encode_base64url(secret).encode() not in everything
    for word in (b"case 7", b"Act 1", b"alice"):
        assert word not in everything


def test_subject_commitments_of_two_warrants_do_not_link() -> None:
    world = World()
    first, second = world.warrant(), world.warrant(salt=Bytes32(b"X" * 32))
    assert first.subject(account("alice")) != second.subject(account("alice"))


def test_a_request_travels_with_its_labels() -> None:
    world = World()
    warrant = world.warrant()
    labels = world.labels(world.label("alice"), world.label("bob", day=TODAY - 1))
    signed = world.log("1-agency", world.request(warrant, labels, logged=False).entry)
    decoded = decode_request(world.deployment, encode_request(signed, 1, labels))
    assert decoded.labels == labels
    assert labels_root(decoded.labels) == decoded.entry.labels_root


_WORLD = World()
_WARRANT = _WORLD.warrant()


@settings(max_examples=200)
@given(st.binary(max_size=60), st.integers(0, 2000), st.integers(0, 2000))
def test_hostile_lines_never_stop_the_fold(junk: bytes, at: int, until: int) -> None:
    state = _WORLD.state
    good = _WORLD.lines[at % len(_WORLD.lines)]
    bad = good[:until] + junk + good[until + len(junk) :]
    for line in (junk, bad, b'{"entry":' * 9000):
        after = state.apply(state.size, line)
        assert after.size == state.size + 1
        assert after.void == state.void + 1
        with pytest.raises(Malformed):
            verify_entry(_WORLD.deployment, line)
    with pytest.raises(Malformed):
        decode_request(_WORLD.deployment, junk)


@settings(max_examples=100)
@given(st.data())
def test_hostile_warrants_are_refused_and_nothing_else(data: st.DataObject) -> None:
    good = _WARRANT.document
    at = data.draw(st.integers(0, len(good) - 1))
    junk = data.draw(st.binary(min_size=1, max_size=6))
    bad = good[:at] + junk + good[at + len(junk) :]
    try:
        found = verify_warrant(bad, _WORLD.charter)
    except Refusal:
        return
    assert found.commitment == _WARRANT.commitment


def test_who_gives_logs_the_request() -> None:
    """R-36: metadata is the operator's to give, content the agency's to ask for."""
    world = World()
    metadata = world.warrant(kind=WarrantKind.METADATA)
    labels = world.labels(world.label("alice"))
    world.request(metadata, labels, "1-agency", void=True)
    assert world.state.last_void is Code.REQUEST_FOREIGN
    world.request(metadata, labels, "operator")
    assert world.state.warrants[metadata.commitment].owed
    content = world.warrant()
    world.request(content, labels, "operator", void=True)
    assert world.state.last_void is Code.REQUEST_FOREIGN
