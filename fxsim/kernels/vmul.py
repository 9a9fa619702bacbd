"""VMUL: products of signed one-byte codes of two scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import entry_kernel, inner_kernel
from fxsim.kernels.double_rounding import BLOCK, difference, scale
from fxsim.numerics import SchemeCode, requantize_scalar, wrap

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


@inner_kernel
def multiply(
    x: NDArray[np.uint8], x_step: int, x_zero: int, y: NDArray[np.uint8], y_step: int, y_zero: int,
    products: NDArray[np.int64],
) -> None:  # fmt: skip
    """Fill `products` with those of the differences; step 0: of the first code of an operand with all."""
    for i in range(products.size):
        products[i] = difference(x[0], x_zero) if x_step == 0 else difference(x[i], x_zero)
    for i in range(products.size):
        products[i] *= difference(y[0], y_zero) if y_step == 0 else difference(y[i], y_zero)


@inner_kernel
def write_codes(f: NDArray[np.int64], products: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
    """Write the codes of `products`, which are of 19 bits."""
    multiplier, shift, zero, lo, hi = f[MULTIPLIER], f[SHIFT], f[OUT_ZERO], f[CLAMP_LO], f[CLAMP_HI]
    if f[SCHEME] == SchemeCode.TFL_DOUBLE and multiplier >= 0:
        left, right = max(shift, 0), max(-shift, 0)
        for i in range(out.size):
            value = scale(wrap(products[i] << left, ACC_BITS), multiplier, right)
            out[i] = min(max(value + zero, lo), hi) & 0xFF
        return
    for i in range(out.size):
        value = requantize_scalar(products[i], multiplier, shift, 0.0, f[SCHEME], ACC_BITS, zero, lo, hi)
        out[i] = value & 0xFF


@inner_kernel
def multiply_line(f: NDArray[np.int64], codes: NDArray[np.uint8], row: int, products: NDArray[np.int64]) -> None:
    """Execute one row on the scratchpad `codes`, a block of `products` at a time."""
    for start in range(0, f[COUNT], BLOCK):
        stop = min(start + BLOCK, f[COUNT])
        x, y = f[X_ADDR] + row * f[X_STRIDE], f[Y_ADDR] + row * f[Y_STRIDE]
        out = f[OUT_ADDR] + row * f[OUT_STRIDE]
        first = codes[x + start * f[X_STEP] : x + (stop - 1) * f[X_STEP] + 1]
        second = codes[y + start * f[Y_STEP] : y + (stop - 1) * f[Y_STEP] + 1]
        block = products[: stop - start]
        multiply(first, f[X_STEP], f[X_ZERO], second, f[Y_STEP], f[Y_ZERO], block)
        write_codes(f, block, codes[out + start : out + stop])


@entry_kernel
def run_vmul(f: NDArray[np.int64], act: NDArray[np.uint8]) -> None:
    """Execute VMUL for all samples.

    Parameters
    ----------
    f : int64 [len(VMUL_COLUMNS)]
        The instruction's fields; differences are of 10 bits. The output is an operand's place or disjoint from it.
    act : uint8 [S, bytes]
        Activation scratchpads, changed in place.
    """
    products = np.empty(BLOCK, np.int64)
    for s in range(act.shape[0]):
        for row in range(f[ROWS]):
            multiply_line(f, act[s], row, products)
