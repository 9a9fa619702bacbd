"""STORE: a 2-D copy from the activation scratchpad to DRAM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fxsim.isa.base import Instruction, Space, Unit, instruction
from fxsim.isa.fields import unsigned
from fxsim.isa.footprints import DRAM, Arithmetic, Block
from fxsim.isa.rules import Rule, positive, separate_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Timing
    from fxsim.isa.columns import Table
    from fxsim.isa.machine import Machine


@instruction("STORE", 2, Unit.DMA)
@dataclass(frozen=True, slots=True, kw_only=True)
class Store(Instruction):
    """Copy `rows` rows of `row_bytes` bytes from the activation scratchpad to DRAM.

    Row r is read at ``spad_addr + r * spad_stride`` and written at ``dram_addr + r * dram_stride``. Written rows do
    not overlap and lie above the constants.
    """

    dram_addr: int = unsigned(40, "DRAM byte address of row 0")
    spad_addr: int = unsigned(28, "activation scratchpad byte address of row 0")
    rows: int = unsigned(20, "rows")
    row_bytes: int = unsigned(28, "bytes per row")
    dram_stride: int = unsigned(32, "DRAM bytes between rows")
    spad_stride: int = unsigned(28, "scratchpad bytes between rows")

    def execute(self, machine: Machine) -> None:
        """Copy row by row."""
        for r in range(self.rows):
            data = machine.read(Space.ACT, self.spad_addr + r * self.spad_stride, self.row_bytes)
            machine.write_dram(self.dram_addr + r * self.dram_stride, data)

    @staticmethod
    def touches(f: Any, by: Arithmetic, rows: int, cols: int) -> Iterator[Block]:
        """Lines of the scratchpad to lines of DRAM."""
        yield Block(Space.ACT, False, "spad_addr", f.spad_addr, f.row_bytes, outer=(f.rows, f.spad_stride))
        yield Block(DRAM, True, "dram_addr", f.dram_addr, f.row_bytes, outer=(f.rows, f.dram_stride))

    @classmethod
    def rules(cls, f: Table, timing: Timing) -> Iterator[Rule]:
        """Something is copied, and no byte is written twice."""
        yield from positive(f, "rows", "row_bytes")
        yield from separate_lines(f, "dram_stride")
