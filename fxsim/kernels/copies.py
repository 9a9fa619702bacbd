"""LOAD and STORE: 2-D copies between DRAM and the scratchpads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.jit import inner_kernel
from fxsim.kernels import columns as c

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fxsim.kernels.state import Memory


@inner_kernel
def copy_lines(
    f: NDArray[np.int64], target: NDArray[np.uint8], to: int, pitch: int, source: NDArray[np.uint8], at: int, step: int
) -> None:
    """Copy `rows` lines of `row_bytes` bytes: line r from at + r * step to to + r * pitch; the arrays differ."""
    for r in range(f[c.ROWS]):
        first, start = to + r * pitch, at + r * step
        into, out = target[first : first + f[c.ROW_BYTES]], source[start : start + f[c.ROW_BYTES]]
        for i in range(f[c.ROW_BYTES]):
            into[i] = out[i]


@inner_kernel
def load(f: NDArray[np.int64], memory: Memory) -> None:
    """LOAD: weights and parameters once, activations for every sample."""
    near, far, pitch, step = f[c.SPAD_ADDR], f[c.DRAM_ADDR], f[c.SPAD_STRIDE], f[c.DRAM_STRIDE]
    constants = memory.constants
    if f[c.SPACE] == c.SPACE_WEIGHT:
        copy_lines(f, memory.weight, near, pitch, constants, far, step)
        return
    if f[c.SPACE] == c.SPACE_PARAM:
        copy_lines(f, memory.param, near, pitch, constants, far, step)
        return
    for s in range(memory.act.shape[0]):
        if far < constants.size:
            copy_lines(f, memory.act[s], near, pitch, constants, far, step)
        else:
            copy_lines(f, memory.act[s], near, pitch, memory.dram[s], far - constants.size, step)


@inner_kernel
def store(f: NDArray[np.int64], memory: Memory) -> None:
    """STORE, for every sample."""
    far = f[c.DRAM_ADDR] - memory.constants.size
    for s in range(memory.act.shape[0]):
        copy_lines(f, memory.dram[s], far, f[c.DRAM_STRIDE], memory.act[s], f[c.SPAD_ADDR], f[c.SPAD_STRIDE])
