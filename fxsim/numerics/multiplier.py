"""Real multipliers turned into integer multiplier and shift, as TensorFlow Lite does it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import QuantizationError
from fxsim.numerics.modes import Rounding
from fxsim.numerics.rounding import round_real

Integers = NDArray[np.int64]


def split_significand(real: NDArray[np.float64], bits: int) -> tuple[Integers, Integers]:
    """(m, e) with real ~ m * 2**(e - bits) and 2**(bits-1) <= abs(m) < 2**bits; (0, 0) for 0.

    Rounding: the significand to `bits` bits, ties away from zero; one that reaches 2**bits is halved.

    Raises
    ------
    QuantizationError
        An element is NaN or infinite.
    """
    real = np.asarray(real, dtype=np.float64)
    if not np.isfinite(real).all():
        raise QuantizationError("real multipliers must be finite", got=real[~np.isfinite(real)].tolist())
    fraction, exponent = np.frexp(real)
    m = round_real(np.ldexp(fraction, bits), Rounding.TIES_AWAY).astype(np.int64)
    carried = np.abs(m) == 1 << bits
    return np.where(carried, m // 2, m), exponent.astype(np.int64) + carried


def quantize_multipliers(real: NDArray[np.float64], bits: int = 31) -> tuple[Integers, Integers]:
    """`quantize_multiplier` of every element: int64 arrays (m, s) of the shape of `real`.

    `bits` below 31 rounds the significand to that many, ties away from zero, and leaves m's other low bits 0.
    """
    m, s = split_significand(real, bits)
    tiny = s < -31
    return np.where(tiny, 0, m << (31 - bits)), np.where(tiny, 0, s)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """(m, s) with real ~ m * 2**(s - 31): TFLite's QuantizeMultiplier, default (double rounding) build.

    m is 0 or 2**30 <= abs(m) < 2**31. Rounding: ties away from zero. abs(real) < 2**-32 gives (0, 0); large reals
    give any s, which users of the pair check.

    Raises
    ------
    QuantizationError
        `real` is NaN or infinite.
    """
    m, s = quantize_multipliers(np.array([real], dtype=np.float64))
    return int(m[0]), int(s[0])


def quantize_multipliers_single(real: NDArray[np.float64], bits: int = 31) -> tuple[Integers, Integers]:
    """`quantize_multipliers` of the single-rounding build, which clamps s > 30 to the greatest m and 30."""
    m, s = quantize_multipliers(real, bits)
    huge = s > 30
    return np.where(huge, (1 << 31) - (1 << (31 - bits)), m), np.where(huge, 30, s)


def middle_factor(real: NDArray[np.float64]) -> NDArray[np.float64]:
    """One factor for all channels, float64[1]: the geometric mean of the least and the greatest of `real`, all >= 0.

    No other has a smaller worst ratio to them; equal factors are their own mean, exactly. Rounding: binary64.
    """
    least, greatest = real.min(keepdims=True), real.max(keepdims=True)
    ratio = np.divide(greatest, least, out=np.ones(1), where=least > 0)
    return np.asarray(least * np.sqrt(ratio), dtype=np.float64)


def mean_multiplier(multiplier: int, shift: int, count: int) -> tuple[int, int]:
    """(m, s) that also divide by `count` elements: what TFLite's MEAN makes of the (multiplier, shift) of its scales.

    The multiplier grows by the greatest power of two not above `count` (at most 2**32, and no more than leaves a shift
    of at least -31), then is divided, truncating; multiplier >= 0, count >= 1.
    """
    grow = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << grow) // count, shift - grow


def softmax_params(beta: float, scale: float) -> tuple[int, int, int]:
    """(multiplier, left_shift, diff_min) of TFLite's int8 SOFTMAX for input step `scale` (a float32 number).

    The input difference d <= 0 becomes d * 2**left_shift * multiplier / 2**31 in Q5.26; differences below diff_min
    contribute nothing.

    Raises
    ------
    QuantizationError
        beta * scale * 2**26 is not above 1: the table-free exponential has no multiplier for it.
    """
    real = min(float(beta) * float(np.float32(scale)) * float(1 << 26), float((1 << 31) - 1))
    if not real > 1.0:
        raise QuantizationError("beta * scale of SOFTMAX must be a number above 2**-26", got=(beta, float(scale)))
    multiplier, left_shift = quantize_multiplier(real)
    return multiplier, left_shift, -math.floor(31 * (1 << 26) / (1 << left_shift))
