"""`simulate`: values, cycles and energy of a program, computed by separate code, met in one `Result`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxsim.energy import energy_report, value_report
from fxsim.graph import Tensors
from fxsim.isa import Program
from fxsim.sim.assembly import Values, add_values, assemble_result
from fxsim.sim.executor import Execution, execute, symbol_affine
from fxsim.sim.override import LayerFields, overridden
from fxsim.sim.timing import timeline
from fxsim.sim.words import trap_sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from fxsim.hw import Numerics
    from fxsim.sim.result import Result


def simulate(
    program: Program | bytes | str | Path,
    x: NDArray[np.generic] | Mapping[str, NDArray[np.generic]],
    *,
    keep: str | Sequence[str] = "outputs",
    numerics: Numerics | None = None,
    layers: LayerFields | None = None,
    value_energy: bool = False,
) -> Result:
    """Run `program` on samples `x`.

    Parameters
    ----------
    program
        A `Program`, the bytes of a ``.fxp`` file, or its path.
    x
        Array (N, *shape[1:]) where the model's first dimension is 1, else (N, *shape); or a dict from input name.
        Integers have the input's dtype exactly, floats are quantized with the input's parameters.
    keep
        ``"outputs"``, ``"all"`` or tensor names to return.
    numerics
        Accumulator width and overflow rule to use in every layer instead of the program's own: values, prices and the
        result's hardware follow. What the program's constants depend on cannot be changed here.
    layers
        The same fields in single layers, by name: ``{"conv1": {"acc_bits": 20}}``; only together with `numerics`.
    value_energy
        Whether to report energy by values too: zero operands gate their multiplier, toggles are counted from the real
        operand sequences (`fxsim.energy.value`). The data-independent figures do not change.

    Raises
    ------
    ProgramError, InputError
        The program or the data is illegal.
    HardwareError, QuantizationError
        `numerics` or `layers` cannot replace the program's own, or holds a bias that does not fit under
        bias_policy = error; `layers` stands alone.
    """
    program = program if isinstance(program, Program) else Program.load(program)
    program = overridden(program, numerics, layers)
    execution = execute(program, x, keep=keep, activity=value_energy)
    timing, energy = timeline(program), energy_report(program)
    values = Values(
        samples=len(next(iter(execution.tensors.values()))),
        tensors=_tensors(program, execution),
        stats=execution.stats,
        trap="" if execution.trap is None else trap_sentence(program, timing, execution.trap, execution.stats),
    )
    result = assemble_result(program, timing, energy, values)
    if execution.activity is None:
        return result
    return add_values(result, *value_report(program, energy, execution.activity, result.samples))


def _tensors(program: Program, execution: Execution) -> Tensors:
    """What the user asked for; outputs behind a trap are withheld."""
    quants = {symbol.name: symbol_affine(symbol) for symbol in program.symbols}
    withheld = {symbol.name for symbol in program.of_kind("output")} if execution.trap is not None else set()
    return Tensors({name: array for name, array in execution.tensors.items() if name not in withheld}, quants)
