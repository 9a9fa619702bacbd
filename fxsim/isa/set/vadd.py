"""VADD: sums or differences of codes of two scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fxsim.isa.base import Instruction, Space, Unit, instruction
from fxsim.isa.fields import signed, unsigned
from fxsim.isa.footprints import Arithmetic, Block
from fxsim.isa.meaning import integer, put_code
from fxsim.isa.rules import Rule, output_clamp, positive, same_or_disjoint_lines, separate_lines
from fxsim.numerics import SUM_SHIFT
from fxsim.numerics.reference import ref_requantize, ref_rescale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Timing
    from fxsim.isa.columns import Table
    from fxsim.isa.machine import Machine

ACC_BITS = 32
"""Width that the requantization scheme of VADD sees; no sum reaches 2**31."""


@instruction("VADD", 24, Unit.VEC)
@dataclass(frozen=True, slots=True, kw_only=True)
class VAdd(Instruction):
    """Add or subtract `rows` x `count` signed one-byte codes.

    The result is clamp(out_zero + r(tx + ty, out_multiplier, out_shift)), or of tx - ty, where
    tx = r((x - x_zero) * 2**20, x_multiplier, x_shift) and ty likewise; r is scheme TFL_DOUBLE with a 31-bit multiplier
    and a right shift. Element i of row r is read at ``x_addr + r * x_stride + i * x_step`` and
    ``y_addr + r * y_stride + i * y_step`` and written to ``out_addr + r * out_stride + i``: a step or stride of 0
    repeats an operand's code or row. Written rows do not overlap; they are those of an operand, or disjoint from it.
    """

    rows: int = unsigned(20, "rows")
    count: int = unsigned(28, "elements per row")
    x_addr: int = unsigned(28, "activation scratchpad address of the first operand")
    x_stride: int = unsigned(28, "bytes between its rows")
    x_step: int = unsigned(1, "bytes between its elements")
    y_addr: int = unsigned(28, "activation scratchpad address of the second operand")
    y_stride: int = unsigned(28, "bytes between its rows")
    y_step: int = unsigned(1, "bytes between its elements")
    out_addr: int = unsigned(28, "activation scratchpad address of the output")
    out_stride: int = unsigned(28, "bytes between its rows")
    subtract: int = unsigned(1, "1: subtract the second operand")
    x_zero: int = signed(9, "zero point of the first operand")
    y_zero: int = signed(9, "zero point of the second operand")
    out_zero: int = signed(9, "output zero point")
    x_multiplier: int = unsigned(31, "integer multiplier of the first operand")
    y_multiplier: int = unsigned(31, "integer multiplier of the second operand")
    out_multiplier: int = unsigned(31, "integer multiplier of the sum")
    x_shift: int = unsigned(5, "right shift of the first operand")
    y_shift: int = unsigned(5, "right shift of the second operand")
    out_shift: int = unsigned(5, "right shift of the sum")
    clamp_lo: int = signed(9, "least output code")
    clamp_hi: int = signed(9, "greatest output code")

    def execute(self, machine: Machine) -> None:
        """Code by code, row by row."""
        for r in range(self.rows):
            for i in range(self.count):
                x = machine.read(Space.ACT, self.x_addr + r * self.x_stride + i * self.x_step, 1)
                y = machine.read(Space.ACT, self.y_addr + r * self.y_stride + i * self.y_step, 1)
                put_code(machine, self.out_addr + r * self.out_stride + i, self._sum(x, y))

    def _sum(self, x: bytes, y: bytes) -> int:
        first = _scaled(integer(x, signed=1) - self.x_zero, self.x_multiplier, self.x_shift)
        second = _scaled(integer(y, signed=1) - self.y_zero, self.y_multiplier, self.y_shift)
        total = first - second if self.subtract else first + second
        multiplier, shift = self.out_multiplier, -self.out_shift
        return ref_requantize(
            total, multiplier, shift, 0.0, "TFL_DOUBLE", ACC_BITS, self.out_zero, self.clamp_lo, self.clamp_hi
        )

    @staticmethod
    def touches(f: Any, by: Arithmetic, rows: int, cols: int) -> Iterator[Block]:
        """Rows of both operands and of the output."""
        x_size, y_size = by.choose(f.x_step == 1, f.count, 1), by.choose(f.y_step == 1, f.count, 1)
        yield Block(Space.ACT, False, "x_addr", f.x_addr, x_size, outer=(f.rows, f.x_stride))
        yield Block(Space.ACT, False, "y_addr", f.y_addr, y_size, outer=(f.rows, f.y_stride))
        yield Block(Space.ACT, True, "out_addr", f.out_addr, f.count, outer=(f.rows, f.out_stride))

    @classmethod
    def rules(cls, f: Table, timing: Timing) -> Iterator[Rule]:
        """Yield that clamp limits are output codes and that no element is overwritten before it is read."""
        yield from positive(f, "rows", "count")
        yield from output_clamp(f, 0 * f.count)
        yield from separate_lines(f, "out_stride", "count")
        yield from same_or_disjoint_lines(f, "x")
        yield from same_or_disjoint_lines(f, "y")


def _scaled(difference: int, multiplier: int, shift: int) -> int:
    return ref_rescale(difference << SUM_SHIFT, multiplier, -shift, 0.0, "TFL_DOUBLE", ACC_BITS)
