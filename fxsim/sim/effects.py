"""What DMA and vector instructions leave in the scratchpads, for one sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fxsim.isa import INSTRUCTIONS, Load, Space, Store, Unit
from fxsim.sim.stepping import Stepper

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fxsim.isa import Instruction, Program


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
    memories = _memories(stepper)
    kept = [memory.copy() for memory in memories]
    effects: dict[int, list[Effect]] = {}
    for step in stepper.steps(movers):
        if step.start not in movers:
            stepper.execute(step)
            continue
        spaces = _written(program.instructions[step.start])
        for space in spaces:
            np.copyto(kept[space], memories[space])
        stepper.execute(step)
        effects[step.start] = [effect for space in spaces for effect in _changes(space, kept[space], memories[space])]
    return effects


def _memories(stepper: Stepper) -> list[NDArray[np.uint8]]:
    """Scratchpads in the order of `Space`."""
    memory, size = stepper.state.memory, stepper.program.hardware.timing.act_spad_bytes
    return [memory.act[0, :size], memory.weight, memory.param]


def _written(mover: Instruction) -> tuple[Space, ...]:
    """Scratchpads that an instruction may change: a STORE changes DRAM."""
    if isinstance(mover, Store):
        return ()
    return (mover.space if isinstance(mover, Load) else Space.ACT,)


def _changes(space: Space, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> list[Effect]:
    places = np.flatnonzero(before != after)
    return [Effect(space, places, after[places])] if places.size else []
