"""Entry kernels that walk a run of DMA and MAC-engine instructions for all samples of a batch chunk.

Two kernels, one per way of MAC and MERGE, so that a network whose accumulators are proved never compiles the checked
way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim._core.jit import entry_kernel, inner_kernel
from fxsim.kernels import columns as c
from fxsim.kernels.block import mac_plain
from fxsim.kernels.copies import load, store
from fxsim.kernels.mac import mac_checked
from fxsim.kernels.merge import merge_checked, merge_plain
from fxsim.kernels.readout import requantize_biased, requantize_block

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fxsim.kernels.state import Bank, Memory, Scratch, Tally


@inner_kernel
def run_other(f: NDArray[np.int64], memory: Memory, bank: Bank, tally: Tally, work: Scratch) -> None:
    """Execute one LOAD, STORE or REQ."""
    if f[c.KIND] == c.KIND_LOAD:
        load(f, memory)
    elif f[c.KIND] == c.KIND_STORE:
        store(f, memory)
    elif f[c.KIND] == c.KIND_REQ and f[c.ADD_BIAS]:
        requantize_biased(f, memory.act, bank, tally, work)
    elif f[c.KIND] == c.KIND_REQ:
        requantize_block(f, memory.act, bank, tally, work.scales)


@entry_kernel
def run_plain(
    fields: NDArray[np.int64], array: NDArray[np.int64], memory: Memory, bank: Bank, tally: Tally, work: Scratch
) -> None:
    """Execute instructions in order; every MAC and MERGE among them is proved.

    Parameters
    ----------
    fields : int64 [n, len(COLUMNS)]
    array : int64 [3]
        Array rows and columns, and `lanes_of` (rows).
    memory, bank, tally, work
        Machine state of S samples, counters and work space, changed in place.
    """
    for i in range(fields.shape[0]):
        f = fields[i]
        if f[c.KIND] == c.KIND_MAC:
            mac_plain(f, array, memory, bank, tally, work)
        elif f[c.KIND] == c.KIND_MERGE:
            merge_plain(f, bank, tally)
        else:
            run_other(f, memory, bank, tally, work)


@entry_kernel
def run_checked(
    fields: NDArray[np.int64], array: NDArray[np.int64], memory: Memory, bank: Bank, tally: Tally, work: Scratch
) -> None:
    """`run_plain` for instructions of which nothing is proved."""
    for i in range(fields.shape[0]):
        f = fields[i]
        if f[c.KIND] == c.KIND_MAC:
            mac_checked(f, array, memory, bank, tally, work)
        elif f[c.KIND] == c.KIND_MERGE:
            merge_checked(f, bank, tally)
        else:
            run_other(f, memory, bank, tally, work)
