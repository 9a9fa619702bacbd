"""`simulate`: values, cycles and energy of a program, computed by separate code, met in one `Result`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fxsim._core.errors import HardwareError
from fxsim.energy import EnergyReport, energy_report
from fxsim.graph import LayerStats, Tensors
from fxsim.hw import BURST_BYTES, Kind, Numerics
from fxsim.isa import Layer, Program, Req, VReq
from fxsim.numerics import scheme_of
from fxsim.sim.executor import Execution, TrapEvent, execute, symbol_affine
from fxsim.sim.override import with_numerics
from fxsim.sim.result import Energy, LayerResult, Layers, Result
from fxsim.sim.timing import LayerTiming, Timeline, timeline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_SCRATCHPAD = (Kind.ACT_READ, Kind.ACT_WRITE, Kind.WEIGHT_READ, Kind.WEIGHT_WRITE, Kind.PARAM_READ, Kind.PARAM_WRITE)


def simulate(
    program: Program | bytes | str | Path,
    x: NDArray[np.generic] | Mapping[str, NDArray[np.generic]],
    *,
    keep: str | Sequence[str] = "outputs",
    numerics: Numerics | None = None,
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

    Raises
    ------
    ProgramError, InputError
        The program or the data is illegal.
    HardwareError, QuantizationError
        `numerics` cannot replace the program's own, or holds a bias that does not fit under bias_policy = error.
    """
    program = program if isinstance(program, Program) else Program.load(program)
    if numerics is not None:
        program = with_numerics(program, numerics)
    execution = execute(program, x, keep=keep)
    _check_biases(program, execution)
    return _result(program, execution, timeline(program), energy_report(program))


def _result(program: Program, execution: Execution, timing: Timeline, energy: EnergyReport) -> Result:
    dram = _per_layer(program, BURST_BYTES * energy.counts.kind(Kind.DRAM_BLOCK))
    spad = _per_layer(program, sum((energy.counts.kind(kind) for kind in _SCRATCHPAD), np.zeros(1, np.int64)))
    records = [
        _record(program, i, execution.stats[i], timing.layers[i], energy, (int(dram[i]), int(spad[i])))
        for i in range(len(program.layers))
    ]
    table = energy.table
    return Result(
        network=program.name,
        profile=program.profile,
        hardware=program.hardware,
        samples=len(next(iter(execution.tensors.values()))),
        tensors=_tensors(program, execution),
        output_names=tuple(symbol.name for symbol in program.of_kind("output")),
        cycles=timing.cycles,
        layers=Layers(records),
        energy=Energy(
            energy.low, energy.nominal, energy.high, energy.derived_share, table.name, table.source, table.excluded
        ),
        float_schemes=_float_schemes(program),
        trap="" if execution.trap is None else trap_sentence(program, timing, execution.trap),
    )


def _float_schemes(program: Program) -> tuple[str, ...]:
    used = {int(code) for cls in (Req, VReq) for code in program.columns.table(cls)["scheme"]}
    schemes = [scheme_of(code) for code in sorted(used)]
    return tuple(scheme.name for scheme in schemes if not scheme.synthesizable)


def _tensors(program: Program, execution: Execution) -> Tensors:
    """What the user asked for; outputs behind a trap are withheld."""
    quants = {symbol.name: symbol_affine(symbol) for symbol in program.symbols}
    withheld = {symbol.name for symbol in program.of_kind("output")} if execution.trap is not None else set()
    return Tensors({name: array for name, array in execution.tensors.items() if name not in withheld}, quants)


def _check_biases(program: Program, execution: Execution) -> None:
    """Under bias_policy = error no bias load may leave the register."""
    if program.hardware.numerics.bias_policy == "apply":
        return
    for layer, stats in zip(program.layers, execution.stats, strict=True):
        if stats.bias_overflow_count:
            raise HardwareError(
                f"every bias must fit the accumulator of {program.hardware.numerics.acc_bits} bits "
                "(bias_policy = apply loads it through the overflow rule)",
                where=f"layer {layer.name!r}",
            )


def trap_sentence(program: Program, timing: Timeline, event: TrapEvent) -> str:
    """The first overflow in words: sample, layer, channel, position, k, instruction and cycle."""
    layer = program.layers[int(program.layer_of[event.instruction])]
    channel = int(program.columns.field("row_base")[event.instruction]) + event.row
    place = "the bias load" if event.k < 0 else f"k = {event.k}"
    cycle = int(timing.issue[event.instruction])
    return (
        f"sample {event.sample}, layer {layer.name!r} ({layer.op}), channel {channel}, position {event.position} of "
        f"the block, {place} overflowed in instruction {event.instruction}, issued in cycle {cycle}"
    )


def _per_layer(program: Program, per_instruction: NDArray[np.int64]) -> NDArray[np.int64]:
    out = np.zeros(len(program.layers), np.int64)
    np.add.at(out, program.layer_of, per_instruction)
    return out


def bits_needed(lo: int, hi: int) -> int:
    """Least signed width that holds lo..hi."""
    return max(2, (lo if lo >= 0 else ~lo).bit_length() + 1, (hi if hi >= 0 else ~hi).bit_length() + 1)


def _record(
    program: Program, number: int, stats: LayerStats, timing: LayerTiming, energy: EnergyReport, moved: tuple[int, int]
) -> LayerResult:
    layer: Layer = program.layers[number]
    lo, hi = stats.acc_min, stats.acc_max
    array = program.hardware.timing
    peak = array.rows * array.cols * timing.cycles
    return LayerResult(
        name=layer.name,
        op=layer.op,
        in_shapes=layer.in_shapes,
        out_shapes=layer.out_shapes,
        macs=layer.macs,
        cycles=timing.cycles,
        compute_cycles=timing.compute_cycles,
        stall_cycles=timing.cycles - timing.compute_cycles,
        stalls=dict(timing.stalls),
        utilization=layer.macs / peak if peak else 0.0,
        dram_bytes=moved[0],
        scratchpad_bytes=moved[1],
        energy_pj=energy.layer(number),
        energy_by_event=dict(energy.by_layer[number]),
        acc_min=lo,
        acc_max=hi,
        acc_bits_needed=None if lo is None or hi is None else bits_needed(lo, hi),
        overflow_events=stats.overflow_events,
        overflow_count=stats.overflow_count,
        bias_overflow_count=stats.bias_overflow_count,
        internal_wraps=stats.internal_wraps,
    )
