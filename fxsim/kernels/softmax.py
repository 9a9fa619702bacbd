"""SOFTMAX: fixed-point softmax of int8 rows, in the arithmetic of gemmlowp and TFLite's reference/softmax.h."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import entry_kernel, inner_kernel
from fxsim.numerics import (
    exp_on_negative_values,
    one_over_one_plus_x,
    rounding_divide_by_pot,
    saturate,
    srdhm,
    wrapping_shift_left,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

SOFTMAX_COLUMNS = ("rows", "length", "x_addr", "out_addr", "multiplier", "left_shift", "diff_min")
ROWS, LENGTH, X_ADDR, OUT_ADDR, MULTIPLIER, LEFT_SHIFT, DIFF_MIN = range(len(SOFTMAX_COLUMNS))

_ABSENT = -1
"""In place of an exponential: the entry is too far below the maximum to contribute."""


@inner_kernel
def signed_code(byte: np.uint8) -> int:
    """Read a byte as an int8 code."""
    return (int(byte) ^ 0x80) - 0x80


@inner_kernel
def leading_zeros(value: int) -> int:
    """Zero bits above the highest one bit of a 32-bit value; 0 <= value < 2**32."""
    zeros = 0
    while zeros < 32 and value < (1 << 31):
        value <<= 1
        zeros += 1
    return zeros


@inner_kernel
def exponentials(f: NDArray[np.int64], codes: NDArray[np.uint8], out: NDArray[np.int64]) -> int:
    """exp(x - max) in Q0.31 of every entry of a row, or _ABSENT; their sum in Q12.19."""
    greatest = -128
    for i in range(codes.size):
        greatest = max(greatest, signed_code(codes[i]))
    total = 0
    for i in range(codes.size):
        out[i] = _ABSENT
        difference = signed_code(codes[i]) - greatest
        if difference >= f[DIFF_MIN]:
            out[i] = exp_on_negative_values(srdhm(wrapping_shift_left(difference, f[LEFT_SHIFT], 32), f[MULTIPLIER]))
            total += rounding_divide_by_pot(out[i], 12)
    return total


@inner_kernel
def softmax_row(f: NDArray[np.int64], act: NDArray[np.uint8], start: int, powers: NDArray[np.int64]) -> None:
    """One row; `start` is its first element, `powers` [length] work space."""
    total = exponentials(f, act[f[X_ADDR] + start : f[X_ADDR] + start + f[LENGTH]], powers)
    zeros = leading_zeros(total)
    inverse = one_over_one_plus_x((total << zeros) - (1 << 31))
    for i in range(f[LENGTH]):
        code = -128
        if powers[i] != _ABSENT:
            code = rounding_divide_by_pot(srdhm(inverse, powers[i]), 12 - zeros + 31 - 8) - 128
        act[f[OUT_ADDR] + start + i] = saturate(code, -128, 127) & 0xFF


@entry_kernel
def run_softmax(f: NDArray[np.int64], act: NDArray[np.uint8]) -> None:
    """Execute SOFTMAX for all samples.

    Parameters
    ----------
    f : int64 [len(SOFTMAX_COLUMNS)]
        The instruction's fields; rows of fewer than 2**13 elements, so that their sum stays below 2**32.
    act : uint8 [S, bytes]
        Activation scratchpads, changed in place.
    """
    powers = np.empty(f[LENGTH], np.int64)
    for s in range(act.shape[0]):
        for r in range(f[ROWS]):
            softmax_row(f, act[s], r * f[LENGTH], powers)
