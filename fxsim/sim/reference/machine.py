"""The whole machine: three engines on one clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fxsim.sim.reference.bench import Bench, Stalls
from fxsim.sim.reference.engines import DmaEngine, VectorEngine
from fxsim.sim.reference.mac import MacEngine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxsim.hw import Hardware
    from fxsim.isa import Instruction


@dataclass(frozen=True, slots=True)
class Steps:
    """What stepping a program shows, in cycles.

    Attributes
    ----------
    start
        Per instruction: first x or merge beat (MAC, MERGE), first requantizer beat (REQ), acceptance (DMA),
        issue (vector).
    end
        Per instruction: the cycle in which its last write commits.
    cycles
        Last commit + 1; 0 for the empty program.
    issues
        (cycle, instruction, group, position) of every issue: the last x beat of a position, or a MERGE beat.
    reads
        (cycle, instruction, beat) of every requantizer beat.
    """

    start: list[int]
    end: list[int]
    cycles: int
    issues: list[tuple[int, int, int, int]] = field(default_factory=list, compare=False)
    reads: list[tuple[int, int, int]] = field(default_factory=list, compare=False)


def step(instructions: Sequence[Instruction], hardware: Hardware, stalls: Stalls | None = None) -> Steps:
    """Run one sample of a program on the stepped machine.

    Parameters
    ----------
    instructions
        The program in file order.
    hardware
        The machine. Of the addresses only those that decide DRAM blocks and x-port runs matter, of the data none.
    stalls
        When the x, w and y ports of the MAC engine refuse a beat: never by default. A MERGE needs no x port.

    Raises
    ------
    HazardError
        The machine stands still before the program is over, a semaphore overflows, or a tile, an accumulator or a
        bank half is used before it is ready.
    ProgramError
        An instruction has no work to do.
    """
    bench = Bench(instructions, stalls)
    units = (DmaEngine(bench, hardware), MacEngine(bench, hardware), VectorEngine(bench, hardware))
    while bench.unfinished:
        for unit in units:
            unit.evaluate()
        bench.tick()
    return Steps(bench.start, bench.end, 1 + max(bench.end, default=-1), bench.issues, bench.reads)
