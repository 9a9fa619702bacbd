"""One sum, one register: what continues, merges or reads an accumulator has the overflow rule that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import ProgramError
from fxsim.isa.columns import place
from fxsim.isa.modes import Init
from fxsim.isa.set.mac import Mac
from fxsim.isa.set.merge import Merge
from fxsim.isa.set.req import Req
from fxsim.numerics import Overflow

if TYPE_CHECKING:
    from fxsim.isa.columns import Columns, Ints

_WIDTH_BITS = 7


def check_registers(columns: Columns, half_depth: int) -> None:
    """Raise `ProgramError` for the first instruction that takes a slot for a register of another rule.

    A requantizer of fewer bits than the register behind it would compute outside its range, and a sum that changes its
    width on the way could leave 64 bits. Slots that nothing has written hold 0 and fit every rule.

    Parameters
    ----------
    columns
        A program whose fields are legal one by one.
    half_depth
        Slots of a bank half.
    """
    rules = _rules(columns)
    index = np.flatnonzero(rules)
    if len(np.unique(rules[index])) < 2:
        return
    reads = columns.opcode[index] == Req.opcode
    fresh = (columns.opcode[index] == Mac.opcode) & (columns.field("init")[index] != Init.KEEP)
    parts = np.maximum(columns.field("parts")[index], 1)
    blocks = zip(
        index,
        rules[index],
        reads,
        fresh,
        parts,
        *(columns.field(name)[index] for name in ("half", "slot", "positions")),
        strict=True,
    )
    made = np.zeros((2, half_depth), np.int64)
    for i, rule, read, new, count, half, slot, positions in blocks:
        held = made[half, slot : slot + positions * count]
        if not new and ((held != 0) & (held != rule)).any():
            cls = next(cls for cls in (Mac, Merge, Req) if cls.opcode == columns.opcode[i])
            raise ProgramError(
                "slots must have been made under the instruction's own overflow rule and widths",
                where=place(int(i), cls),
            )
        if not read:
            made[half, slot : slot + positions] = rule


def _rules(columns: Columns) -> Ints:
    """Overflow mode, `acc_bits` and, under readout, `internal_bits` as one number; 0: no accumulator."""
    mode, internal = columns.field("overflow"), columns.field("internal_bits")
    register = np.where(mode == Overflow.READOUT, internal, 0)
    return (mode << _WIDTH_BITS | columns.field("acc_bits")) << _WIDTH_BITS | register
