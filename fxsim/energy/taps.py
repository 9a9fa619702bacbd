"""How many activation elements the windows of a block really read: taps inside the tile only."""

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
    total = np.zeros(len(f("kh")), np.int64)
    for ky in range(f("kh").max(initial=0)):
        elements = _elements(f, ky, taps)
        for top, bottom, across in areas:
            total += rows.inside(top, bottom, ky) * (elements * across).sum(axis=1)
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


def _elements(f: Callable[[str], Array], ky: int, kx: Array) -> Array:
    """Elements of the taps (ky, kx) that belong to the canonical interval: int64 [n, len(kx)]."""
    first, size = f("k_start")[:, None], f("per_tap")[:, None]
    tap = (ky * f("kw")[:, None] + kx) * size
    lo, hi = np.maximum(tap, first), np.minimum(tap + size, first + f("k_count")[:, None])
    exists = (ky < f("kh")[:, None]) & (kx < f("kw")[:, None])
    elements: Array = np.where(exists, np.maximum(hi - lo, 0), 0)
    return elements
