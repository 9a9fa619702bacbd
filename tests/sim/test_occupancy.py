"""Who works and who waits, cycle by cycle: as the registers of the step twin say."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings

from fxsim.isa import Mac, Program, Unit
from fxsim.sim import Changes, Spans, occupancy, ports, timeline
from fxsim.testing import programs
from tests.sim.watched import watch

if TYPE_CHECKING:
    from collections.abc import Sequence


def values(changes: Changes, cycles: int) -> list[int]:
    """What a register holds in cycles 0 .. cycles - 1; every change is one."""
    assert changes.cycle[0] == 0
    assert (np.diff(changes.cycle) > 0).all()
    assert (np.diff(changes.value) != 0).all()
    stops = [*changes.cycle[1:].tolist(), max(cycles, int(changes.cycle[-1]) + 1)]
    runs = zip(changes.cycle.tolist(), stops, changes.value.tolist(), strict=True)
    return [value for lo, hi, value in runs for _ in range(lo, hi)][:cycles]


def busy(spans: Spans, cycles: int) -> list[bool]:
    """Whether a port is busy in cycles 0 .. cycles - 1; spans are ascending and apart."""
    found = [False] * cycles
    for lo, hi in zip(spans.lo.tolist(), spans.hi.tolist(), strict=True):
        assert 0 <= lo < hi <= cycles
        assert not any(found[lo:])
        found[lo:hi] = [True] * (hi - lo)
    return found


@settings(max_examples=20)
@given(programs(max_instructions=40))
def test_registers_are_those_of_the_step_twin(program: Program) -> None:
    seen, found = watch(program), occupancy(program)
    cycles = timeline(program).cycles
    assert len(seen.tokens) == cycles + 1
    assert [values(c, cycles + 1) for c in found.tokens] == [list(column) for column in zip(*seen.tokens, strict=True)]
    assert [values(c, cycles + 1) for c in found.halves] == [list(column) for column in zip(*seen.halves, strict=True)]


@settings(max_examples=20)
@given(programs(max_instructions=40))
def test_ports_are_busy_when_those_of_the_step_twin_are(program: Program) -> None:
    seen, found = watch(program), ports(program)
    cycles, code = timeline(program).cycles + 1, program.instructions
    latency = program.hardware.timing.requant_latency
    sent = [place is not None for place in seen.place]
    read = [place is not None and isinstance(code[place.number], Mac) for place in seen.place]
    drained = [number is not None for number in seen.requantizer]
    assert busy(found.sequencer, cycles) == sent
    assert busy(found.x, cycles) == read
    assert busy(found.w, cycles) == seen.w
    assert busy(found.p, cycles) == seen.p
    assert busy(found.requantizer, cycles) == drained
    assert busy(found.y, cycles) == ([False] * latency + drained)[:cycles]


@settings(max_examples=20)
@given(programs(max_instructions=40))
def test_instructions_occupy_their_units(program: Program) -> None:
    """As in the step twin, the vector engine from start to end; no unit does two things at once."""
    seen, found = watch(program), occupancy(program)
    places = [None if place is None else place.number for place in seen.place]
    for i, instruction in enumerate(program.instructions):
        at = int(found.lo[i]), int(found.hi[i])
        if instruction.unit is Unit.VEC:
            assert at == (seen.start[i], seen.end[i] + 1)
            continue
        numbers = {Unit.DMA: seen.bus, Unit.MAC: places, Unit.REQ: seen.requantizer}[instruction.unit]
        cycles = [cycle for cycle, number in enumerate(numbers) if number == i]
        assert at == (cycles[0], cycles[-1] + 1)
    for unit in Unit:
        mine = [i for i, instruction in enumerate(program.instructions) if instruction.unit is unit]
        assert apart([(int(found.lo[i]), int(found.hi[i])) for i in mine])


def apart(spans: Sequence[tuple[int, int]]) -> bool:
    """Whether no span begins before the one before it ends."""
    return all(before[1] <= after[0] for before, after in pairwise(spans))
