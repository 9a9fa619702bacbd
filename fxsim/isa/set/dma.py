"""DMA instructions: 2-D copies between DRAM and the scratchpads."""

from __future__ import annotations

from dataclasses import dataclass

from fxsim.isa.base import Instruction, Machine, Space, Unit, instruction
from fxsim.isa.fields import choice, unsigned


@instruction("LOAD", 1, Unit.DMA)
@dataclass(frozen=True, slots=True, kw_only=True)
class Load(Instruction):
    """Copy `rows` rows of `row_bytes` bytes from DRAM to a scratchpad.

    Row r is read at ``dram_addr + r * dram_stride`` and written at ``spad_addr + r * spad_stride`` of `space`.
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
            for i, byte in enumerate(data):
                machine.write(self.space, self.spad_addr + r * self.spad_stride + i, 1, byte)


@instruction("STORE", 2, Unit.DMA)
@dataclass(frozen=True, slots=True, kw_only=True)
class Store(Instruction):
    """Copy `rows` rows of `row_bytes` bytes from the activation scratchpad to DRAM.

    Row r is read at ``spad_addr + r * spad_stride`` and written at ``dram_addr + r * dram_stride``.
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
            start = self.spad_addr + r * self.spad_stride
            data = bytes(machine.read(Space.ACT, start + i, 1, signed=False) for i in range(self.row_bytes))
            machine.write_dram(self.dram_addr + r * self.dram_stride, data)
