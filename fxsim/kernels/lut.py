"""LUT: look up consecutive one-byte codes in a table of the parameter scratchpad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import entry_kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

LUT_COLUMNS = ("count", "x_addr", "out_addr", "table_addr", "entry_bytes", "x_signed")
COUNT, X_ADDR, OUT_ADDR, TABLE_ADDR, ENTRY_BYTES, X_SIGNED = range(len(LUT_COLUMNS))


@entry_kernel
def run_lut(f: NDArray[np.int64], act: NDArray[np.uint8], param: NDArray[np.uint8]) -> None:
    """Execute LUT for all samples.

    Parameters
    ----------
    f : int64 [len(LUT_COLUMNS)]
        The instruction's fields.
    act : uint8 [S, bytes]
        Activation scratchpads, changed in place.
    param : uint8 [bytes]
        Parameter scratchpad; a signed code's entry is code + 128, which is its byte with the top bit flipped.
    """
    flip = 128 if f[X_SIGNED] else 0
    size = f[ENTRY_BYTES]
    for s in range(act.shape[0]):
        for i in range(f[COUNT]):
            entry = f[TABLE_ADDR] + (np.int64(act[s, f[X_ADDR] + i]) ^ flip) * size
            for j in range(size):
                act[s, f[OUT_ADDR] + i * size + j] = param[entry + j]
