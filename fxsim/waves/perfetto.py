"""A program's timeline as a trace for Perfetto (https://ui.perfetto.dev) and chrome://tracing.

The file is JSON in the Trace Event Format: complete events (``X``) for slices, counters (``C``), flows (``s``, ``f``),
names (``M``). Times are microseconds rounded down to whole nanoseconds, the resolution of Perfetto, which rounds begin
and length apart and drops slices that overlap then. Exact cycles stand in the arguments of every slice.
"""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fxsim._core.files import replacing
from fxsim.isa import WORD_BYTES, Load, Mac, Merge, Req, Semaphore, Store, decode, instruction_text
from fxsim.sim import CAUSES, HalfState, occupancy, timeline
from fxsim.waves.window import window_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from fxsim.isa import Instruction, Program
    from fxsim.sim import Changes, Occupancy, Timeline
    from fxsim.waves.window import Window

Event = dict[str, Any]
Ints = NDArray[np.int64]

_CHUNK = 4096
"""Instructions decoded at a time."""
_TRACKS = ("layers", "stalls", "MAC", "REQ", "VEC", "bank half 0", "bank half 1", "DRAM bus")
"""Names of tracks in order; a track per outstanding DMA request follows."""
_TRACK = {name: number for number, name in enumerate(_TRACKS, start=1)}


def save_perfetto(program: Program, path: str | Path, *, layer: int | str | None = None) -> int:
    """Write the timeline of one sample of `program`; the file appears whole or not at all.

    Tracks: layer windows; stalls by cause; MAC and MERGE from first to last beat; REQ likewise; vector instructions;
    states of the bank halves; transfers on the DRAM bus; DMA requests from acceptance to commit, a track for each that
    may be outstanding. Counters: the tokens of every semaphore in use. Flows: from the push of every token to its pop.

    Parameters
    ----------
    program
        The program; data have no influence on its timeline.
    path
        The file, usually ``.json``.
    layer
        Name or number of the only layer whose cycles are shown, all by default. They begin with its first beat, or
        behind the last commit before it; what reaches into them is shown whole.

    Returns
    -------
    int
        Number of cycles shown.

    Raises
    ------
    ProgramError, HazardError
        As `fxsim.sim.timeline`; there is no such layer, or no cycle to show.
    """
    times = timeline(program)
    trace = _Trace(program, times, occupancy(program), window_of(program, times, layer))
    with replacing(Path(path)) as file:
        _write(file, trace.about(), trace.events())
    return trace.window.cycles


def _write(file: BinaryIO, about: dict[str, Any], events: Iterable[Event]) -> None:
    head = {"displayTimeUnit": "ns", "otherData": about}
    file.write(json.dumps(head).encode()[:-1] + b', "traceEvents": [')
    texts = (json.dumps(event, separators=(",", ":")).encode() for event in events)
    file.writelines((b",\n" if number else b"\n") + text for number, text in enumerate(texts))
    file.write(b"\n]}\n")


class _Trace:
    """The events of a program, one kind after the other."""

    def __init__(self, program: Program, times: Timeline, found: Occupancy, window: Window) -> None:
        self.window = window
        self._program, self._times, self._found = program, times, found
        self._clock = program.hardware.timing.clock_mhz
        self._cols = program.hardware.timing.cols
        self._track_of, self._requests = _tracks(program)
        self._shown = self._inside(times.start, found.hi)

    def about(self) -> dict[str, Any]:
        """What the trace is of."""
        window, program = self.window, self._program
        return {
            "program": program.name,
            "hardware": program.hardware.name,
            "clock_mhz": self._clock,
            "first_cycle": window.lo,
            "cycles": window.cycles,
        }

    def events(self) -> Iterator[Event]:
        """All events; slices before the flows that bind to them."""
        slices = chain(self._layers(), self._stalls(), self._halves(), self._instructions())
        return chain(self._names(), slices, self._tokens(), self._flows())

    # ---- kinds of events

    def _names(self) -> Iterator[Event]:
        title = f"{self._program.name} on {self._program.hardware.name}"
        yield {"ph": "M", "pid": 1, "name": "process_name", "args": {"name": title}}
        requests = [f"DMA {number}" for number in range(self._requests)]
        for track, name in enumerate((*_TRACKS, *requests), start=1):
            yield {"ph": "M", "pid": 1, "tid": track, "name": "thread_name", "args": {"name": name}}
            yield {"ph": "M", "pid": 1, "tid": track, "name": "thread_sort_index", "args": {"sort_index": track}}

    def _layers(self) -> Iterator[Event]:
        for layer, timing in zip(self._program.layers, self._times.layers, strict=True):
            lo, hi = timing.begin, timing.begin + timing.cycles
            if lo < hi and self._inside(lo, hi):
                stalls = {cause: cycles for cause, cycles in timing.stalls.items() if cycles}
                amounts = {"op": layer.op, "macs": layer.macs, "compute": timing.compute_cycles, "stalls": stalls}
                yield self._slice("layers", layer.name, lo, hi, amounts)

    def _stalls(self) -> Iterator[Event]:
        for cause in CAUSES:
            spans = self._found.charges[cause]
            shown = self._inside(spans.lo, spans.hi)
            for lo, hi in zip(spans.lo[shown].tolist(), spans.hi[shown].tolist(), strict=True):
                yield self._slice("stalls", cause, lo, hi, {})

    def _halves(self) -> Iterator[Event]:
        for number, states in enumerate(self._found.halves):
            stops = np.append(states.cycle[1:], self._times.cycles)
            shown = self._inside(states.cycle, stops) & (states.value != HalfState.FREE)
            spans = (part[shown].tolist() for part in (states.value, states.cycle, stops))
            for state, lo, hi in zip(*spans, strict=True):
                yield self._slice(f"bank half {number}", HalfState(state).name, lo, hi, {})

    def _instructions(self) -> Iterator[Event]:
        shown = np.flatnonzero(self._shown)
        for first in range(0, len(shown), _CHUNK):
            numbers = shown[first : first + _CHUNK].tolist()
            code = self._program.code
            words = b"".join(code[i * WORD_BYTES : (i + 1) * WORD_BYTES] for i in numbers)
            for i, instruction in zip(numbers, decode(words), strict=True):
                yield from self._instruction(i, instruction)

    def _instruction(self, i: int, instruction: Instruction) -> Iterator[Event]:
        lo, hi, start = int(self._found.lo[i]), int(self._found.hi[i]), int(self._times.start[i])
        amounts = self._amounts(i, instruction)
        name = instruction.mnemonic
        if isinstance(instruction, Load | Store):
            yield self._slice("DRAM bus", name, lo, hi, amounts)
        yield self._slice(int(self._track_of[i]), name, start, hi, amounts)

    def _amounts(self, i: int, instruction: Instruction) -> dict[str, Any]:
        """What the arguments of an instruction's slice say."""
        amounts: dict[str, Any] = {
            "instruction": i,
            "layer": self._program.layers[int(self._program.layer_of[i])].name,
            "issue": int(self._times.issue[i]),
            "start": int(self._times.start[i]),
            "commit": int(self._times.end[i]),
        }
        if isinstance(instruction, Mac):
            amounts["groups"] = -(-instruction.k_count // self._cols)
        if isinstance(instruction, Merge):
            amounts["groups"] = instruction.parts - 1
        if isinstance(instruction, Mac | Merge | Req):
            amounts["positions"] = instruction.positions
        return amounts | {"text": instruction_text(instruction)}

    def _tokens(self) -> Iterator[Event]:
        for semaphore, tokens in zip(Semaphore, self._found.tokens, strict=True):
            if len(tokens.cycle) > 1:
                for cycle, count in self._within(tokens):
                    yield {
                        "ph": "C", "pid": 1, "name": f"tokens {semaphore.name}",
                        "ts": self._ns(cycle) / 1000, "args": {"tokens": count},
                    }  # fmt: skip

    def _flows(self) -> Iterator[Event]:
        """Begin each in the last cycle of the slice that pushes, end it in the first cycle of the slice that pops."""
        number = 0
        for semaphore in Semaphore:
            pushes, pops = (self._users(name, semaphore) for name in ("pushes", "pops"))
            for push, pop in zip(pushes[: len(pops)].tolist(), pops.tolist(), strict=True):
                if self._shown[push] and self._shown[pop]:
                    flow = {"pid": 1, "cat": "token", "name": semaphore.name, "id": number}
                    yield flow | {"ph": "s"} | self._at(push, int(self._found.hi[push]) - 1)
                    yield flow | {"ph": "f", "bp": "e"} | self._at(pop, int(self._times.start[pop]))
                    number += 1

    # ---- helpers

    def _users(self, name: str, semaphore: Semaphore) -> Ints:
        return np.flatnonzero(self._program.columns.field(name) >> semaphore & 1)

    def _at(self, i: int, cycle: int) -> Event:
        return {"tid": int(self._track_of[i]), "ts": self._ns(cycle) / 1000}

    def _within(self, changes: Changes) -> Iterator[tuple[int, int]]:
        """Changes inside the window, the first at its beginning."""
        first = int(np.searchsorted(changes.cycle, self.window.lo, side="right")) - 1
        last = int(np.searchsorted(changes.cycle, self.window.hi))
        cycles = np.maximum(changes.cycle[first:last], self.window.lo)
        return zip(cycles.tolist(), changes.value[first:last].tolist(), strict=True)

    def _inside(self, lo: Any, hi: Any) -> Any:
        return (lo < self.window.hi) & (hi > self.window.lo)

    def _slice(self, track: str | int, name: str, lo: int, hi: int, amounts: dict[str, Any]) -> Event:
        begin, end = self._ns(lo), self._ns(hi)
        number = _TRACK[track] if isinstance(track, str) else track
        amounts = {"first_cycle": lo, "cycles": hi - lo} | amounts
        return {
            "ph": "X", "pid": 1, "tid": number, "name": name, "ts": begin / 1000, "dur": (end - begin) / 1000,
            "args": amounts,
        }  # fmt: skip

    def _ns(self, cycle: int) -> int:
        return cycle * 1000 // self._clock


def _tracks(program: Program) -> tuple[Ints, int]:
    """Track of every instruction, int64 [n], and how many tracks of DMA requests there are.

    At most `dram_outstanding` requests are in flight, so that many tracks, taken in turn, hold them without overlap.
    """
    columns = program.columns
    copies = np.sort(np.concatenate([columns.rows_of(cls) for cls in (Load, Store)]))
    requests = min(program.hardware.timing.dram_outstanding, len(copies))
    track = np.full(len(program), _TRACK["VEC"], np.int64)
    track[np.concatenate([columns.rows_of(cls) for cls in (Mac, Merge)])] = _TRACK["MAC"]
    track[columns.rows_of(Req)] = _TRACK["REQ"]
    track[copies] = len(_TRACKS) + 1 + np.arange(len(copies)) % max(requests, 1)
    return track, requests
