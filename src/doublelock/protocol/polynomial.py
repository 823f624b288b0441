"""Shamir's polynomials modulo a prime order (spec K-5)."""

from collections.abc import Sequence
from typing import Final

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed

WIDE: Final = 64
"""Random bytes per drawn scalar: wide enough that reducing them leaves no bias to notice."""


def draw_scalars(random: bytes, count: int, order: int) -> tuple[int, ...]:
    """Return `count` scalars in [1, order) from `count` × 64 random bytes.

    Raises Malformed(SIZE) for any other amount of randomness.
    """
    if len(random) != count * WIDE:
        raise Malformed(Code.SIZE, f"{count * WIDE} random bytes needed")
    pieces = (random[at : at + WIDE] for at in range(0, len(random), WIDE))
    return tuple(int.from_bytes(piece, "big") % (order - 1) + 1 for piece in pieces)


def evaluate(coefficients: Sequence[int], at: int, order: int) -> int:
    """Return the polynomial's value; the lowest coefficient comes first."""
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * at + coefficient) % order
    return value


def powers(at: int, count: int, order: int) -> tuple[int, ...]:
    """Return at^0 … at^(count-1) modulo the order."""
    out = [1]
    while len(out) < count:
        out.append(out[-1] * at % order)
    return tuple(out)


def lagrange(indices: Sequence[int], order: int, at: int = 0) -> tuple[int, ...]:
    """Return, for each distinct index (1 or more), its Lagrange coefficient at a point.

    Raises Malformed(FORM) for an index below 1, a repeated one, or none.
    """
    if not indices or min(indices) < 1 or len(set(indices)) != len(indices):
        raise Malformed(Code.FORM, "share indices must be distinct and at least 1")
    out = []
    for mine in indices:
        above, below = 1, 1
        for other in indices:
            if other != mine:
                above = above * (at - other) % order
                below = below * (mine - other) % order
        out.append(above * pow(below, -1, order) % order)
    return tuple(out)
