"""LOAD: a 2-D copy from DRAM to a scratchpad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fxsim.isa.base import Instruction, Space, Unit, instruction
from fxsim.isa.fields import choice, unsigned
from fxsim.isa.footprints import DRAM, Arithmetic, Block
from fxsim.isa.rules import Rule, positive, separate_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Timing
    from fxsim.isa.columns import Table
    from fxsim.isa.machine import Machine


@instruction("LOAD", 1, Unit.DMA)
@dataclass(frozen=True, slots=True, kw_only=True)
class Load(Instruction):
    """Copy `rows` rows of `row_bytes` bytes from DRAM to a scratchpad.

    Row r is read at ``dram_addr + r * dram_stride`` and written at ``spad_addr + r * spad_stride`` of `space`.
    Written rows do not overlap. All of what is read lies in the constants, or all of it above them; WEIGHT and PARAM
    are loaded from constants only.
    """

    space: Space = choice(Space, "destination scratchpad")
    dram_addr: int = unsigned(40, "DRAM byte address of row 0")
    spad_addr: int = unsigned(28, "scratchpad byte address of row 0")
    rows: int = unsigned(20, "rows")
    row_bytes: int = unsigned(28, "bytes per row")
    dram_stride: int = unsigned(32, "DRAM bytes between rows")
    spad_stride: int = unsigned(28, "scratchpad bytes between rows")

    def execute(self, machine: Machine) -> None:
        """Copy row by row."""
        for r in range(self.rows):
            data = machine.read_dram(self.dram_addr + r * self.dram_stride, self.row_bytes)
            machine.write(self.space, self.spad_addr + r * self.spad_stride, data)

    @staticmethod
    def touches(f: Any, by: Arithmetic, rows: int, cols: int) -> Iterator[Block]:
        """Lines of DRAM to lines of the scratchpad."""
        yield Block(DRAM, False, "dram_addr", f.dram_addr, f.row_bytes, outer=(f.rows, f.dram_stride))
        yield Block(f.space, True, "spad_addr", f.spad_addr, f.row_bytes, outer=(f.rows, f.spad_stride))

    @classmethod
    def rules(cls, f: Table, timing: Timing) -> Iterator[Rule]:
        """Something is copied, and no byte is written twice."""
        yield from positive(f, "rows", "row_bytes")
        yield from separate_lines(f, "spad_stride")
