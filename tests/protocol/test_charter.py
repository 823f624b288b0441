"""Charters and the signed documents under them (spec C)."""

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from law_world import (
    HOUR,
    charter_terms,
    committee,
    found,
    key,
    party,
    public,
    sign_charter,
)

from doublelock.protocol import jws
from doublelock.protocol.charter import (
    Charter,
    CharterTerms,
    Committee,
    Role,
    charter_at,
    genesis_id,
    read_terms,
    verify_amendment,
    verify_genesis,
    write_terms,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import Bytes32, decode, decode_base64url, encode_base64url
from doublelock.protocol.errors import CharterRefused, Malformed, Refusal

EVERYONE = (
    "operator",
    *(f"{n}-{who}" for n in (1, 2) for who in ("court", "custodian1", "custodian3")),
)
THIRD = (committee(1), committee(2), committee(3))
CHARTER = found()


def amend(charter: Charter = CHARTER, **changes: Any) -> CharterTerms:
    return msgspec.structs.replace(
        charter.terms,
        **{
            "sequence": charter.terms.sequence + 1,
            "deployment": Bytes32(charter.deployment),
            "previous": Bytes32(charter.hash),
            "issued_ms": 5,
            "effective_ms": 5 + 14 * DAY_MS,
        }
        | changes,
    )


def code_of(terms: CharterTerms, names: tuple[str, ...] = EVERYONE) -> Code:
    with pytest.raises(Refusal) as refused:
        verify_amendment(CHARTER, sign_charter(terms, names))
    return refused.value.code


def test_the_genesis_charter_is_the_one_that_was_pinned() -> None:
    assert CHARTER.deployment == CHARTER.hash
    found_party = CHARTER.party(public("1-judge"))
    assert found_party is not None
    assert (found_party.role, found_party.committee) == (Role.JUDGE, 1)
    other = charter_terms(name="Swapped")
    with pytest.raises(CharterRefused) as refused:
        verify_genesis(sign_charter(other), CHARTER.deployment)
    assert refused.value.code is Code.CHARTER_GENESIS


def test_a_genesis_charter_needs_its_operators_signature() -> None:
    terms = charter_terms()
    for names in (("1-court",), ("operator", "1-court"), ("operator", "operator")):
        with pytest.raises(Malformed):
            verify_genesis(sign_charter(terms, names), genesis_id(write_terms(terms)))


def test_nothing_but_verifying_makes_a_charter() -> None:
    with pytest.raises(TypeError):
        Charter(object(), CHARTER.deployment, b"{}", b"")


def test_an_amendment_by_all_whom_it_concerns_takes_effect_after_its_delay() -> None:
    new = verify_amendment(CHARTER, sign_charter(amend(skew_ms=1000), EVERYONE))
    assert new.terms.skew_ms == 1000
    assert charter_at((CHARTER, new), 4 + 14 * DAY_MS) is CHARTER
    assert charter_at((CHARTER, new), 5 + 14 * DAY_MS) is new


def test_retention_is_the_longest_and_no_days_are_no_limit() -> None:
    """W-19, for server and clients alike."""
    now = 100 * DAY_MS
    short, long, none = (
        msgspec.structs.replace(committee(number), retention_days=days)
        for number, days in ((1, 30), (2, 92), (3, 0))
    )
    for committees, kept_from in (
        ((short,), 70 * DAY_MS),
        ((short, long), 8 * DAY_MS),
        ((long, short), 8 * DAY_MS),
        ((short, none), 0),
        ((none,), 0),
    ):
        terms = msgspec.structs.replace(charter_terms(), committees=committees)
        assert terms.retained_from(now) == kept_from
    assert msgspec.structs.replace(terms, committees=(long,)).retained_from(DAY_MS) == 0


def test_what_concerns_one_committee_needs_that_one_alone() -> None:
    first = msgspec.structs.replace(committee(1), judges=(party("1-new judge"),))
    terms = amend(committees=(first, committee(2)))
    names = ("operator", "1-court", "1-custodian2", "1-custodian3")
    assert verify_amendment(CHARTER, sign_charter(terms, names)).terms == terms
    assert code_of(terms, ("operator", "2-court", "2-custodian1", "2-custodian2")) is (
        Code.CHARTER_SIGNATURES
    )


@pytest.mark.parametrize(
    ("changes", "names", "code"),
    [
        ({"skew_ms": 1}, EVERYONE[1:], Code.CHARTER_SIGNATURES),
        ({"skew_ms": 1}, ("operator",), Code.CHARTER_SIGNATURES),
        ({"skew_ms": 1}, EVERYONE[:-1], Code.CHARTER_SIGNATURES),
        ({"skew_ms": 1}, (*EVERYONE, "1-judge"), Code.UNKNOWN_SIGNER),
        ({"committees": (committee(1),)}, EVERYONE[:4], Code.CHARTER_SIGNATURES),
        (
            {"committees": THIRD},
            EVERYONE,
            Code.CHARTER_SIGNATURES,
        ),
        ({"sequence": 2}, EVERYONE, Code.CHARTER_SEQUENCE),
        ({"previous": Bytes32(bytes(32))}, EVERYONE, Code.CHARTER_SEQUENCE),
        ({"deployment": Bytes32(bytes(32))}, EVERYONE, Code.CHARTER_SEQUENCE),
        ({"account_salt": Bytes32(bytes(32))}, EVERYONE, Code.CHARTER_FIXED),
        ({"effective_ms": 4 + 14 * DAY_MS}, EVERYONE, Code.CHARTER_DELAY),
    ],
)
def test_an_amendment_is_refused_by_name(
    changes: dict[str, Any], names: tuple[str, ...], code: Code
) -> None:
    assert code_of(amend(**changes), names) is code


def _committee(**changes: Any) -> tuple[Committee, ...]:
    return (msgspec.structs.replace(committee(1), **changes), committee(2))


PROFILE = committee(1).profiles[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"committees": ()},
        {"committees": (committee(1), committee(1))},
        {"committees": _committee(threshold=1)},
        {"committees": _committee(threshold=4)},
        {"committees": _committee(court=None)},
        {"committees": _committee(court=party("1-custodian1"))},
        {"committees": _committee(judges=(party("1-minister"),))},
        {"committees": _committee(judges=(party("operator"),))},
        {"committees": _committee(escrow="none")},
        {"committees": _committee(custodians=committee(1).custodians[1:])},
        {"committees": _committee(profiles=(PROFILE, PROFILE))},
        {
            "committees": _committee(
                profiles=(msgspec.structs.replace(PROFILE, approvals=PROFILE.approvals[:1]),)
            )
        },
        {"escrow": "none"},
        {"quorum": 4},
        {"quorum": 0},
        {"sequence": 1},
        {"skew_ms": 25 * HOUR},
        {"law_log": "no key"},
        {"law_log": charter_terms().key_log},
        {"receipt_key": Bytes32(bytes(32))},
        {"effective_ms": 0, "issued_ms": 1},
    ],
)
def test_a_charter_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(CharterRefused) as refused:
        write_terms(charter_terms(**changes))
    assert refused.value.code is Code.CHARTER_TERMS


# --- signed documents --------------------------------------------------------------------------

PAYLOAD = b'{"a":1}'
SIGNED = jws.sign(PAYLOAD, jws.Purpose.WARRANT, [(public("x"), key("x").sign)])


def tampered(**header: object) -> bytes:
    document = json.loads(SIGNED)
    protected = json.loads(decode_base64url(document["signatures"][0]["protected"]))
    text = encode_base64url(json.dumps(protected | header).encode())
    signature = key("x").sign(f"{text}.{document['payload']}".encode())
    document["signatures"][0] = {"protected": text, "signature": encode_base64url(signature)}
    return json.dumps(document).encode()


def jws_code(data: bytes, purpose: jws.Purpose = jws.Purpose.WARRANT) -> Code:
    with pytest.raises(Malformed) as refused:
        jws.verify(data, purpose, [public("x")], 1000)
    return refused.value.code


def test_a_signed_document_gives_its_exact_payload() -> None:
    document = jws.verify(SIGNED, jws.Purpose.WARRANT, [public("x")], 1000)
    assert (document.payload, document.signers) == (PAYLOAD, (public("x"),))


def test_headers_that_we_do_not_write_are_refused() -> None:
    assert jws_code(tampered(alg="none")) is Code.FORM
    assert jws_code(tampered(alg="EdDSA")) is Code.FORM
    assert jws_code(tampered(alg="HS256")) is Code.FORM
    assert jws_code(tampered(crit=["b64"], b64=False)) is Code.FORM
    assert jws_code(tampered(jwk={"kty": "OKP", "crv": "Ed25519", "x": "AA"})) is Code.FORM
    assert jws_code(tampered(typ="doublelock-charter+jws")) is Code.WRONG_PURPOSE
    assert jws_code(tampered(kid="AAAAAAAAAAAAAAAAAAAAAA")) is Code.UNKNOWN_SIGNER


def test_no_signature_serves_another_purpose() -> None:
    for purpose in set(jws.Purpose) - {jws.Purpose.WARRANT}:
        assert jws_code(SIGNED, purpose) is Code.WRONG_PURPOSE


def test_repeated_members_and_changed_payloads_are_refused() -> None:
    document = json.loads(SIGNED)
    assert jws_code(SIGNED.replace(b'{"payload"', b'{"payload":"e30","payload"')) is Code.FORM
    assert jws_code(json.dumps(document | {"header": {}}).encode()) is Code.FORM
    assert jws_code(json.dumps(document | {"payload": "e30"}).encode()) is Code.BAD_SIGNATURE
    assert jws_code(json.dumps(document | {"signatures": []}).encode()) is Code.SIZE
    twice = document | {"signatures": document["signatures"] * 2}
    assert jws_code(json.dumps(twice).encode()) is Code.FORM


def test_signatures_of_two_documents_merge_over_one_payload() -> None:
    other = jws.sign(PAYLOAD, jws.Purpose.WARRANT, [(public("y"), key("y").sign)])
    merged = jws.merge(SIGNED, jws.merge(SIGNED, other, 1000), 1000)
    document = jws.verify(merged, jws.Purpose.WARRANT, [public("x"), public("y")], 1000)
    assert document.signers == (public("x"), public("y"))
    with pytest.raises(Malformed):
        jws.merge(SIGNED, jws.sign(b"{}", jws.Purpose.WARRANT, []), 1000)


def _says_the_same(data: bytes, good: bytes) -> bool:
    try:
        return bool(json.loads(data) == json.loads(good))
    except (ValueError, RecursionError):
        return False


@settings(max_examples=150)
@given(st.binary(max_size=80), st.integers(0, 4000), st.integers(0, 3000))
@example(b"\t", 0, 0)
def test_hostile_charters_are_refused_and_nothing_else(junk: bytes, at: int, until: int) -> None:
    good = CHARTER.document
    for data in (junk, good[:at] + junk + good[max(at, until) :], b"[" * 5000, b'{"a":' * 5000):
        if _says_the_same(data, good):  # white space between members is nobody's signature
            continue
        with pytest.raises(Refusal):
            verify_genesis(data, CHARTER.deployment)
        with pytest.raises(Refusal):
            read_terms(data)


@given(st.text(max_size=50) | st.text(alphabet="AQgwBz9-_+/=", max_size=12))
def test_bytes_have_one_encoding(text: str) -> None:
    try:
        data = decode_base64url(text)
    except ValueError:
        return
    assert encode_base64url(data) == text


@given(st.binary(max_size=100))
def test_bytes_come_back(data: bytes) -> None:
    text = encode_base64url(data)
    assert text == base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert decode_base64url(text) == data


def test_a_refusal_never_quotes_the_document() -> None:
    with pytest.raises(Malformed) as refused:
        decode(b'{"name":"Secret Name"}', CharterTerms, 1000)
    assert "Secret" not in str(refused.value)
