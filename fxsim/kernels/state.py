"""The arrays that tile kernels work on, as named tuples with fixed dtypes: one specialisation per kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fxsim._core.jit import kernel
from fxsim.kernels.columns import LANE_BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVENT = 1
"""Flag bit: a rule application of this output left acc_bits."""
DIVERGED = 2
"""Flag bit: the register may differ from the exact sum."""

EVENTS, OUTPUTS, BIAS_OUTPUTS, WRAPS, LEAST, GREATEST = range(6)
"""Rows of `Memory.stats`, in the order of `fxsim.graph.LayerStats`."""

SITE_FIELDS = 6
"""A trap site: sample, instruction, group, position, row, k."""

NO_SITE = np.iinfo(np.int64).max
"""First entry of `Memory.trap` before any event."""

RECORD_BYTES = 16
"""Bytes of a row-file record in the parameter scratchpad."""


class Memory(NamedTuple):
    """State of S samples; L = `lanes_of` (array rows), D = slots of a bank half, all arrays C-contiguous.

    Weights, parameters and row files hold constants only, so samples share them.
    """

    act: NDArray[np.uint8]
    """[S, bytes] activation scratchpad."""
    dram: NDArray[np.uint8]
    """[S, bytes] DRAM above the constants."""
    constants: NDArray[np.uint8]
    """[bytes] DRAM below."""
    weight: NDArray[np.uint8]
    """[bytes] weight scratchpad."""
    param: NDArray[np.uint8]
    """[bytes] parameter scratchpad."""
    register: NDArray[np.int64]
    """[S, 2, D, L] accumulators as the hardware holds them."""
    exact: NDArray[np.int64]
    """[S, 2, D, L] the sums they stand for, unclipped and unwrapped."""
    flags: NDArray[np.uint8]
    """[S, 2, D, L] EVENT | DIVERGED."""
    bias: NDArray[np.int64]
    """[2, L] row files: exact bias."""
    word: NDArray[np.int64]
    """[2, L] row files: requantization word."""
    real: NDArray[np.float64]
    """[2, L] the same words read as binary64."""
    stats: NDArray[np.int64]
    """[6, statistics columns]."""
    trap: NDArray[np.int64]
    """[SITE_FIELDS] first event under overflow = trap."""


class Scratch(NamedTuple):
    """Work space of one instruction; K = stream positions of the largest MAC."""

    weights: NDArray[np.int32]
    """[K, L] weight operands w - w_zero; lanes from `rows` up are 0."""
    shared_x: NDArray[np.int32]
    """[K] activation operands of one position."""
    private_x: NDArray[np.int32]
    """[K of private-x instructions, L] the same, per row."""
    narrow: NDArray[np.int32]
    """[3, L] running sum, least and greatest prefix of every lane."""
    wide: NDArray[np.int64]
    """[3, L] the same in 64 bits."""


@kernel
def int64(value: Any) -> int:
    """`value`, loaded from an array of any dtype, as the int64 that every scalar of a kernel is."""
    return np.int64(value)  # type: ignore[return-value]


def lanes_of(rows: int) -> int:
    """`rows` rounded up to whole lane blocks."""
    return -(-rows // LANE_BLOCK) * LANE_BLOCK
