"""The plain machine as the oracle of programs: codes of every REQ, accumulators at the end, cycles of the step twin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fxsim.isa import Req, Space
from fxsim.isa.reference import PlainMachine
from fxsim.sim.reference import step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fxsim.isa import Program


@dataclass(frozen=True, slots=True, eq=False)
class ProgramRun:
    """What a design does with a program.

    Attributes
    ----------
    codes
        Per REQ in file order: int [positions, rows], the output codes that it wrote.
    cycles
        Cycles from the first instruction in decode to the last commit, both included; None if the design has no clock.
    """

    codes: Sequence[NDArray[np.integer]]
    cycles: int | None = None


class Recorder(PlainMachine):
    """The plain machine; notes what the running instruction writes to the activation scratchpad."""

    def __init__(self, program: Program) -> None:
        super().__init__(program.hardware, constants=program.constants, dram_bytes=program.dram_bytes)
        self._program = program
        self._written: list[bytes] = []

    def write(self, space: Space, address: int, data: bytes) -> None:
        """Store bytes into a scratchpad, and note them."""
        super().write(space, address, data)
        self._written.append(data)

    def run(self) -> list[NDArray[np.int64]]:
        """Execute the program; the codes of every REQ."""
        codes = []
        for number, instruction in enumerate(self._program.instructions):
            self.instruction, self.layer = number, int(self._program.layer_of[number])
            self._written.clear()
            instruction.execute(self)
            if isinstance(instruction, Req):
                numbers = [int.from_bytes(data, "little", signed=instruction.clamp_lo < 0) for data in self._written]
                codes.append(np.array(numbers, np.int64).reshape(instruction.positions, instruction.rows))
        return codes


def expected_run(program: Program) -> ProgramRun:
    """Run a program without inputs by the definitions of its instructions, and step by step for its cycles.

    Plain Python integers throughout: exact, slow, and of no code in common with the kernels or the timing model.

    Raises
    ------
    ProgramError, HazardError
        An access leaves its memory, or the program does not come to its end.
    """
    return ProgramRun(expected_codes(program), expected_cycles(program))


def expected_codes(program: Program) -> list[NDArray[np.int64]]:
    """Codes of every REQ by the plain machine."""
    return Recorder(program).run()


def expected_cycles(program: Program) -> int:
    """Cycles by the step twin."""
    return step(program.instructions, program.hardware).cycles
