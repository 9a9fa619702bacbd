"""Perfetto traces: what is drawn is what the step twin does and what the layers' stall counters say."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fxsim._core.errors import ProgramError
from fxsim.isa import Engine, Mac, Merge, Program, Req, Semaphore
from fxsim.sim import HalfState, timeline
from fxsim.testing import programs
from fxsim.waves import save_perfetto
from tests.sim.timing_cases import load
from tests.sim.timing_cases import program as small_program
from tests.sim.watched import Watched, watch

if TYPE_CHECKING:
    from pathlib import Path

STATES = [state.name for state in HalfState]
Slice = tuple[int, int, str, dict[str, Any]]

uses_a_folder = settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
some_programs = programs(max_instructions=30).filter(len)


class Drawn:
    """A trace as a viewer takes it in, cycles by the slices' arguments."""

    def __init__(self, program: Program, folder: Path, layer: str | None = None) -> None:
        path = folder / "trace.json"
        self.shown = save_perfetto(program, path, layer=layer)
        self.trace = json.loads(path.read_text(encoding="ascii"))
        self.events: list[dict[str, Any]] = self.trace["traceEvents"]
        self.clock = program.hardware.timing.clock_mhz
        names = [e for e in self.events if e["name"] == "thread_name"]
        self.names = {e["tid"]: e["args"]["name"] for e in names}
        assert len(self.names) == len(names)
        self.tracks: dict[str, list[Slice]] = {name: [] for name in self.names.values()}
        for e in self.of("X"):
            lo, cycles = e["args"]["first_cycle"], e["args"]["cycles"]
            assert nanoseconds(e["ts"]) == self.ns(lo)
            assert nanoseconds(e["dur"]) == self.ns(lo + cycles) - self.ns(lo)
            self.tracks[self.names[e["tid"]]].append((lo, lo + cycles, e["name"], e["args"]))

    def of(self, phase: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["ph"] == phase]

    def ns(self, cycle: int) -> int:
        return cycle * 1000 // self.clock

    def dma(self) -> list[Slice]:
        return [s for name, slices in self.tracks.items() if name.startswith("DMA ") for s in slices]


def nanoseconds(microseconds: float) -> int:
    """What Perfetto makes of a time, which must be one of its own."""
    found = round(microseconds * 1000)
    assert found / 1000 == microseconds
    return found


def clocked(program: Program, mhz: int) -> Program:
    return replace(program, hardware=program.hardware.replace(clock_mhz=mhz))


@uses_a_folder
@given(some_programs, st.sampled_from([1, 100, 500, 700, 999, 1000]))
def test_no_slices_overlap(tmp_path: Path, program: Program, mhz: int) -> None:
    drawn = Drawn(clocked(program, mhz), tmp_path)
    assert drawn.trace["otherData"]["cycles"] == drawn.shown == timeline(program).cycles
    for track in drawn.names:
        spans = sorted((nanoseconds(e["ts"]), nanoseconds(e["dur"])) for e in drawn.of("X") if e["tid"] == track)
        assert all(duration > 0 for _, duration in spans)
        assert all(begin + duration <= after for (begin, duration), (after, _) in pairwise(spans))


@uses_a_folder
@given(some_programs)
def test_instructions_are_where_the_step_twin_has_them(tmp_path: Path, program: Program) -> None:
    drawn, seen = Drawn(program, tmp_path), watch(program)
    requests = {i: s for s in drawn.dma() for i in [s[3]["instruction"]]}
    units = [*drawn.tracks["MAC"], *drawn.tracks["REQ"], *drawn.tracks["VEC"]]
    slices = requests | {s[3]["instruction"]: s for s in units}
    assert len(drawn.dma()) + len(units) == len(slices) == len(program)
    lines = [line for line in program.disassemble().splitlines() if re.search(r"^[A-Z].*  # \d+$", line)]
    for i, instruction in enumerate(program.instructions):
        lo, hi, name, amounts = slices[i]
        assert (lo, hi) == (seen.start[i], last_beat(seen, program, i) + 1)
        assert (amounts["start"], amounts["commit"]) == (seen.start[i], seen.end[i])
        assert name == instruction.mnemonic
        assert f"{amounts['text']}  # {i}" == lines[i]
        assert amounts["layer"] == program.layers[program.layer_of[i]].name
        if isinstance(instruction, Mac | Merge):
            issued = {place[1:3] for place in seen.place if place is not None and place.number == i}
            assert len(issued) == amounts["groups"] * amounts["positions"]
    assert sorted(s[3]["instruction"] for s in drawn.tracks["DRAM bus"]) == sorted(requests)
    for lo, hi, _, amounts in drawn.tracks["DRAM bus"]:
        moving = [cycle for cycle, number in enumerate(seen.bus) if number == amounts["instruction"]]
        assert moving == list(range(lo, hi))


def last_beat(seen: Watched, program: Program, i: int) -> int:
    """Last cycle in which instruction `i` sends a beat; DMA and vector: its last commit."""
    instruction = program.instructions[i]
    if isinstance(instruction, Req):
        return max(cycle for cycle, number in enumerate(seen.requantizer) if number == i)
    if isinstance(instruction, Mac | Merge):
        return max(cycle for cycle, place in enumerate(seen.place) if place is not None and place.number == i)
    assert instruction.engine is not Engine.MAC
    return seen.end[i]


@uses_a_folder
@given(some_programs)
def test_stalls_add_up_to_the_counters_of_the_layers(tmp_path: Path, program: Program) -> None:
    drawn, layers = Drawn(program, tmp_path), timeline(program).layers
    windows = {s[2]: s for s in drawn.tracks["layers"]}
    assert list(windows) == [e.name for e, t in zip(program.layers, layers, strict=True) if t.cycles]
    inside = 0
    for layer, timing in zip(program.layers, layers, strict=True):
        if not timing.cycles:
            continue
        lo, hi, _, amounts = windows[layer.name]
        assert (lo, hi - lo, amounts["compute"]) == (timing.begin, timing.cycles, timing.compute_cycles)
        stalls = [s for s in drawn.tracks["stalls"] if lo <= s[0] and s[1] <= hi]
        found: Counter[str] = Counter()
        for begin, end, cause, _ in stalls:
            found[cause] += end - begin
        assert dict(found) == amounts["stalls"] == {cause: n for cause, n in timing.stalls.items() if n}
        inside += len(stalls)
    assert inside == len(drawn.tracks["stalls"])


@uses_a_folder
@given(some_programs)
def test_tokens_and_halves_are_those_of_the_step_twin(tmp_path: Path, program: Program) -> None:
    drawn, seen = Drawn(program, tmp_path), watch(program)
    cycles = timeline(program).cycles
    for semaphore in Semaphore:
        levels = [tokens[semaphore] for tokens in seen.tokens[:cycles]]
        changes = [(c, n) for c, n in enumerate(levels) if not c or n != levels[c - 1]]
        events = [e for e in drawn.of("C") if e["name"] == f"tokens {semaphore.name}"]
        used = any(x.pushes >> semaphore & 1 for x in program.instructions)
        expected = [(drawn.ns(c), n) for c, n in changes] if used else []
        assert [(nanoseconds(e["ts"]), e["args"]["tokens"]) for e in events] == expected
    for half in (0, 1):
        found = ["FREE"] * cycles
        for lo, hi, state, _ in drawn.tracks[f"bank half {half}"]:
            found[lo:hi] = [state] * (hi - lo)
        assert found == [STATES[halves[half]] for halves in seen.halves[:cycles]]


@uses_a_folder
@given(some_programs)
def test_every_token_flows_from_its_push_to_its_pop(tmp_path: Path, program: Program) -> None:
    drawn = Drawn(program, tmp_path)
    ends = {(e["id"], e["ph"]): e for e in drawn.of("s") + drawn.of("f")}
    assert len(ends) == len(drawn.of("s") + drawn.of("f"))
    found: dict[str, list[tuple[int, int]]] = {s.name: [] for s in Semaphore}
    for number in range(len(ends) // 2):
        push, pop = ends[number, "s"], ends[number, "f"]
        assert push["name"] == pop["name"]
        found[push["name"]].append((bound(drawn, push), bound(drawn, pop)))
    for semaphore in Semaphore:
        code = list(enumerate(program.instructions))
        pushes = [i for i, x in code if x.pushes >> semaphore & 1]
        pops = [i for i, x in code if x.pops >> semaphore & 1]
        assert found[semaphore.name] == list(zip(pushes, pops, strict=True))


def bound(drawn: Drawn, flow: dict[str, Any]) -> int:
    """Instruction of the slice that encloses the end of a flow."""
    at = nanoseconds(flow["ts"])
    (number,) = (
        s[3]["instruction"] for s in drawn.tracks[drawn.names[flow["tid"]]] if drawn.ns(s[0]) <= at < drawn.ns(s[1])
    )
    return int(number)


@uses_a_folder
@given(some_programs, st.data())
def test_a_layer_is_a_window_of_the_whole(tmp_path: Path, program: Program, data: st.DataObject) -> None:
    times = timeline(program)
    k = data.draw(st.sampled_from([k for k, t in enumerate(times.layers) if t.cycles]))
    name, stop = program.layers[k].name, times.layers[k].begin + times.layers[k].cycles
    start = stop - times.layers[k].span
    whole, part = Drawn(program, tmp_path), Drawn(program, tmp_path, layer=name)
    assert part.shown == stop - start
    assert part.trace["otherData"] == whole.trace["otherData"] | {"first_cycle": start, "cycles": stop - start}
    for track, slices in whole.tracks.items():
        if track != "DRAM bus":
            assert part.tracks[track] == [s for s in slices if s[0] < stop and s[1] > start]
    numbers = {s[3]["instruction"] for s in part.dma()}
    assert part.tracks["DRAM bus"] == [s for s in whole.tracks["DRAM bus"] if s[3]["instruction"] in numbers]
    for name in {e["name"] for e in whole.of("C")}:
        levels, shown = ([e for e in drawn.of("C") if e["name"] == name] for drawn in (whole, part))
        before = [e for e in levels if nanoseconds(e["ts"]) <= whole.ns(start)][-1]
        later = [e for e in levels if whole.ns(start) < nanoseconds(e["ts"]) < whole.ns(stop)]
        assert shown == [before | {"ts": shown[0]["ts"]}, *later]
        assert nanoseconds(shown[0]["ts"]) == whole.ns(start)


@uses_a_folder
@given(some_programs)
def test_cycles_shorter_than_a_nanosecond_keep_their_numbers(tmp_path: Path, program: Program) -> None:
    slow, fast = Drawn(program, tmp_path), Drawn(clocked(program, 100_000), tmp_path)
    assert fast.tracks == slow.tracks


def test_unknown_and_empty_layers_are_refused(tmp_path: Path) -> None:
    program = small_program(load())
    path = tmp_path / "trace.json"
    with pytest.raises(ProgramError, match="layer must be one of: layer0.*not 'layer7'"):
        save_perfetto(program, path, layer="layer7")
    idle = replace(program, layers=(*program.layers, replace(program.layers[0], name="idle")))
    with pytest.raises(ProgramError, match="layer 'idle' of .*: trace must have at least one cycle"):
        save_perfetto(idle, path, layer="idle")
    assert list(tmp_path.iterdir()) == []
