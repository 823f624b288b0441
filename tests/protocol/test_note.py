"""Signed notes and verifier keys: the specification's own example, and hostile bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doublelock.protocol import ed25519
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed
from doublelock.protocol.note import (
    Note,
    NoteSignature,
    SignatureType,
    VerifierKey,
    decode_decimal,
    format_note,
    parse_note,
    parse_vkey,
)

# signed-note, Verifier keys, Example.
_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXm"
    "RKuwHjG1Yu72IneyaQM=\n"
).encode()


def test_the_example_of_the_specification_verifies() -> None:
    key = parse_vkey(_VKEY)
    note = parse_note(_NOTE)
    assert key.encode() == _VKEY
    assert note.encode() == _NOTE
    (line,) = note.by(key)
    ed25519.verify(key.public, line.signature, note.text.encode())


def test_a_note_keeps_blank_lines_in_its_text() -> None:
    note = parse_note(format_note("a\n\nb\n\n", parse_note(_NOTE).signatures))
    assert note.text == "a\n\nb\n\n"


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n", b"text\n", b"text\n\n", _NOTE[:-1], _NOTE + b"\n", _NOTE + b"x",
        _NOTE.replace(b"\n\n", b"\n"), _NOTE.replace(b"This", b"\x00his"),
        _NOTE.replace(b"This", b"\tThis"), _NOTE.replace(b"This", b"\xff"),
        _NOTE.replace(b"foo ", b"fo o "), _NOTE.replace(b"com/foo", b"com+foo"),
        _NOTE.replace(b"com/foo", "com\u00a0foo".encode()), _NOTE.replace(b"Q OM=", b"QON="),
        _NOTE.replace(b"aQM=", b"aQN="), _NOTE.replace(b"aQM=", b"aQM"),
        _NOTE.replace(b"\n", b"\r\n"), _NOTE.replace("—".encode(), b"-"),
        b"text\n\n" + "— a AAAAAA==\n".encode(), b"text\n\n" + "— a AAAAAAA=\n".encode() * 101,
        b"x" * 300_000 + b"\n" + _NOTE,
    ],
)  # fmt: skip
def test_other_forms_are_refused(data: bytes) -> None:
    if data == _NOTE:
        return
    with pytest.raises(Malformed):
        parse_note(data)


@pytest.mark.parametrize(
    "vkey",
    [
        "", "a", "a+b", "a+530d903a+", _VKEY.replace("530d903a", "530D903A"),
        _VKEY.replace("530d903a", "530d903b"), _VKEY.replace("foo", "bar"),
        _VKEY.replace("foo", "f oo"), _VKEY[:-4], _VKEY + "=", _VKEY.replace("+AekyeR", "+CekyeR"),
        "+" + _VKEY, _VKEY.replace("example", "exam\udce4ple"),
    ],
)  # fmt: skip
def test_other_vkeys_are_refused(vkey: str) -> None:
    with pytest.raises(Malformed):
        parse_vkey(vkey)


def test_the_type_is_part_of_the_key_id() -> None:
    public = parse_vkey(_VKEY).public
    ids = {
        VerifierKey("n", kind, public).key_id
        for kind in (SignatureType.ED25519, SignatureType.COSIGNATURE_ED25519)
    }
    assert len(ids) == 2


_NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Z"], exclude_characters="+"),
    min_size=1, max_size=40,
).filter(lambda name: not any(c.isspace() for c in name))  # fmt: skip


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], include_characters="\n")),
    st.lists(
        st.builds(
            NoteSignature, _NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1)
        ),
        min_size=1, max_size=5,
    ),
)  # fmt: skip
def test_notes_come_back_as_they_went(text: str, signatures: list[NoteSignature]) -> None:
    note = Note(text + "\n", tuple(signatures))
    assert parse_note(note.encode()) == note


@given(_NAMES, st.binary(min_size=32, max_size=32))
def test_vkeys_come_back_as_they_went(name: str, public: bytes) -> None:
    key = VerifierKey(name, SignatureType.COSIGNATURE_ED25519, public)
    assert parse_vkey(key.encode()) == key


@given(st.binary(max_size=400))
def test_garbage_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_note(data)


@pytest.mark.parametrize("text", ["", "00", "01", "+1", "-1", " 1", "1 ", "1_0", "٣", "9" * 5000])
def test_other_numbers_are_refused(text: str) -> None:
    with pytest.raises(Malformed) as refusal:
        decode_decimal(text)
    assert refusal.value.code in (Code.FORM, Code.SIZE)
