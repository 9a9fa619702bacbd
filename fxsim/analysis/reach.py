"""What the accumulators of one layer can reach: exact extremes of every prefix, in the order that the hardware adds."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.numerics import prefix_bounds, signed_widths

if TYPE_CHECKING:
    from fxsim.hw import Numerics
    from fxsim.ops import MacParams, Window

Ints = NDArray[np.int64]

_FINAL_ONLY = ("wrap", "readout")
"""Overflow rules whose result is right whenever the final sum fits."""


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """Least and greatest exact value after each of A rule applications, by channel: int64 [A, N] each.

    Row a belongs to row a of `applications`; the last one is the final sum.
    """

    low: Ints
    high: Ints

    @property
    def bits(self) -> Ints:
        """Signed width that each application's result needs: int64 [A, N]."""
        return signed_widths(self.low, self.high)

    @property
    def final_bits(self) -> Ints:
        """Width that the final sum needs: what wrap and readout must hold; int64 [N]."""
        return signed_widths(self.low[-1], self.high[-1])

    @property
    def every_bits(self) -> Ints:
        """Width that every prefix needs: what saturate and trap must hold; int64 [N]."""
        return signed_widths(self.low.min(axis=0), self.high.max(axis=0))

    def bits_for(self, overflow: str) -> Ints:
        """Width at which overflow rule `overflow` gives every output exactly: int64 [N]."""
        return self.final_bits if overflow in _FINAL_ONLY else self.every_bits

    def hull(self, other: Reach) -> Reach:
        """What either of the two reaches."""
        return Reach(np.minimum(self.low, other.low), np.maximum(self.high, other.high))


def applications(depth: int, numerics: Numerics) -> Ints:
    """Rule applications of a sum of `depth` products: int64 [A, 3], columns first, last, bias.

    The exact result of an application is the sum over stream positions first..last-1, plus the bias where that column
    is 1. Rows: the bias load (a bias that comes first), the groups of every part -- where there is an inner
    accumulator, its spills --, the merges, the bias that comes last (MICROARCHITECTURE A.4, A.6 and A.8).
    """
    early = int(numerics.bias_order == "first")
    starts, ends, share = _groups(depth, numerics)
    merges = np.minimum(np.arange(2 * share, depth + share, share), depth)
    groups = np.stack([starts, ends, early * (starts == 0)], axis=1)[_spills(depth, numerics)]
    merged = np.stack([np.zeros_like(merges), merges, np.full_like(merges, early)], axis=1)
    load, late = ([[0, 0, 1]], []) if early else ([], [[0, depth, 1]])
    return np.concatenate([np.array(rows, np.int64).reshape(-1, 3) for rows in (load, groups, merged, late)])


def inner_sums(depth: int, numerics: Numerics) -> Ints:
    """What the inner accumulator must hold for every spill to be exact: int64 [B, 3], columns as of `applications`.

    Rows: every group of every window under saturate; under wrap the last one of each, which spills.
    """
    starts, ends, _ = _groups(depth, numerics)
    first = ends - 1 - (ends - 1 - starts) % numerics.inner_products
    sums = np.stack([first, ends, np.zeros_like(ends)], axis=1)
    return sums[_spills(depth, numerics)] if numerics.inner_overflow == "wrap" else sums


def _groups(depth: int, numerics: Numerics) -> tuple[Ints, Ints, int]:
    """First stream position of every group's part, end of every group, and products per part."""
    step = numerics.group_size
    ends = np.minimum(np.arange(step, depth + step, step), depth)
    share = -(-len(ends) // numerics.split_k) * step
    return (ends - 1) // share * share, ends, share


def _spills(depth: int, numerics: Numerics) -> NDArray[np.bool_]:
    """Groups after which the outer accumulator's rule applies: all of them, or the last of every inner window."""
    starts, ends, share = _groups(depth, numerics)
    if not numerics.inner_bits:
        return np.ones(len(ends), np.bool_)
    full, last = (ends - starts) % numerics.inner_products == 0, ends == np.minimum(starts + share, depth)
    return np.asarray(full | last)


def tap_masks(window: Window) -> tuple[NDArray[np.bool_], Ints]:
    """Which taps lie in the image, once for every pattern that occurs: bool [M, kh, kw], and a position of each [M]."""
    g = window
    rows, row = _inside(np.arange(g.out_h) * g.stride_h - g.pad_top, g.kh, g.dilation_h, g.in_h)
    columns, column = _inside(np.arange(g.out_w) * g.stride_w - g.pad_left, g.kw, g.dilation_w, g.in_w)
    masks = rows[:, None, :, None] & columns[None, :, None, :]
    positions = row[:, None] * g.out_w + column
    return masks.reshape(-1, g.kh, g.kw), positions.reshape(-1)


def _inside(firsts: Ints, taps: int, dilation: int, size: int) -> tuple[NDArray[np.bool_], Ints]:
    index = firsts[:, None] + np.arange(taps) * dilation
    patterns, first = np.unique((index >= 0) & (index < size), axis=0, return_index=True)
    return patterns, first


def stream_intervals(params: MacParams, mask: NDArray[np.bool_], lo: Ints, hi: Ints) -> tuple[Ints, Ints]:
    """Least and greatest operand of every product in canonical order: int64 [K, 1], depthwise [K, N].

    Parameters
    ----------
    params
        The layer.
    mask : bool [kh, kw]
        Taps in the image; the others are fed one value.
    lo, hi : int64 [channels]
        Least and greatest code of every input channel.
    """
    padded, offset = (params.x_zero, 0) if params.fold else (0, params.x_zero)
    ends = (np.where(mask[..., None], codes - offset, padded) for codes in (lo, hi))
    if params.depthwise:
        shape = (-1, params.window.channels)
        low, high = (np.repeat(e.reshape(shape), params.window.depth_mult, axis=1) for e in ends)
    else:
        low, high = (e.reshape(-1, 1) for e in ends)
    return low, high


def mask_reach(params: MacParams, numerics: Numerics, mask: NDArray[np.bool_], lo: Ints, hi: Ints) -> Reach:
    """Extremes at output positions whose taps lie in the image as `mask` says; arguments as of `stream_intervals`."""
    return _sums_reach(params, numerics, mask, lo, hi, applications(len(params.stream), numerics))


def _sums_reach(
    params: MacParams, numerics: Numerics, mask: NDArray[np.bool_], lo: Ints, hi: Ints, sums: Ints
) -> Reach:
    """Extremes of the sums whose first and last stream position, and bias, the rows of `sums` say."""
    stream, low, high = params.stream, *stream_intervals(params, mask, lo, hi)
    if numerics.order == "reversed":
        stream, low, high = stream[::-1], low[::-1], high[::-1]
    step = numerics.group_size
    prefixes = prefix_bounds(stream, np.zeros_like(params.initial), low, high, step)
    first, last, bias = sums.T
    start, stop = first // step, -(-last // step)
    low, high = (total[stop] - total[start] + bias[:, None] * params.initial for total in prefixes)
    return Reach(low, high)


def layer_reach(params: MacParams, numerics: Numerics, lo: Ints, hi: Ints) -> Reach:
    """Extremes over all output positions: padded taps are known, every other operand is free in its interval.

    Every extreme is attained: products of one sum have operands of their own. Arguments as of `stream_intervals`.
    """
    return _hull(params, numerics, lo, hi, applications(len(params.stream), numerics))


def inner_reach(params: MacParams, numerics: Numerics, lo: Ints, hi: Ints) -> Reach:
    """As `layer_reach`, of the inner accumulator: rows of `inner_sums`."""
    return _hull(params, numerics, lo, hi, inner_sums(len(params.stream), numerics))


def _hull(params: MacParams, numerics: Numerics, lo: Ints, hi: Ints, sums: Ints) -> Reach:
    """What `sums` reach at any output position."""
    masks, _ = tap_masks(params.window)
    return functools.reduce(Reach.hull, (_sums_reach(params, numerics, mask, lo, hi, sums) for mask in masks))
