"""VMUL: products of signed one-byte codes of two scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import entry_kernel
from fxsim.numerics import requantize_scalar

if TYPE_CHECKING:
    from numpy.typing import NDArray

VMUL_COLUMNS = (
    "rows", "count", "x_addr", "x_stride", "x_step", "y_addr", "y_stride", "y_step", "out_addr", "out_stride",
    "scheme", "multiplier", "shift", "x_zero", "y_zero", "out_zero", "clamp_lo", "clamp_hi",
)  # fmt: skip
(
    ROWS, COUNT, X_ADDR, X_STRIDE, X_STEP, Y_ADDR, Y_STRIDE, Y_STEP, OUT_ADDR, OUT_STRIDE,
    SCHEME, MULTIPLIER, SHIFT, X_ZERO, Y_ZERO, OUT_ZERO, CLAMP_LO, CLAMP_HI,
) = range(len(VMUL_COLUMNS))  # fmt: skip

ACC_BITS = 32
"""Width that the requantization schemes see."""
SIGN = 128
"""Top bit of a code: flipping and subtracting it turns a byte into a signed number."""


@entry_kernel
def run_vmul(f: NDArray[np.int64], act: NDArray[np.uint8]) -> None:
    """Execute VMUL for all samples.

    Parameters
    ----------
    f : int64 [len(VMUL_COLUMNS)]
        The instruction's fields; differences are of 10 bits, so products of 19.
    act : uint8 [S, bytes]
        Activation scratchpads, changed in place.
    """
    multiplier, shift, scheme, zero, lo, hi = f[MULTIPLIER], f[SHIFT], f[SCHEME], f[OUT_ZERO], f[CLAMP_LO], f[CLAMP_HI]
    x_step, y_step, x_lift, y_lift = f[X_STEP], f[Y_STEP], SIGN + f[X_ZERO], SIGN + f[Y_ZERO]
    for s in range(act.shape[0]):
        for r in range(f[ROWS]):
            x, y = f[X_ADDR] + r * f[X_STRIDE], f[Y_ADDR] + r * f[Y_STRIDE]
            out = f[OUT_ADDR] + r * f[OUT_STRIDE]
            for i in range(f[COUNT]):
                first = (np.int64(act[s, x + i * x_step]) ^ SIGN) - x_lift
                second = (np.int64(act[s, y + i * y_step]) ^ SIGN) - y_lift
                value = requantize_scalar(first * second, multiplier, shift, 0.0, scheme, ACC_BITS, zero, lo, hi)
                act[s, out + i] = value & 0xFF
