"""REDUCE: sum one-byte codes along strided axes and requantize the sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import entry_kernel, inner_kernel
from fxsim.numerics import requantize_scalar, wrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

REDUCE_COLUMNS = (
    "first", "last", "outer", "inner", "sum_outer", "sum_inner", "x_addr", "outer_stride", "inner_stride",
    "sum_outer_stride", "sum_inner_stride", "sum_addr", "out_addr", "out_pitch", "scheme", "multiplier", "shift",
    "in_zero", "out_zero", "clamp_lo", "clamp_hi", "x_signed",
)  # fmt: skip
(
    FIRST, LAST, OUTER, INNER, SUM_OUTER, SUM_INNER, X_ADDR, OUTER_STRIDE, INNER_STRIDE,
    SUM_OUTER_STRIDE, SUM_INNER_STRIDE, SUM_ADDR, OUT_ADDR, OUT_PITCH, SCHEME, MULTIPLIER, SHIFT,
    IN_ZERO, OUT_ZERO, CLAMP_LO, CLAMP_HI, X_SIGNED,
) = range(len(REDUCE_COLUMNS))  # fmt: skip

ACC_BITS = 32
"""Width of a sum; additions wrap."""

SUM_BYTES = 4
"""Bytes of a stored sum."""


@inner_kernel
def take_sums(f: NDArray[np.int64], act: NDArray[np.uint8], place: int, totals: NDArray[np.int64]) -> None:
    """Start `totals` [inner] at 0, or at the sums stored from `place` on."""
    for i in range(totals.size):
        totals[i] = 0
        if not f[FIRST]:
            for byte in range(SUM_BYTES):
                totals[i] |= np.int64(act[place + SUM_BYTES * i + byte]) << (8 * byte)


@inner_kernel
def add_line(codes: NDArray[np.uint8], flip: int, totals: NDArray[np.int64]) -> None:
    """Add neighbouring codes, one to each of `totals`."""
    for i in range(totals.size):
        totals[i] += np.int64(codes[i]) ^ flip


@inner_kernel
def sum_line(codes: NDArray[np.uint8], flip: int) -> int:
    """Sum of neighbouring codes."""
    total = np.int64(0)
    for i in range(codes.size):
        total += np.int64(codes[i]) ^ flip
    return int(total)


@inner_kernel
def sum_spread(codes: NDArray[np.uint8], stride: int, count: int, flip: int) -> int:
    """Sum of `count` codes `stride` bytes apart."""
    total = np.int64(0)
    for i in range(count):
        total += np.int64(codes[i * stride]) ^ flip
    return int(total)


@inner_kernel
def add_codes(f: NDArray[np.int64], act: NDArray[np.uint8], start: int, totals: NDArray[np.int64]) -> None:
    """Add the codes of one outer row to `totals` [inner]; `start` is the row's first code.

    Neighbouring outputs are summed side by side, neighbouring elements of a sum in one run. At most 2**28 codes of
    magnitude below 2**18 are added, so that no sum reaches 2**47.
    """
    flip = 128 if f[X_SIGNED] else 0
    for p in range(f[SUM_OUTER]):
        row = start + p * f[SUM_OUTER_STRIDE]
        if f[INNER_STRIDE] == 1:
            for q in range(f[SUM_INNER]):
                first = row + q * f[SUM_INNER_STRIDE]
                add_line(act[first : first + totals.size], flip, totals)
        else:
            for i in range(totals.size):
                first = row + i * f[INNER_STRIDE]
                if f[SUM_INNER_STRIDE] == 1:
                    totals[i] += sum_line(act[first : first + f[SUM_INNER]], flip)
                else:
                    totals[i] += sum_spread(act[first:], f[SUM_INNER_STRIDE], f[SUM_INNER], flip)
    less = f[SUM_OUTER] * f[SUM_INNER] * (flip + f[IN_ZERO])
    for i in range(totals.size):
        totals[i] -= less


@inner_kernel
def put_sums(act: NDArray[np.uint8], place: int, totals: NDArray[np.int64]) -> None:
    """Store the low 32 bits of `totals` [inner] from `place` on."""
    for i in range(totals.size):
        for byte in range(SUM_BYTES):
            act[place + SUM_BYTES * i + byte] = (totals[i] >> (8 * byte)) & 0xFF


@inner_kernel
def put_codes(f: NDArray[np.int64], act: NDArray[np.uint8], place: int, totals: NDArray[np.int64]) -> None:
    """Store the codes of the sums `totals` [inner], wrapped to 32 bits, from `place` on."""
    for i in range(totals.size):
        act[place + i] = 0xFF & requantize_scalar(
            wrap(totals[i], ACC_BITS), f[MULTIPLIER], f[SHIFT], 0.0, f[SCHEME], ACC_BITS, f[OUT_ZERO], f[CLAMP_LO],
            f[CLAMP_HI],
        )  # fmt: skip


@entry_kernel
def run_reduce(f: NDArray[np.int64], act: NDArray[np.uint8]) -> None:
    """Execute REDUCE for all samples.

    Parameters
    ----------
    f : int64 [len(REDUCE_COLUMNS)]
        The instruction's fields; input, output and stored sums are disjoint.
    act : uint8 [S, bytes]
        Activation scratchpads, changed in place.
    """
    totals = np.empty(f[INNER], np.int64)
    for s in range(act.shape[0]):
        for o in range(f[OUTER]):
            place = f[SUM_ADDR] + SUM_BYTES * o * f[INNER]
            take_sums(f, act[s], place, totals)
            add_codes(f, act[s], f[X_ADDR] + o * f[OUTER_STRIDE], totals)
            if f[LAST]:
                put_codes(f, act[s], f[OUT_ADDR] + o * f[OUT_PITCH], totals)
            else:
                put_sums(act[s], place, totals)
