"""POOL: average or maximum over windows, channel by channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import entry_kernel, inner_kernel
from fxsim.numerics import average, saturate

if TYPE_CHECKING:
    from numpy.typing import NDArray

POOL_COLUMNS = (
    "kind", "x_addr", "pixel_pitch", "tile_h", "tile_w", "channels", "iy0", "ix0", "out_addr", "out_pitch",
    "out_row_pitch", "out_h", "out_w", "stride_y", "stride_x", "kh", "kw", "clamp_lo", "clamp_hi", "x_signed",
)  # fmt: skip
(
    KIND, X_ADDR, PIXEL_PITCH, TILE_H, TILE_W, CHANNELS, IY0, IX0, OUT_ADDR, OUT_PITCH,
    OUT_ROW_PITCH, OUT_H, OUT_W, STRIDE_Y, STRIDE_X, KH, KW, CLAMP_LO, CLAMP_HI, X_SIGNED,
) = range(len(POOL_COLUMNS))  # fmt: skip

MAX = 1
"""Value of column `kind` that takes the maximum (`fxsim.isa.PoolKind`)."""

_LEAST_CODE = -(1 << 15)


@inner_kernel
def add_pixel(codes: NDArray[np.uint8], flip: int, totals: NDArray[np.int64]) -> None:
    """Add a pixel's codes to `totals`."""
    for i in range(totals.size):
        totals[i] += (np.int64(codes[i]) ^ flip) - flip


@inner_kernel
def max_pixel(codes: NDArray[np.uint8], flip: int, totals: NDArray[np.int64]) -> None:
    """Raise `totals` to a pixel's codes."""
    for i in range(totals.size):
        totals[i] = max(totals[i], (np.int64(codes[i]) ^ flip) - flip)


@inner_kernel
def reduce_window(f: NDArray[np.int64], act: NDArray[np.uint8], top: int, left: int, totals: NDArray[np.int64]) -> int:
    """Reduce the in-tile pixels of one window into `totals` [channels]; their number."""
    flip = 128 if f[X_SIGNED] else 0
    totals[:] = _LEAST_CODE if f[KIND] == MAX else 0
    count = 0
    for y in range(max(top, 0), min(top + f[KH], f[TILE_H])):
        for x in range(max(left, 0), min(left + f[KW], f[TILE_W])):
            address = f[X_ADDR] + (y * f[TILE_W] + x) * f[PIXEL_PITCH]
            codes = act[address : address + totals.size]
            if f[KIND] == MAX:
                max_pixel(codes, flip, totals)
            else:
                add_pixel(codes, flip, totals)
            count += 1
    return count


@entry_kernel
def run_pool(f: NDArray[np.int64], act: NDArray[np.uint8]) -> None:
    """Execute POOL for all samples.

    Parameters
    ----------
    f : int64 [len(POOL_COLUMNS)]
        The instruction's fields; every window has a pixel inside the tile.
    act : uint8 [S, bytes]
        Activation scratchpads, changed in place.
    """
    totals = np.empty(f[CHANNELS], np.int64)
    for s in range(act.shape[0]):
        for oy in range(f[OUT_H]):
            for ox in range(f[OUT_W]):
                count = reduce_window(f, act[s], f[IY0] + oy * f[STRIDE_Y], f[IX0] + ox * f[STRIDE_X], totals)
                address = f[OUT_ADDR] + oy * f[OUT_ROW_PITCH] + ox * f[OUT_PITCH]
                for i in range(totals.size):
                    value = totals[i] if f[KIND] == MAX else average(totals[i], count)
                    act[s, address + i] = saturate(value, f[CLAMP_LO], f[CLAMP_HI]) & 0xFF
