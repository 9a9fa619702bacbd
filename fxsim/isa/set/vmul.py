"""VMUL: products of codes of two scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fxsim.isa.base import Instruction, Space, Unit, instruction
from fxsim.isa.fields import choice, signed, unsigned
from fxsim.isa.footprints import Arithmetic, Block
from fxsim.isa.meaning import integer, put_code
from fxsim.isa.rules import (
    Rule,
    integer_scheme,
    output_clamp,
    positive,
    same_or_disjoint_lines,
    separate_lines,
)
from fxsim.numerics import SchemeCode
from fxsim.numerics.reference import ref_requantize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Timing
    from fxsim.isa.columns import Table
    from fxsim.isa.machine import Machine

ACC_BITS = 32
"""Width that the requantization schemes of VMUL see."""


@instruction("VMUL", 25, Unit.VEC)
@dataclass(frozen=True, slots=True, kw_only=True)
class VMul(Instruction):
    """Multiply `rows` x `count` signed one-byte codes: z = clamp(out_zero + rescale((x - x_zero) * (y - y_zero))).

    `rescale` is an integer scheme with the multiplier and shift of the instruction and a 32-bit accumulator. Element i
    of row r is read at ``x_addr + r * x_stride + i * x_step`` and ``y_addr + r * y_stride + i * y_step`` and written to
    ``out_addr + r * out_stride + i``: a step or stride of 0 repeats an operand's code or row. Written rows do not
    overlap; they are those of an operand, or disjoint from it.
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
    scheme: SchemeCode = choice(SchemeCode, "requantization scheme")
    multiplier: int = signed(32, "integer multiplier")
    shift: int = signed(8, "left shift (negative: right shift)")
    x_zero: int = signed(9, "zero point of the first operand")
    y_zero: int = signed(9, "zero point of the second operand")
    out_zero: int = signed(9, "output zero point")
    clamp_lo: int = signed(9, "least output code")
    clamp_hi: int = signed(9, "greatest output code")

    def execute(self, machine: Machine) -> None:
        """Code by code, row by row."""
        for r in range(self.rows):
            for i in range(self.count):
                x = machine.read(Space.ACT, self.x_addr + r * self.x_stride + i * self.x_step, 1)
                y = machine.read(Space.ACT, self.y_addr + r * self.y_stride + i * self.y_step, 1)
                put_code(machine, self.out_addr + r * self.out_stride + i, self._product(x, y))

    def _product(self, x: bytes, y: bytes) -> int:
        product = (integer(x, signed=1) - self.x_zero) * (integer(y, signed=1) - self.y_zero)
        return ref_requantize(
            product,
            self.multiplier,
            self.shift,
            0.0,
            self.scheme.name,
            ACC_BITS,
            self.out_zero,
            self.clamp_lo,
            self.clamp_hi,
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
        """Yield that the scheme is an integer one, clamps are codes, and nothing is overwritten before it is read."""
        yield from positive(f, "rows", "count")
        yield from integer_scheme(f)
        yield from output_clamp(f, 0 * f.count)
        yield from separate_lines(f, "out_stride", "count")
        yield from same_or_disjoint_lines(f, "x")
        yield from same_or_disjoint_lines(f, "y")
