"""One sample of a program, executed step by step while somebody looks on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import InputError
from fxsim.kernels import run_checked
from fxsim.sim.decode import Step, field_matrix, plan
from fxsim.sim.executor import little_bytes, sample_inputs, symbol_bytes
from fxsim.sim.proof import plain_instructions
from fxsim.sim.state import State, new_scratch, new_state, new_stats

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from fxsim.isa import Program
    from fxsim.kernels import Bank


class Stepper:
    """The simulator's kernels on one sample; `fields` are the decoded instructions, `state` is the machine.

    Parameters
    ----------
    program
        A checked program.
    x
        Exactly one sample, as `fxsim.simulate` takes it; None for a program without inputs.

    Raises
    ------
    ProgramError
        An exact sum or a requantization word of the program is more than the machine takes.
    InputError
        `x` is not one sample of the program's inputs.
    """

    def __init__(self, program: Program, x: object) -> None:
        self.program = program
        self.fields = field_matrix(program)
        self._work = new_scratch(program, self.fields)
        plain_instructions(program, self.fields, self._work)  # refuses what no simulation takes
        self.state = _first_state(program, x)

    def steps(self, alone: Iterable[int]) -> list[Step]:
        """Steps of the whole program, in order; the instructions `alone` are steps of their own."""
        cuts = {cut for i in alone for cut in (i, i + 1)}
        return plan(self.program, np.zeros(len(self.program), bool), cuts)

    def execute(self, step: Step) -> None:
        """Run the instructions of a step."""
        if step.vector is None:
            self.call(self.fields[step.start : step.stop], self.state.bank)
            return
        kernel, fields = step.vector
        kernel(fields, self.state.memory)

    def call(self, fields: NDArray[np.int64], bank: Bank) -> None:
        """Run DMA and MAC-engine instructions, int64 [n, columns], on the machine's memories and `bank`."""
        state = self.state
        run_checked(fields, state.array, state.memory, bank, state.tally, self._work)


def _first_state(program: Program, x: object) -> State:
    inputs, count = ({}, 1) if x is None and not program.of_kind("input") else sample_inputs(program, x)
    if count != 1:
        raise InputError("a trace must be of one sample", got=count)
    state = new_state(program, 1, new_stats(program))
    for symbol in program.of_kind("input"):
        symbol_bytes(program, state.memory, symbol)[...] = little_bytes(inputs[symbol.name])
    return state
