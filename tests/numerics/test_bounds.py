"""Prefix bounds: equal to the twin, reached by real inputs, and never left by any."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import QuantizationError
from fxsim.numerics import bits_needed, prefix_bounds, signed_widths
from fxsim.numerics.reference import ref_prefix_bounds
from fxsim.testing import codes

INTERVALS = st.tuples(st.integers(-300, 300), st.integers(-300, 300)).map(lambda ends: (min(ends), max(ends)))


@given(
    st.lists(st.tuples(codes(9), codes(9), INTERVALS, INTERVALS), max_size=12),
    st.lists(codes(40), min_size=2, max_size=2),
    st.integers(1, 14),
)
def test_equals_twin(rows: list[tuple[Any, ...]], bias: list[int], group_size: int) -> None:
    weights = np.array([row[:2] for row in rows], dtype=np.int64).reshape(len(rows), 2)
    ends = np.array([row[2:] for row in rows], dtype=np.int64).reshape(len(rows), 2, 2)
    least, greatest = prefix_bounds(weights, np.array(bias), ends[..., 0], ends[..., 1], group_size)
    for n in range(2):
        expected = ref_prefix_bounds(weights[:, n].tolist(), bias[n], [row[2 + n] for row in rows], group_size)
        assert (least[:, n].tolist(), greatest[:, n].tolist()) == expected
    assert least.dtype == greatest.dtype == np.int64


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=5), st.integers(-5, 5), st.integers(1, 3))
def test_bounds_are_reached_and_never_left(weights: list[int], bias: int, group_size: int) -> None:
    ends = [k for k in range(1, len(weights) + 1) if k % group_size == 0 or k == len(weights)]
    seen = [
        [bias, *(bias + sum(w * x for w, x in zip(weights[:k], xs, strict=False)) for k in ends)]
        for xs in product((-2, 0, 3), repeat=len(weights))
    ]
    least, greatest = prefix_bounds(np.array(weights)[:, None], np.array([bias]), -2, 3, group_size)
    assert least[:, 0].tolist() == [min(values) for values in zip(*seen, strict=True)]
    assert greatest[:, 0].tolist() == [max(values) for values in zip(*seen, strict=True)]


def test_an_operand_may_be_known() -> None:
    """Of w = (3, -2) the second operand is 5 always."""
    low, high = np.array([[-1], [5]]), np.array([[4], [5]])
    least, greatest = prefix_bounds(np.array([[3], [-2]]), np.array([10]), low, high, 1)
    assert (least[:, 0].tolist(), greatest[:, 0].tolist()) == ([10, 7, -3], [10, 22, 12])


def test_63_bits_are_the_limit() -> None:
    weights = np.array([[1 << 40, 1]])
    top = (1 << 62) - 1
    bias = np.array([top - ((1 << 40) * 127), 0])
    assert prefix_bounds(weights, bias, 0, 127, 1)[1][:, 0].tolist() == [top - (127 << 40), top]
    with pytest.raises(QuantizationError, match="channel 0: prefix sums must fit 63 bits"):
        prefix_bounds(weights, bias + 1, 0, 127, 1)
    with pytest.raises(QuantizationError, match="channel 1: prefix sums must fit 63 bits"):
        prefix_bounds(weights[:, ::-1], np.array([0, -(1 << 62) - 1]), 0, 1, 1)
    for beyond in (1, 2):
        with pytest.raises(QuantizationError, match="channel 0: prefix sums must fit 63 bits"):
            prefix_bounds(np.array([[1, 1]]), np.array([top, top]), 0, beyond, 1)
    with pytest.raises(QuantizationError, match="63 bits"):
        prefix_bounds(np.full((8, 1), 1 << 60), np.array([0]), 1, 1, 8)
    huge = np.full((4, 1), (1 << 63) - 1)
    with pytest.raises(QuantizationError, match="63 bits"):
        prefix_bounds(huge, np.array([0]), -(1 << 15), 1 << 15, 1)


def test_illegal_arguments() -> None:
    with pytest.raises(QuantizationError, match=r"\[K, N\]"):
        prefix_bounds(np.zeros((3, 2), dtype=np.int64), np.zeros(3, dtype=np.int64), 0, 1, 1)
    for x_lo, x_hi, group_size in ((1, 0, 1), (0, 1, 0), (np.array([[0], [2], [0]]), 1, 1)):
        with pytest.raises(QuantizationError, match="interval"):
            prefix_bounds(np.zeros((3, 2), dtype=np.int64), np.zeros(2, dtype=np.int64), x_lo, x_hi, group_size)


@given(st.lists(st.tuples(codes(63), codes(63)), min_size=1, max_size=20))
def test_widths_of_arrays(pairs: list[tuple[int, int]]) -> None:
    low, high = np.array(pairs, dtype=np.int64).T
    assert signed_widths(low, high).tolist() == [bits_needed(*pair) for pair in pairs]
