"""Drafting an amendment and saying what it changes (spec C-9, C-12)."""

import msgspec
import pytest
from law_world import charter_terms, committee, found, key, party, public

from doublelock.protocol import jws
from doublelock.protocol.amendment import (
    describe_changes,
    describe_time,
    draft_amendment,
    read_editable,
    write_editable,
)
from doublelock.protocol.charter import Custodian, read_amendment, verify_amendment
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.errors import CharterRefused, Malformed

CHARTER = found()
FIRST = committee(1)


def test_an_edited_charter_becomes_an_amendment_that_all_sign_in_turn() -> None:
    edited = read_editable(write_editable(CHARTER))
    assert edited == CHARTER.terms
    first = msgspec.structs.replace(FIRST, retention_days=7)
    edited = msgspec.structs.replace(edited, committees=(first, committee(2)))
    payload = draft_amendment(CHARTER, edited, 5)
    signer = (public("operator"), key("operator").sign)
    document = jws.sign(payload, jws.Purpose.CHARTER, [signer])
    for name, lacking in (
        ("1-custodian3", ["court of committee 1", "custodians of committee 1 (0 of 2)"]),
        ("1-court", ["court of committee 1", "custodians of committee 1 (1 of 2)"]),
        ("1-custodian1", ["custodians of committee 1 (1 of 2)"]),
    ):
        assert list(read_amendment(CHARTER, document).lacking(CHARTER)) == lacking
        with pytest.raises(CharterRefused) as refused:
            verify_amendment(CHARTER, document)
        assert refused.value.code is Code.CHARTER_SIGNATURES
        mine = jws.sign(payload, jws.Purpose.CHARTER, [(public(name), key(name).sign)])
        document = jws.merge(document, mine, 1 << 20)
    new = verify_amendment(CHARTER, document)
    assert new.terms.committees[0].retention_days == 7
    assert new.terms.effective_ms == 5 + CHARTER.terms.amendment_delay_ms + 3_600_000


def test_every_change_is_said_in_words() -> None:
    new = (
        *(Custodian(n, one.name, one.key) for n, one in enumerate(FIRST.custodians[1:], 1)),
        Custodian(3, "University", public("newcomer")),
    )
    profile = msgspec.structs.replace(FIRST.profiles[0], max_days=99, notice_ms=2 * DAY_MS)
    changed = msgspec.structs.replace(
        FIRST,
        custodians=new,
        judges=(party("1-judge"), party("1-new judge")),
        caps=msgspec.structs.replace(FIRST.caps, labels=1),
        profiles=(profile, *FIRST.profiles[1:]),
    )
    third = committee(3)
    terms = charter_terms(skew_ms=120_000, committees=(changed, third))
    said = [str(change) for change in describe_changes(CHARTER.terms, terms)]
    for words in (
        "charter, skew: 1 minute -> 2 minutes",
        "committee 1, custodians: gone: number 1, ",
        "committee 1, custodians: number 2, ",
        "committee 1, custodians: new: number 3, University (key ",
        "committee 1, judges: new: 1-new judge (key ",
        f"committee 1, caps, labels: {FIRST.caps.labels} -> 1",
        f"committee 1, {profile.kind.value} warrants, max_days: {FIRST.profiles[0].max_days} -> 99",
        "committee 2: gone: ",
        "committee 3: new: ",
    ):
        assert [one for one in said if one.startswith(words)], (words, said)
    assert describe_changes(CHARTER.terms, CHARTER.terms) == ()
    when = msgspec.structs.replace(terms, issued_ms=0, effective_ms=14 * DAY_MS)
    assert describe_time(when) == "1970-01-15T00:00:00+00:00 (14 days after it was issued)"


@pytest.mark.parametrize("change", [(b'"skew_ms"', b'"skew"'), (b"1", b"x"), (b"{", b"[")])
def test_a_terms_file_that_is_wrong_says_where(change: tuple[bytes, bytes]) -> None:
    with pytest.raises(Malformed) as refused:
        read_editable(write_editable(CHARTER).replace(*change))
    assert "terms file" in refused.value.detail
