"""Shamir's polynomials (spec K-5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doublelock.protocol import polynomial
from doublelock.protocol.curve import ORDER
from doublelock.protocol.errors import Malformed

coefficients = st.lists(st.integers(0, ORDER - 1), min_size=1, max_size=6)


@given(coefficients, st.integers(0, 20), st.data())
def test_enough_values_give_every_other_one(poly: list[int], at: int, data: st.DataObject) -> None:
    size = len(poly)
    indices = data.draw(st.lists(st.integers(1, 64), min_size=size, max_size=size + 2, unique=True))
    factors = polynomial.lagrange(indices, ORDER, at)
    values = (polynomial.evaluate(poly, index, ORDER) for index in indices)
    total = sum(value * factor for value, factor in zip(values, factors, strict=True)) % ORDER
    assert total == polynomial.evaluate(poly, at, ORDER)


@given(coefficients, st.integers(1, 64))
def test_powers_evaluate_too(poly: list[int], at: int) -> None:
    powers = polynomial.powers(at, len(poly), ORDER)
    total = sum(one * by for one, by in zip(poly, powers, strict=True)) % ORDER
    assert total == polynomial.evaluate(poly, at, ORDER)


@pytest.mark.parametrize("indices", [[], [0], [1, 1], [-1, 2]])
def test_impossible_indices_are_refused(indices: list[int]) -> None:
    with pytest.raises(Malformed):
        polynomial.lagrange(indices, ORDER)


@pytest.mark.parametrize("order", [ORDER, 7])
def test_drawn_scalars_are_never_zero(order: int) -> None:
    extremes = bytes(64) + b"\xff" * 64 + (order - 1).to_bytes(64, "big")
    drawn = polynomial.draw_scalars(extremes, 3, order)
    assert all(0 < one < order for one in drawn)
    with pytest.raises(Malformed):
        polynomial.draw_scalars(extremes, 2, order)
