"""FILL: one code, many times."""

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


@instruction("FILL", 27, Unit.VEC)
@dataclass(frozen=True, slots=True, kw_only=True)
class Fill(Instruction):
    """Write byte `value` to `rows` rows of `row_bytes` bytes of the activation scratchpad.

    Row r is written at ``out_addr + r * out_stride``. Rows do not overlap.
    """

    out_addr: int = unsigned(28, "activation scratchpad address of row 0")
    rows: int = unsigned(20, "rows")
    row_bytes: int = unsigned(28, "bytes per row")
    out_stride: int = unsigned(28, "bytes between rows")
    value: int = unsigned(8, "the byte, a code in two's complement or not")

    def execute(self, machine: Machine) -> None:
        """Write row by row."""
        for r in range(self.rows):
            machine.write(Space.ACT, self.out_addr + r * self.out_stride, bytes([self.value]) * self.row_bytes)

    @staticmethod
    def touches(f: Any, by: Arithmetic, rows: int, cols: int) -> Iterator[Block]:
        """Lines of the output."""
        yield Block(Space.ACT, True, "out_addr", f.out_addr, f.row_bytes, outer=(f.rows, f.out_stride))

    @classmethod
    def rules(cls, f: Table, timing: Timing) -> Iterator[Rule]:
        """Something is written, and no byte twice."""
        yield from positive(f, "rows", "row_bytes")
        yield from separate_lines(f, "out_stride")
