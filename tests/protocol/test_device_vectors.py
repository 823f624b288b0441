"""The vectors of an account's devices: link requests, letters and handed-over histories."""

import json
from typing import Any

import pytest
from vectors.make import FOLDER
from vectors.make.letter import NAME, PIECE, RECEIVER, ROUTE, SENDER, history

from doublelock.protocol.errors import Malformed, Refusal
from doublelock.protocol.history import decode_history, encode_history, split_history
from doublelock.protocol.letter import (
    DeviceName,
    HistoryPiece,
    KeyLetter,
    SealedLetter,
    decode_content,
    encode_content,
    open_letter,
    sign_letter,
)
from doublelock.protocol.link_request import decode_link_request

LETTER: dict[str, Any] = json.loads((FOLDER / "letter.json").read_text())
LINK: dict[str, Any] = json.loads((FOLDER / "link_request.json").read_text())


def bad(file: dict[str, Any], part: str) -> list[Any]:
    return [pytest.param(each, id=each["why"]) for each in file[part]]


def test_link_request() -> None:
    request = decode_link_request(LINK["line"])
    assert request.text() == LINK["line"]
    assert request.code == LINK["code"]


@pytest.mark.parametrize("case", bad(LINK, "bad"))
def test_bad_link_request(case: dict[str, str]) -> None:
    with pytest.raises(Malformed) as refused:
        decode_link_request(case["line"])
    assert refused.value.code == case["code"]


def test_letters() -> None:
    opened = [
        open_letter(ROUTE, bytes.fromhex(each["letter"]), SENDER.public.encoded)
        for each in LETTER["letters"]
    ]
    key = bytes.fromhex(LETTER["receiver_key"])
    assert opened == [
        KeyLetter(key, LETTER["time_ms"], True),
        SealedLetter(key, bytes.fromhex(LETTER["sealed"])),
    ]
    for letter, case in zip(opened, LETTER["letters"], strict=True):
        assert sign_letter(ROUTE, letter, SENDER.sign).hex() == case["letter"]


def test_sealed_to_the_receiver_alone() -> None:
    sealed = bytes.fromhex(LETTER["sealed"])
    assert RECEIVER.unseal("letter", ROUTE.context, sealed).hex() == LETTER["opened"]
    with pytest.raises(Malformed):
        RECEIVER.unseal("letter", ROUTE.context[::-1], sealed)


def test_contents() -> None:
    contents: tuple[DeviceName | HistoryPiece, ...] = (NAME, PIECE)
    for content, case in zip(contents, LETTER["contents"], strict=True):
        assert encode_content(content).hex() == case["encoded"]
        assert decode_content(bytes.fromhex(case["encoded"])) == content


def test_history() -> None:
    data = bytes.fromhex(LETTER["history"])
    assert decode_history(data) == history()
    files = list(split_history(history().contacts, history().parts, 100))
    assert len(files) > 1
    again = [decode_history(encode_history(each)) for each in files]
    assert [item for each in again for part in each.parts for item in part.items] == list(
        history().parts[0].items
    )
    assert [contact for each in again for contact in each.contacts] == list(history().contacts)


@pytest.mark.parametrize("case", bad(LETTER, "bad_letters"))
def test_bad_letter(case: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refused:
        open_letter(ROUTE, bytes.fromhex(case["data"]), SENDER.public.encoded)
    assert refused.value.code == case["code"]


@pytest.mark.parametrize("case", bad(LETTER, "bad_contents"))
def test_bad_content(case: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refused:
        decode_content(bytes.fromhex(case["data"]))
    assert refused.value.code == case["code"]


@pytest.mark.parametrize("case", bad(LETTER, "bad_histories"))
def test_bad_history(case: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refused:
        decode_history(bytes.fromhex(case["data"]))
    assert refused.value.code == case["code"]
