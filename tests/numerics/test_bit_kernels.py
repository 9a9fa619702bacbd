"""Scalar bit kernels: compiled, interpreted and the plain-integer twin agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim.numerics import (
    Overflow,
    Rounding,
    apply_overflow,
    average,
    overflow_array,
    overflowed,
    round_shift,
    rounding_divide_by_pot,
    rounding_half_sum,
    saturate,
    saturate_bits,
    saturating_rounding_multiply_by_pot,
    srdhm,
    srdhm16,
    wrap,
    wrap_unsigned,
    wrapping_shift_left,
)
from fxsim.numerics.reference import (
    ref_average,
    ref_overflow,
    ref_range,
    ref_round_shift,
    ref_rounding_divide_by_pot,
    ref_rounding_half_sum,
    ref_saturate,
    ref_saturating_rounding_multiply_by_pot,
    ref_srdhm,
    ref_wrap,
)
from fxsim.testing import codes

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTHS = st.integers(2, 64)


def both(kernel: Callable[..., Any], *args: int) -> Any:
    """The kernel's result, after checking that its plain Python body gives the same."""
    compiled = kernel(*args)
    body = getattr(kernel, "py_func", kernel)
    assert compiled == body(*args)
    assert compiled == body(*(np.int64(a) for a in args))
    return compiled


@given(codes(64), codes(64), codes(64))
def test_saturate(value: int, a: int, b: int) -> None:
    lo, hi = min(a, b), max(a, b)
    assert both(saturate, value, lo, hi) == ref_saturate(value, lo, hi)


@given(codes(64), WIDTHS)
def test_saturate_and_wrap_to_every_width(value: int, bits: int) -> None:
    assert both(saturate_bits, value, bits) == ref_saturate(value, *ref_range(bits))
    assert both(wrap, value, bits) == ref_wrap(value, bits)


@pytest.mark.parametrize("bits", range(2, 65))
def test_wrap_just_outside_every_width(bits: int) -> None:
    lo, hi = ref_range(bits)
    for value in (lo, lo - 1, hi, hi + 1):
        if -(1 << 63) <= value < 1 << 63:
            assert wrap(value, bits) == ref_wrap(value, bits)


@given(codes(64), st.integers(1, 62))
def test_wrap_unsigned(value: int, bits: int) -> None:
    assert both(wrap_unsigned, value, bits) == ref_wrap(value, bits, signed=False)


@given(codes(63), st.integers(0, 70), st.integers(1, 63))
def test_wrapping_shift_left(value: int, shift: int, bits: int) -> None:
    assert both(wrapping_shift_left, value, shift, bits) == ref_wrap(value << shift, bits)


@pytest.mark.parametrize("rounding", list(Rounding), ids=lambda r: r.name)
@given(value=codes(64), shift=st.integers(0, 62))
def test_round_shift_at_edges(rounding: Rounding, value: int, shift: int) -> None:
    assert both(round_shift, value, shift, int(rounding)) == ref_round_shift(value, shift, rounding)


@pytest.mark.parametrize("rounding", list(Rounding), ids=lambda r: r.name)
def test_round_shift_of_small_values(rounding: Rounding) -> None:
    for shift in range(4):
        for value in range(-20, 21):
            assert round_shift(value, shift, int(rounding)) == ref_round_shift(value, shift, rounding)


@pytest.mark.parametrize("rounding", list(Rounding), ids=lambda r: r.name)
@given(quotient=st.integers(-5, 5), shift=st.integers(1, 60), beside=st.integers(-1, 1))
def test_round_shift_at_ties(rounding: Rounding, quotient: int, shift: int, beside: int) -> None:
    value = (quotient << shift) + (1 << (shift - 1)) + beside
    assert both(round_shift, value, shift, int(rounding)) == ref_round_shift(value, shift, rounding)


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        (Rounding.FLOOR, [-2, -2, -1, -1, 0, 0, 1, 1]),
        (Rounding.CEIL, [-1, -1, 0, 0, 1, 1, 2, 2]),
        (Rounding.TO_ZERO, [-1, -1, 0, 0, 0, 0, 1, 1]),
        (Rounding.AWAY_FROM_ZERO, [-2, -2, -1, -1, 1, 1, 2, 2]),
        (Rounding.TIES_UP, [-2, -1, -1, 0, 0, 1, 1, 2]),
        (Rounding.TIES_DOWN, [-2, -2, -1, -1, 0, 0, 1, 1]),
        (Rounding.TIES_TO_ZERO, [-2, -1, -1, 0, 0, 0, 1, 1]),
        (Rounding.TIES_AWAY, [-2, -2, -1, -1, 0, 1, 1, 2]),
        (Rounding.TIES_EVEN, [-2, -2, -1, 0, 0, 0, 1, 2]),
        (Rounding.TIES_ODD, [-2, -1, -1, -1, 0, 1, 1, 1]),
    ],
    ids=lambda p: p.name if isinstance(p, Rounding) else "",
)
def test_rounding_rules_by_hand(rounding: Rounding, expected: list[int]) -> None:
    quarters = [-7, -6, -3, -2, 1, 2, 5, 6]  # -1.75, -1.5, -0.75, -0.5, 0.25, 0.5, 1.25, 1.5
    assert [round_shift(q, 2, int(rounding)) for q in quarters] == expected


@given(codes(32), codes(32))
def test_srdhm(a: int, b: int) -> None:
    assert both(srdhm, a, b) == ref_srdhm(a, b)


@given(codes(16), codes(16))
def test_srdhm16(a: int, b: int) -> None:
    assert both(srdhm16, a, b) == ref_srdhm(a, b, 16)


@given(codes(63), st.integers(0, 62))
def test_rounding_divide_by_pot(value: int, exponent: int) -> None:
    assert both(rounding_divide_by_pot, value, exponent) == ref_rounding_divide_by_pot(value, exponent)


@given(codes(32), st.integers(-31, 31))
def test_saturating_rounding_multiply_by_pot(value: int, exponent: int) -> None:
    expected = ref_saturating_rounding_multiply_by_pot(value, exponent)
    assert both(saturating_rounding_multiply_by_pot, value, exponent) == expected


@given(codes(32), codes(32))
def test_rounding_half_sum(a: int, b: int) -> None:
    assert both(rounding_half_sum, a, b) == ref_rounding_half_sum(a, b)


@given(codes(40), st.integers(1, 5000))
def test_average(total: int, count: int) -> None:
    assert both(average, total, count) == ref_average(total, count)


@given(total=st.integers(-40, 40), count=st.integers(1, 9))
def test_average_at_ties(total: int, count: int) -> None:
    assert both(average, total, count) == ref_average(total, count)


@pytest.mark.parametrize("mode", list(Overflow), ids=lambda m: m.name)
@given(value=codes(64), bits=WIDTHS, more=st.integers(0, 62))
def test_overflow_rule(mode: Overflow, value: int, bits: int, more: int) -> None:
    internal = min(64, bits + more)
    expected, event = ref_overflow(value, bits, mode, internal)
    assert both(apply_overflow, value, bits, int(mode), internal) == expected
    assert both(overflowed, value, bits, int(mode), internal) == event
    assert overflow_array(np.array([[value]]), bits, mode, internal).tolist() == [[expected]]


def test_only_the_least_product_saturates() -> None:
    for bits, kernel in ((16, srdhm16), (32, srdhm)):
        least = -(1 << (bits - 1))
        edges = (least, least + 1, -1, 0, 1, -least - 1)
        for a, b in ((a, b) for a in edges for b in edges):
            assert both(kernel, a, b) == ref_srdhm(a, b, bits)
