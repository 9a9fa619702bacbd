"""What DMA and vector instructions leave in the scratchpads, for one sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fxsim.isa import INSTRUCTIONS, Space, Unit
from fxsim.sim.stepping import Stepper

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fxsim.isa import Program


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """Bytes of a scratchpad that an instruction changes: addresses int64 [n] ascending, new values uint8 [n]."""

    space: Space
    address: NDArray[np.int64]
    value: NDArray[np.uint8]


def scratchpad_effects(
    program: Program, x: NDArray[np.generic] | Mapping[str, NDArray[np.generic]] | None = None
) -> dict[int, list[Effect]]:
    """Instruction number → changed bytes, for every DMA and vector instruction of a program; one sample.

    Parameters
    ----------
    program
        The program; it is checked first.
    x
        The sample, as `simulate` takes it; None for a program without inputs.

    Raises
    ------
    ProgramError
        The program is illegal.
    InputError
        `x` is not exactly one sample of the program's inputs.
    """
    program.check()
    opcodes = [cls.opcode for cls in INSTRUCTIONS.values() if cls.unit in (Unit.DMA, Unit.VEC)]
    movers = set(np.flatnonzero(np.isin(program.columns.opcode, opcodes)).tolist())
    stepper = Stepper(program, x)
    effects: dict[int, list[Effect]] = {}
    for step in stepper.steps(movers):
        before = [memory.copy() for memory in _memories(stepper)] if step.start in movers else []
        stepper.execute(step)
        if before:
            effects[step.start] = _changes(before, _memories(stepper))
    return effects


def _memories(stepper: Stepper) -> list[NDArray[np.uint8]]:
    """Scratchpads in the order of `Space`."""
    memory, size = stepper.state.memory, stepper.program.hardware.timing.act_spad_bytes
    return [memory.act[0, :size], memory.weight, memory.param]


def _changes(before: list[NDArray[np.uint8]], after: list[NDArray[np.uint8]]) -> list[Effect]:
    changed = [np.flatnonzero(old != new) for old, new in zip(before, after, strict=True)]
    return [
        Effect(space, places, after[space][places]) for space, places in zip(Space, changed, strict=True) if places.size
    ]
