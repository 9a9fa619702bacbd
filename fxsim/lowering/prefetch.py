"""The pass that lets loads run ahead: every LOAD moves up in file order as far as the data allow.

The DMA engine works in file order, so a LOAD that stands behind a STORE waits for what the STORE waits for. Moved up to
the last instruction that still uses the bytes it overwrites, it runs under the work in between: the second buffer of a
tile is filled while the first is in use, and the weights of the next layer arrive under the present one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.isa import DRAM, Columns, Load, Memory, Space

if TYPE_CHECKING:
    from fxsim.lowering.accesses import Regions

Ints = NDArray[np.int64]
Bounds = tuple[Ints, Ints]
"""First bytes, and bytes after the last, one per instruction."""

NEAR = 256
"""Instructions looked at first; what a LOAD must stay behind is seldom far."""


def prefetch_order(columns: Columns, spans: Regions, completed: Bounds) -> list[int]:
    """Find the file order in which loads run ahead.

    LOADs keep their order, and so do all other instructions. A LOAD stands behind the last instruction before it that
    touches the scratchpad bytes it writes, and behind the last STORE to the DRAM bytes it reads. It overwrites no byte
    of a tensor before the tensor is complete, not even one that nobody reads.

    Parameters
    ----------
    columns
        A program in file order, without tokens.
    spans
        Its regions (`fxsim.isa.regions`).
    completed
        Per instruction, the activation scratchpad bytes of the tensor that it completes; 0, 0 where it completes none.

    Returns
    -------
    list of int
        Indices of the instructions in their new order.
    """
    loads = columns.rows_of(Load)
    others = np.ones(len(columns), np.bool_)
    others[loads] = False
    behind = np.full(len(columns), -1, np.int64)
    last = -1
    touches = _touches(spans, others, completed)
    for index, space in zip(loads.tolist(), columns.table(Load).space.tolist(), strict=True):
        for memory, access in ((Space(space), "write"), (DRAM, "read")):
            lo, hi = spans[access, memory]
            last = max(last, touches[memory].last(int(lo[index]), int(hi[index]), index))
        behind[index] = last
    place = np.where(others, np.arange(len(columns)), behind)
    order: list[int] = np.lexsort((np.arange(len(columns)), ~others, place)).tolist()
    return order


def _touches(spans: Regions, others: NDArray[np.bool_], completed: Bounds) -> dict[Memory, _Touches]:
    """Where instructions other than LOADs touch each memory (DRAM: where they write), or complete a tensor."""
    found: dict[Memory, list[Bounds]] = {DRAM: [spans["write", DRAM]]}
    found |= {space: [spans["read", space], spans["write", space]] for space in Space}
    masked = {memory: [(lo, np.where(others, hi, 0)) for lo, hi in bounds] for memory, bounds in found.items()}
    masked[Space.ACT].append(completed)
    return {memory: _Touches(bounds) for memory, bounds in masked.items()}


class _Touches:
    """What LOADs must stay behind in one memory: byte ranges [n], one per instruction and access, hi = 0 for none."""

    def __init__(self, bounds: list[Bounds]) -> None:
        self._bounds = bounds
        self._lowest = min((int(lo[hi > lo].min()) for lo, hi in bounds if (hi > lo).any()), default=0)

    def last(self, start: int, end: int, before: int) -> int:
        """Find the last instruction before `before` that touches a byte of [start, end); -1 if there is none."""
        stop, size = before if end > self._lowest else 0, NEAR
        while stop > 0:
            begin = max(0, stop - size)
            hits = np.zeros(stop - begin, np.bool_)
            for lo, hi in self._bounds:
                hits |= (lo[begin:stop] < end) & (hi[begin:stop] > start)
            found = np.flatnonzero(hits)
            if found.size:
                return begin + int(found[-1])
            stop, size = begin, 8 * size
        return -1
