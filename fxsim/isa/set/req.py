"""REQ: requantize a full bank half."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fxsim.isa.base import Instruction, Space, Unit, instruction
from fxsim.isa.fields import choice, signed, unsigned
from fxsim.isa.footprints import Arithmetic, Block
from fxsim.isa.meaning import BIAS_K, Site, add, unpack_word
from fxsim.isa.rules import (
    Rule,
    accumulator_block,
    narrow_multiplier,
    output_clamp,
    overflow_widths,
    positive,
    scheme_width,
)
from fxsim.numerics import Overflow, SchemeCode
from fxsim.numerics.reference import ref_overflow, ref_requantize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Timing
    from fxsim.isa.columns import Table
    from fxsim.isa.machine import Accumulator, Machine


@instruction("REQ", 10, Unit.REQ)
@dataclass(frozen=True, slots=True, kw_only=True)
class Req(Instruction):
    """Requantize slots ``slot .. slot + positions - 1`` of a full bank half and free the half.

    y = clamp(out_zero + rescale(A)), where rescale is `scheme` with the row file's word; overflow = readout clamps A
    to acc_bits first. `overflow`, `acc_bits` and `internal_bits` are those that the sums were made under. Row n of
    position p goes to ``out_addr + grid_row * out_row_pitch + grid_column * out_pitch + n * (1 or 2 bytes)`` with the
    grid of MAC.

    With `add_bias` the row file's bias is added on the way to the requantizer, as the last rule application of the
    output: ``A <- ovf(A + bias)``, k = -1. Its exact sum is a prefix that acc_min and acc_max see. The slot is left as
    it is, and the adder, a stage of the read-out pipeline, takes no beats.

    `multiplier_cut` and `one_word` say what hardware the row file's words, whose format they leave as it is, are made
    for: of a multiplier of 32 - multiplier_cut bits, sign included, only the first 31 - multiplier_cut of the bits that
    the scheme stores can be 1.
    """

    half: int = unsigned(1, "bank half and row file")
    overflow: Overflow = choice(Overflow, "accumulator overflow rule")
    acc_bits: int = unsigned(7, "accumulator width, 2..64")
    internal_bits: int = unsigned(7, "register width of overflow = readout")
    add_bias: int = unsigned(1, "1: adds the row file's bias before requantizing")
    scheme: SchemeCode = choice(SchemeCode, "requantization scheme")
    rows: int = unsigned(10, "active rows")
    positions: int = unsigned(12, "output positions of the block")
    slot: int = unsigned(12, "first accumulator slot in the half")
    out_addr: int = unsigned(28, "activation scratchpad address of grid (0, 0), row 0")
    out_pitch: int = unsigned(20, "bytes between grid columns")
    out_row_pitch: int = unsigned(28, "bytes between grid rows")
    ox_start: int = unsigned(16, "grid column of position 0")
    out_w: int = unsigned(16, "grid width, at least 1")
    out_zero: int = signed(17, "output zero point")
    clamp_lo: int = signed(17, "least output code")
    clamp_hi: int = signed(17, "greatest output code")
    out_wide: int = unsigned(1, "1: outputs take two bytes")
    row_base: int = unsigned(20, "output channel of row 0")
    multiplier_cut: int = unsigned(5, "bits that the requantizer's multiplier lacks of 32, 0..30")
    one_word: int = unsigned(1, "1: the words of all rows are equal, one multiplier serves all channels")

    def execute(self, machine: Machine) -> None:
        """Positions ascending; within a position rows ascending."""
        for position in range(self.positions):
            for row in range(self.rows):
                code = self._requantize(machine, row, self._sum(machine, position, row))
                grid_y, grid_x = divmod(self.ox_start + position, self.out_w)
                size = 1 + self.out_wide
                address = self.out_addr + grid_y * self.out_row_pitch + grid_x * self.out_pitch + row * size
                machine.write(Space.ACT, address, (code % (1 << 8 * size)).to_bytes(size, "little"))

    def _sum(self, machine: Machine, position: int, row: int) -> Accumulator:
        """Return the slot, or a copy of it that the bias is added to."""
        slot = machine.accumulator(self.half, row, self.slot + position)
        if not self.add_bias:
            return slot
        slot, bias = dataclasses.replace(slot), machine.row(self.half, row)[0]
        add(machine, self, Site(0, position, row, BIAS_K, self.row_base + row), slot, bias, bias)
        return slot

    def _requantize(self, machine: Machine, row: int, slot: Accumulator) -> int:
        multiplier, shift, real = unpack_word(machine.row(self.half, row)[1], self.scheme)
        value = self._read_out(machine, row, slot)
        return ref_requantize(
            value, multiplier, shift, real, self.scheme.name, self.acc_bits, self.out_zero, self.clamp_lo, self.clamp_hi
        )

    def _read_out(self, machine: Machine, row: int, slot: Accumulator) -> int:
        """Return the value the requantizer sees; counts outputs with an event, and the read-out's own events."""
        counters = machine.counters(self.row_base + row)
        if self.overflow is not Overflow.READOUT:
            counters.overflow_count += slot.event
            return slot.value
        value, event = ref_overflow(slot.value, self.acc_bits, Overflow.SATURATE, self.acc_bits)
        counters.overflow_events += event
        counters.overflow_count += event or slot.event
        return value

    @staticmethod
    def touches(f: Any, by: Arithmetic, rows: int, cols: int) -> Iterator[Block]:
        """Yield the first grid row, the whole rows between, and the last row of the block."""
        size = f.rows * (1 + f.out_wide)
        row, column = f.ox_start // f.out_w, f.ox_start % f.out_w
        head = by.least(f.out_w - column, f.positions)
        whole, tail = (f.positions - head) // f.out_w, (f.positions - head) % f.out_w
        start = f.out_addr + row * f.out_row_pitch
        below = start + f.out_row_pitch
        yield Block(Space.ACT, True, "out_addr", start + column * f.out_pitch, size, (head, f.out_pitch))
        yield Block(Space.ACT, True, "out_addr", below, size, (f.out_w, f.out_pitch), (whole, f.out_row_pitch))
        yield Block(Space.ACT, True, "out_addr", below + whole * f.out_row_pitch, size, (tail, f.out_pitch))

    @classmethod
    def rules(cls, f: Table, timing: Timing) -> Iterator[Rule]:
        """Yield that the block lies in the half and clamp limits are output codes."""
        yield from accumulator_block(f, timing, f.positions)
        yield from overflow_widths(f)
        yield from scheme_width(f)
        yield from narrow_multiplier(f)
        yield from positive(f, "out_w")
        yield from output_clamp(f, f.out_wide)
