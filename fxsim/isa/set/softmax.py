"""SOFTMAX: fixed-point softmax of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fxsim.isa.base import Instruction, Space, Unit, instruction
from fxsim.isa.fields import signed, unsigned
from fxsim.isa.footprints import Arithmetic, Block
from fxsim.isa.meaning import integer, put_code
from fxsim.isa.rules import Rule, positive, same_or_disjoint
from fxsim.numerics.reference import ref_softmax_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Timing
    from fxsim.isa.columns import Table
    from fxsim.isa.machine import Machine

MAX_LENGTH = 4095
"""Longest row: the Q12.19 sum of 4096 ones leaves 32 bits."""


@instruction("SOFTMAX", 19, Unit.VEC)
@dataclass(frozen=True, slots=True, kw_only=True)
class Softmax(Instruction):
    """Fixed-point softmax of `rows` rows of `length` int8 codes in gemmlowp arithmetic.

    The output has scale 1/256 and zero point -128.
    z = SRDHM((x - max) << left_shift, multiplier) in Q5.26; entries with x - max < diff_min give -128. Rows follow one
    another without gaps. Input and output regions are the same or disjoint.
    """

    rows: int = unsigned(20, "rows")
    length: int = unsigned(20, "elements per row")
    x_addr: int = unsigned(28, "activation scratchpad address of the input")
    out_addr: int = unsigned(28, "activation scratchpad address of the output")
    multiplier: int = signed(32, "input multiplier")
    left_shift: int = unsigned(6, "input left shift")
    diff_min: int = signed(32, "least difference to the maximum that contributes")

    def execute(self, machine: Machine) -> None:
        """Row by row."""
        for r in range(self.rows):
            start = r * self.length
            row = [integer(machine.read(Space.ACT, self.x_addr + start + i, 1), signed=1) for i in range(self.length)]
            for i, value in enumerate(ref_softmax_row(row, self.multiplier, self.left_shift, self.diff_min)):
                put_code(machine, self.out_addr + start + i, value)

    @staticmethod
    def touches(f: Any, by: Arithmetic, rows: int, cols: int) -> Iterator[Block]:
        """`rows * length` bytes in and out."""
        yield Block(Space.ACT, False, "x_addr", f.x_addr, f.rows * f.length)
        yield Block(Space.ACT, True, "out_addr", f.out_addr, f.rows * f.length)

    @classmethod
    def rules(cls, f: Table, timing: Timing) -> Iterator[Rule]:
        """Yield that the 32-bit sum holds a row, and that it works in place or on disjoint regions."""
        yield from positive(f, "rows", "length", "multiplier")
        yield f.length <= MAX_LENGTH, "length", f"must be at most {MAX_LENGTH}"
        yield f.left_shift <= 31, "left_shift", "must be at most 31"
        fits = (f.diff_min <= 0) & (-f.diff_min << f.left_shift <= 1 << 31)
        yield fits, "diff_min", "must be at most 0, and fit 32 bits after the left shift"
        yield from same_or_disjoint(f, f.rows * f.length, f.rows * f.length)
