"""Entry kernels that walk a run of DMA and MAC-engine instructions for all samples of a batch chunk.

Two kernels, one per way of MAC, so that a network whose accumulators are proved never compiles the checked way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.jit import entry_kernel, kernel
from fxsim.kernels import columns as c
from fxsim.kernels.mac import mac_checked, mac_plain
from fxsim.kernels.operands import load, store
from fxsim.kernels.readout import requantize_block
from fxsim.kernels.rule import merge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxsim.kernels.state import Memory, Scratch


@kernel
def run_other(f: NDArray[np.int64], m: Memory) -> None:
    """Execute one instruction that is no MAC."""
    if f[c.KIND] == c.KIND_LOAD:
        load(f, m)
    elif f[c.KIND] == c.KIND_STORE:
        store(f, m)
    elif f[c.KIND] == c.KIND_MERGE:
        merge(f, m)
    elif f[c.KIND] == c.KIND_REQ:
        requantize_block(f, m)


@entry_kernel
def run_plain(fields: NDArray[np.int64], m: Memory, work: Scratch, rows: int, cols: int, lanes: int) -> None:
    """Execute instructions in order; every MAC among them is proved narrow.

    Parameters
    ----------
    fields : int64 [n, len(COLUMNS)]
    m, work
        Machine state of S samples and work space, changed in place.
    rows, cols, lanes
        Array rows and columns, and `lanes_of(rows)`.
    """
    array = np.array([rows, cols, lanes], np.int64)
    for i in range(fields.shape[0]):
        f = fields[i]
        if f[c.KIND] == c.KIND_MAC:
            mac_plain(f, m, work, array)
        else:
            run_other(f, m)


@entry_kernel
def run_checked(fields: NDArray[np.int64], m: Memory, work: Scratch, rows: int, cols: int, lanes: int) -> None:
    """`run_plain` for instructions of which nothing is proved."""
    array = np.array([rows, cols, lanes], np.int64)
    for i in range(fields.shape[0]):
        f = fields[i]
        if f[c.KIND] == c.KIND_MAC:
            mac_checked(f, m, work, array)
        else:
            run_other(f, m)
