"""charter.json: a signed charter, amendments, and such as must be refused (spec C)."""

import json
from functools import partial
from typing import Any

import msgspec

from doublelock.protocol import jws
from doublelock.protocol.charter import (
    CharterTerms,
    Committee,
    hash_terms,
    receipt_key_at,
    requires_capsule,
    verify_amendment,
    verify_genesis,
    write_terms,
)
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import Bytes32, decode_base64url, encode_base64url
from vectors.make.law import EVERYONE, amended, committee, genesis, key, public, sign, terms
from vectors.make.world import TIME_MS, flip, refusal_of

_NEW_KEYS = ("operator 2", "receipts 2")
_SECOND = tuple(name for name in EVERYONE if not name.startswith("1-"))


def _bent(document: bytes, at: str, value: Any) -> bytes:
    """Return a document whose first signature's protected header has another member."""
    outer = json.loads(document)
    header = json.loads(decode_base64url(outer["signatures"][0]["protected"])) | {at: value}
    outer["signatures"][0]["protected"] = encode_base64url(json.dumps(header).encode())
    return json.dumps(outer).encode()


def _genesis_cases() -> list[tuple[str, bytes, str]]:
    good = genesis().document
    outer = json.loads(good)
    twice = good.replace(b'{"payload":', b'{"payload":"","payload":', 1)
    payload = write_terms(terms())
    notice = jws.sign(payload, jws.Purpose.NOTICE, [(public("operator"), key("operator").sign)])
    signature = outer["signatures"][0]["signature"]
    return [
        ("not the pinned one", sign(terms(name="Another")), "charter-genesis"),
        ("by another key", sign(terms(), ("1-court",)), "unknown-signer"),
        ("for another purpose", notice, "wrong-purpose"),
        ("signed twice by one", sign(terms(), ("operator", "operator")), "form"),
        ("with a member twice", twice, "form"),
        ("with an unknown member", good.replace(b'{"payload"', b'{"x":1,"payload"', 1), "form"),
        ("with crit", _bent(good, "crit", ["x"]), "form"),
        ("with another algorithm", _bent(good, "alg", "EdDSA"), "form"),
        ("with no algorithm", _bent(good, "alg", "none"), "form"),
        ("without signatures", json.dumps(outer | {"signatures": []}).encode(), "size"),
        (
            "with a signature that does not hold",
            good.replace(
                signature.encode(),
                encode_base64url(flip(decode_base64url(signature), 5)).encode(),
            ),
            "bad-signature",
        ),
        ("with a comma too many", good[:-1] + b",}", "form"),
        ("cut", good[:-1], "form"),
        ("empty", b"", "form"),
        ("nested without end", b"[" * 5000, "form"),
    ]


def _rotated() -> CharterTerms:
    operator = msgspec.structs.replace(terms().operator, key=Bytes32(public("operator 2")))
    return amended(operator=operator, receipt_key=Bytes32(public("receipts 2")))


def _receipt_keys() -> dict[str, object]:
    """Return whose receipts count when, of a chain that changes the key (C-13)."""
    document = sign(_rotated(), (*EVERYONE, *_NEW_KEYS))
    charters = (genesis(), verify_amendment(genesis(), document))
    begin = charters[1].terms.effective_ms
    times = (0, charters[0].terms.effective_ms, begin - 1, begin, begin + 1000 * DAY_MS)
    cases = [{"time_ms": one, "key": receipt_key_at(charters, one).hex()} for one in times]
    assert len({case["key"] for case in cases}) == 2
    return {"amendment": document.decode(), "cases": cases}


def _amendments() -> list[tuple[str, bytes, str | None]]:
    ours = committee(2)
    fewer = msgspec.structs.replace(ours, retention_days=30)
    only_second = amended(committees=(committee(1), fewer))
    return [
        ("by all whom it concerns", sign(amended(skew_ms=1), EVERYONE), None),
        ("of one committee, by that one", sign(only_second, _SECOND), None),
        (
            "with new addresses, by all",
            sign(amended(addresses=()), EVERYONE),
            None,
        ),
        ("without the operator", sign(amended(skew_ms=1), EVERYONE[1:]), "charter-signatures"),
        (
            "without a court",
            sign(amended(skew_ms=1), EVERYONE[:1] + EVERYONE[2:]),
            "charter-signatures",
        ),
        ("with too few custodians", sign(amended(skew_ms=1), EVERYONE[:-1]), "charter-signatures"),
        ("by the operator alone", sign(amended(skew_ms=1)), "charter-signatures"),
        ("by a stranger too", sign(amended(skew_ms=1), (*EVERYONE, "nobody")), "unknown-signer"),
        ("out of order", sign(amended(sequence=2), EVERYONE), "charter-sequence"),
        ("after another", sign(amended(previous=public("x")), EVERYONE), "charter-sequence"),
        (
            "of another deployment",
            sign(amended(deployment=public("x")), EVERYONE),
            "charter-sequence",
        ),
        (
            "too soon",
            sign(amended(effective_ms=TIME_MS, issued_ms=TIME_MS), EVERYONE),
            "charter-delay",
        ),
        ("another salt", sign(amended(account_salt=public("x")), EVERYONE), "charter-fixed"),
        ("another genesis key", sign(amended(genesis_key=public("x")), EVERYONE), "charter-fixed"),
        ("new keys, signed by both too", sign(_rotated(), (*EVERYONE, *_NEW_KEYS)), None),
        ("a new key of nobody's", sign(_rotated(), EVERYONE), "charter-signatures"),
        (
            "a new receipt key of nobody's",
            sign(_rotated(), (*EVERYONE, _NEW_KEYS[0])),
            "charter-signatures",
        ),
        (
            "new keys without the old operator",
            sign(_rotated(), (*EVERYONE[1:], *_NEW_KEYS)),
            "charter-signatures",
        ),
        (
            "new keys without the custodians",
            sign(_rotated(), ("operator", *_NEW_KEYS)),
            "charter-signatures",
        ),
        (
            "by a receipt key that stays",
            sign(amended(skew_ms=1), (*EVERYONE, "receipts")),
            "unknown-signer",
        ),
        ("the genesis charter again", genesis().document, "charter-sequence"),
    ]


def _terms_cases() -> list[tuple[str, bytes, str]]:
    """Return payloads that contradict themselves or are of no form."""
    good = json.loads(write_terms(terms()))

    def changed(**changes: Any) -> bytes:
        return json.dumps(good | changes).encode()

    def first_committee(**changes: Any) -> bytes:
        one, two = good["committees"]
        return changed(committees=[one | changes, two])

    return [
        ("a quorum above its witnesses", changed(quorum=4), "charter-terms"),
        ("a skew over a day", changed(skew_ms=86_400_001), "charter-terms"),
        ("no committee", changed(committees=[]), "charter-terms"),
        ("one key in two roles", changed(receipt_key=good["genesis_key"]), "charter-terms"),
        ("a key that is none", changed(receipt_key=encode_base64url(bytes(32))), "charter-terms"),
        ("a log key that is none", changed(key_log="x"), "charter-terms"),
        ("a quorum of one custodian", first_committee(threshold=1), "charter-terms"),
        ("no court", first_committee(court=None), "charter-terms"),
        ("escrow here and there", first_committee(escrow="none"), "charter-terms"),
        ("a version to come", changed(version=2), "form"),
        ("a fraction", changed(quorum=2.0), "form"),
        ("a negative number", changed(quorum=-1), "form"),
        ("an unknown member", changed(extra=1), "form"),
        ("padded bytes", changed(receipt_key=good["receipt_key"] + "="), "form"),
        ("an empty name", changed(name=""), "form"),
        ("a name of 129 letters", changed(name="\u00e9" * 129), "form"),
        ("a number above 2^53", changed(issued_ms=2**53), "form"),
        ("a lone surrogate", json.dumps(good).encode().replace(b"Vectors", b"\\ud800"), "form"),
    ]


def _without_escrow(number: int) -> Committee:
    bare = dict.fromkeys(("custodians", "agencies", "ministers", "judges", "profiles"), ())
    return msgspec.structs.replace(
        committee(number), escrow="none", threshold=0, court=None, retention_days=0, **bare
    )


def _capsules() -> dict[str, object]:
    """Return an amendment in the middle of a day, and which committee seals on which day (C-6).

    Then how far back messages are kept by the charter before it and after it (W-19).
    """
    committees = (_without_escrow(1), committee(2), _without_escrow(3))
    made = amended(committees=committees)
    document = sign(made, EVERYONE)
    charters = (genesis(), verify_amendment(genesis(), document))
    day = made.effective_ms // DAY_MS
    assert made.effective_ms % DAY_MS
    cases: list[dict[str, object]] = []
    for why, number, at, outcome in (
        ("long before", 1, 0, True),
        ("the day's beginning decides", 1, day, True),
        ("from the next day on", 1, day + 1, False),
        ("another committee goes on", 2, day + 1, True),
        ("a committee that is to come", 3, day - 1, "unknown-committee"),
        ("the day on which it begins", 3, day, False),
        ("no such committee", 9, day + 1, "unknown-committee"),
    ):
        code = refusal_of(partial(requires_capsule, charters, number, at))
        assert code == (outcome if isinstance(outcome, str) else None), why
        assert code or requires_capsule(charters, number, at) is outcome, why
        cases.append({"why": why, "committee": number, "day": at, "outcome": outcome})
    now_ms = made.effective_ms + 1000 * DAY_MS
    retained = [charter.terms.retained_from(now_ms) for charter in charters]
    assert retained[0] > retained[1] == 0
    retention = {"now_ms": now_ms, "from_ms": retained}
    return {"amendment": document.decode(), "cases": cases, "retention": retention}


def build() -> dict[str, object]:
    """Return the file."""
    charter = genesis()
    amendments = []
    for why, document, code in _amendments():
        found = refusal_of(partial(verify_amendment, charter, document))
        assert found == code, f"{why}: {found}"
        told: dict[str, object] = {"why": why, "document": document.decode(), "code": code}
        if code is None:
            told["hash"] = verify_amendment(charter, document).hash.hex()
        amendments.append(told)
    for why, document, code in _genesis_cases():
        found = refusal_of(partial(verify_genesis, document, charter.deployment))
        assert found == code, f"{why}: {found}"
    return {
        "about": "A genesis charter, pinned by its payload's hash; what amends it; what does not.",
        "rules": ["C-1", "C-2", "C-3", "C-4", "C-5", "C-6", "C-7", "C-8", "C-9", "C-13"],
        "deployment": charter.deployment.hex(),
        "document": charter.document.decode(),
        "operator": public("operator").hex(),
        "court": public("1-court").hex(),
        "custodian": public("2-custodian3").hex(),
        "key_id": jws.key_id(public("operator")),
        "bad": [
            {"why": why, "document": document.decode(), "code": code}
            for why, document, code in _genesis_cases()
        ],
        "amendments": amendments,
        "capsules": _capsules(),
        "receipt_keys": _receipt_keys(),
        "bad_terms": [
            {"why": why, "payload": data.hex(), "hash": hash_terms(data).hex(), "code": code}
            for why, data, code in _terms_cases()
        ],
    }
