"""LUT: look up consecutive codes in a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fxsim.isa.base import Instruction, Space, Unit, instruction
from fxsim.isa.fields import unsigned
from fxsim.isa.footprints import Arithmetic, Block
from fxsim.isa.meaning import integer
from fxsim.isa.rules import Rule, positive, same_or_disjoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxsim.hw import Timing
    from fxsim.isa.columns import Table
    from fxsim.isa.machine import Machine

TABLE_ENTRIES = 256
"""Entries of a table: one per one-byte code."""


@instruction("LUT", 18, Unit.VEC)
@dataclass(frozen=True, slots=True, kw_only=True)
class Lut(Instruction):
    """Look up `count` consecutive one-byte codes in a 256-entry table of the parameter scratchpad.

    Entry ``x + 128`` (signed codes) or ``x`` (unsigned) of `entry_bytes` bytes is copied to
    ``out_addr + i * entry_bytes``. Input and output regions are disjoint, or the same where `entry_bytes` is 1.
    """

    count: int = unsigned(28, "elements")
    x_addr: int = unsigned(28, "activation scratchpad address of the input")
    out_addr: int = unsigned(28, "activation scratchpad address of the output")
    table_addr: int = unsigned(24, "parameter scratchpad address of entry 0")
    entry_bytes: int = unsigned(3, "bytes per entry: 1, 2 or 4")
    x_signed: int = unsigned(1, "1: input codes are two's complement")

    def execute(self, machine: Machine) -> None:
        """Code by code."""
        size = self.entry_bytes
        for i in range(self.count):
            code = integer(machine.read(Space.ACT, self.x_addr + i, 1), signed=self.x_signed)
            entry = code + TABLE_ENTRIES // 2 if self.x_signed else code
            data = machine.read(Space.PARAM, self.table_addr + entry * size, size)
            machine.write(Space.ACT, self.out_addr + i * size, data)

    @staticmethod
    def touches(f: Any, by: Arithmetic, rows: int, cols: int) -> Iterator[Block]:
        """Codes, the whole table, and the entries written."""
        yield Block(Space.ACT, False, "x_addr", f.x_addr, f.count)
        yield Block(Space.PARAM, False, "table_addr", f.table_addr, TABLE_ENTRIES * f.entry_bytes)
        yield Block(Space.ACT, True, "out_addr", f.out_addr, f.count * f.entry_bytes)

    @classmethod
    def rules(cls, f: Table, timing: Timing) -> Iterator[Rule]:
        """Entries of 1, 2 or 4 bytes."""
        yield from positive(f, "count")
        size = f.entry_bytes
        yield (size == 1) | (size == 2) | (size == 4), "entry_bytes", "must be 1, 2 or 4"
        yield from same_or_disjoint(f, f.count, f.count * size)
