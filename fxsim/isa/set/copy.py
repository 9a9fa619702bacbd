"""COPY: a 2-D copy inside the activation scratchpad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fxsim.isa.base import Instruction, Space, Unit, instruction
from fxsim.isa.fields import unsigned
from fxsim.isa.footprints import Arithmetic, Block
from fxsim.isa.rules import Rule, positive, separate_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Timing
    from fxsim.isa.columns import Table
    from fxsim.isa.machine import Machine


@instruction("COPY", 26, Unit.VEC)
@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(Instruction):
    """Copy `rows` rows of `row_bytes` bytes from one place of the activation scratchpad to another.

    Row r is read at ``x_addr + r * x_stride`` and written at ``out_addr + r * out_stride``. Written rows do not
    overlap, and what lies between the first and the last byte written does not meet what lies between those read.
    """

    x_addr: int = unsigned(28, "activation scratchpad address of row 0 of the input")
    out_addr: int = unsigned(28, "activation scratchpad address of row 0 of the output")
    rows: int = unsigned(20, "rows")
    row_bytes: int = unsigned(28, "bytes per row")
    x_stride: int = unsigned(28, "bytes between rows of the input")
    out_stride: int = unsigned(28, "bytes between rows of the output")

    def execute(self, machine: Machine) -> None:
        """Copy row by row."""
        for r in range(self.rows):
            data = machine.read(Space.ACT, self.x_addr + r * self.x_stride, self.row_bytes)
            machine.write(Space.ACT, self.out_addr + r * self.out_stride, data)

    @staticmethod
    def touches(f: Any, by: Arithmetic, rows: int, cols: int) -> Iterator[Block]:
        """Lines of the input and of the output."""
        yield Block(Space.ACT, False, "x_addr", f.x_addr, f.row_bytes, outer=(f.rows, f.x_stride))
        yield Block(Space.ACT, True, "out_addr", f.out_addr, f.row_bytes, outer=(f.rows, f.out_stride))

    @classmethod
    def rules(cls, f: Table, timing: Timing) -> Iterator[Rule]:
        """Something is copied, to another place, and no byte is written twice."""
        yield from positive(f, "rows", "row_bytes")
        yield from separate_lines(f, "out_stride")
        end = f.x_addr + (f.rows - 1) * f.x_stride + f.row_bytes
        out_end = f.out_addr + (f.rows - 1) * f.out_stride + f.row_bytes
        apart = (end <= f.out_addr) | (out_end <= f.x_addr)
        yield apart, "out_addr", "must give an output region that is disjoint from the input region"
