"""REDUCE: sum along strided axes and requantize."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fxsim.isa.base import Instruction, Space, Unit, instruction
from fxsim.isa.fields import choice, signed, unsigned
from fxsim.isa.footprints import ARRAYS, Arithmetic, Block, hull
from fxsim.isa.meaning import integer, put_code
from fxsim.isa.rules import Rule, disjoint, integer_scheme, output_clamp, positive
from fxsim.numerics import SchemeCode
from fxsim.numerics.reference import ref_requantize, ref_wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Timing
    from fxsim.isa.columns import Table
    from fxsim.isa.machine import Machine

ACC_BITS = 32
"""Width of a sum; additions wrap."""
SUM_BYTES = 4
"""Bytes of a stored sum."""


@instruction("REDUCE", 20, Unit.VEC)
@dataclass(frozen=True, slots=True, kw_only=True)
class Reduce(Instruction):
    """Sum one-byte codes along two strided axes for every output of two others, and requantize the sums.

    Output (o, i), ``o < outer`` and ``i < inner``, sums ``x - in_zero`` over the codes at
    ``x_addr + o * outer_stride + i * inner_stride + p * sum_outer_stride + q * sum_inner_stride``, ``p < sum_outer``
    and ``q < sum_inner``, in 32 bits that wrap. `first` starts at 0, else at the sum stored by an earlier part; `last`
    stores y = clamp(out_zero + rescale(sum)) at ``out_addr + o * out_pitch + i``, else the sum is stored. Stored sums
    are little-endian words at ``sum_addr + 4 * (o * inner + i)``. `rescale` is an integer scheme with the multiplier
    and shift of the instruction and a 32-bit accumulator. Input, output and stored sums are disjoint regions.
    """

    first: int = unsigned(1, "1: sums start at 0; 0: at the stored sums")
    last: int = unsigned(1, "1: sums are requantized; 0: they are stored")
    outer: int = unsigned(28, "outputs along the outer kept axis")
    inner: int = unsigned(28, "outputs along the inner kept axis")
    sum_outer: int = unsigned(28, "elements along the outer summed axis")
    sum_inner: int = unsigned(28, "elements along the inner summed axis")
    x_addr: int = unsigned(28, "activation scratchpad address of the first code")
    outer_stride: int = unsigned(28, "bytes between codes along the outer kept axis")
    inner_stride: int = unsigned(28, "bytes between codes along the inner kept axis")
    sum_outer_stride: int = unsigned(28, "bytes between codes along the outer summed axis")
    sum_inner_stride: int = unsigned(28, "bytes between codes along the inner summed axis")
    sum_addr: int = unsigned(28, "activation scratchpad address of stored sum (0, 0)")
    out_addr: int = unsigned(28, "activation scratchpad address of output (0, 0)")
    out_pitch: int = unsigned(28, "bytes between outputs along the outer kept axis")
    scheme: SchemeCode = choice(SchemeCode, "requantization scheme")
    multiplier: int = signed(32, "integer multiplier")
    shift: int = signed(8, "left shift (negative: right shift)")
    in_zero: int = signed(17, "input zero point")
    out_zero: int = signed(17, "output zero point")
    clamp_lo: int = signed(17, "least output code")
    clamp_hi: int = signed(17, "greatest output code")
    x_signed: int = unsigned(1, "1: input codes are two's complement")

    def execute(self, machine: Machine) -> None:
        """Output by output, the inner kept axis fastest."""
        for o in range(self.outer):
            for i in range(self.inner):
                place = self.sum_addr + SUM_BYTES * (o * self.inner + i)
                total = self._sum(machine, self.x_addr + o * self.outer_stride + i * self.inner_stride)
                if not self.first:
                    total += integer(machine.read(Space.ACT, place, SUM_BYTES), signed=1)
                total = ref_wrap(total, ACC_BITS)
                if self.last:
                    put_code(machine, self.out_addr + o * self.out_pitch + i, self._code(total))
                else:
                    machine.write(Space.ACT, place, total.to_bytes(SUM_BYTES, "little", signed=True))

    def _sum(self, machine: Machine, start: int) -> int:
        """Sum of the codes of one output, zero points subtracted."""
        steps = [
            p * self.sum_outer_stride + q * self.sum_inner_stride
            for p in range(self.sum_outer)
            for q in range(self.sum_inner)
        ]
        codes = [integer(machine.read(Space.ACT, start + step, 1), signed=self.x_signed) for step in steps]
        return sum(codes) - len(codes) * self.in_zero

    def _code(self, total: int) -> int:
        return ref_requantize(
            total,
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
        """From the first code to the last, stored sums, and output lines."""
        reach = (
            (f.outer - 1) * f.outer_stride
            + (f.inner - 1) * f.inner_stride
            + (f.sum_outer - 1) * f.sum_outer_stride
            + (f.sum_inner - 1) * f.sum_inner_stride
        )
        sums = SUM_BYTES * f.outer * f.inner
        yield Block(Space.ACT, False, "x_addr", f.x_addr, reach + 1)
        yield Block(Space.ACT, False, "sum_addr", f.sum_addr, sums * (1 - f.first))
        yield Block(Space.ACT, True, "sum_addr", f.sum_addr, sums * (1 - f.last))
        yield Block(Space.ACT, True, "out_addr", f.out_addr, f.inner * f.last, outer=(f.outer, f.out_pitch))

    @classmethod
    def rules(cls, f: Table, timing: Timing) -> Iterator[Rule]:
        """Counts that the scratchpad can hold, an integer scheme, and regions apart."""
        yield from positive(f, "outer", "inner", "sum_outer", "sum_inner")
        limit, held = timing.act_spad_bytes, "a number of elements that the activation scratchpad can hold"
        yield f.outer * f.inner <= limit, "outer", f"must, times inner, be {held}"
        left = limit // (f.outer * f.inner)
        yield f.sum_outer * f.sum_inner <= left, "sum_outer", f"must, times sum_inner, outer and inner, be {held}"
        yield from integer_scheme(f)
        yield from output_clamp(f, 0 * f.outer)
        apart = (f.outer == 1) | (f.out_pitch >= f.inner)
        yield apart, "out_pitch", "must be at least inner: written lines do not overlap"
        source, taken, stored, target = (hull(block) for block in cls.touches(f, ARRAYS, timing.rows, timing.cols))
        yield disjoint(source, target), "out_addr", "must give an output region that is disjoint from the input region"
        sums = disjoint(source, taken) & disjoint(source, stored) & disjoint(taken, target)
        yield sums, "sum_addr", "must give stored sums that are disjoint from the input and output regions"
