"""The pass that lets loads run ahead: every LOAD moves up in file order as far as the data allow.

The DMA engine works in file order, so a LOAD that stands behind a STORE waits for what the STORE waits for. Moved up to
the last instruction that still uses the bytes it overwrites, it runs under the work in between: the second buffer of a
tile is filled while the first is in use, and the weights of the next layer arrive under the present one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.isa import DRAM, Columns, Load, Store
from fxsim.lowering.intervals import IntervalMap

if TYPE_CHECKING:
    from fxsim.isa import Space
    from fxsim.lowering.accesses import Access, Regions


def prefetch_order(columns: Columns, touched: list[list[Access]], spans: Regions) -> list[int]:
    """Find the file order in which loads run ahead.

    LOADs keep their order, and so do all other instructions. A LOAD stands behind the last instruction before it that
    touches the scratchpad bytes it writes, and behind the last STORE to the DRAM bytes it reads.

    Parameters
    ----------
    columns
        A program in file order, without tokens.
    touched
        Its scratchpad accesses (`fxsim.lowering.accesses`).
    spans
        Its regions (`fxsim.isa.regions`).

    Returns
    -------
    list of int
        Indices of the instructions in their new order.
    """
    loads = set(columns.rows_of(Load).tolist())
    behind = [-1] * len(columns)
    last = -1
    for index, needed in _dependencies(columns, touched, spans, loads):
        last = behind[index] = max(last, needed)
    return sorted(range(len(columns)), key=lambda i: (behind[i], 1, i) if i in loads else (i, 0, i))


def _dependencies(
    columns: Columns, touched: list[list[Access]], spans: Regions, loads: set[int]
) -> list[tuple[int, int]]:
    """(LOAD, last other instruction that it must stay behind), in file order."""
    users: dict[Space, IntervalMap[int]] = {}
    stored = IntervalMap(-1)
    stores = set(columns.rows_of(Store).tolist())
    sources, targets = (list(zip(*(part.tolist() for part in spans[a, DRAM]), strict=True)) for a in ("read", "write"))
    found = []
    for index, accesses in enumerate(touched):
        if index in loads:
            hits = stored.overlapping(*sources[index])
            for space, _, start, end in accesses:
                hits += users[space].overlapping(start, end) if space in users else []
            found.append((index, max(hits, default=-1)))
            continue
        for space, _, start, end in accesses:
            users.setdefault(space, IntervalMap(-1)).assign(start, end, index)
        if index in stores:
            start, end = targets[index]
            stored.assign(start, end, index)
    return found
