"""What the stall counters are told and must show: the next instructions' conditions, and the windows of the layers."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from fxsim.isa import Engine, Mac, Merge, Req, Semaphore, Unit
from fxsim.sim import CAUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fxsim.isa import Instruction, Program
    from fxsim.sim import Timeline

_NOT_COMPARED = (1 << 32) - 1
"""Compute cycles of a window whose counters no model predicts: ports have refused beats."""


def stall_lines(program: Program, times: Timeline, *, refused: bool) -> dict[str, list[str]]:
    """Lines of the files that concern the stall counters, by file.

    Parameters
    ----------
    program, times
        The program and its timeline.
    refused
        Whether ports refuse beats in this run: windows say then that counters are not compared.
    """
    engine = {e: [i for i, ins in enumerate(program.instructions) if ins.engine is e] for e in Engine}
    sums, reads = _mac_engine(program.instructions, engine[Engine.MAC])
    vectors = zip(engine[Engine.VEC], _needs(program.instructions, engine[Engine.VEC], Engine.VEC), strict=True)
    return {
        "sums.hex": sums,
        "reads.hex": reads,
        "vecs.hex": [f"{_word((number, 32), *_wide(need)):x}" for number, need in vectors],
        "windows.txt": list(_windows(program, times, refused=refused)),
    }


def _needs(instructions: Sequence[Instruction], numbers: Iterable[int], engine: Engine) -> list[list[int]]:
    """By instruction of an engine: which push of every unit's semaphore it takes, counted from 1; 0: none."""
    by_unit = {s.producer: s for s in Semaphore if s.consumer is engine}
    taken = dict.fromkeys(Unit, 0)
    needs = []
    for number in numbers:
        pops = instructions[number].pops
        need = [0] * len(Unit)
        for unit, semaphore in by_unit.items():
            if pops >> semaphore & 1:
                taken[unit] += 1
                need[unit] = taken[unit]
        needs.append(need)
    return needs


def _mac_engine(instructions: Sequence[Instruction], numbers: Sequence[int]) -> tuple[list[str], list[str]]:
    """Descriptors of sums and of REQ instructions, in the layout of the package's records.

    A MAC or MERGE also waits for what the REQ instructions directly before it wait for.
    """
    sums: list[str] = []
    reads: list[str] = []
    need, done = [0] * len(Unit), 0
    for number, own in zip(numbers, _needs(instructions, numbers, Engine.MAC), strict=True):
        instruction = instructions[number]
        assert isinstance(instruction, Mac | Merge | Req)
        need = [max(pair) for pair in zip(need, own, strict=True)]
        if isinstance(instruction, Req):
            done = len(reads)
            reads.append(f"{_word((instruction.half, 1), *_wide(own), (done, 32)):x}")
            continue
        flags = (instruction.first, instruction.load_params, 0) if isinstance(instruction, Mac) else (0, 0, 1)
        sums.append(_sum_word(number, instruction.half, flags, need, done))
        need, done = [0] * len(Unit), 0
    return sums, reads


def _sum_word(number: int, half: int, flags: tuple[int, int, int], need: Sequence[int], done: int) -> str:
    """Record of the next MAC or MERGE; `flags` are first, load_params, and whether it is a MERGE."""
    first, loads, merge = flags
    bits = _word((number, 32), (first, 1), (half, 1), (loads, 1), (merge, 1), *_wide(need), (done, 32))
    return f"{bits:x}"


def _wide(need: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Four words of 32 bits; DMA's is the lowest."""
    return ((count, 32) for count in reversed(need))


def _word(*parts: tuple[int, int]) -> int:
    """(value, bits) side by side, the first one highest."""
    word = 0
    for value, bits in parts:
        word = word << bits | value
    return word


def _windows(program: Program, times: Timeline, *, refused: bool) -> Iterator[str]:
    """Commits of every unit up to the window's end, compute cycles, stall counters (the first cause lowest).

    Windows without a cycle are left out.
    """
    units = [ins.unit for ins in program.instructions]
    seen: list[list[int]] = [[0] * len(Unit) for _ in program.layers]
    for unit, layer in zip(units, program.layer_of.tolist(), strict=True):
        seen[layer][unit] += 1
    totals = list(accumulate(seen, lambda a, b: [x + y for x, y in zip(a, b, strict=True)]))
    for layer, commits in zip(times.layers, totals, strict=True):
        if layer.cycles:
            compute = _NOT_COMPARED if refused else layer.compute_cycles
            counters = sum(layer.stalls[cause] << (32 * c) for c, cause in enumerate(CAUSES))
            yield f"{' '.join(map(str, commits))} {compute} {counters:x}"
