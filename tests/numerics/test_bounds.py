"""Prefix bounds: equal to the twin, reached by real inputs, and never left by any."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim._core.errors import QuantizationError
from fxsim.numerics import prefix_bounds
from fxsim.numerics.reference import ref_prefix_bounds
from tests.numerics.edges import edge_ints

INTERVALS = st.tuples(st.integers(-300, 300), st.integers(-300, 300)).map(lambda ends: (min(ends), max(ends)))


@given(
    st.lists(st.lists(edge_ints(9), min_size=2, max_size=2), max_size=12),
    st.lists(edge_ints(40), min_size=2, max_size=2),
    INTERVALS,
    st.integers(1, 14),
)
def test_equals_twin(rows: list[list[int]], bias: list[int], interval: tuple[int, int], group_size: int) -> None:
    weights = np.array(rows, dtype=np.int64).reshape(len(rows), 2)
    least, greatest = prefix_bounds(weights, np.array(bias), *interval, group_size)
    expected = [ref_prefix_bounds(weights[:, n].tolist(), bias[n], *interval, group_size) for n in range(2)]
    assert list(zip(least.tolist(), greatest.tolist(), strict=True)) == expected
    assert least.dtype == greatest.dtype == np.int64


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=5), st.integers(-5, 5), st.integers(1, 3))
def test_bounds_are_reached_and_never_left(weights: list[int], bias: int, group_size: int) -> None:
    seen = set()
    for xs in product((-2, 0, 3), repeat=len(weights)):
        total = bias
        seen.add(total)
        for k, (w, x) in enumerate(zip(weights, xs, strict=True), 1):
            total += w * x
            if k % group_size == 0 or k == len(weights):
                seen.add(total)
    least, greatest = prefix_bounds(np.array(weights)[:, None], np.array([bias]), -2, 3, group_size)
    assert (int(least[0]), int(greatest[0])) == (min(seen), max(seen))


def test_prefixes_inside_a_group_do_not_count() -> None:
    weights, bias = np.array([[100], [-100]]), np.array([0])
    assert [int(b[0]) for b in prefix_bounds(weights, bias, 1, 1, 2)] == [0, 0]
    assert [int(b[0]) for b in prefix_bounds(weights, bias, 1, 1, 1)] == [0, 100]


def test_63_bits_are_the_limit() -> None:
    weights = np.array([[1 << 40, 1]])
    top = (1 << 62) - 1
    bias = np.array([top - ((1 << 40) * 127), 0])
    assert int(prefix_bounds(weights, bias, 0, 127, 1)[1][0]) == top
    with pytest.raises(QuantizationError, match="channel 0: prefix sums must fit 63 bits"):
        prefix_bounds(weights, bias + 1, 0, 127, 1)
    with pytest.raises(QuantizationError, match="channel 1: prefix sums must fit 63 bits"):
        prefix_bounds(weights[:, ::-1], np.array([0, -(1 << 62) - 1]), 0, 1, 1)
    huge = np.full((4, 1), (1 << 63) - 1)
    with pytest.raises(QuantizationError, match="63 bits"):
        prefix_bounds(huge, np.array([0]), -(1 << 15), 1 << 15, 1)


def test_illegal_arguments() -> None:
    with pytest.raises(QuantizationError, match=r"\[K, N\]"):
        prefix_bounds(np.zeros((3, 2), dtype=np.int64), np.zeros(3, dtype=np.int64), 0, 1, 1)
    for x_lo, x_hi, group_size in ((1, 0, 1), (0, 1, 0)):
        with pytest.raises(QuantizationError, match="interval"):
            prefix_bounds(np.zeros((3, 2), dtype=np.int64), np.zeros(2, dtype=np.int64), x_lo, x_hi, group_size)
