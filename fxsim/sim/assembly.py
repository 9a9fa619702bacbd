"""Cycles, energy and, where a program has run on samples, values: put together to a `Result`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fxsim.graph import LayerStats, Tensors
from fxsim.hw import BURST_BYTES, Kind
from fxsim.isa import Req, VReq
from fxsim.numerics import bits_needed, scheme_of
from fxsim.sim.result import Energy, LayerResult, Layers, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fxsim.energy import EnergyReport, LayerValueEnergy, ValueEnergy
    from fxsim.isa import Program
    from fxsim.sim.timing import LayerTiming, Timeline

_SCRATCHPAD = (Kind.ACT_READ, Kind.ACT_WRITE, Kind.WEIGHT_READ, Kind.WEIGHT_WRITE, Kind.PARAM_READ, Kind.PARAM_WRITE)


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """What samples made of a program: tensors to show, accumulator counters per layer, the trap as a sentence."""

    samples: int
    tensors: Tensors
    stats: Sequence[LayerStats]
    trap: str


def assemble_result(program: Program, timing: Timeline, energy: EnergyReport, values: Values | None = None) -> Result:
    """Put together what separate code found out; without `values` tensors and accumulator statistics are absent."""
    moved = zip(*_traffic(program, energy), strict=True)
    stats: Sequence[LayerStats | None] = values.stats if values is not None else [None] * len(program.layers)
    records = [
        _record(program, i, layer, energy, amounts, counters)
        for i, (layer, amounts, counters) in enumerate(zip(timing.layers, moved, stats, strict=True))
    ]
    table = energy.table
    return Result(
        network=program.name,
        profile=program.profile,
        hardware=program.hardware,
        samples=values.samples if values is not None else 0,
        tensors=values.tensors if values is not None else Tensors({}, {}),
        output_names=tuple(symbol.name for symbol in program.of_kind("output")),
        cycles=timing.cycles,
        layers=Layers(records),
        energy=Energy(
            energy.low, energy.nominal, energy.high, energy.derived_share, table.name, table.source, table.excluded
        ),
        float_schemes=_float_schemes(program),
        trap=values.trap if values is not None else "",
    )


def add_values(result: Result, total: ValueEnergy, layers: Sequence[LayerValueEnergy]) -> Result:
    """Return `result` with value-aware energy beside the data-independent one."""
    records = [replace(record, value_energy=layer) for record, layer in zip(result.layers, layers, strict=True)]
    return replace(result, layers=Layers(records), value_energy=total)


def _float_schemes(program: Program) -> tuple[str, ...]:
    used = {int(code) for cls in (Req, VReq) for code in program.columns.table(cls)["scheme"]}
    schemes = [scheme_of(code) for code in sorted(used)]
    return tuple(scheme.name for scheme in schemes if not scheme.synthesizable)


def _traffic(program: Program, energy: EnergyReport) -> tuple[list[int], list[int]]:
    """DRAM and scratchpad bytes of every layer."""
    scratchpad = sum((energy.counts.kind(kind) for kind in _SCRATCHPAD), np.zeros(1, np.int64))
    dram = BURST_BYTES * energy.counts.kind(Kind.DRAM_BLOCK)
    return _per_layer(program, dram), _per_layer(program, scratchpad)


def _per_layer(program: Program, per_instruction: NDArray[np.int64]) -> list[int]:
    out = np.zeros(len(program.layers), np.int64)
    np.add.at(out, program.layer_of, per_instruction)
    return [int(total) for total in out]


def _record(
    program: Program,
    number: int,
    timing: LayerTiming,
    energy: EnergyReport,
    moved: tuple[int, int],
    stats: LayerStats | None,
) -> LayerResult:
    layer, array = program.layers[number], program.hardware.timing
    peak = array.rows * array.cols * timing.span
    return LayerResult(
        name=layer.name,
        op=layer.op,
        in_shapes=layer.in_shapes,
        out_shapes=layer.out_shapes,
        macs=layer.macs,
        cycles=timing.cycles,
        span_cycles=timing.span,
        compute_cycles=timing.compute_cycles,
        stall_cycles=timing.cycles - timing.compute_cycles,
        stalls=dict(timing.stalls),
        utilization=layer.macs / peak if peak else 0.0,
        dram_bytes=moved[0],
        dram_bytes_saved=layer.dram_saved,
        scratchpad_bytes=moved[1],
        energy_pj=energy.layer(number),
        energy_by_event=dict(energy.by_layer[number]),
        **_accumulators(stats),
    )


def _accumulators(stats: LayerStats | None) -> dict[str, Any]:
    """Fields of `LayerResult` that only values can tell."""
    if stats is None:
        return {}
    lo, hi = stats.acc_min, stats.acc_max
    return {
        "acc_min": lo,
        "acc_max": hi,
        "acc_bits_needed": None if lo is None or hi is None else bits_needed(lo, hi),
        "overflow_events": stats.overflow_events,
        "overflow_count": stats.overflow_count,
        "bias_overflow_count": stats.bias_overflow_count,
        "internal_wraps": stats.internal_wraps,
        "inner_events": stats.inner_events,
    }
