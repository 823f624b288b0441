"""Merkle trees: hashes, and proofs of inclusion, consistency and subtrees (spec L-1 to L-4).

RFC 6962 §2.1 and RFC 9162 §2.1; subtrees as in draft-ietf-plants-merkle-tree-certs §4. Hashes are
32 bytes (SHA-256). A tree is read through `node(level, index)`, which returns the hash of the
perfect subtree over entries [index * 2^level, (index + 1) * 2^level).
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Final

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import LogRefused

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()

NodeReader = Callable[[int, int], bytes]
"""Returns the hash of a perfect subtree from its level and its index in that level."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry as a leaf: 32 bytes (RFC 6962 §2.1, spec L-1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: 32 bytes (RFC 6962 §2.1, spec L-1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def reduce_perfect(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a power of two of hashes that stand side by side."""
    row = list(hashes)
    sha256 = hashlib.sha256
    while len(row) > 1:
        row = [sha256(b"\x01" + row[i] + row[i + 1]).digest() for i in range(0, len(row), 2)]
    return row[0]


def is_subtree(start: int, end: int) -> bool:
    """Say whether [start, end) is a subtree; an empty one counts (spec L-4)."""
    if not 0 <= start <= end <= limits.TREE_SIZE:
        return False
    return start == end or start % _ceil_power(end - start) == 0


def range_root(start: int, end: int, node: NodeReader) -> bytes:
    """Return the Merkle tree hash of entries [start, end), a subtree; 32 bytes.

    Raises LogRefused when [start, end) is not a subtree.
    """
    if not is_subtree(start, end):
        raise LogRefused(Code.LOG_RANGE, "not a subtree")
    return _range_root(start, end, node)


def prove_inclusion(index: int, start: int, end: int, node: NodeReader) -> tuple[bytes, ...]:
    """Return the path of entry `index` in the subtree [start, end), leaf's sibling first.

    For a whole tree `start` is 0. Raises LogRefused outside the range (RFC 6962 §2.1.1).
    """
    if not is_subtree(start, end) or not start <= index < end:
        raise LogRefused(Code.LOG_RANGE, "entry outside the tree")
    return tuple(_prove_inclusion(index, start, end, node))


def prove_consistency(old: int, new: int, node: NodeReader) -> tuple[bytes, ...]:
    """Return the proof that the tree of size `old` is a prefix of the tree of size `new`.

    It is empty when `old` is 0 or equals `new`. Raises LogRefused when old > new (RFC 6962 §2.1.2).
    """
    return prove_subtree(0, old, new, node)


def prove_subtree(start: int, end: int, size: int, node: NodeReader) -> tuple[bytes, ...]:
    """Return the proof that the subtree [start, end) lies in the tree of a size (spec L-4)."""
    if not is_subtree(start, end) or not end <= size <= limits.TREE_SIZE:
        raise LogRefused(Code.LOG_RANGE, "subtree outside the tree")
    if start == end:
        return ()
    return tuple(_prove_subtree(start, end, 0, size, True, node))


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf hash is entry `index` of the tree of a size (RFC 9162 §2.1.3.2, spec L-2).

    Raises LogRefused LOG_PROOF when it does not hold.
    """
    verify_subtree_inclusion(leaf, index, 0, size, path, root)


def verify_subtree_inclusion(
    leaf: bytes, index: int, start: int, end: int, path: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf hash is entry `index` of the subtree [start, end) (spec L-4).

    Raises LogRefused LOG_PROOF when it does not hold.
    """
    if not is_subtree(start, end) or not start <= index < end:
        raise LogRefused(Code.LOG_PROOF, "entry outside the tree")
    _check_hashes(leaf, *path)
    at, last, found = index - start, end - start - 1, leaf
    for sibling in path:
        if last == 0:
            raise LogRefused(Code.LOG_PROOF, "inclusion path too long")
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    if last != 0 or not hmac.compare_digest(found, root):
        raise LogRefused(Code.LOG_PROOF, "inclusion")


def verify_consistency(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Check that a tree is a prefix of another; both hold entries (RFC 9162 §2.1.4.2, spec L-3).

    Raises LogRefused LOG_PROOF when it does not hold, and for an `old` of 0, of which RFC 9162 says
    nothing: `verify_growth` is the rule for a holder who may have seen nothing yet.
    """
    if old <= 0:
        raise LogRefused(Code.LOG_PROOF, "nothing is proved from an empty tree")
    verify_subtree(0, old, new, proof, old_root, new_root)


def verify_growth(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Check consistency from what one has seen, be it nothing (tlog-witness, spec L-3).

    An empty tree is consistent with every tree, and its proof is empty. A new tree of size 0 must
    have the empty root. Raises LogRefused LOG_PROOF when it does not hold.
    """
    if not 0 <= old <= new:
        raise LogRefused(Code.LOG_PROOF, "the tree shrank")
    if old > 0:
        verify_subtree(0, old, new, proof, old_root, new_root)
    elif proof or old_root != EMPTY_ROOT or (new == 0 and new_root != EMPTY_ROOT):
        raise LogRefused(Code.LOG_PROOF, "empty tree")


def verify_subtree(
    start: int, end: int, size: int, proof: Sequence[bytes], subtree_root: bytes, root: bytes
) -> None:
    """Check that the subtree [start, end) lies in the tree of a size (spec L-4).

    An empty subtree has the empty root and lies in every tree. Raises LogRefused LOG_PROOF.
    """
    if not is_subtree(start, end) or not end <= size <= limits.TREE_SIZE:
        raise LogRefused(Code.LOG_PROOF, "not a subtree of the tree")
    _check_hashes(*proof)
    if start == end:
        if proof or subtree_root != EMPTY_ROOT:
            raise LogRefused(Code.LOG_PROOF, "empty subtree")
        return
    first, last, total = start, end - 1, size - 1
    while first != last and (last == total or last & 1):
        first, last, total = first >> 1, last >> 1, total >> 1
    rest = list(proof)
    if first == last:
        small = large = subtree_root
    elif rest:
        small = large = rest.pop(0)
    else:
        raise LogRefused(Code.LOG_PROOF, "consistency proof too short")
    for sibling in rest:
        if total == 0:
            raise LogRefused(Code.LOG_PROOF, "consistency proof too long")
        if last & 1 or last == total:
            if first < last:
                small = node_hash(sibling, small)
            large = node_hash(sibling, large)
            while not last & 1:
                first, last, total = first >> 1, last >> 1, total >> 1
        else:
            large = node_hash(large, sibling)
        first, last, total = first >> 1, last >> 1, total >> 1
    if total != 0 or not (
        hmac.compare_digest(small, subtree_root) and hmac.compare_digest(large, root)
    ):
        raise LogRefused(Code.LOG_PROOF, "consistency")


def _check_hashes(*hashes: bytes) -> None:
    # Roots are compared and never hashed; whoever reads one (a checkpoint) holds it to 32 bytes.
    if len(hashes) > limits.PROOF_HASHES + 1 or any(len(h) != HASH_SIZE for h in hashes):
        raise LogRefused(Code.LOG_PROOF, "proof of a wrong size")


def _ceil_power(n: int) -> int:
    return 1 << (n - 1).bit_length()


def _split(start: int, end: int) -> int:
    """Return where [start, end) of two entries or more splits: its left half is perfect."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def _range_root(start: int, end: int, node: NodeReader) -> bytes:
    if start == end:
        return EMPTY_ROOT
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return node(level, start >> level)
    middle = _split(start, end)
    return node_hash(_range_root(start, middle, node), _range_root(middle, end, node))


def _prove_inclusion(index: int, start: int, end: int, node: NodeReader) -> list[bytes]:
    if end - start == 1:
        return []
    middle = _split(start, end)
    if index < middle:
        return [*_prove_inclusion(index, start, middle, node), _range_root(middle, end, node)]
    return [*_prove_inclusion(index, middle, end, node), _range_root(start, middle, node)]


def _prove_subtree(
    start: int, end: int, low: int, high: int, known: bool, node: NodeReader
) -> list[bytes]:
    if start == low and end == high:
        return [] if known else [_range_root(low, high, node)]
    middle = _split(low, high)
    if end <= middle:
        inner = _prove_subtree(start, end, low, middle, known, node)
        return [*inner, _range_root(middle, high, node)]
    if start >= middle:
        inner = _prove_subtree(start, end, middle, high, known, node)
    else:
        inner = _prove_subtree(middle, end, middle, high, False, node)
    return [*inner, _range_root(low, middle, node)]
