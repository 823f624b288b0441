"""Policies: what makes a quorum, and what a policy file may not say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doublelock.protocol import merkle
from doublelock.protocol.checkpoint import Checkpoint
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.errors import LogRefused, Malformed
from doublelock.protocol.note import Note, NoteSignature, SignatureType, VerifierKey
from doublelock.protocol.policy import parse_policy

_LOG = NoteSigner("example.com/log", SignatureType.ED25519, b"L" * 32)
_NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
_WITNESSES = {
    name: NoteSigner(
        f"witness.example/{name}",
        SignatureType.COSIGNATURE_MLDSA44 if name == "Y3" else SignatureType.COSIGNATURE_ED25519,
        name.encode() * 16,
    )
    for name in _NAMES
}
_HEAD = Checkpoint("example.com/log", 7, merkle.leaf_hash(b"root"))
_FILE = (
    f"# a comment\n\n \tlog  {_LOG.key.encode()}\thttps://log.example \n"
    + "".join(f"witness {n} {w.key.encode()}\n" for n, w in _WITNESSES.items())
    + "group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\n"
    + "group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
)


def _note(times: dict[str, int]) -> Note:
    lines = [_LOG.sign(_HEAD, 0)]
    lines += [_WITNESSES[name].sign(_HEAD, time_s) for name, time_s in times.items()]
    return Note(_HEAD.encode(), tuple(lines))


def test_a_policy_comes_back_as_it_went() -> None:
    policy = parse_policy(_FILE.encode())
    assert parse_policy(policy.encode()) == policy
    assert policy.logs[0].url == "https://log.example"


@given(st.sets(st.sampled_from(_NAMES)))
def test_only_the_quorum_makes_a_cosigned_checkpoint(names: set[str]) -> None:
    policy = parse_policy(_FILE.encode())
    note = _note(dict.fromkeys(sorted(names), 9)).encode()
    enough = len(names & {"X1", "X2", "X3"}) >= 2 and bool(names & {"Y1", "Y2", "Y3"})
    if enough:
        cosigned = policy.verify(note)
        assert cosigned.checkpoint == _HEAD
        assert {c.key.name[-2:] for c in cosigned.cosignatures} == names
    else:
        with pytest.raises(LogRefused) as refusal:
            policy.verify(note)
        assert refusal.value.code is Code.LOG_QUORUM
        assert all(name in refusal.value.detail for name in set(_NAMES) - names)


def test_the_quorum_time_is_when_a_whole_quorum_had_seen_it() -> None:
    policy = parse_policy(_FILE.encode())
    assert policy.verify(_note({"X1": 5, "X2": 9, "X3": 7, "Y1": 8})).quorum_time_s == 7
    with pytest.raises(LogRefused):
        policy.verify(_note({"X1": 5, "X2": 9, "Y3": 0}))


def test_a_bad_cosignature_of_a_known_witness_refuses_the_note() -> None:
    policy = parse_policy(_FILE.encode())
    note = _note(dict.fromkeys(_NAMES, 9))
    last = note.signatures[1]
    bad = NoteSignature(last.name, last.key_id, last.signature[:-1] + b"\x00")
    with pytest.raises(LogRefused) as refusal:
        policy.verify(Note(note.text, (*note.signatures, bad)))
    assert refusal.value.code is Code.BAD_SIGNATURE


def test_one_witness_under_two_lines_counts_once() -> None:
    policy = parse_policy(_FILE.encode())
    with pytest.raises(LogRefused):
        policy.verify(_note({"X1": 4, "Y1": 4}))
    note = _note({"X1": 4, "Y1": 4})
    again = _WITNESSES["X1"].sign(_HEAD, 6)
    with pytest.raises(LogRefused):
        policy.verify(Note(note.text, (*note.signatures, again)))


def test_no_witness_is_asked_for_under_none() -> None:
    policy = parse_policy(f"log {_LOG.key.encode()}\nquorum none\n".encode())
    assert policy.verify(_note({})).quorum_time_s is None


_X1 = f"witness X1 {_WITNESSES['X1'].key.encode()}\n"


@pytest.mark.parametrize(
    "text",
    [
        "", "quorum X1\n", _X1, "quorum none\nquorum none\n", _X1 + _X1 + "quorum none\n",
        _X1 + _X1.replace("X1 ", "X2 ", 1) + "quorum none\n", "quorum X1\n" + _X1,
        _X1 + "group g 2 X1\nquorum g\n", _X1 + "group g 0 X1\nquorum g\n",
        _X1 + "group g 01 X1\nquorum g\n", _X1 + "group g any\nquorum g\n",
        _X1 + "group g any X1 X1\nquorum g\n", _X1 + "group g any none\nquorum g\n",
        _X1 + "group g any X1\ngroup h any X1\nquorum g\n", "group g any g\nquorum g\n",
        _X1 + "group X1 any X1\nquorum X1\n", "log x\nquorum none\n", "quorum none x\n",
        f"witness none {_WITNESSES['X1'].key.encode()}\nquorum none\n",
        f"witness w {_LOG.key.encode()}\nquorum none\n", "nonsense\nquorum none\n",
        "quorum none\r\n", "quorum none\x00\n", "#" + "x" * 300_000 + "\nquorum none\n",
        f"log {_LOG.key.encode()} u v\nquorum none\n", f"log {_LOG.key.encode()}\n" * 2
        + "quorum none\n",
    ],
)  # fmt: skip
def test_other_policies_are_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_policy(text.encode())


def test_one_key_under_two_names_is_a_duplicate() -> None:
    key = _WITNESSES["X1"].key
    other = VerifierKey("another.example/name", key.type, key.public)
    with pytest.raises(Malformed):
        parse_policy(f"{_X1}witness X2 {other.encode()}\nquorum none\n".encode())


def test_names_are_opaque_bytes() -> None:
    data = _X1.encode().replace(b"X1", b"\xe2\xff", 1) + b"quorum \xe2\xff\n"
    policy = parse_policy(data)
    assert parse_policy(policy.encode()) == policy


@given(st.binary(max_size=200))
def test_garbage_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_policy(data + b"\nquorum")
