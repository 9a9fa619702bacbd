"""The closed-form timing model: start and end cycle of every instruction, cycles and stalls of every layer.

Timing depends on a program and its hardware only, never on data (MICROARCHITECTURE, section B). Nothing here steps
through cycles: `timing_costs` prices instructions, `timing_schedule` places them in file order, `timing_windows`
attributes cycles by interval sweeps. The step twin in `reference.py` shares no code with this model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fxsim._core.errors import ProgramError
from fxsim.isa import Columns, Load, Program, Req, Store
from fxsim.sim.timing_costs import Costs, costs_of
from fxsim.sim.timing_schedule import CYCLE_LIMIT, Schedule, schedule
from fxsim.sim.timing_windows import CAUSES, attribute, window_edges

if TYPE_CHECKING:
    from fxsim.hw import Hardware

Ints = NDArray[np.int64]

__all__ = ["CAUSES", "LayerTiming", "Timeline", "timeline"]


@dataclass(frozen=True, slots=True)
class LayerTiming:
    """Cycles of one layer window: cycles = compute_cycles + sum of stalls.

    Attributes
    ----------
    begin
        First cycle of the window.
    cycles
        Its length: from the commit after which only this and later layers are active, to this layer's last commit.
    span
        From the window's begin, or from the layer's first beat if that lies in an earlier window, to the window's end.
    compute_cycles
        Cycles in which any layer issues an x, MERGE or REQ beat or the vector engine is busy.
    stalls
        The other cycles by cause, one entry per `CAUSES`.
    """

    begin: int
    cycles: int
    span: int
    compute_cycles: int
    stalls: dict[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """When every instruction of a program runs; cycles count from 0, figures are per sample.

    Attributes
    ----------
    issue : int64 [n]
        Cycle in which the instruction is issued and its tokens are popped (DMA: accepted).
    start : int64 [n]
        First cycle of its own work: MAC and MERGE first beat, REQ first beat, DMA accept, vector issue.
    end : int64 [n]
        Cycle in which its last write commits; its tokens can be popped from the next cycle on.
    cycles
        Last commit + 1; 0 for a program without instructions.
    layers : tuple of LayerTiming
        One per layer of the program; their cycles add up to `cycles`.
    """

    issue: Ints
    start: Ints
    end: Ints
    cycles: int
    layers: tuple[LayerTiming, ...]


def timeline(program: Program) -> Timeline:
    """Time `program` on the hardware that it pins.

    Raises
    ------
    ProgramError
        The program is illegal, takes 2**62 cycles or more, or an identity of the model is violated.
    HazardError
        Tokens or bank halves deadlock, or a semaphore overflows.
    """
    columns, costs, times, edges = placed = place_program(program)
    compute, causes = attribute(*placed)
    layers = _layers(edges, _first_beats(program, times), compute, causes)
    result = Timeline(times.issue, times.start, times.end, int(times.end.max(initial=-1)) + 1, layers)
    _check_attribution(result)
    _check_bounds(result.cycles, columns, costs, program.hardware)
    return result


class Placed(NamedTuple):
    """A program's columns, their costs, when everything happens, and the edges of the layer windows."""

    columns: Columns
    costs: Costs
    times: Schedule
    edges: Ints


def place_program(program: Program) -> Placed:
    """Check, price and place a program; errors as in `timeline`."""
    program.check()
    columns = program.columns
    costs = costs_of(columns, program.hardware)
    times = schedule(columns, costs, program.hardware)
    return Placed(columns, costs, times, window_edges(times.end, program.layer_of, len(program.layers)))


def _first_beats(program: Program, times: Schedule) -> Ints:
    """First cycle in which each layer issues a beat or occupies the vector engine, int64 [layers]; 2**62 if none."""
    first = np.full(len(program.layers), CYCLE_LIMIT, np.int64)
    opcode = program.columns.opcode
    working = (opcode != Load.opcode) & (opcode != Store.opcode)
    np.minimum.at(first, program.layer_of[working], times.start[working])
    return first


def _layers(edges: Ints, first: Ints, compute: Ints, causes: dict[str, Ints]) -> tuple[LayerTiming, ...]:
    stalls = zip(*(causes[name].tolist() for name in CAUSES), strict=True)
    spans = edges[1:] - np.minimum(edges[:-1], first)
    rows = zip(edges[:-1].tolist(), np.diff(edges).tolist(), spans.tolist(), compute.tolist(), stalls, strict=True)
    return tuple(
        LayerTiming(begin, cycles, span, busy, dict(zip(CAUSES, idle, strict=True)))
        for begin, cycles, span, busy, idle in rows
    )


def _check_attribution(times: Timeline) -> None:
    """Layer by layer, cycles = compute + sum of causes; layers add up to the whole."""
    for index, layer in enumerate(times.layers):
        parts = layer.compute_cycles + sum(layer.stalls.values())
        if parts != layer.cycles:
            raise ProgramError(
                f"compute and stalls must add up to {layer.cycles} cycles", got=parts, where=f"layer {index}"
            )
    total = sum(layer.cycles for layer in times.layers)
    if total != times.cycles:
        raise ProgramError(f"layer windows must add up to {times.cycles} cycles", got=total)


def _check_bounds(cycles: int, columns: Columns, costs: Costs, hardware: Hardware) -> None:
    """No resource works more cycles than there are."""
    t = hardware.timing
    bursts = sum(sum(costs.duration[columns.rows_of(cls)].tolist()) for cls in (Load, Store))
    bounds = {
        "MACs / peak": -(-costs.macs // (t.rows * t.cols)),
        "DRAM bursts": bursts,
        "weight tile loads": costs.tiles * costs.array.tile,
        "requantizer beats": sum(costs.duration[columns.rows_of(Req)].tolist()),
    }
    for name, least in bounds.items():
        if cycles < least:
            raise ProgramError(f"cycles must be at least the {least} of {name}", got=cycles)
