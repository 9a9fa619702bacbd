"""Plain-Python twin of the operand counts: every PE of every issue, one after another, on the plain machine.

The rule is stated in `fxsim.kernels.activity`; nothing is shared with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxsim.isa import Mac
from fxsim.isa.reference import PlainMachine, run_plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fxsim.isa import Instruction, Program


@dataclass(slots=True)
class PlainActivity:
    """What the operands of one MAC did in one sample."""

    products: int = 0
    x_zero: int = 0
    w_zero: int = 0
    gated: int = 0
    x_toggles: int = 0
    w_toggles: int = 0


def count_activity(program: Program, inputs: Mapping[str, bytes]) -> dict[int, PlainActivity]:
    """Operand counts of every MAC of one sample, by instruction number; arguments as for `run_plain`."""
    observer = _Observer(program.hardware.numerics.act_bits, program.hardware.numerics.weight_bits)
    run_plain(program, inputs, observer.see)
    return observer.counts


class _Observer:
    """The operand latches of all PEs, and what went into them."""

    def __init__(self, act_bits: int, weight_bits: int) -> None:
        self.counts: dict[int, PlainActivity] = {}
        self._bits = act_bits, weight_bits
        self._latches: dict[tuple[int, int], tuple[int, int]] = {}

    def see(self, instruction: Instruction, machine: PlainMachine) -> None:
        """Issue a MAC."""
        if not isinstance(instruction, Mac):
            return
        count = self.counts[machine.instruction] = PlainActivity()
        stop = instruction.k_start + instruction.k_count
        for start in range(instruction.k_start, stop, machine.cols):
            for position in range(instruction.positions):
                for row in range(instruction.rows):
                    for j in range(start, min(start + machine.cols, stop)):
                        operands = instruction.operands(machine, position, row, j)
                        self._issue(instruction, count, (row, j - start), operands)

    def _issue(self, mac: Mac, count: PlainActivity, place: tuple[int, int], operands: tuple[int, int]) -> None:
        x, w = operands
        count.products += 1
        count.x_zero += x == 0
        count.w_zero += w == 0
        if x == 0 or w == 0:
            count.gated += 1
            return
        old_x, old_w = self._latches.get(place, (0, 0))
        self._latches[place] = operands
        count.x_toggles += _distance(old_x, x, self._bits[0] + int(mac.zero_point))
        count.w_toggles += _distance(old_w, w, self._bits[1] + (mac.w_zero != 0))


def _distance(old: int, new: int, bits: int) -> int:
    """How many of the `bits` low bits of two's complement differ."""
    return sum((old >> i) % 2 != (new >> i) % 2 for i in range(bits))
