"""gemmlowp's fixed-point functions on whole arrays: what the exact runs of SOFTMAX, LOGISTIC and TANH share.

Numbers are int64 arrays of 32-bit values; Qi.f has i integer and f fraction bits, i + f = 31.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_MIN32, _MAX32 = -(1 << 31), (1 << 31) - 1
_EXP_MINUS_1_8 = 1895147668
_ONE_THIRD = 715827883
_EXP_STEPS = ((-2, 1672461947), (-1, 1302514674), (0, 790015084), (1, 290630308), (2, 39332535), (3, 720401), (4, 242))
"""exp(-2^k) in Q0.31, by k."""


def exp_on_negative(a: Ints, integer_bits: int) -> Ints:
    """exp(a) in Q0.31 of a <= 0 with `integer_bits` integer bits, 1..5."""
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    near = (a & (quarter - 1)) - quarter
    steps = near - a
    result = _exp_near_zero(near << integer_bits)
    for k, factor in _EXP_STEPS:
        if k < integer_bits:
            result = np.where(steps >> (fraction_bits + k) & 1, high_mul(result, factor), result)
    return np.where(a == 0, _MAX32, result)


def _exp_near_zero(a: Ints) -> Ints:
    """exp(a) in Q0.31 of -1/4 <= a < 0 in Q0.31: a Taylor polynomial about -1/8."""
    x = a + (1 << 28)
    x2 = high_mul(x, x)
    x3, x4 = high_mul(x2, x), high_mul(x2, x2)
    cubic = high_mul(divide_by_pot(x4, 2) + x3, _ONE_THIRD) + x2
    return _EXP_MINUS_1_8 + high_mul(x + divide_by_pot(cubic, 1), _EXP_MINUS_1_8)


def one_over_one_plus(a: Ints) -> Ints:
    """1 / (1 + a) in Q0.31 of 0 <= a < 1 in Q0.31."""
    return (_twice_reciprocal(a) << 1).clip(_MIN32, _MAX32)


def one_minus_over_one_plus(a: Ints) -> Ints:
    """(1 - a) / (1 + a) in Q0.31 of 0 <= a < 1 in Q0.31."""
    return (_twice_reciprocal(a) - (1 << 29) << 2).clip(_MIN32, _MAX32)


def _twice_reciprocal(a: Ints) -> Ints:
    """2 / (1 + a) in Q2.29: three Newton steps."""
    half = (a + _MAX32 + 1) >> 1
    y = 1515870810 + high_mul(half, -1010580540)
    for _ in range(3):
        rest = (1 << 29) - high_mul(half, y)
        y = y + (high_mul(y, rest) << 2).clip(_MIN32, _MAX32)
    return y


def high_mul(a: Ints, b: Ints | int) -> Ints:
    """floor((a * b + 2^30) / 2^31) of 32-bit operands, never both -2^31."""
    return a * b + (1 << 30) >> 31


def divide_by_pot(x: Ints, exponent: Ints | int) -> Ints:
    """Return x / 2^exponent rounded to nearest, ties away from zero; exponent >= 1."""
    return x + (np.int64(1) << exponent - 1) - (x < 0) >> exponent
