"""What a person sees cannot be forged by what another wrote."""

from doublelock.client.vault import Shown
from doublelock.commands import chat_view
from doublelock.protocol.record import (
    AnyRecord,
    Attachment,
    Delete,
    Edit,
    Reaction,
    Text,
    encode_record,
)

ANN, BOB = b"A" * 32, b"B" * 32
NAMES = {ANN: "ann", BOB: "bob"}


def item(number: int, account: bytes, record: AnyRecord) -> Shown:
    return Shown(number, 0, account, b"d" * 16, bytes([number]) * 16, 0, encode_record(record))


def shown(*items: Shown) -> list[str]:
    places = chat_view.numbers(items)
    lines = chat_view.fold(items)
    return [chat_view.line_text(line, NAMES.__getitem__, places) for line in lines]


def test_only_its_author_changes_or_deletes_a_message() -> None:
    first = item(1, ANN, Text(b"mine"))
    assert shown(first, item(2, ANN, Edit(first.message_id, b"still mine"))) == [
        "[1] 1970-01-01 00:00 ann: still mine (edited)"
    ]
    assert shown(first, item(2, ANN, Delete(first.message_id))) == [
        "[1] 1970-01-01 00:00 ann: (deleted)"
    ]
    for forged in (Edit(first.message_id, b"forged"), Delete(first.message_id)):
        assert shown(first, item(2, BOB, forged))[0] == "[1] 1970-01-01 00:00 ann: mine"
    line = chat_view.fold([first, item(2, ANN, Delete(first.message_id))])[0]
    assert "mine" not in str(chat_view.line_json(line, b"c" * 32, NAMES.__getitem__))


def test_one_mark_each_and_it_can_be_taken_back() -> None:
    first = item(1, ANN, Text(b"hello"))
    marks = [item(2, BOB, Reaction(first.message_id, mark)) for mark in (b"+1", b"-1\n[9] x", b"")]
    assert shown(first, *marks[:2]) == ["[1] 1970-01-01 00:00 ann: hello\n      -1 [9] x by bob"]
    assert shown(first, *marks) == ["[1] 1970-01-01 00:00 ann: hello"]


def test_no_text_name_or_refusal_draws_a_line_of_ours() -> None:
    evil = b"a\x1b[2J\r\n[7] 1970-01-01 00:00 bob: forged\xe2\x80\xa8[8] too\xe2\x80\xae"
    file = Attachment(bytes(32), b"K" * 32, 1, bytes(32), evil[:200], evil[:200], evil)
    refused = Shown(3, 0, ANN, b"d" * 16, b"", 0, b"", "capsule-mismatch", "x\n[9] y")
    for text in shown(item(1, ANN, Text(evil)), item(2, ANN, file), refused):
        first, *later = text.split("\n")
        assert first.startswith("[")
        assert all(line.startswith("    | ") for line in later)
        assert not any(ord(character) < 32 for character in text.replace("\n", ""))
        assert "\u202e" not in text
    data = chat_view.shown_json(item(2, ANN, file), b"c" * 32, NAMES.__getitem__)
    assert "4b4b" not in str(data)  # an attachment's key
    assert "KKKK" not in str(data)


def test_a_refused_message_shows_its_reason_alone() -> None:
    refused = Shown(3, 0, ANN, b"d" * 16, b"", 0, b"", "capsule-mismatch", "")
    (text,) = shown(refused)
    assert text.startswith("[3] 1970-01-01 00:00 ann: refused: capsule-mismatch. ")
    data = chat_view.shown_json(refused, b"c" * 32, NAMES.__getitem__)
    assert (data["event"], data["code"]) == ("refused", "capsule-mismatch")
    assert "text" not in data
