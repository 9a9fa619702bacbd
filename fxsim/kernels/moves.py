"""COPY and FILL: lines of bytes inside the activation scratchpad."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.jit import entry_kernel, inner_kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COPY_COLUMNS = ("x_addr", "out_addr", "rows", "row_bytes", "x_stride", "out_stride")
X_ADDR, OUT_ADDR, ROWS, ROW_BYTES, X_STRIDE, OUT_STRIDE = range(len(COPY_COLUMNS))

FILL_COLUMNS = ("out_addr", "rows", "row_bytes", "out_stride", "value")
FILL_ADDR, FILL_ROWS, FILL_BYTES, FILL_STRIDE, VALUE = range(len(FILL_COLUMNS))


@inner_kernel
def copy_line(source: NDArray[np.uint8], target: NDArray[np.uint8]) -> None:
    """Copy `source` to `target`; they are disjoint and of one length."""
    for i in range(target.size):
        target[i] = source[i]


@inner_kernel
def fill_line(target: NDArray[np.uint8], value: int) -> None:
    """Fill `target` with byte `value`."""
    for i in range(target.size):
        target[i] = value


@entry_kernel
def run_copy(f: NDArray[np.int64], act: NDArray[np.uint8]) -> None:
    """Execute COPY for all samples.

    Parameters
    ----------
    f : int64 [len(COPY_COLUMNS)]
        The instruction's fields; input and output are disjoint.
    act : uint8 [S, bytes]
        Activation scratchpads, changed in place.
    """
    for s in range(act.shape[0]):
        for r in range(f[ROWS]):
            x, out = f[X_ADDR] + r * f[X_STRIDE], f[OUT_ADDR] + r * f[OUT_STRIDE]
            copy_line(act[s, x : x + f[ROW_BYTES]], act[s, out : out + f[ROW_BYTES]])


@entry_kernel
def run_fill(f: NDArray[np.int64], act: NDArray[np.uint8]) -> None:
    """Execute FILL for all samples.

    Parameters
    ----------
    f : int64 [len(FILL_COLUMNS)]
        The instruction's fields.
    act : uint8 [S, bytes]
        Activation scratchpads, changed in place.
    """
    for s in range(act.shape[0]):
        for r in range(f[FILL_ROWS]):
            out = f[FILL_ADDR] + r * f[FILL_STRIDE]
            fill_line(act[s, out : out + f[FILL_BYTES]], f[VALUE])
