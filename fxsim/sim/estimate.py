"""`estimate`: cycles, bytes and energy of a program; no samples, no values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.energy import energy_report
from fxsim.sim.assembly import assemble_result
from fxsim.sim.timing import timeline

if TYPE_CHECKING:
    from fxsim.isa import Program
    from fxsim.sim.result import Result


def estimate(program: Program) -> Result:
    """Time and price `program`: the `Result` that `fxsim.sim.simulate` gives, without tensors and accumulators.

    Raises
    ------
    ProgramError
        The program is illegal.
    """
    return assemble_result(program, timeline(program), energy_report(program))
