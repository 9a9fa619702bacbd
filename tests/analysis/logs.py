"""What a stepped machine logs of its accumulators, and forensics checked against it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fxsim.analysis import Event, LayerForensics
from fxsim.hw import Numerics
from fxsim.isa import Program
from fxsim.sim.locate import Phase
from fxsim.sim.timing import timeline
from tests.sim.tracer import Entry, History, histories, logged

PHASES = {"bias": Phase.BIAS, "sum": Phase.SUM, "merge": Phase.MERGE, "read": Phase.READ, "inner": Phase.INNER}
Logs = list[list[History]]
"""Histories of one layer: sample, output."""


def bits_of(*values: int) -> int:
    return max(2, *((v if v >= 0 else ~v).bit_length() + 1 for v in values))


def traced(program: Program, x: Any) -> dict[int, Logs]:
    """Histories of all samples, layer by layer."""
    found: dict[int, Logs] = {i: [] for i, layer in enumerate(program.layers) if layer.channels}
    with logged():
        for sample in range(len(next(iter(x.values())))):
            one = {name: np.ascontiguousarray(array[sample]).tobytes() for name, array in x.items()}
            for layer, outputs in histories(program, one).items():
                found[layer].append(outputs)
    return found


def happened(history: History) -> list[Entry]:
    return [entry for entry in history.log if entry.left]


def outer(history: History) -> list[Entry]:
    """Rule applications of the outer accumulator, and the read-out."""
    return [entry for entry in history.log if entry.what != "inner"]


def counted(history: History, numerics: Numerics) -> int:
    """Events: what leaves `acc_bits` or `inner_bits`; bias loads and internal wraps are counted apart."""
    wanted = ["sum", "merge"] if numerics.bias_order == "first" else ["sum", "merge", "bias"]
    if numerics.overflow == "readout":
        wanted = ["read"]
    return sum(entry.what in [*wanted, "inner"] for entry in happened(history))


def excess(history: History, layer: LayerForensics) -> int:
    prefixes = [entry.exact for entry in outer(history)]
    if layer.numerics.overflow == "readout":
        prefixes = prefixes[-1:]
    half = 1 << (layer.numerics.acc_bits - 1)
    return max(0, max(prefixes) - half + 1, -half - min(prefixes))


def check_event(event: Event, layer: LayerForensics, logs: Logs, shape: tuple[int, ...], program: Program) -> None:
    """The event is the first one of its output, and everything said about it is what the machine logged."""
    at = np.ravel_multi_index(event.output, shape)
    history = logs[event.sample][at]
    entry = happened(history)[0]
    said = (event.phase, (event.instruction, event.position, event.row), event.exact, event.stored)
    assert said == (PHASES[entry.what], entry.where, entry.exact, entry.stored)
    if event.phase in (Phase.SUM, Phase.INNER, Phase.MERGE):
        assert event.k == entry.k
    assert event.cycle == timeline(program).issue[event.instruction]
    assert (event.code, event.exact_code) == (history.code, history.exact_code)
    assert event.excess == excess(history, layer)
    number, t = event.application + (layer.numerics.bias_order == "first"), event.trajectory
    exact, stored = (t.inner_exact, t.inner) if event.phase is Phase.INNER else (t.exact, t.stored)
    assert (exact[number], stored[number], bool(t.events[number])) == (event.exact, event.stored, True)
    assert t.events.tolist() == [e.left for e in history.log]
    spilled = t.phase != Phase.INNER
    assert list(zip(t.exact[spilled], t.stored[spilled], strict=True)) == [(e.exact, e.stored) for e in outer(history)]
    taken = [(e.k, e.exact, e.stored) for e in history.log if e.what == "inner"]
    assert list(zip(t.k[~spilled], t.inner_exact[~spilled], t.inner[~spilled], strict=True)) == taken
    depth = program.instructions[history.passes[0][0]].k_total  # type: ignore[attr-defined]
    assert event.enough_bits == bits_of(*needed(entry, history, layer.numerics, depth))


def needed(entry: Entry, history: History, numerics: Numerics, depth: int) -> list[int]:
    """What the register of the first event must hold: with inner events, sums of what is spilled, not exact ones."""
    if entry.what == "inner":
        return [e.exact for e in history.log if e.what == "inner"]
    prefixes = [e.exact for e in outer(history)] if numerics.inner_bits == 0 else spills(history, numerics, depth)
    return prefixes[-1:] if entry.what == "read" else prefixes


def spills(history: History, numerics: Numerics, depth: int) -> list[int]:
    """Outer prefixes of a sum of `depth` products, in registers that nothing leaves."""
    groups = math.ceil(depth / numerics.group_size)
    share = math.ceil(groups / numerics.split_k) * numerics.group_size
    parts, held, merged, exact = [0] * numerics.split_k, 0, 0, 0
    found = []
    for entry in history.log:
        if entry.what == "inner":
            held = entry.stored
            continue
        part = entry.k // share if entry.what == "sum" else 0
        if entry.what == "merge":
            merged += 1
            parts[0] += parts[merged]
        elif entry.what != "read":
            parts[part] += held if entry.what == "sum" else entry.exact - exact
        found.append(parts[part])
        exact = entry.exact
    return found


def check_layer(layer: LayerForensics, logs: Logs, shape: tuple[int, ...], program: Program) -> None:
    outputs = [history for sample in logs for history in sample]
    rows = program.hardware.timing.rows
    assert layer.outputs == len(outputs)
    assert layer.rate == sum(counted(h, layer.numerics) > 0 for h in outputs) / len(outputs)
    row_of = [h.read[2] for h in outputs if h.read is not None]
    assert layer.row_outputs.tolist() == [row_of.count(row) for row in range(rows)]
    events = np.zeros(rows, int)
    count = np.zeros(rows, int)
    for history, row in zip(outputs, row_of, strict=True):
        events[row] += counted(history, layer.numerics)
        count[row] += counted(history, layer.numerics) > 0
    assert layer.row_events.tolist() == events.tolist()
    assert layer.row_count.tolist() == count.tolist()
    affected = [history for history in outputs if happened(history)]
    assert layer.masked == sum(h.code == h.exact_code for h in affected)
    assert layer.visible == sum(h.code != h.exact_code for h in affected)
    assert (layer.first is None) == (layer.worst is None) == (not affected)
    if layer.first is None or layer.worst is None:
        return
    sample = next(i for i, one in enumerate(logs) if any(happened(h) for h in one))
    first = min(entry for history in logs[sample] for entry in happened(history))
    assert (layer.first.sample, layer.first.instruction, layer.first.exact) == (sample, first.where[0], first.exact)
    assert (layer.first.position, layer.first.row) == first.where[1:]
    worst = max((abs(h.code - h.exact_code), excess(h, layer)) for h in affected)
    assert (abs(layer.worst.error), layer.worst.excess) == worst
    for event in (layer.first, layer.worst):
        check_event(event, layer, logs, shape, program)
