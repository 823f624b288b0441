"""An agency that owes notices comes back under another key, another name, or both (spec R-16)."""

import hashlib
from collections.abc import Sequence

import msgspec
import pytest
from law_world import NOW, World, account, committee, party, public, sign_charter

from doublelock.protocol.charter import hash_terms, verify_amendment, write_terms
from doublelock.protocol.charter_terms import Committee, Party
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.errors import ReleaseRefused
from doublelock.protocol.lawlog import AmendmentLogged, NoticeDelivered
from doublelock.protocol.release import ReleasePermit
from doublelock.protocol.warrant import Warrant

AGENCY, OTHER = party("1-agency"), party("1-other agency")
NEW_KEY = Party("1-agency", public("1-new agency"))
NEW_NAME = Party("Agency of the North", public("1-agency"))
NEW_BOTH = Party("Agency of the North", public("1-new agency"))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def told(world: World) -> Warrant:
    """A warrant by which 1-agency let Alice wait; its notice is overdue nine days later."""
    warrant = world.warrant(gag_end_ms=NOW + DAY_MS)
    world.request(warrant, world.labels(world.label("alice")))
    return warrant


def amend(world: World, agencies: Sequence[Party], committees: Sequence[Committee] = ()) -> None:
    """Log an amendment that names committee 1's agencies, signed by all; go to where it holds."""
    now, terms = world.time_ms + 1000, world.charter.terms
    first = msgspec.structs.replace(committee(1), agencies=tuple(agencies))
    terms = msgspec.structs.replace(
        terms,
        sequence=terms.sequence + 1,
        deployment=Bytes32(world.deployment),
        previous=Bytes32(world.charter.hash),
        issued_ms=now,
        effective_ms=now + 14 * DAY_MS,
        committees=tuple(committees) or (first, committee(2)),
    )
    numbers = {1, 2, *(one.number for one in terms.committees)}
    who = ("court", "custodian1", "custodian2")
    document = sign_charter(terms, ["operator", *(f"{n}-{one}" for n in numbers for one in who)])
    digest = hashlib.sha256(document).digest()
    entry = AmendmentLogged(Bytes32(hash_terms(write_terms(terms))), Bytes32(digest))
    world.log("operator", entry, now, {digest: document})
    world.charter = verify_amendment(world.charter, document)
    world.time_ms = terms.effective_ms


def ask(world: World, who: str, agency: Party) -> ReleasePermit:
    """Have an agency go the whole way with a fresh warrant."""
    now = world.time_ms
    fresh = world.warrant(
        who,
        "1-minister",
        "1-judge",
        agency=agency.name,
        agency_key=agency.key,
        salt=Bytes32(hashlib.sha256(f"{who} {now}".encode()).digest()),
        valid_from_ms=now,
        valid_until_ms=now + 20 * DAY_MS,
        gag_end_ms=now + 60 * DAY_MS,
    )
    return world.release(fresh, world.request(fresh, world.labels(world.label("bob")), who))


def assert_refused(world: World, who: str, agency: Party) -> None:
    with pytest.raises(ReleaseRefused) as refusal:
        ask(world, who, agency)
    assert refusal.value.code is Code.NOTICE_OVERDUE


@pytest.mark.parametrize(
    ("who", "agency"),
    [("1-new agency", NEW_KEY), ("1-agency", NEW_NAME), ("1-new agency", NEW_BOTH)],
)
def test_a_new_key_or_name_sheds_nothing(
    world: World, told: Warrant, who: str, agency: Party
) -> None:
    amend(world, [agency, OTHER])
    assert_refused(world, who, agency)
    # Nobody else's work stops: who was there beside it owes nothing.
    assert ask(world, "1-other agency", OTHER).agency == public("1-other agency")
    # And once Alice was told, nothing is owed by whatever name.
    subject = Bytes32(told.subject(account("alice")))
    world.log("operator", NoticeDelivered(Bytes32(told.commitment), subject))
    assert ask(world, who, agency).agency == agency.key


def test_one_after_the_other(world: World, told: Warrant) -> None:
    """First the key, then the name: two amendments, and still the same party."""
    amend(world, [NEW_KEY, OTHER])
    amend(world, [NEW_BOTH, OTHER])
    assert_refused(world, "1-new agency", NEW_BOTH)


def test_a_second_body_that_outlives_the_first(world: World, told: Warrant) -> None:
    """It comes while the first one is there, and is another; the first goes, and it is not."""
    amend(world, [AGENCY, OTHER, NEW_BOTH])
    assert ask(world, "1-new agency", NEW_BOTH)
    amend(world, [OTHER, NEW_BOTH])
    assert_refused(world, "1-new agency", NEW_BOTH)


def test_away_for_a_while(world: World, told: Warrant) -> None:
    amend(world, [OTHER])
    amend(world, [NEW_KEY, OTHER])
    assert_refused(world, "1-new agency", NEW_KEY)


def test_an_amendment_that_is_not_in_force_yet_changes_nothing(world: World, told: Warrant) -> None:
    amend(world, [NEW_NAME, OTHER])
    assert world.state.overdue(public("1-agency"), world.time_ms - 1)
    assert not world.state.overdue(public("1-other agency"), world.time_ms - 1)


def test_a_committee_of_another_number(world: World, told: Warrant) -> None:
    """Its keys die, it goes, and another one comes with the same people under new keys."""
    for holder in ("court", "custodian1", "custodian2"):
        world.destroy(1, world.label("alice").key_epoch, holder)
    third = msgspec.structs.replace(committee(3), agencies=(NEW_BOTH,))
    amend(world, [], [committee(2), third])
    assert world.state.overdue(public("1-new agency"), world.time_ms)
    assert not world.state.overdue(public("2-agency"), world.time_ms)
