"""Whole arrays of accumulators: the overflow rule, and what prefixes of a sum can reach."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import QuantizationError
from fxsim.numerics.formats import IntFormat, saturate_array, wrap_array
from fxsim.numerics.modes import Overflow

Integers = NDArray[np.int64]

_LIMIT = 1 << 62


def overflow_array(values: Integers, bits: int, mode: int, internal_bits: int) -> Integers:
    """Register contents after rule applications with exact results `values` (`apply_overflow` of every element).

    SATURATE and TRAP clamp at `bits`, WRAP keeps the low `bits` bits, READOUT the low `internal_bits` bits.
    """
    if mode == Overflow.WRAP:
        return wrap_array(values, IntFormat(int(bits)))
    if mode == Overflow.READOUT:
        return wrap_array(values, IntFormat(int(internal_bits)))
    return saturate_array(values, IntFormat(int(bits)))


def _exact_dtype(weights: Integers, bias: Integers, x_lo: int, x_hi: int) -> Any:
    """int64 where no prefix can leave 63 bits by magnitudes alone, else Python ints."""
    magnitude = max(abs(int(weights.min(initial=0))), abs(int(weights.max(initial=0))))
    bias_magnitude = max(abs(int(bias.min(initial=0))), abs(int(bias.max(initial=0))))
    worst = weights.shape[0] * magnitude * max(abs(x_lo), abs(x_hi)) + bias_magnitude
    return np.int64 if worst < _LIMIT else object


def _in_63_bits(extremes: NDArray[Any]) -> Integers:
    bad = [n for n, value in enumerate(extremes.tolist()) if not -_LIMIT <= value < _LIMIT]
    if bad:
        raise QuantizationError("prefix sums must fit 63 bits", got=int(extremes[bad[0]]), where=f"channel {bad[0]}")
    return extremes.astype(np.int64)


def prefix_bounds(
    weights: Integers, bias: Integers, x_lo: int, x_hi: int, group_size: int
) -> tuple[Integers, Integers]:
    """Exact least and greatest value of any prefix of bias + sum(w * x) at a rule application, per channel.

    Prefixes end at multiples of `group_size` and at K; the bias alone is one. Every x lies in x_lo..x_hi,
    independently of the others, so both extremes are reached by some input.

    Parameters
    ----------
    weights : int64[K, N]
        In stream order, weight zero points already subtracted.
    bias : int64[N]
    x_lo, x_hi
        Least and greatest operand.
    group_size
        Products per rule application; the last group may be short.

    Returns
    -------
    (least, greatest) : int64[N] each

    Raises
    ------
    QuantizationError
        Shapes or interval do not fit, or a prefix can leave 63 bits.
    """
    if weights.ndim != 2 or bias.shape != weights.shape[1:]:
        raise QuantizationError("weights must be [K, N] and bias [N]", got=(weights.shape, bias.shape))
    if x_lo > x_hi or group_size < 1:
        expected = "x_lo..x_hi must be an interval and group_size at least 1"
        raise QuantizationError(expected, got=(x_lo, x_hi, group_size))
    dtype = _exact_dtype(weights, bias, x_lo, x_hi)
    low = high = least = greatest = bias.astype(dtype)
    for start in range(0, weights.shape[0], group_size):
        group = weights[start : start + group_size].astype(dtype)
        at_lo, at_hi = group * x_lo, group * x_hi
        low = low + np.minimum(at_lo, at_hi).sum(axis=0)
        high = high + np.maximum(at_lo, at_hi).sum(axis=0)
        least, greatest = np.minimum(least, low), np.maximum(greatest, high)
    return _in_63_bits(least), _in_63_bits(greatest)
