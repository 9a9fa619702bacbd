"""The arrays that tile kernels work on, as named tuples with fixed dtypes: one specialisation per kernel.

S = samples, D = slots of a bank half, L = `lanes_of` (array rows); all arrays are C-contiguous.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fxsim.kernels.columns import LANE_BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVENT = 1
"""Flag bit: a rule application of this output left acc_bits, or one of its inner accumulator inner_bits."""
DIVERGED = 2
"""Flag bit: the register may differ from the exact sum."""

EVENTS, OUTPUTS, BIAS_OUTPUTS, WRAPS, LEAST, GREATEST, INNER_EVENTS = range(7)
"""Rows of `Tally.stats`, in the order of `fxsim.graph.LayerStats`."""

SITE_FIELDS = 7
"""A trap site: sample, instruction, group, position, row, k, and the exact sum that left the range."""

NO_SITE = int(np.iinfo(np.int64).max)
"""First entry of `Tally.trap` before any event."""

RECORD_BYTES = 16
"""Bytes of a row-file record in the parameter scratchpad."""


class Memory(NamedTuple):
    """DRAM and scratchpads. Weights and parameters are constants, so samples share them."""

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


class Bank(NamedTuple):
    """Accumulators and row files; the latter hold constants, so samples share them."""

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


class Tally(NamedTuple):
    """What happened in the accumulators."""

    stats: NDArray[np.int64]
    """[7, statistics columns]."""
    trap: NDArray[np.int64]
    """[SITE_FIELDS] first event under overflow = trap."""


class Scratch(NamedTuple):
    """Work space of one instruction; K = stream positions of the largest MAC."""

    weights: NDArray[np.int32]
    """[K, L] weight operands w - w_zero; lanes from `rows` up are 0."""
    flat_weights: NDArray[np.int32]
    """The same memory in one dimension."""
    shared_x: NDArray[np.int32]
    """[1, K] activation operands of one position."""
    private_x: NDArray[np.int32]
    """[K of private-x instructions, L] the same, per row."""
    wide: NDArray[np.int64]
    """[6, L] running sum, least and greatest prefix of every lane; the same of its inner accumulator."""
    suspects: NDArray[np.uint8]
    """[L] rows whose register may differ from the exact sum."""
    marks: NDArray[np.uint8]
    """[1, L] flags of the outputs that a REQ adds biases to; their values stand in `wide`."""
    block: NDArray[np.int32]
    """[P * L] sums of a block, P = positions rounded up to `TILE`."""
    patches: NDArray[np.int32]
    """[P, K] activation operands of a block whose rows read the same ones."""
    flat_patches: NDArray[np.int32]
    """The same memory in one dimension."""
    extremes: NDArray[np.int32]
    """[2, L] least and greatest prefix of every lane over a block."""
    operands: NDArray[np.int32]
    """[3, L] activation operands of one tap, what padding feeds, byte offsets of the rows' channels."""
    scales: NDArray[np.int64]
    """[5, L] requantization of a half: multiplier, left shift, right shift, half of the divisor; codes."""


def lanes_of(rows: int) -> int:
    """`rows` rounded up to whole lane blocks."""
    return -(-rows // LANE_BLOCK) * LANE_BLOCK
