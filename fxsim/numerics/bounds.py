"""Whole arrays of accumulators: the overflow rule, and what prefixes of a sum can reach."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


def _magnitude(values: NDArray[Any]) -> int:
    return max(abs(int(values.min(initial=0))), abs(int(values.max(initial=0))))


def _exact_dtype(weights: Integers, bias: Integers, x_lo: Integers, x_hi: Integers) -> Any:
    """int64 where no prefix can leave 63 bits by magnitudes alone, else Python ints."""
    reach = max(_magnitude(x_lo), _magnitude(x_hi))
    worst = weights.shape[0] * _magnitude(weights) * reach + _magnitude(bias)
    return np.int64 if worst < _LIMIT else object


def _in_63_bits(prefixes: NDArray[Any]) -> Integers:
    """Prefixes as int64; those that are int64 already are in range by `_exact_dtype`."""
    if prefixes.dtype == np.int64:
        return prefixes
    bad = [n for n, column in enumerate(prefixes.T.tolist()) if not -_LIMIT <= min(column) <= max(column) < _LIMIT]
    if bad:
        worst = max(prefixes[:, bad[0]].tolist(), key=abs)
        raise QuantizationError("prefix sums must fit 63 bits", got=int(worst), where=f"channel {bad[0]}")
    return prefixes.astype(np.int64)


def prefix_bounds(
    weights: Integers, bias: Integers, x_lo: ArrayLike, x_hi: ArrayLike, group_size: int
) -> tuple[Integers, Integers]:
    """Exact least and greatest value of every prefix of bias + sum(w * x) at a rule application, per channel.

    Prefix 0 is the bias alone, the others end at multiples of `group_size` and at K. Every operand lies in its own
    interval, independently of the others: one input reaches all the least prefixes, another all the greatest ones.

    Parameters
    ----------
    weights : int64[K, N]
        In stream order, weight zero points already subtracted.
    bias : int64[N]
    x_lo, x_hi
        Least and greatest operand; integers or arrays that broadcast against `weights`.
    group_size
        Products per rule application; the last group may be short.

    Returns
    -------
    (least, greatest) : int64[1 + ceil(K / group_size), N] each

    Raises
    ------
    QuantizationError
        Shapes or intervals do not fit, or a prefix can leave 63 bits.
    """
    if weights.ndim != 2 or bias.shape != weights.shape[1:]:
        raise QuantizationError("weights must be [K, N] and bias [N]", got=(weights.shape, bias.shape))
    low, high = np.asarray(x_lo, np.int64), np.asarray(x_hi, np.int64)
    if (low > high).any() or group_size < 1:
        expected = "x_lo..x_hi must be intervals and group_size at least 1"
        raise QuantizationError(expected, got=(x_lo, x_hi, group_size))
    dtype = _exact_dtype(weights, bias, low, high)
    products = [weights.astype(dtype) * end.astype(dtype) for end in (low, high)]
    ends = (np.minimum(*products), np.maximum(*products))
    least, greatest = (_in_63_bits(_prefixes(terms, bias.astype(dtype), group_size)) for terms in ends)
    return least, greatest


def _prefixes(terms: NDArray[Any], bias: NDArray[Any], group_size: int) -> NDArray[Any]:
    starts = np.arange(0, len(terms), group_size)
    groups = np.add.reduceat(terms, starts, axis=0) if len(terms) else terms
    return np.cumsum(np.concatenate([bias[None], groups]), axis=0)


_POWERS = np.int64(1) << np.arange(63, dtype=np.int64)


def signed_widths(low: Integers, high: Integers) -> Integers:
    """`bits_needed` of every interval low..high: least signed widths, at least 2."""
    lengths = [np.searchsorted(_POWERS, np.where(end >= 0, end, ~end), side="right") for end in (low, high)]
    return np.asarray(np.maximum(np.maximum(*lengths) + 1, 2).astype(np.int64))
