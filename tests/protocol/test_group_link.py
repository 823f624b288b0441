"""The vectors of links into groups, which the browser's client reads too."""

import json
from typing import Any

import pytest
from vectors.make import FOLDER

from doublelock.protocol.errors import Refusal
from doublelock.protocol.group_link import (
    check_join_request,
    decode_group_link,
    decode_join_request,
)
from doublelock.protocol.identifiers import AccountId, DeviceId

Case = dict[str, Any]
FILE: Case = json.loads((FOLDER / "group_link.json").read_text())


def cases(part: str) -> list[Any]:
    return [pytest.param(each, id=each.get("why")) for each in FILE[part]]


@pytest.mark.parametrize("case", cases("good"))
def test_link(case: Case) -> None:
    link = decode_group_link(f" {case['line']}\n")
    assert link.encode() == case["line"]
    assert (link.address, link.expires_ms) == (case["address"], case["expires_ms"])
    for name in ("deployment", "conversation", "inviter", "device", "secret", "name", "seed"):
        assert getattr(link, name).hex() == case[name]
    invitation = b"" if link.invitation is None else link.invitation.encode()
    assert invitation.hex() == case["invitation"]
    assert case["secret"] not in repr(link)


@pytest.mark.parametrize("case", cases("bad"))
def test_bad_link(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        decode_group_link(case["line"])
    assert refusal.value.code == case["code"]


@pytest.mark.parametrize("case", cases("requests"))
def test_request(case: Case) -> None:
    request = decode_join_request(bytes.fromhex(case["request"]))
    assert request.encode().hex() == case["request"]
    outcome = None
    try:
        check_join_request(
            request,
            decode_group_link(FILE["good"][0]["line"]),
            AccountId(bytes.fromhex(case["account"])),
            DeviceId(bytes.fromhex(case["device"])),
            bytes.fromhex(case["key"]),
            case["answered_ms"],
            case["now_ms"],
            FILE["skew_ms"],
        )
    except Refusal as refusal:
        outcome = refusal.code
    assert outcome == case["code"]


@pytest.mark.parametrize("case", cases("malformed"))
def test_malformed_request(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        decode_join_request(bytes.fromhex(case["request"]))
    assert refusal.value.code == case["code"]
