"""Situations that lie in the cycles of a run: who waits for what."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from fxsim.isa import Mac, Req, Semaphore
from fxsim.rtl.run_files import PORTS, refusals
from fxsim.sim import HalfState, occupancy
from fxsim.sim.reference import step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fxsim.hw import Hardware
    from fxsim.isa import Program
    from fxsim.sim import MacTrace, Timeline

_STALLS = ("half", "row_file", "w_port", "r_gap", "drain", "issue")
"""Causes of stalls that any machine can meet, besides tokens."""


def _always(_: Hardware) -> bool:
    return True


def _two_slots(hw: Hardware) -> bool:
    return hw.timing.half_depth > 1 or hw.numerics.reduction == "chain"


TIME_BINS: dict[str, Callable[[Hardware], bool]] = {
    **{f"token: waits for {s.name}": _always for s in Semaphore},
    **{f"stall: {cause}": _two_slots if cause == "r_gap" else _always for cause in _STALLS},
    "half: taken in the cycle in which it is freed": _always,
    "requantizer: taken in the cycle of its last beat": _always,
    "MAC and REQ work in one cycle": _always,
    **{f"port {port}: refuses": _always for port in PORTS},
}
"""Situation -> whether a machine can get into it."""


def time_bins(trace: MacTrace, stalls: Sequence[int]) -> dict[str, int]:
    """Instructions, or cycles of a stall, of a run in every situation; of one with refused beats these only."""
    program, times = trace.program, trace.timeline
    if any(stalls):
        return _refused(program, stalls)
    found = {f"token: waits for {s.name}": _token_waits(program, times, s) for s in Semaphore}
    found |= {f"stall: {cause}": sum(layer.stalls[cause] for layer in times.layers) for cause in _STALLS}
    found["half: taken in the cycle in which it is freed"] = _halves_taken_at_once(program, times)
    found["requantizer: taken in the cycle of its last beat"] = _requantizer_taken_at_once(program, times)
    found["MAC and REQ work in one cycle"] = len(np.intersect1d(trace.issues.cycle, trace.beats.cycle))
    return found


def _refused(program: Program, stalls: Sequence[int]) -> dict[str, int]:
    """Beats that ports refuse, not cycles in which they would."""
    refuses, beats = refusals(stalls), Counter[str]()

    def counted(port: str, cycle: int) -> bool:
        refused = refuses(port, cycle)
        beats[f"port {port}: refuses"] += refused
        return refused

    step(program.instructions, program.hardware, counted)
    return beats


def _token_waits(program: Program, times: Timeline, semaphore: Semaphore) -> int:
    """Instructions that stand at the head of their queue without their token, and are issued as soon as it is there."""
    pushes = np.flatnonzero(program.columns.field("pushes") >> semaphore & 1)
    pops = np.flatnonzero(program.columns.field("pops") >> semaphore & 1)
    queue = np.flatnonzero([ins.engine is semaphore.consumer for ins in program.instructions])
    head = np.concatenate(([0], times.issue[queue[:-1]] + 1))[np.searchsorted(queue, pops)]
    there = times.end[pushes[: len(pops)]] + 1
    return int(((there > head) & (times.issue[pops] == there)).sum())


def _halves_taken_at_once(program: Program, times: Timeline) -> int:
    """MAC instructions that begin a block in the first cycle in which the half is free again."""
    f = program.columns.table(Mac)
    count = 0
    for half, changes in enumerate(occupancy(program).halves):
        freed = changes.cycle[(changes.value == HalfState.FREE) & (changes.cycle > 0)]
        mine = f.index[(f.half == half) & (f.first == 1)]
        count += int(np.isin(times.issue[mine], freed).sum())
    return count


def _requantizer_taken_at_once(program: Program, times: Timeline) -> int:
    """REQ instructions that are issued in the cycle of the previous one's last beat, and could not be before."""
    f = program.columns.table(Req)
    latency = program.hardware.timing.requant_latency
    return int((times.issue[f.index[1:]] == times.end[f.index[:-1]] - latency).sum())
