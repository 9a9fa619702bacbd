"""What a copy moves over the DRAM bus: whole bursts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim.hw import BURST_BYTES

if TYPE_CHECKING:
    from fxsim.isa.columns import Ints, Table


def bursts(copies: Table) -> Ints:
    """Aligned blocks of `BURST_BYTES` that the rows of each copy span, summed over its rows: int64 [copies].

    Row r starts at byte (dram_addr + r * dram_stride) mod BURST_BYTES of its first block, as row r + BURST_BYTES does.

    Parameters
    ----------
    copies
        Columns of LOAD or STORE, `row_bytes` at least 1.
    """
    blocks = np.zeros(len(copies.index), np.int64)
    for r in range(min(BURST_BYTES, int(copies.rows.max(initial=0)))):
        alike = np.maximum(copies.rows - r + BURST_BYTES - 1, 0) // BURST_BYTES
        start = (copies.dram_addr + r * copies.dram_stride) % BURST_BYTES
        blocks += alike * -(-(start + copies.row_bytes) // BURST_BYTES)
    return blocks
