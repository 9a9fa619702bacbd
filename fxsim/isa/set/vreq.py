"""VREQ: requantize consecutive codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fxsim.isa.base import Instruction, Space, Unit, instruction
from fxsim.isa.fields import choice, signed, unsigned
from fxsim.isa.footprints import Arithmetic, Block
from fxsim.isa.meaning import integer, put_code
from fxsim.isa.rules import Rule, integer_scheme, output_clamp, positive, same_or_disjoint
from fxsim.numerics import SchemeCode
from fxsim.numerics.reference import ref_requantize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Timing
    from fxsim.isa.columns import Table
    from fxsim.isa.machine import Machine

ACC_BITS = 32
"""Width that the requantization schemes of VREQ see."""


@instruction("VREQ", 17, Unit.VEC)
@dataclass(frozen=True, slots=True, kw_only=True)
class VReq(Instruction):
    """Requantize `count` consecutive one-byte codes: y = clamp(out_zero + rescale(x - in_zero)).

    `rescale` is an integer scheme with the multiplier and shift of the instruction and a 32-bit accumulator. Input and
    output regions are the same or disjoint.
    """

    count: int = unsigned(28, "elements")
    x_addr: int = unsigned(28, "activation scratchpad address of the input")
    out_addr: int = unsigned(28, "activation scratchpad address of the output")
    scheme: SchemeCode = choice(SchemeCode, "requantization scheme")
    multiplier: int = signed(32, "integer multiplier")
    shift: int = signed(8, "left shift (negative: right shift)")
    in_zero: int = signed(17, "input zero point")
    out_zero: int = signed(17, "output zero point")
    clamp_lo: int = signed(17, "least output code")
    clamp_hi: int = signed(17, "greatest output code")
    x_signed: int = unsigned(1, "1: input codes are two's complement")

    def execute(self, machine: Machine) -> None:
        """Code by code."""
        for i in range(self.count):
            code = integer(machine.read(Space.ACT, self.x_addr + i, 1), signed=self.x_signed)
            value = ref_requantize(
                code - self.in_zero,
                self.multiplier,
                self.shift,
                0.0,
                self.scheme.name,
                ACC_BITS,
                self.out_zero,
                self.clamp_lo,
                self.clamp_hi,
            )
            put_code(machine, self.out_addr + i, value)

    @staticmethod
    def touches(f: Any, by: Arithmetic, rows: int, cols: int) -> Iterator[Block]:
        """`count` bytes in, `count` bytes out."""
        yield Block(Space.ACT, False, "x_addr", f.x_addr, f.count)
        yield Block(Space.ACT, True, "out_addr", f.out_addr, f.count)

    @classmethod
    def rules(cls, f: Table, timing: Timing) -> Iterator[Rule]:
        """Yield that the scheme is an integer one and clamp limits are output codes."""
        yield from positive(f, "count")
        yield from integer_scheme(f)
        yield from output_clamp(f, 0 * f.count)
        yield from same_or_disjoint(f, f.count, f.count)
