"""Offline proofs: what verifies, and that nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doublelock.protocol import merkle
from doublelock.protocol.checkpoint import Checkpoint
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.errors import LogRefused, Malformed, Refusal
from doublelock.protocol.note import Note, SignatureType
from doublelock.protocol.policy import parse_policy
from doublelock.protocol.tlog_proof import TlogProof, parse_proof, verify_proof

_ENTRIES = [b"entry %d" % i for i in range(11)]
_LOG = NoteSigner("example.com/log", SignatureType.ED25519, b"L" * 32)
_WITNESS = NoteSigner("witness.example/w", SignatureType.COSIGNATURE_ED25519, b"W" * 32)
_POLICY = parse_policy(
    f"log {_LOG.key.encode()}\nwitness w {_WITNESS.key.encode()}\nquorum w\n".encode()
)


def _node(level: int, index: int) -> bytes:
    start = index << level
    return merkle.reduce_perfect([merkle.leaf_hash(e) for e in _ENTRIES[start : start + 2**level]])


_HEAD = Checkpoint("example.com/log", 11, merkle.range_root(0, 11, _node))
_NOTE = Note(_HEAD.encode(), (_LOG.sign(_HEAD, 0), _WITNESS.sign(_HEAD, 99)))


def _proof(index: int, extra: bytes | None = None) -> TlogProof:
    return TlogProof(index, merkle.prove_inclusion(index, 0, 11, _node), _NOTE, extra)


@given(st.integers(0, 10), st.one_of(st.none(), st.binary(max_size=50)))
def test_proofs_come_back_and_verify(index: int, extra: bytes | None) -> None:
    data = _proof(index, extra).encode()
    assert parse_proof(data) == _proof(index, extra)
    entry = verify_proof(data, _ENTRIES[index], _POLICY)
    assert entry.index == index
    assert entry.checkpoint.quorum_time_s == 99


def test_another_entry_or_place_is_refused() -> None:
    with pytest.raises(LogRefused) as refusal:
        verify_proof(_proof(3).encode(), _ENTRIES[4], _POLICY)
    assert refusal.value.code is Code.LOG_PROOF
    moved = TlogProof(4, _proof(3).path, _NOTE)
    with pytest.raises(LogRefused):
        verify_proof(moved, _ENTRIES[3], _POLICY)


def test_an_uncosigned_checkpoint_proves_nothing() -> None:
    bare = TlogProof(3, _proof(3).path, Note(_NOTE.text, _NOTE.signatures[:1]))
    with pytest.raises(LogRefused) as refusal:
        verify_proof(bare.encode(), _ENTRIES[3], _POLICY)
    assert refusal.value.code is Code.LOG_QUORUM


@given(st.integers(0, 10), st.data())
def test_a_flipped_bit_is_refused(index: int, data: st.DataObject) -> None:
    proof = bytearray(_proof(index).encode())
    proof[data.draw(st.integers(0, len(proof) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Refusal):
        verify_proof(bytes(proof), _ENTRIES[index], _POLICY)


@pytest.mark.parametrize(
    "change",
    [
        (b"@v1", b"@v2"), (b"index 3", b"index 03"), (b"index 3", b"index -3"), (b"index 3\n", b""),
        (b"index 3", b"extra !\nindex 3"), (b"index 3", b"index 3\nAAAA"), (b"\n\n", b"\n"),
        (b"index 3", b"index 3" + b"\n" + b"A" * 43 + b"="), (b"index 3", b"index  3"),
        (b"index 3", b"extra \xff\nindex 3"),
    ],
)  # fmt: skip
def test_other_forms_are_refused(change: tuple[bytes, bytes]) -> None:
    data = _proof(3).encode()
    changed = data.replace(*change)
    assert changed != data
    with pytest.raises(Refusal):
        verify_proof(changed, _ENTRIES[3], _POLICY)


@given(st.binary(max_size=300))
def test_garbage_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_proof(b"c2sp.org/tlog-proof@v1\n" + data)
