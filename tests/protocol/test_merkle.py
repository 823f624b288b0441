"""Merkle trees: the published vectors, and every proof of small trees."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doublelock.protocol import merkle
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import LogRefused

_SHARED = Path(
    os.environ.get("DOUBLELOCK_SHARED", Path(__file__).resolve().parents[2].parent / "shared")
)
_VECTORS = _SHARED / "vectors" / "merkle" / "testdata"
_FILES = sorted(_VECTORS.rglob("*.json"))

# The one vector on which specifications differ. A proof from an empty tree to a tree of one entry:
# the vectors refuse it, because RFC 9162 §2.1.4 proves consistency for 0 < m <= n alone.
# tlog-witness accepts it ("the empty tree is consistent with any tree, so no proof is necessary").
# `verify_consistency` is the first rule, `verify_growth` the second; neither changes the other.
_DIFFERS = "consistency/additional/size1-is-zero-and-size2-is-not-zero.json"


def _b64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _check(kind: str, case: dict[str, Any]) -> None:
    proof = [_b64(h) for h in case["proof"] or []]
    if kind == "consistency":
        merkle.verify_consistency(
            case["size1"], case["size2"], proof, _b64(case["root1"]), _b64(case["root2"])
        )
    elif kind == "subtreeconsistency":
        merkle.verify_subtree(
            case["start"], case["end"], case["size"], proof,
            _b64(case["root1"]), _b64(case["root2"]),
        )  # fmt: skip
    elif kind == "inclusion":
        merkle.verify_inclusion(
            _b64(case["leafHash"]), case["leafIdx"], case["treeSize"], proof, _b64(case["root"])
        )
    else:
        merkle.verify_subtree_inclusion(
            _b64(case["leafHash"]), case["leafIdx"], case["start"], case["end"], proof,
            _b64(case["root"]),
        )  # fmt: skip


@pytest.mark.vectors
@pytest.mark.skipif(not _FILES, reason="the published Merkle vectors are not beside the project")
def test_published_vectors() -> None:
    wrong, counts = [], dict[str, int]()
    for path in _FILES:
        kind = path.relative_to(_VECTORS).parts[0]
        counts[kind] = counts.get(kind, 0) + 1
        case = json.loads(path.read_text())
        try:
            _check(kind, case)
            refused = False
        except LogRefused as refusal:
            refused = refusal.code is Code.LOG_PROOF
        if refused is not case["wantErr"]:
            wrong.append(str(path.relative_to(_VECTORS)))
    assert wrong == []
    assert counts == {
        "consistency": 98, "inclusion": 98, "subtreeconsistency": 118, "subtreeinclusion": 204,
    }  # fmt: skip


@pytest.mark.vectors
@pytest.mark.skipif(not _FILES, reason="the published Merkle vectors are not beside the project")
def test_the_vector_on_which_specifications_differ() -> None:
    case = json.loads((_VECTORS / _DIFFERS).read_text())
    assert case["wantErr"]
    old, new = _b64(case["root1"]), _b64(case["root2"])
    merkle.verify_growth(0, 1, [], old, new)
    with pytest.raises(LogRefused):
        merkle.verify_consistency(0, 1, [], old, new)


class _Tree:
    """A tree built from the definition in RFC 6962 §2.1, and from nothing else."""

    def __init__(self, size: int) -> None:
        self.leaves = [merkle.leaf_hash(b"%d" % i) for i in range(size)]

    def root(self, start: int, end: int) -> bytes:
        if end - start == 0:
            return merkle.EMPTY_ROOT
        if end - start == 1:
            return self.leaves[start]
        k = 1
        while k * 2 < end - start:
            k *= 2
        return merkle.node_hash(self.root(start, start + k), self.root(start + k, end))

    def node(self, level: int, index: int) -> bytes:
        return self.root(index << level, (index + 1) << level)


_TREE = _Tree(70)


def test_every_inclusion_of_small_trees() -> None:
    for size in range(1, 40):
        root = _TREE.root(0, size)
        assert merkle.range_root(0, size, _TREE.node) == root
        for index in range(size):
            path = merkle.prove_inclusion(index, 0, size, _TREE.node)
            merkle.verify_inclusion(_TREE.leaves[index], index, size, path, root)
            if size > 1:
                with pytest.raises(LogRefused):
                    merkle.verify_inclusion(
                        _TREE.leaves[index], (index + 1) % size, size, path, root
                    )


def test_every_consistency_of_small_trees() -> None:
    for new in range(1, 40):
        for old in range(new + 1):
            proof = merkle.prove_consistency(old, new, _TREE.node)
            roots = _TREE.root(0, old), _TREE.root(0, new)
            merkle.verify_growth(old, new, proof, *roots)
            if old:
                merkle.verify_consistency(old, new, proof, *roots)
            if old != new:
                with pytest.raises(LogRefused):
                    merkle.verify_growth(old, new, proof, merkle.leaf_hash(b"x"), roots[1])


@given(st.data())
def test_subtrees_hold_and_a_flipped_bit_does_not(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 70))
    level = data.draw(st.integers(0, 6))
    start = data.draw(st.integers(0, (size - 1) >> level)) << level
    end = data.draw(st.integers(start + 1, min(size, start + (1 << level))))
    if not merkle.is_subtree(start, end):
        return
    proof = list(merkle.prove_subtree(start, end, size, _TREE.node))
    roots = _TREE.root(start, end), _TREE.root(0, size)
    merkle.verify_subtree(start, end, size, proof, *roots)
    index = data.draw(st.integers(start, end - 1))
    path = list(merkle.prove_inclusion(index, start, end, _TREE.node))
    merkle.verify_subtree_inclusion(_TREE.leaves[index], index, start, end, path, roots[0])
    for hashes in (proof, path):
        if hashes:
            at = data.draw(st.integers(0, len(hashes) - 1))
            flipped = bytearray(hashes[at])
            flipped[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
            hashes[at] = bytes(flipped)
    if proof:
        with pytest.raises(LogRefused):
            merkle.verify_subtree(start, end, size, proof, *roots)
    if path:
        with pytest.raises(LogRefused):
            merkle.verify_subtree_inclusion(_TREE.leaves[index], index, start, end, path, roots[0])


@given(
    st.integers(-3, 2**65), st.integers(-3, 2**65), st.integers(-3, 2**65),
    st.lists(st.binary(min_size=31, max_size=33), max_size=70), st.binary(max_size=33),
)  # fmt: skip
def test_garbage_is_refused_by_name(
    a: int, b: int, c: int, hashes: list[bytes], root: bytes
) -> None:
    with pytest.raises(LogRefused):
        merkle.verify_subtree(a, b, c, hashes, root, b"\x01" * 32)
    with pytest.raises(LogRefused):
        merkle.verify_subtree_inclusion(root, a, b, c, hashes, b"\x01" * 32)
    with pytest.raises(LogRefused):
        merkle.verify_growth(max(a, 1), b, [*hashes, b""], root, root)
