"""gemmlowp's fixed-point exponential and reciprocal, as TFLite's int8 SOFTMAX uses them; scalar kernels."""

from __future__ import annotations

from fxsim._core.jit import kernel
from fxsim.numerics.bit_kernels import (
    rounding_divide_by_pot,
    rounding_half_sum,
    saturating_rounding_multiply_by_pot,
    srdhm,
)

_ONE_MINUS = (1 << 31) - 1
"""The greatest Q0.31 number, which stands for 1."""

_EXP_MINUS_EIGHTH = 1895147668
"""exp(-1/8) in Q0.31."""

_THIRD = 715827883
"""1/3 in Q0.31."""

_EXP_OF_BIT = (
    (24, 1672461947),
    (25, 1302514674),
    (26, 790015084),
    (27, 290630308),
    (28, 39332535),
    (29, 720401),
    (30, 242),
)
"""(bit, exp(-2**(bit - 26)) in Q0.31): the factor that each bit of a Q5.26 remainder contributes."""


@kernel
def exp_on_interval(a: int) -> int:
    """exp(a) in Q0.31 for a in Q0.31, -1/4 <= a < 0: a fourth-order Taylor polynomial around -1/8."""
    x = a + (1 << 28)
    x2 = srdhm(x, x)
    x3 = srdhm(x2, x)
    x4 = srdhm(x2, x2)
    tail = rounding_divide_by_pot(srdhm(rounding_divide_by_pot(x4, 2) + x3, _THIRD) + x2, 1)
    return _EXP_MINUS_EIGHTH + srdhm(_EXP_MINUS_EIGHTH, x + tail)


@kernel
def exp_on_negative_values(a: int) -> int:
    """exp(a) in Q0.31 for an int32 a <= 0 in Q5.26; a = 0 gives the greatest Q0.31 number."""
    if a == 0:
        return _ONE_MINUS
    quarter = 1 << 24
    part = (a & (quarter - 1)) - quarter
    remainder = part - a
    result = exp_on_interval(part << 5)
    for bit, factor in _EXP_OF_BIT:
        if (remainder >> bit) & 1:
            result = srdhm(result, factor)
    return result


@kernel
def one_over_one_plus_x(a: int) -> int:
    """1 / (1 + a) in Q0.31 for a >= 0 in Q0.31: three Newton-Raphson steps in Q2.29."""
    half_denominator = rounding_half_sum(a, _ONE_MINUS)
    y = 1515870810 + srdhm(half_denominator, -1010580540)
    for _ in range(3):
        error = (1 << 29) - srdhm(half_denominator, y)
        y += saturating_rounding_multiply_by_pot(srdhm(y, error), 2)
    return saturating_rounding_multiply_by_pot(y, 1)
