"""VADD: sums or differences of signed one-byte codes of two scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import entry_kernel, inner_kernel
from fxsim.kernels.double_rounding import BLOCK, difference, scale
from fxsim.numerics import SUM_SHIFT

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


@inner_kernel
def add_terms(
    codes: NDArray[np.uint8], step: int, zero: int, multiplier: int, shift: int, sign: int, totals: NDArray[np.int64]
) -> None:
    """Add `sign` times the rescaled operands to `totals`; step 0: of the first code to all. |term| <= 2**29."""
    if step == 0:
        term = sign * scale(difference(codes[0], zero) << SUM_SHIFT, multiplier, shift)
        for i in range(totals.size):
            totals[i] += term
        return
    for i in range(totals.size):
        totals[i] += sign * scale(difference(codes[i], zero) << SUM_SHIFT, multiplier, shift)


@inner_kernel
def write_codes(
    totals: NDArray[np.int64], multiplier: int, shift: int, zero: int, lo: int, hi: int, out: NDArray[np.uint8]
) -> None:
    """Write the codes of `totals`, which are at most 2**30."""
    for i in range(out.size):
        out[i] = min(max(scale(totals[i], multiplier, shift) + zero, lo), hi) & 0xFF


@inner_kernel
def add_line(f: NDArray[np.int64], codes: NDArray[np.uint8], row: int, totals: NDArray[np.int64]) -> None:
    """Execute one row on the scratchpad `codes`, a block of `totals` at a time."""
    for start in range(0, f[COUNT], BLOCK):
        stop = min(start + BLOCK, f[COUNT])
        block = totals[: stop - start]
        block[:] = 0
        x, y = f[X_ADDR] + row * f[X_STRIDE], f[Y_ADDR] + row * f[Y_STRIDE]
        out = f[OUT_ADDR] + row * f[OUT_STRIDE]
        first = codes[x + start * f[X_STEP] : x + (stop - 1) * f[X_STEP] + 1]
        second = codes[y + start * f[Y_STEP] : y + (stop - 1) * f[Y_STEP] + 1]
        add_terms(first, f[X_STEP], f[X_ZERO], f[X_MULTIPLIER], f[X_SHIFT], 1, block)
        add_terms(second, f[Y_STEP], f[Y_ZERO], f[Y_MULTIPLIER], f[Y_SHIFT], 1 - 2 * f[SUBTRACT], block)
        write_codes(
            block, f[OUT_MULTIPLIER], f[OUT_SHIFT], f[OUT_ZERO], f[CLAMP_LO], f[CLAMP_HI],
            codes[out + start : out + stop],
        )  # fmt: skip


@entry_kernel
def run_vadd(f: NDArray[np.int64], act: NDArray[np.uint8]) -> None:
    """Execute VADD for all samples.

    Terms are below 2**29, so sums fit the 32 bits that the scheme sees.

    Parameters
    ----------
    f : int64 [len(VADD_COLUMNS)]
        The instruction's fields; the output is an operand's place or disjoint from it.
    act : uint8 [S, bytes]
        Activation scratchpads, changed in place.
    """
    totals = np.empty(BLOCK, np.int64)
    for s in range(act.shape[0]):
        for row in range(f[ROWS]):
            add_line(f, act[s], row, totals)
