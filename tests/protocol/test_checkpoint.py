"""Checkpoints and the signatures on them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doublelock.protocol import merkle
from doublelock.protocol.checkpoint import Checkpoint, parse_checkpoint
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import NoteSigner, verify_cosignature, verify_log
from doublelock.protocol.errors import LogRefused, Malformed, Refusal
from doublelock.protocol.note import Note, NoteSignature, SignatureType, parse_note, parse_vkey

_HEAD = Checkpoint("example.com/log", 7, merkle.leaf_hash(b"root"))
_KINDS = tuple(SignatureType)
_SIGNERS = {kind: NoteSigner("example.com/log", kind, bytes([kind]) * 32) for kind in _KINDS}


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=60),
    st.integers(1, 2**62), st.binary(min_size=32, max_size=32),
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)),
)  # fmt: skip
def test_checkpoints_come_back_as_they_went(
    origin: str, size: int, root: bytes, extensions: list[str]
) -> None:
    head = Checkpoint(origin, size, root, tuple(extensions))
    assert parse_checkpoint(head.encode()) == head


@pytest.mark.parametrize(
    "text",
    [
        "", "a\n7\n", "a\n7\nx\n", _HEAD.encode()[:-1], _HEAD.encode() + "\n",
        _HEAD.encode() + "\nx\n", _HEAD.encode().replace("\n7\n", "\n07\n"),
        _HEAD.encode().replace("\n7\n", "\n-7\n"),
        _HEAD.encode().replace("\n7\n", f"\n{2**63}\n"), "\n" + _HEAD.encode(),
        _HEAD.encode().replace("=\n", "\n"),
    ],
)  # fmt: skip
def test_other_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_checkpoint(text)


@pytest.mark.parametrize("kind", _KINDS)
def test_signatures_hold_with_their_time(kind: SignatureType) -> None:
    signer = _SIGNERS[kind]
    line = signer.sign(_HEAD, 1_700_000_000)
    seen = verify_cosignature(line, parse_vkey(signer.key.encode()), _HEAD)
    assert seen.time_s == (0 if kind is SignatureType.ED25519 else 1_700_000_000)


@settings(max_examples=60)
@given(st.sampled_from(_KINDS), st.data())
def test_a_flipped_bit_breaks_a_signature(kind: SignatureType, data: st.DataObject) -> None:
    signer = _SIGNERS[kind]
    line = signer.sign(_HEAD, 1_700_000_000)
    broken = bytearray(line.signature)
    broken[data.draw(st.integers(0, len(broken) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(LogRefused):
        verify_cosignature(NoteSignature(line.name, line.key_id, bytes(broken)), signer.key, _HEAD)


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize(
    "other",
    [
        Checkpoint("example.com/log", 8, _HEAD.root), Checkpoint("example.com/lot", 7, _HEAD.root),
        Checkpoint("example.com/log", 7, merkle.leaf_hash(b"other")),
    ],
)  # fmt: skip
def test_a_signature_holds_for_its_checkpoint_alone(kind: SignatureType, other: Checkpoint) -> None:
    signer = _SIGNERS[kind]
    with pytest.raises(LogRefused):
        verify_cosignature(signer.sign(_HEAD, 1), signer.key, other)


@pytest.mark.parametrize("kind", _KINDS)
def test_a_log_signs_for_its_own_origin(kind: SignatureType) -> None:
    signer = _SIGNERS[kind]
    note = Note(_HEAD.encode(), (signer.sign(_HEAD, 5),))
    assert verify_log(parse_note(note.encode()), (signer.key,)).checkpoint == _HEAD
    stranger = Checkpoint("example.com/other", 7, _HEAD.root)
    with pytest.raises(LogRefused) as refusal:
        verify_log(Note(stranger.encode(), (signer.sign(stranger, 5),)), (signer.key,))
    assert refusal.value.code is Code.LOG_UNKNOWN


def test_unknown_signatures_are_ignored_and_bad_known_ones_are_not() -> None:
    signer = _SIGNERS[SignatureType.ED25519]
    good = signer.sign(_HEAD, 0)
    strange = NoteSignature("someone", b"\x00" * 4, b"of a type nobody knows")
    same_name = NoteSignature(good.name, b"\x00" * 4, good.signature)
    assert verify_log(Note(_HEAD.encode(), (strange, same_name, good)), (signer.key,))
    bad = NoteSignature(good.name, good.key_id, bytes(64))
    with pytest.raises(LogRefused) as refusal:
        verify_log(Note(_HEAD.encode(), (good, bad)), (signer.key,))
    assert refusal.value.code is Code.BAD_SIGNATURE


def test_an_empty_tree_has_the_empty_root() -> None:
    signer = _SIGNERS[SignatureType.ED25519]
    head = Checkpoint("example.com/log", 0, _HEAD.root)
    with pytest.raises(LogRefused) as refusal:
        verify_log(Note(head.encode(), (signer.sign(head, 5),)), (signer.key,))
    assert refusal.value.code is Code.LOG_PROOF


def test_extension_lines_outside_the_signature_are_refused() -> None:
    head = Checkpoint("example.com/log", 7, _HEAD.root, ("anything",))
    signer = _SIGNERS[SignatureType.COSIGNATURE_MLDSA44]
    with pytest.raises(Refusal):
        verify_log(Note(head.encode(), (signer.sign(head, 5),)), (signer.key,))
