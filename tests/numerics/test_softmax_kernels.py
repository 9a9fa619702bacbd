"""gemmlowp's exponential and reciprocal against the twins, and a whole softmax row built from the kernels."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxsim.numerics import (
    exp_on_negative_values,
    one_over_one_plus_x,
    rounding_divide_by_pot,
    saturate,
    softmax_params,
    srdhm,
    wrap,
)
from fxsim.numerics.reference import (
    ref_exp_on_negative_values,
    ref_one_over_one_plus_x,
    ref_softmax_row,
)
from fxsim.testing import codes


@given(codes(32).map(lambda v: v if v <= 0 else -v))
def test_exponential(a: int) -> None:
    expected = ref_exp_on_negative_values(a)
    assert exp_on_negative_values(a) == expected
    assert abs(expected / 2**31 - math.exp(a / 2**26)) < 2e-6


@pytest.mark.parametrize("bit", range(31))
def test_exponential_of_powers_of_two(bit: int) -> None:
    for a in (-(1 << bit) - 1, -(1 << bit), 1 - (1 << bit), -(1 << bit) - (1 << 23)):
        assert exp_on_negative_values(a) == ref_exp_on_negative_values(a)


@given(codes(32).map(lambda v: v if v >= 0 else -1 - v))
def test_reciprocal(a: int) -> None:
    expected = ref_one_over_one_plus_x(a)
    assert one_over_one_plus_x(a) == expected
    assert abs(expected / 2**31 - 1 / (1 + a / 2**31)) < 1e-7


def softmax_row(row: list[int], multiplier: int, left_shift: int, diff_min: int) -> list[int]:
    differences = [code - max(row) for code in row]
    powers = [
        exp_on_negative_values(srdhm(wrap(d << left_shift, 32), multiplier)) if d >= diff_min else -1
        for d in differences
    ]
    total = sum(rounding_divide_by_pot(e, 12) for e in powers if e >= 0)
    zeros = 32 - total.bit_length()
    inverse = one_over_one_plus_x((total << zeros) - (1 << 31))
    codes = [rounding_divide_by_pot(srdhm(inverse, e), 12 - zeros + 23) - 128 if e >= 0 else -128 for e in powers]
    return [saturate(code, -128, 127) for code in codes]


@given(st.lists(codes(8), min_size=1, max_size=40), st.sampled_from((0.003, 0.05, 0.1, 0.7, 3.0)))
def test_row(row: list[int], scale: float) -> None:
    params = softmax_params(1.0, scale)
    assert softmax_row(row, *params) == ref_softmax_row(row, *params)


@pytest.mark.parametrize("count", [1, 2, 3, 1000, 4095])
def test_equal_codes_share_equally(count: int) -> None:
    codes = ref_softmax_row([5] * count, *softmax_params(1.0, 0.1))
    assert codes == [min(127, math.floor(256 / count + 0.5) - 128)] * count
