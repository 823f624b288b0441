"""The release rule: every refusal by its name, no permit beyond the warrant (spec R-9 to R-19)."""

from collections.abc import Callable

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
    conversation,
    key,
    party,
    public,
)

from doublelock.protocol.charter import (
    WarrantKind,
    verify_amendment,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.errors import Refusal, ReleaseRefused
from doublelock.protocol.lawlog import (
    Approval,
    Cancellation,
    Ground,
    Lapse,
    NoticeDelivered,
    WarrantRefused,
    sign_entry,
    verify_entry,
)
from doublelock.protocol.release import (
    LawHead,
    LawProof,
    ReleasePermit,
    permit_digest,
    prove_law,
)
from doublelock.protocol.scope import ScopeItem
from doublelock.protocol.warrant import describe_filing, verify_warrant

ROOM = ScopeItem((), (Bytes32(conversation("room")),), TODAY - 1, TODAY)


def test_a_warrant_in_order_gives_a_permit_for_exactly_its_labels() -> None:
    world = World()
    warrant = world.warrant()
    labels = world.labels(world.label("alice"), world.label("bob"), world.label("alice", "den"))
    request = world.request(warrant, labels)
    permit = world.release(warrant, request, last_head=LawHead(2, world.state.root_at(2)))
    assert permit.labels == labels
    assert permit.key_epochs == (EPOCH,)
    assert (permit.warrant, permit.request) == (warrant.commitment, request.signed.hash)
    assert permit.release_key == b"R" * 32
    assert permit.digest == permit_digest(warrant, request)


def test_the_same_request_gives_the_same_permit_again() -> None:
    world = World()
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice")))
    first = world.release(warrant, request)
    assert world.release(warrant, request).digest == first.digest


def test_nothing_but_release_makes_a_permit() -> None:
    world = World()
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice")))
    with pytest.raises(TypeError):
        ReleasePermit(object(), warrant, request)
    with pytest.raises(TypeError):
        LawProof(object(), world.charter, world.prove().checkpoint, world.state)


# --- the table of refusals: each makes a world in which one thing alone is wrong ----------------

Case = Callable[[World], object]


def unlogged_warrant(world: World) -> object:
    warrant = world.warrant(filed=False)
    request = world.request(warrant, world.labels(world.label("alice")), logged=False)
    return world.release(warrant, request)


def unlogged_approval(world: World) -> object:
    warrant = world.warrant(approved=("1-minister",))
    request = world.request(warrant, world.labels(world.label("alice")), void=True)
    return world.release(warrant, request)


def single_signed(world: World) -> object:
    warrant = world.warrant("1-agency", "1-minister")
    request = world.request(warrant, world.labels(world.label("alice")), void=True)
    return world.release(warrant, request)


def unsigned_though_logged(world: World) -> object:
    warrant = world.warrant("1-agency", "1-minister", approved=("1-minister", "1-judge"))
    request = world.request(warrant, world.labels(world.label("alice")))
    return world.release(warrant, request)


def another_judge_signed_than_logged(world: World) -> object:
    warrant = world.warrant(approved=("1-minister", "1-second judge"))
    request = world.request(warrant, world.labels(world.label("alice")))
    return world.release(warrant, request)


def approvals_of_another_warrant(world: World) -> object:
    warrant = world.warrant()
    other = world.warrant(salt=Bytes32(b"X" * 32))
    request = world.request(warrant, world.labels(world.label("alice")))
    return world.release(warrant, request, approvals=other.approvals)


def expired(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice")))
    return world.release(warrant, request, now_ms=warrant.terms.valid_until_ms)


def early(world: World) -> object:
    warrant = world.warrant(valid_from_ms=NOW + HOUR)
    request = world.request(warrant, world.labels(world.label("alice")), void=True)
    return world.release(warrant, request)


def lapsed(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice")))
    lapse = Lapse(Bytes32(warrant.commitment), "expired")
    world.log("operator", lapse, warrant.terms.valid_until_ms)
    return world.release(warrant, request)


def cancelled(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice")))
    world.log("1-judge", Cancellation(Bytes32(warrant.commitment), Ground.NECESSITY))
    return world.release(warrant, request)


def cancelled_without_the_server(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice")))
    entry = Cancellation(Bytes32(warrant.commitment), Ground.SCOPE)
    signed = sign_entry(world.deployment, entry, public("1-minister"), key("1-minister").sign)
    return world.release(warrant, request, cancellations=[verify_entry(world.deployment, signed)])


def refused_by(name: str) -> Case:
    def case(world: World) -> object:
        warrant = world.warrant()
        request = world.request(warrant, world.labels(world.label("alice")))
        world.log(name, WarrantRefused(Bytes32(warrant.commitment), Ground.FORM))
        return world.release(warrant, request)

    case.__name__ = f"refused by {name}"
    return case


def over_broad(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice"), world.label("carol")))
    return world.release(warrant, request)


def excluded_conversation(world: World) -> object:
    item = msgspec.structs.replace(
        world.terms().scope[0], without_conversations=(Bytes32(conversation("den")),)
    )
    warrant = world.warrant(scope=(item,))
    request = world.request(warrant, world.labels(world.label("alice", "den")))
    return world.release(warrant, request)


def another_day(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice", day=TODAY - 2)))
    return world.release(warrant, request)


def future_day(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice", day=TODAY + 1)))
    return world.release(warrant, request)


def foreign_committee_label(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice", committee=2)))
    return world.release(warrant, request)


def foreign_deployment_label(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice", deployment=b"F" * 32)))
    return world.release(warrant, request)


def foreign_epoch_label(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice", key_epoch=EPOCH + 1)))
    return world.release(warrant, request)


def unknown_epoch(_: World) -> object:
    world = World(epochs=())
    warrant = world.warrant()
    return world.release(warrant, world.request(warrant, world.labels(world.label("alice"))))


def dead_by_the_court(world: World) -> object:
    world.destroy(1, EPOCH, "court")
    warrant = world.warrant()
    return world.release(warrant, world.request(warrant, world.labels(world.label("alice"))))


def dead_by_custodians(world: World) -> object:
    world.destroy(1, EPOCH, "custodian1")
    world.destroy(1, EPOCH, "custodian3")
    warrant = world.warrant()
    return world.release(warrant, world.request(warrant, world.labels(world.label("alice"))))


def unlogged_request(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice")), logged=False)
    return world.release(warrant, request)


def replayed_request(world: World) -> object:
    warrant = world.warrant()
    labels = world.labels(world.label("alice"))
    world.request(warrant, labels)
    again = world.request(warrant, labels, labels=2, void=True)
    return world.release(warrant, again)


def request_by_another_agency(world: World) -> object:
    warrant = world.warrant()
    labels = world.labels(world.label("alice"))
    return world.release(warrant, world.request(warrant, labels, "1-other agency", void=True))


def request_of_another_warrant(world: World) -> object:
    warrant = world.warrant()
    other = world.warrant(salt=Bytes32(b"X" * 32))
    return world.release(warrant, world.request(other, world.labels(world.label("alice"))))


def wrong_root(world: World) -> object:
    warrant = world.warrant()
    request = world.request(
        warrant, world.labels(world.label("alice")), labels_root=Bytes32(b"0" * 32)
    )
    return world.release(warrant, request)


def swapped_labels(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice")))
    swapped = type(request)(request.signed, request.entry, (world.label("alice", "another room"),))
    return world.release(warrant, swapped)


def wrong_count(world: World) -> object:
    warrant = world.warrant()
    labels = world.labels(world.label("alice"), world.label("bob"))
    return world.release(warrant, world.request(warrant, labels, labels=3))


def wrong_account_count(world: World) -> object:
    warrant = world.warrant()
    labels = world.labels(world.label("alice"), world.label("bob"))
    one = (Bytes32(warrant.subject(account("alice"))),)
    return world.release(warrant, world.request(warrant, labels, accounts=1, subjects=one))


def unordered_labels(world: World) -> object:
    warrant = world.warrant()
    labels = world.labels(world.label("alice"), world.label("bob"))
    request = world.request(warrant, labels)
    turned = type(request)(request.signed, request.entry, labels[::-1])
    return world.release(warrant, turned)


def somebody_left_without_notice(world: World) -> object:
    warrant = world.warrant()
    labels = world.labels(world.label("alice"))
    somebody = (Bytes32(warrant.subject(account("bob"))),)
    return world.release(warrant, world.request(warrant, labels, subjects=somebody))


def too_many_unnamed(world: World) -> object:
    warrant = world.warrant(scope=(ROOM,), unnamed_senders=2)
    labels = world.labels(*(world.label(name) for name in ("alice", "bob", "carol")))
    return world.release(warrant, world.request(warrant, labels))


def unnamed_in_small_pieces(world: World) -> object:
    warrant = world.warrant(scope=(ROOM,), unnamed_senders=2)
    for name in ("alice", "bob"):
        world.release(warrant, world.request(warrant, world.labels(world.label(name))))
    return world.release(warrant, world.request(warrant, world.labels(world.label("carol"))))


def label_cap(world: World) -> object:
    warrant = world.warrant()
    labels = world.labels(*(world.label("alice", f"room {n}") for n in range(11)))
    return world.release(warrant, world.request(warrant, labels))


def cap_across_disjoint_quorums(world: World) -> object:
    """Two warrants, two quorums that never speak: the log's order alone says who is over."""
    first, second = world.warrant(), world.warrant(salt=Bytes32(b"X" * 32))
    rooms = [world.label("alice", f"room {n}") for n in range(12)]
    one = world.request(first, world.labels(*rooms[:6]))
    two = world.request(second, world.labels(*rooms[6:]))
    world.release(first, one)
    return world.release(second, two)


def account_cap(world: World) -> object:
    """The same people under another warrant have other commitments and count again."""
    for salt in (b"1", b"2"):
        warrant = world.warrant(salt=Bytes32(salt * 32))
        labels = world.labels(world.label("alice"), world.label("bob"))
        world.release(warrant, world.request(warrant, labels))
    third = world.warrant(salt=Bytes32(b"3" * 32))
    return world.release(third, world.request(third, world.labels(world.label("alice"))))


def overdue_notice(world: World) -> object:
    told = world.warrant(gag_end_ms=NOW + DAY_MS)
    world.request(told, world.labels(world.label("alice")))
    late = NOW + 9 * DAY_MS
    fresh = world.warrant(salt=Bytes32(b"X" * 32))
    request = world.request(fresh, world.labels(world.label("bob")), time_ms=late)
    return world.release(fresh, request)


def urgent_over(world: World) -> object:
    warrant = world.warrant("1-agency", "1-minister", urgent=True)
    request = world.request(warrant, world.labels(world.label("alice")))
    return world.release(warrant, request, now_ms=NOW + 3 * DAY_MS)


def stale_checkpoint(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice")))
    return world.release(warrant, request, proof=world.prove(NOW), now_ms=NOW + HOUR + 1000)


def future_checkpoint(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice")))
    return world.release(warrant, request, proof=world.prove(NOW + 61_000), now_ms=NOW)


def lines_from_the_future(world: World) -> object:
    """Stamps that run ahead would move the window of the caps."""
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice")), time_ms=NOW + 2 * HOUR)
    return world.release(warrant, request, proof=world.prove(NOW), now_ms=NOW)


def under_cosigned(world: World) -> object:
    return prove_law(world.charter, world.state, world.note(NOW, ("w1",)))


def cosigned_by_strangers(world: World) -> object:
    return prove_law(world.charter, world.state, world.note(NOW, ("w1", "w9")))


def another_log(world: World) -> object:
    return prove_law(world.charter, world.state, world.note(NOW, log="key-log"))


def another_size(world: World) -> object:
    note = world.note(NOW)
    world.warrant()
    return prove_law(world.charter, world.state, note)


def forked_head(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice")))
    return world.release(warrant, request, last_head=LawHead(3, b"F" * 32))


def shrunk_log(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice")))
    ahead = LawHead(world.state.size + 1, world.state.root)
    return world.release(warrant, request, last_head=ahead)


def another_charter(world: World) -> object:
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice")))
    other = World(charter_terms(name="Another"))
    return world.release(warrant, request, charter=other.charter)


def metadata_opens_no_key(world: World) -> object:
    warrant = world.warrant(kind=WarrantKind.METADATA)
    labels = world.labels(world.label("alice"))
    return world.release(warrant, world.request(warrant, labels, "operator"))


def filed_with_other_terms(world: World) -> object:
    """An operator and agency log a shorter gag than the judge signed, or a longer validity."""
    warrant = world.warrant(filed=False)
    filing = describe_filing(warrant)
    longer = msgspec.structs.replace(filing, gag_end_ms=filing.gag_end_ms + DAY_MS)
    world.log("1-agency", longer)
    for name in ("1-minister", "1-judge"):
        world.log(name, Approval(Bytes32(warrant.commitment)))
    return world.release(warrant, world.request(warrant, world.labels(world.label("alice"))))


REFUSALS: list[tuple[Case, Code]] = [
    (unlogged_warrant, Code.WARRANT_UNLOGGED),
    (unlogged_approval, Code.WARRANT_UNLOGGED),
    (single_signed, Code.WARRANT_UNAPPROVED),
    (unsigned_though_logged, Code.WARRANT_UNAPPROVED),
    (another_judge_signed_than_logged, Code.WARRANT_UNLOGGED),
    (approvals_of_another_warrant, Code.WARRANT_UNAPPROVED),
    (expired, Code.WARRANT_EXPIRED),
    (early, Code.WARRANT_EARLY),
    (lapsed, Code.WARRANT_LAPSED),
    (cancelled, Code.WARRANT_CANCELLED),
    (cancelled_without_the_server, Code.WARRANT_CANCELLED),
    (refused_by("1-minister"), Code.WARRANT_REFUSED),
    (refused_by("1-second judge"), Code.WARRANT_REFUSED),
    (refused_by("operator"), Code.WARRANT_REFUSED),
    (over_broad, Code.LABEL_OUT_OF_SCOPE),
    (excluded_conversation, Code.LABEL_OUT_OF_SCOPE),
    (another_day, Code.LABEL_OUT_OF_SCOPE),
    (future_day, Code.LABEL_FUTURE),
    (foreign_committee_label, Code.WARRANT_COMMITTEE),
    (foreign_deployment_label, Code.WARRANT_COMMITTEE),
    (foreign_epoch_label, Code.LABEL_EPOCH),
    (unknown_epoch, Code.EPOCH_UNKNOWN),
    (dead_by_the_court, Code.EPOCH_DEAD),
    (dead_by_custodians, Code.EPOCH_DEAD),
    (unlogged_request, Code.REQUEST_UNLOGGED),
    (replayed_request, Code.REQUEST_REPLAYED),
    (request_by_another_agency, Code.REQUEST_FOREIGN),
    (request_of_another_warrant, Code.REQUEST_FOREIGN),
    (wrong_root, Code.LABELS_ROOT),
    (swapped_labels, Code.LABELS_ROOT),
    (wrong_count, Code.LABELS_COUNT),
    (wrong_account_count, Code.LABELS_COUNT),
    (unordered_labels, Code.LABELS_ORDER),
    (somebody_left_without_notice, Code.LABELS_SUBJECTS),
    (too_many_unnamed, Code.UNNAMED_SENDERS),
    (unnamed_in_small_pieces, Code.UNNAMED_SENDERS),
    (label_cap, Code.CAP_EXCEEDED),
    (cap_across_disjoint_quorums, Code.CAP_EXCEEDED),
    (account_cap, Code.CAP_EXCEEDED),
    (overdue_notice, Code.NOTICE_OVERDUE),
    (urgent_over, Code.URGENT_OVER),
    (stale_checkpoint, Code.CHECKPOINT_STALE),
    (future_checkpoint, Code.CHECKPOINT_FUTURE),
    (lines_from_the_future, Code.CHECKPOINT_FUTURE),
    (under_cosigned, Code.LOG_QUORUM),
    (cosigned_by_strangers, Code.LOG_QUORUM),
    (another_log, Code.LOG_UNKNOWN),
    (another_size, Code.CHECKPOINT_FOREIGN),
    (forked_head, Code.CHECKPOINT_FORKED),
    (shrunk_log, Code.CHECKPOINT_FORKED),
    (another_charter, Code.CHECKPOINT_FOREIGN),
    (metadata_opens_no_key, Code.WARRANT_KIND),
    (filed_with_other_terms, Code.WARRANT_UNLOGGED),
]


@pytest.mark.parametrize(("case", "code"), REFUSALS, ids=[case.__name__ for case, _ in REFUSALS])
def test_refused_by_name(case: Case, code: Code) -> None:
    with pytest.raises(Refusal) as refused:
        case(World())
    assert refused.value.code == code


# --- what stays allowed ------------------------------------------------------------------------


def test_an_urgent_warrant_opens_within_its_window_by_the_minister_alone() -> None:
    world = World()
    warrant = world.warrant("1-agency", "1-minister", urgent=True)
    request = world.request(warrant, world.labels(world.label("alice")))
    assert world.release(warrant, request).labels == request.labels


def test_a_cancellation_by_a_stranger_stops_nothing() -> None:
    world = World()
    warrant = world.warrant()
    request = world.request(warrant, world.labels(world.label("alice")))
    entry = Cancellation(Bytes32(warrant.commitment), Ground.OTHER)
    for name in ("2-judge", "operator", "1-other agency", "1-custodian1"):
        signed = sign_entry(world.deployment, entry, public(name), key(name).sign)
        world.log(name, entry, void=True)
        world.release(warrant, request, cancellations=[verify_entry(world.deployment, signed)])


def test_a_cancellation_outlives_the_office_of_who_signed_it() -> None:
    """The operator hides it until the minister has left the charter: who holds it still stops."""
    world = World()
    warrant = world.warrant(valid_until_ms=NOW + 20 * DAY_MS)
    request = world.request(warrant, world.labels(world.label("alice")))
    entry = Cancellation(Bytes32(warrant.commitment), Ground.OTHER)
    by = {
        name: verify_entry(
            world.deployment, sign_entry(world.deployment, entry, public(name), key(name).sign)
        )
        for name in ("1-minister", "1-new minister", "2-minister")
    }
    first = msgspec.structs.replace(committee(1), ministers=(party("1-new minister"),))
    logged, documents = amend(world, first)
    world.log("operator", logged, NOW, documents)
    world.charter = verify_amendment(world.charter, documents[bytes(logged.document)])
    now = NOW + 16 * DAY_MS
    for name in ("1-minister", "1-new minister"):
        with pytest.raises(ReleaseRefused) as refused:
            world.release(warrant, request, now_ms=now, cancellations=[by[name]])
        assert refused.value.code is Code.WARRANT_CANCELLED
    # Another committee's minister stops nothing.
    world.release(warrant, request, now_ms=now, cancellations=[by["2-minister"]])


def test_a_delivered_notice_lifts_the_block() -> None:
    world = World()
    told = world.warrant(gag_end_ms=NOW + DAY_MS)
    world.request(told, world.labels(world.label("alice")))
    late = NOW + 9 * DAY_MS
    subject = Bytes32(told.subject(account("alice")))
    world.log("1-court", NoticeDelivered(Bytes32(told.commitment), subject), late)
    fresh = world.warrant(salt=Bytes32(b"X" * 32))
    request = world.request(fresh, world.labels(world.label("bob")))
    assert world.release(fresh, request).labels == request.labels


def test_caps_open_again_after_thirty_days() -> None:
    world = World()
    first = world.warrant()
    world.request(first, world.labels(*(world.label("alice", f"room {n}") for n in range(10))))
    later = NOW + 31 * DAY_MS
    second = world.warrant(
        salt=Bytes32(b"X" * 32), valid_from_ms=later - HOUR, valid_until_ms=later + DAY_MS
    )
    request = world.request(second, world.labels(world.label("alice")), time_ms=later)
    assert world.release(second, request).labels == request.labels


def test_the_other_committee_is_untouched_by_a_cap() -> None:
    world = World()
    first = world.warrant()
    world.request(first, world.labels(*(world.label("alice", f"room {n}") for n in range(10))))
    names = ("2-agency", "2-minister", "2-judge")
    second = world.warrant(*names, committee=2, agency="2-agency", agency_key=public("2-agency"))
    labels = world.labels(world.label("alice", committee=2))
    request = world.request(second, labels, "2-agency")
    assert world.release(second, request).labels == labels


# --- properties --------------------------------------------------------------------------------

NAMES = st.sampled_from(["alice", "bob", "carol", "dave"])
ROOMS = st.sampled_from(["room", "den", "hall"])
DAYS = st.integers(TODAY - 3, TODAY + 2)


@st.composite
def items(draw: st.DrawFn) -> ScopeItem:
    senders = draw(st.sets(NAMES, max_size=3))
    rooms = draw(st.sets(ROOMS, min_size=0 if senders else 1, max_size=2))
    first, last = sorted((draw(DAYS), draw(DAYS)))
    return ScopeItem(
        senders=tuple(Bytes32(account(name)) for name in sorted(senders)),
        conversations=tuple(Bytes32(conversation(name)) for name in sorted(rooms)),
        first_day=first,
        last_day=last,
        without_senders=tuple(
            Bytes32(account(name)) for name in sorted(draw(st.sets(NAMES, max_size=1)) - senders)
        ),
        without_conversations=tuple(
            Bytes32(conversation(name)) for name in sorted(draw(st.sets(ROOMS, max_size=1)) - rooms)
        ),
    )


def named(item: ScopeItem, who: str, where: str, day: int) -> bool:
    """Say it once more, plainly: what the words of the warrant cover."""
    return (
        item.first_day <= day <= item.last_day
        and (item.senders == () or Bytes32(account(who)) in item.senders)
        and (item.conversations == () or Bytes32(conversation(where)) in item.conversations)
        and Bytes32(account(who)) not in item.without_senders
        and Bytes32(conversation(where)) not in item.without_conversations
    )


@settings(max_examples=60)
@given(
    scope=st.lists(items(), min_size=1, max_size=2).map(tuple),
    wanted=st.sets(st.tuples(NAMES, ROOMS, DAYS), min_size=1, max_size=4),
)
def test_no_permit_ever_holds_a_label_out_of_scope(
    scope: tuple[ScopeItem, ...], wanted: set[tuple[str, str, int]]
) -> None:
    unnamed = 3 if any(not item.senders for item in scope) else 0
    world = World()
    warrant = world.warrant(scope=scope, unnamed_senders=unnamed)
    labels = world.labels(*(world.label(*one) for one in wanted))
    good = all(any(named(item, *one) for item in scope) for one in wanted)
    future = any(day > TODAY for _, _, day in wanted)
    request = world.request(warrant, labels)
    crowd = len({account(who) for who, _, _ in wanted} - warrant.scope.named) > unnamed
    if good and not future and not crowd:
        assert world.release(warrant, request).labels == labels
        return
    with pytest.raises(Refusal) as refused:
        world.release(warrant, request)
    allowed = {
        Code.LABEL_OUT_OF_SCOPE: not good,
        Code.LABEL_FUTURE: future,
        Code.UNNAMED_SENDERS: crowd,
    }
    assert allowed[refused.value.code]


def test_a_warrant_of_another_committees_agency_is_refused() -> None:
    world = World()
    document = world.document(
        world.terms(agency="2-agency", agency_key=public("2-agency")), "2-agency"
    )
    with pytest.raises(Refusal) as refused:
        verify_warrant(document, world.charter)
    assert refused.value.code is Code.WARRANT_APPLICANT
