"""Scratchpad accesses of a decoded program, one list per instruction: what tokens are placed and proved by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fxsim.isa import INSTRUCTIONS, Columns, Memory, Space, Unit, regions

if TYPE_CHECKING:
    from fxsim.hw import Hardware


class Access(NamedTuple):
    """Bytes [start, end) of a scratchpad, the hull of what one instruction reads or writes there."""

    space: Space
    write: bool
    start: int
    end: int


Regions = dict[tuple[str, Memory], tuple[NDArray[np.int64], NDArray[np.int64]]]
"""What `fxsim.isa.regions` finds."""


def accesses(columns: Columns, hardware: Hardware) -> list[list[Access]]:
    """List the scratchpad accesses of every instruction, reads before writes; only the in-order DMA uses DRAM."""
    return listed(regions(columns, hardware.timing.rows, hardware.timing.cols), len(columns))


def listed(touched: Regions, count: int) -> list[list[Access]]:
    """`accesses` of `count` instructions from their regions."""
    found: list[list[Access]] = [[] for _ in range(count)]
    for write, name in enumerate(("read", "write")):
        for space in Space:
            lo, hi = touched[name, space]
            some = (lo < hi).nonzero()[0]
            for index, start, end in zip(some.tolist(), lo[some].tolist(), hi[some].tolist(), strict=True):
                found[index].append(Access(space, bool(write), start, end))
    return found


def units(columns: Columns) -> list[Unit]:
    """List the unit that executes each instruction."""
    by_opcode = {cls.opcode: cls.unit for cls in INSTRUCTIONS.values()}
    return [by_opcode[code] for code in columns.opcode.tolist()]
