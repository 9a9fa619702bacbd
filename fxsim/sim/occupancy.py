"""What every unit of the machine does in every cycle, as intervals and register changes; `timeline` has the sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fxsim.isa import Load, Mac, Merge, Req, Semaphore, Store
from fxsim.sim.timing import place_program
from fxsim.sim.timing_schedule import HalfState
from fxsim.sim.timing_windows import CAUSES, Spans, charge, group_runs

if TYPE_CHECKING:
    from fxsim.isa import Columns, Program
    from fxsim.sim.timing import Placed

Ints = NDArray[np.int64]


class Changes(NamedTuple):
    """Values of a register: `value[i]` from cycle `cycle[i]` on; int64, ascending, the first from cycle 0."""

    cycle: Ints
    value: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Occupancy:
    """Who works, who waits for what; cycles as in `Timeline`, intervals half-open.

    Attributes
    ----------
    lo, hi : int64 [n]
        When an instruction occupies its unit. LOAD, STORE: the DRAM bus. MAC, MERGE: the sequencer, first to last
        beat. REQ: the requantizer, first to last beat. Vector: issue to commit.
    charges : dict of str to Spans
        ``"compute"`` and every one of `CAUSES`: the cycles charged to it. Together they cover every cycle once. Spans
        of causes end where a layer window ends.
    tokens : tuple of Changes
        Tokens in each `Semaphore`: a push counts from the cycle after its commit, a pop from the one after its issue.
    halves : tuple of Changes
        `HalfState` of the two accumulator bank halves.
    """

    lo: Ints
    hi: Ints
    charges: dict[str, Spans]
    tokens: tuple[Changes, ...]
    halves: tuple[Changes, Changes]


@dataclass(frozen=True, slots=True, eq=False)
class Ports:
    """When the ports of the MAC unit are busy.

    Attributes
    ----------
    sequencer
        A MAC or MERGE sends a beat.
    x
        A MAC reads a beat of activations.
    w
        A weight tile is requested.
    p
        A row record is loaded.
    requantizer
        A REQ reads a group of lanes.
    y
        A requantized group of lanes is written.
    """

    sequencer: Spans
    x: Spans
    w: Spans
    p: Spans
    requantizer: Spans
    y: Spans


def occupancy(program: Program) -> Occupancy:
    """Find out what happens in every cycle of one sample of `program`; errors as in `timeline`."""
    placed = place_program(program)
    busy, causes = charge(*placed)
    return Occupancy(
        *_work(placed),
        {"compute": busy.full()} | {cause: causes[cause].full() for cause in CAUSES},
        tuple(_tokens(placed, semaphore) for semaphore in Semaphore),
        (_half(placed, 0), _half(placed, 1)),
    )


def ports(program: Program) -> Ports:
    """Find out when the ports of the MAC unit are busy in one sample of `program`; errors as in `timeline`."""
    placed = place_program(program)
    columns, times = placed.columns, placed.times
    macs, reqs = columns.rows_of(Mac), columns.rows_of(Req)
    beats = group_runs(placed.costs, times)
    reads = columns.opcode[beats.owner] == Mac.opcode
    records = columns.field("load_params")[macs] * columns.field("rows")[macs]
    requests = _tile_loads(placed)
    drained = Spans(times.start[reqs], times.start[reqs] + placed.costs.duration[reqs])
    latency = program.hardware.timing.requant_latency
    return Ports(
        sequencer=Spans(beats.lo, beats.hi),
        x=Spans(beats.lo[reads], beats.hi[reads]),
        w=Spans(requests, requests + placed.costs.array.tile),
        p=Spans(times.issue[macs] + 1, times.issue[macs] + 1 + records).full(),
        requantizer=drained,
        y=Spans(drained.lo + latency, drained.hi + latency),
    )


def _work(placed: Placed) -> tuple[Ints, Ints]:
    """First cycle and the one after the last in which each instruction occupies its unit."""
    columns, costs, times, _ = placed
    lo, hi = times.start.copy(), times.end + 1
    for cls in (Load, Store):
        copies = columns.rows_of(cls)
        lo[copies] = hi[copies] - costs.duration[copies]
    sums, reqs = np.flatnonzero(costs.shape >= 0), columns.rows_of(Req)
    hi[sums] = times.start[sums] + costs.duration[sums] + 1
    hi[reqs] = times.start[reqs] + costs.duration[reqs]
    return lo, hi


def _tokens(placed: Placed, semaphore: Semaphore) -> Changes:
    pushes = np.flatnonzero(placed.columns.field("pushes") >> semaphore & 1)
    pops = np.flatnonzero(placed.columns.field("pops") >> semaphore & 1)
    cycles = np.concatenate((np.zeros(1, np.int64), placed.times.end[pushes] + 1, placed.times.issue[pops] + 1))
    steps = np.repeat(np.array((0, 1, -1), np.int64), (1, len(pushes), len(pops)))
    cycle, at = np.unique(cycles, return_inverse=True)
    change = np.zeros(len(cycle), np.int64)
    np.add.at(change, at, steps)
    changed = (change != 0) | (cycle == 0)
    return Changes(cycle[changed], np.cumsum(change[changed]))


def _half(placed: Placed, half: int) -> Changes:
    columns, costs, times, _ = placed
    mine = _Members(columns, half)
    parts = {
        HalfState.FILLING: times.issue[mine.first] + 1,
        HalfState.FULL: times.end[mine.last] + 1,
        HalfState.DRAINING: times.start[mine.reqs[costs.duration[mine.reqs] > 1]] + 1,
        HalfState.FREE: times.start[mine.reqs] + costs.duration[mine.reqs],
    }
    cycles = np.concatenate((np.zeros(1, np.int64), *parts.values()))
    states = np.repeat(np.array((HalfState.FREE, *parts), np.int64), (1, *map(len, parts.values())))
    order = np.argsort(cycles, kind="stable")
    return Changes(cycles[order], states[order])


class _Members:
    """Instructions that change the state of a half: the first MAC of a block, its last sum, its REQ."""

    def __init__(self, columns: Columns, half: int) -> None:
        here = columns.field("half") == half
        self.first = np.flatnonzero(here & (columns.field("first") == 1) & (columns.opcode == Mac.opcode))
        sums = (columns.opcode == Mac.opcode) | (columns.opcode == Merge.opcode)
        self.last = np.flatnonzero(here & (columns.field("last") == 1) & sums)
        self.reqs = np.flatnonzero(here & (columns.opcode == Req.opcode))


def _tile_loads(placed: Placed) -> Ints:
    """First cycle of every weight tile's load, ascending: a group's tile loads from the start of the group before."""
    columns, costs, times, _ = placed
    macs = columns.rows_of(Mac)
    inner = [times.start[i] + costs.beats[costs.shape[i]].start[:-1] for i in macs.tolist()]
    return np.sort(np.concatenate((times.tile[macs] - costs.array.tile, *inner)))
