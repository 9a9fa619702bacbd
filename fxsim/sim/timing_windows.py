"""Attribution: every cycle of every layer window is compute, or charged to one cause.

A cycle in which some beat issues (x, MERGE or REQ beat, or a busy vector engine) is compute. In an idle cycle, the
instruction inspected is the one whose next x or MERGE beat or vector operation comes first, if it comes in the same
window; else the REQ whose beat comes next in the window. The cycle is charged to the first of its conditions, in the
order of `CAUSES`, that does not hold yet. A MAC or MERGE also stands for the REQ instructions directly before it,
which it cannot overtake. With no beat left in the window, the cycle is charged to `drain`: pipelines, stores and
loads of the layer have yet to commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.isa import INSTRUCTIONS, Req, Unit

if TYPE_CHECKING:
    from fxsim.isa import Columns
    from fxsim.sim.timing_costs import Costs
    from fxsim.sim.timing_schedule import Schedule

Ints = NDArray[np.int64]

CAUSES = (
    "token_dma",
    "token_mac",
    "token_req",
    "token_vec",
    "half",
    "requantizer",
    "row_file",
    "w_port",
    "r_gap",
    "drain",
    "issue",
)
"""Why a cycle is idle, in the order in which conditions are inspected.

token_X: a token of unit X is missing. half: the bank half is not free. requantizer: the previous REQ is not done.
row_file: its records are loading. w_port: the weight tile is loading. r_gap: the slots cannot be read again yet.
drain: an earlier sum is on its way into the bank, or the window waits for its last commits. issue: one instruction
per cycle, in order. Requantizing and vector work are compute, so waiting for them while they work is no stall:
requantizer and token_vec stay 0, and half counts only until the first beat of the REQ that frees the half.
"""

_TOKENS = {"token_dma": Unit.DMA, "token_mac": Unit.MAC, "token_req": Unit.REQ, "token_vec": Unit.VEC}
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Half-open runs of cycles in which one instruction issues beats, ordered by `lo`, then file order.

    Attributes
    ----------
    lo, hi : int64 [runs]
    owner : int64 [runs]
        Instruction index.
    tile : int64 [runs]
        Cycle in which the weight tile of a run inside a MAC is loaded; -1 for the first run of an instruction.
    """

    lo: Ints
    hi: Ints
    owner: Ints
    tile: Ints

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Runs:
        """Select the runs at `index`."""
        return Runs(self.lo[index], self.hi[index], self.owner[index], self.tile[index])

    def following(self, cycles: Ints) -> Runs:
        """Find the first run from each of `cycles` on; `lo` is 2**63 - 1 where there is none."""
        ended = Runs(
            *(
                np.append(part, end)
                for part, end in ((self.lo, _NEVER), (self.hi, _NEVER), (self.owner, 0), (self.tile, -1))
            )
        )
        return ended.take(np.searchsorted(self.lo, cycles))

    def otherwise(self, good: NDArray[np.bool_], other: Runs) -> Runs:
        """Take these runs where `good`, else those of `other`."""
        return Runs(
            np.where(good, self.lo, other.lo),
            np.where(good, self.hi, other.hi),
            np.where(good, self.owner, other.owner),
            np.where(good, self.tile, other.tile),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Disjoint half-open cycle intervals in ascending order (empty ones allowed), int64 [spans]."""

    lo: Ints
    hi: Ints

    def full(self) -> Spans:
        """Leave out the empty ones."""
        full = self.hi > self.lo
        return Spans(self.lo[full], self.hi[full])

    def between(self, edges: Ints) -> Ints:
        """Covered cycles of each window [edges[k], edges[k + 1]), int64 [len(edges) - 1]."""
        total = np.concatenate((np.zeros(1, np.int64), np.cumsum(self.hi - self.lo)))
        whole = np.searchsorted(self.hi, edges, side="right")
        lo = np.append(self.lo, _NEVER)[whole]
        covered: Ints = np.diff(total[whole] + np.maximum(edges - lo, 0))
        return covered

    def cut(self, edges: Ints) -> Spans:
        """Cut spans at the edges, so that each lies within one window; empty spans are gone."""
        full = self.full()
        lo, hi = full.lo, full.hi
        around = np.append(lo, _NEVER)[np.searchsorted(hi, edges, side="right")]
        inside = np.unique(edges[around < edges])
        return Spans(np.sort(np.append(lo, inside)), np.sort(np.append(hi, inside)))


def window_edges(end: Ints, layer_of: NDArray[np.integer], layers: int) -> Ints:
    """Layer k's window is cycles edges[k] .. edges[k + 1] - 1: after the last commit before it, to its own last one.

    Parameters
    ----------
    end : int64 [n]
        Last commits.
    layer_of : int [n]
        Layer of every instruction.
    layers
        Number of layers; one without instructions has an empty window.

    Returns
    -------
    int64 [layers + 1]
    """
    last = np.zeros(layers + 1, np.int64)
    np.maximum.at(last, layer_of + 1, end + 1)
    edges: Ints = np.maximum.accumulate(last)
    return edges


def attribute(columns: Columns, costs: Costs, times: Schedule, edges: Ints) -> tuple[Ints, dict[str, Ints]]:
    """Compute cycles of every window, and its idle cycles by cause: int64 [layers] each."""
    busy, charges = charge(columns, costs, times, edges)
    return busy.between(edges), {cause: spans.between(edges) for cause, spans in charges.items()}


def charge(columns: Columns, costs: Costs, times: Schedule, edges: Ints) -> tuple[Spans, dict[str, Spans]]:
    """Spans of compute cycles, and of idle ones by cause; each idle one lies within one window."""
    runs = busy_runs(columns, costs, times)
    busy, idle = sweep(runs, edges)
    stop = edges[np.searchsorted(edges, idle.lo, side="right")]
    reads = columns.opcode[runs.owner] == Req.opcode
    work = runs.take(~reads).following(idle.lo)
    inspected = work.otherwise(work.lo < stop, runs.take(reads).following(idle.lo))
    conditions = _conditions(columns, costs, times, inspected)
    return busy, _charges(conditions, idle, inspected.lo < stop)


def busy_runs(columns: Columns, costs: Costs, times: Schedule) -> Runs:
    """All runs of a program."""
    sums = group_runs(costs, times)
    reqs = columns.rows_of(Req)
    vectors = np.flatnonzero(np.isin(columns.opcode, [c.opcode for c in INSTRUCTIONS.values() if c.unit is Unit.VEC]))
    lo = np.concatenate((sums.lo, times.start[reqs], times.start[vectors]))
    hi = np.concatenate((sums.hi, times.start[reqs] + costs.duration[reqs], times.end[vectors] + 1))
    owner = np.concatenate((sums.owner, reqs, vectors))
    tile = np.concatenate((sums.tile, np.full(len(reqs) + len(vectors), -1)))
    return Runs(lo, hi, owner, tile).take(np.lexsort((owner, lo)))


def sweep(runs: Runs, edges: Ints) -> tuple[Spans, Spans]:
    """Busy spans and idle spans of cycles 0 .. edges[-1] - 1, the idle ones cut at the edges."""
    reached = np.concatenate((np.zeros(1, np.int64), np.maximum.accumulate(runs.hi)))
    gaps = np.flatnonzero(runs.lo > reached[:-1])
    last = max(int(edges[-1]), int(reached[-1]))
    idle = Spans(np.append(reached[gaps], reached[-1]), np.append(runs.lo[gaps], last))
    busy = Spans(np.append(0, idle.hi[:-1]), idle.lo)
    return busy, idle.cut(edges)


def group_runs(costs: Costs, times: Schedule) -> Runs:
    """Runs of the MAC and MERGE instructions, in file order: those of every shape, moved to the instruction's start."""
    owners = np.flatnonzero(costs.shape >= 0)
    if not owners.size:
        return Runs(owners, owners, owners, owners)
    shape = costs.shape[owners]
    counts = np.array([len(b.lo) for b in costs.beats], np.int64)
    offsets = np.cumsum(counts) - counts
    repeat = counts[shape]
    owner = np.repeat(owners, repeat)
    ordinal = np.arange(len(owner)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    index = np.repeat(offsets[shape], repeat) + ordinal
    lo, hi, tile = (np.concatenate([getattr(b, name) for b in costs.beats])[index] for name in ("lo", "hi", "tile"))
    start = times.start[owner]
    return Runs(start + lo, start + hi, owner, np.where(ordinal == 0, -1, start + tile))


def _conditions(columns: Columns, costs: Costs, times: Schedule, inspected: Runs) -> dict[str, Ints]:
    """First cycle in which each condition of the inspected runs holds, in the order of `CAUSES`.

    A run inside a MAC or MERGE has passed all conditions of its start: it waits for its tile, then for its slots.
    """
    end = np.append(times.end, -1)
    ordered = {cause: end[times.sources[unit]] + 1 for cause, unit in _TOKENS.items()}
    ordered["requantizer"] = times.requantizer.copy()
    for holds in ordered.values():
        _inherit(holds, columns.rows_of(Req), np.flatnonzero(costs.shape >= 0))
    inner, i = inspected.tile >= 0, inspected.owner
    return {cause: ordered[cause][i] for cause in _TOKENS} | {
        "half": times.half[i],
        "requantizer": ordered["requantizer"][i],
        "row_file": times.row_file[i],
        "w_port": np.where(inner, inspected.tile, times.tile[i]),
        "r_gap": np.where(inner, inspected.lo, times.distance[i]),
        "drain": times.full[i],
        "issue": inspected.lo,
    }


def _inherit(holds: Ints, reqs: Ints, sums: Ints) -> None:
    """Let every MAC or MERGE wait for what the REQ instructions directly before it wait for."""
    following = np.searchsorted(sums, reqs)
    blocked = following < len(sums)
    np.maximum.at(holds, sums[following[blocked]], holds[reqs[blocked]])


def _charges(conditions: dict[str, Ints], idle: Spans, found: NDArray[np.bool_]) -> dict[str, Spans]:
    """Split idle spans by the first condition that does not hold yet; spans with nothing to inspect are drain."""
    spans = {}
    lo = idle.lo
    for cause, holds in conditions.items():
        absent = idle.hi if cause == "drain" else idle.lo
        hi = np.clip(np.where(found, holds, absent), lo, idle.hi)
        spans[cause] = Spans(lo, hi)
        lo = hi
    return spans
