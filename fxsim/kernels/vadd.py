"""VADD: sums or differences of signed one-byte codes of two scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import entry_kernel, kernel
from fxsim.numerics import SUM_SHIFT, rounding_divide_by_pot, saturate, srdhm

if TYPE_CHECKING:
    from numpy.typing import NDArray

VADD_COLUMNS = (
    "rows", "count", "x_addr", "x_stride", "x_step", "y_addr", "y_stride", "y_step", "out_addr", "out_stride",
    "subtract", "x_zero", "y_zero", "out_zero", "x_multiplier", "y_multiplier", "out_multiplier", "x_shift", "y_shift",
    "out_shift", "clamp_lo", "clamp_hi",
)  # fmt: skip
(
    ROWS, COUNT, X_ADDR, X_STRIDE, X_STEP, Y_ADDR, Y_STRIDE, Y_STEP, OUT_ADDR, OUT_STRIDE,
    SUBTRACT, X_ZERO, Y_ZERO, OUT_ZERO, X_MULTIPLIER, Y_MULTIPLIER, OUT_MULTIPLIER, X_SHIFT, Y_SHIFT,
    OUT_SHIFT, CLAMP_LO, CLAMP_HI,
) = range(len(VADD_COLUMNS))  # fmt: skip

CODES = 256
"""One-byte codes."""
SIGN = 128
"""Top bit of a code: flipping and subtracting it turns a byte into a signed number."""


@kernel
def fill_table(zero: int, multiplier: int, shift: int, sign: int, table: NDArray[np.int64]) -> None:
    """Fill `table` with `sign` times the rescaled operand of every byte; |entry| <= 2**29."""
    for code in range(CODES):
        value = ((code ^ SIGN) - SIGN - zero) << SUM_SHIFT
        table[code] = sign * rounding_divide_by_pot(srdhm(value, multiplier), shift)


@entry_kernel
def run_vadd(f: NDArray[np.int64], act: NDArray[np.uint8]) -> None:
    """Execute VADD for all samples: the 256 terms of either operand once, then look-ups.

    Terms are below 2**29, so sums fit the 32 bits that the scheme sees.

    Parameters
    ----------
    f : int64 [len(VADD_COLUMNS)]
        The instruction's fields.
    act : uint8 [S, bytes]
        Activation scratchpads, changed in place.
    """
    first, second = np.empty(CODES, np.int64), np.empty(CODES, np.int64)
    fill_table(f[X_ZERO], f[X_MULTIPLIER], f[X_SHIFT], 1, first)
    fill_table(f[Y_ZERO], f[Y_MULTIPLIER], f[Y_SHIFT], 1 - 2 * f[SUBTRACT], second)
    multiplier, shift, zero, lo, hi = f[OUT_MULTIPLIER], f[OUT_SHIFT], f[OUT_ZERO], f[CLAMP_LO], f[CLAMP_HI]
    x_step, y_step = f[X_STEP], f[Y_STEP]
    for s in range(act.shape[0]):
        for r in range(f[ROWS]):
            x, y = f[X_ADDR] + r * f[X_STRIDE], f[Y_ADDR] + r * f[Y_STRIDE]
            out = f[OUT_ADDR] + r * f[OUT_STRIDE]
            for i in range(f[COUNT]):
                total = first[act[s, x + i * x_step]] + second[act[s, y + i * y_step]]
                value = rounding_divide_by_pot(srdhm(total, multiplier), shift) + zero
                act[s, out + i] = saturate(value, lo, hi) & 0xFF
