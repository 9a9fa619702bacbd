"""How many activation elements windows really read: taps inside the tile only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Array = NDArray[np.int64]


class _Axis(NamedTuple):
    """One axis of the tile: its size, the first tap of grid index 0, distances of windows and of taps."""

    size: Array
    origin: Array
    stride: Array
    dilation: Array

    def inside(self, first: Array, last: Array, tap: int | Array) -> Array:
        """Grid indices first .. last whose tap number `tap` lies in the tile."""
        at = self.origin + tap * self.dilation
        step = np.maximum(self.stride, 1)
        least = np.maximum(first, -(at // step))
        most = np.minimum(last, (self.size - 1 - at) // step)
        fixed = np.where((at >= 0) & (at < self.size), last - first + 1, 0)
        count: Array = np.maximum(np.where(self.stride > 0, most - least + 1, fixed), 0)
        return count


def count_taps(f: Callable[[str], Array]) -> Array:
    """Elements that each block reads inside its tile.

    Parameters
    ----------
    f
        Look-up of the fields of MAC by name, int64 [n] each; ``per_tap`` is the elements of one whole tap in the units
        of the canonical interval ``k_start`` .. ``k_start + k_count - 1``.

    Overflow: at most positions * kh * kw * per_tap, below 2^60 for encodable fields.
    """
    rows = _Axis(f("tile_h"), f("iy0"), f("stride_y"), f("dil_y"))
    columns = _Axis(*(f(name)[:, None] for name in ("tile_w", "ix0", "stride_x", "dil_x")))
    taps = np.arange(f("kw").max(initial=0))
    areas = [
        (top, bottom, columns.inside(left[:, None], right[:, None], taps)) for top, bottom, left, right in _areas(f)
    ]
    per_row = f("per_tap") * f("kw")
    first = f("k_start") // per_row
    total = np.zeros(len(first), np.int64)
    for step in range(((f("k_start") + f("k_count") - 1) // per_row - first).max(initial=-1) + 1):
        elements = _elements(f, first + step, taps)
        for top, bottom, across in areas:
            total += rows.inside(top, bottom, first + step) * (elements * across).sum(axis=1)
    return total


def count_window_taps(f: Callable[[str], Array]) -> Array:
    """Pixels that all windows of each POOL have inside its tile.

    Parameters
    ----------
    f
        Look-up of the fields of POOL by name, int64 [n] each.

    Overflow: at most the pixels of the output times those of the tile, below 2^56 for what scratchpads hold.
    """
    rows = _covered(f("tile_h"), f("iy0"), f("stride_y"), f("kh"), f("out_h"))
    return rows * _covered(f("tile_w"), f("ix0"), f("stride_x"), f("kw"), f("out_w"))


def _covered(size: Array, origin: Array, stride: Array, window: Array, count: Array) -> Array:
    """Sum of the overlaps of ``count`` windows with 0 .. size - 1: a clipped end less a clipped start, each two ramps.

    Overflow: ends stay below 2^33 and counts below 2^16, so a ramp stays below 2^49.
    """
    ends, starts = (
        _ramp(edge, stride, count) - _ramp(edge - size, stride, count) for edge in (origin + window, origin)
    )
    return ends - starts


def _ramp(first: Array, step: Array, count: Array) -> Array:
    """Sum of max(first + i * step, 0) over i < count."""
    skipped = np.clip(-(first // np.maximum(step, 1)), 0, count)
    rest = count - skipped
    total: Array = rest * np.maximum(first + skipped * step, 0) + step * (rest * (rest - 1) // 2)
    return total


def _areas(f: Callable[[str], Array]) -> Iterator[tuple[Array, Array, Array, Array]]:
    """Cut the positions into three rectangles of the grid: the rest of a row, whole rows, the start of a row."""
    width, start, stop = f("out_w"), f("ox_start"), f("ox_start") + f("positions") - 1
    (top, left), (bottom, right) = np.divmod(start, width), np.divmod(stop, width)
    one = top == bottom
    zero = np.zeros_like(width)
    yield top, top, left, np.where(one, right, width - 1)
    yield top + 1, bottom - 1, zero, width - 1
    yield bottom, bottom - one, zero, right


def _elements(f: Callable[[str], Array], ky: Array, kx: Array) -> Array:
    """Elements of the taps (ky, kx) that belong to the canonical interval: int64 [n, len(kx)]."""
    first, size = f("k_start")[:, None], f("per_tap")[:, None]
    tap = ((ky * f("kw"))[:, None] + kx) * size
    lo, hi = np.maximum(tap, first), np.minimum(tap + size, first + f("k_count")[:, None])
    elements: Array = np.where(kx < f("kw")[:, None], np.maximum(hi - lo, 0), 0)
    return elements
