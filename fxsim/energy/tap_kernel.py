"""How many activation elements the windows of a block really read: taps inside the tile only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.jit import entry_kernel, kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TAP_FIELDS = (
    "tile_h",
    "tile_w",
    "iy0",
    "ix0",
    "ox_start",
    "out_w",
    "positions",
    "stride_y",
    "stride_x",
    "dil_y",
    "dil_x",
    "kh",
    "kw",
    "per_tap",
    "k_start",
    "k_count",
)
"""Columns of the kernel's input; `per_tap` is the elements of one whole tap in the K interval's units."""


@kernel
def _overlap(tap: int, per_tap: int, k_start: int, k_end: int) -> int:
    """Elements of `tap` inside the canonical interval k_start .. k_end - 1."""
    lo = max(tap * per_tap, k_start)
    hi = min((tap + 1) * per_tap, k_end)
    return max(hi - lo, 0)


@kernel
def _window(f: NDArray[np.int64], y0: int, x0: int) -> int:
    """In-tile elements of one window whose first tap is at tile pixel (y0, x0)."""
    total = 0
    for ky in range(f[11]):
        y = y0 + ky * f[9]
        if y < 0 or y >= f[0]:
            continue
        for kx in range(f[12]):
            x = x0 + kx * f[10]
            if 0 <= x < f[1]:
                total += _overlap(ky * f[12] + kx, f[13], f[14], f[14] + f[15])
    return total


@entry_kernel
def count_taps(fields: NDArray[np.int64], out: NDArray[np.int64]) -> None:
    """For every row of `fields` (columns `TAP_FIELDS`), the elements its positions read inside the tile.

    Overflow: at most positions * kh * kw * per_tap, below 2^60 for encodable fields.
    """
    for i in range(fields.shape[0]):
        f = fields[i]
        total = 0
        for p in range(f[6]):
            column = f[4] + p
            row = column // f[5]
            total += _window(f, f[2] + row * f[7], f[3] + (column - row * f[5]) * f[8])
        out[i] = total
