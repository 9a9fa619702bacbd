"""MERGE: add the parts of a split sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fxsim.isa.base import Instruction, Unit, instruction
from fxsim.isa.fields import choice, unsigned
from fxsim.isa.meaning import Site, add
from fxsim.isa.rules import Rule, accumulator_block, overflow_widths
from fxsim.numerics import Overflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Timing
    from fxsim.isa.columns import Table
    from fxsim.isa.footprints import Arithmetic, Block
    from fxsim.isa.machine import Machine


@instruction("MERGE", 9, Unit.MAC)
@dataclass(frozen=True, slots=True, kw_only=True)
class Merge(Instruction):
    """Add the parts of a split sum.

    For part i = 1 .. parts - 1 ascending: ``A[slot + p] <- ovf(A[slot + p] + A[slot + i * positions + p])``.

    Operands are raw register values; every addition is one rule application, and the exact sum after it is a prefix
    that acc_min and acc_max see. Group i - 1 adds part i; a trap there reports k = i * k_start. An event of any part
    is an event of the output.
    """

    last: int = unsigned(1, "1: its commit makes the bank half full")
    half: int = unsigned(1, "bank half")
    overflow: Overflow = choice(Overflow, "accumulator overflow rule")
    acc_bits: int = unsigned(7, "accumulator width, 2..64")
    internal_bits: int = unsigned(7, "register width of overflow = readout")
    rows: int = unsigned(10, "active rows")
    positions: int = unsigned(12, "output positions of the block")
    slot: int = unsigned(12, "slot of part 0, position 0")
    parts: int = unsigned(12, "parts S, at least 2")
    row_base: int = unsigned(20, "output channel of row 0")
    k_start: int = unsigned(28, "first stream position of part 1 (reports name it)")

    def execute(self, machine: Machine) -> None:
        """Parts ascending; within a part positions ascending; within a position rows ascending."""
        for part in range(1, self.parts):
            for position in range(self.positions):
                for row in range(self.rows):
                    self._merge(machine, part, position, row)

    def _merge(self, machine: Machine, part: int, position: int, row: int) -> None:
        target = machine.accumulator(self.half, row, self.slot + position)
        source = machine.accumulator(self.half, row, self.slot + part * self.positions + position)
        site = Site(part - 1, position, row, part * self.k_start, self.row_base + row)
        target.event |= source.event
        add(machine, self, site, target, source.value, source.exact)

    @staticmethod
    def touches(f: Any, by: Arithmetic, rows: int, cols: int) -> Iterator[Block]:
        """None: the accumulator bank is no memory."""
        return iter(())

    @classmethod
    def rules(cls, f: Table, timing: Timing) -> Iterator[Rule]:
        """All parts lie in the half."""
        yield f.parts >= 2, "parts", "must be at least 2"
        yield from accumulator_block(f, timing, f.parts * f.positions)
        yield from overflow_widths(f)
