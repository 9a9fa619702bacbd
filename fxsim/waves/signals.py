"""Signals of the MAC unit, each as the cycles in which its value changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxsim.isa import Mac, Merge, Semaphore
from fxsim.numerics import Overflow
from fxsim.sim import HalfState, Spans, occupancy, ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fxsim.isa import Program
    from fxsim.sim import Changes, MacTrace, Occupancy, Ports

Ints = NDArray[np.int64]

_CODE_BITS = 17
"""Holds signed and unsigned codes of 16 bits."""
_WORD = 32


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """One signal.

    Attributes
    ----------
    scope, name
        Where a viewer shows it.
    bits
        Width; 0: a string.
    cycle : int64 [changes]
        Ascending; 0 is the first.
    value : int64 [changes]
        The value from that cycle on; of a string, an index into `texts`.
    driven : bool [changes]
        Where False, nothing drives the signal (z); a string is empty.
    texts
        The values of a string.
    """

    scope: str
    name: str
    bits: int
    cycle: Ints
    value: Ints
    driven: NDArray[np.bool_]
    texts: tuple[str, ...] = ()


def signals(trace: MacTrace) -> Iterator[Signal]:
    """All signals of a trace in the order in which they are declared.

    Values hold in the cycle to which they belong, flags are 0 and everything else is undriven outside: the address and
    the codes of a write, for example, in the cycle at whose end it commits.
    """
    busy, found = ports(trace.program), occupancy(trace.program)
    yield from _charges(trace, found)
    yield from _sequencer(trace, busy)
    for name, spans in (("x", busy.x), ("w", busy.w), ("p", busy.p), ("y", busy.y)):
        yield _flag("ports", name, spans)
    yield from _bank(trace)
    yield from _requantizer(trace, busy)
    yield from _states(found)


def _charges(trace: MacTrace, found: Occupancy) -> Iterator[Signal]:
    """Name of the layer whose window it is, and what the cycle is charged to."""
    layers = [(t.begin, t.begin + t.cycles, k) for k, t in enumerate(trace.timeline.layers) if t.cycles]
    lo, hi, number = np.array(layers, np.int64).reshape(-1, 3).T
    yield _driven("", "layer", 0, Spans(lo, hi), number, tuple(layer.name for layer in trace.program.layers))
    charges = found.charges
    lo, hi = (np.concatenate([getattr(spans, side) for spans in charges.values()]) for side in ("lo", "hi"))
    cause = np.repeat(np.arange(len(charges)), [len(spans.lo) for spans in charges.values()])
    order = np.argsort(lo)
    yield _driven("", "charge", 0, Spans(lo[order], hi[order]), cause[order], tuple(charges))


def _sequencer(trace: MacTrace, busy: Ports) -> Iterator[Signal]:
    """Which position of which group the beats are of; `issue` marks the last beat of each."""
    issues = trace.issues
    begun = busy.sequencer.lo[np.searchsorted(busy.sequencer.lo, issues.cycle, side="right") - 1]
    before = np.concatenate((np.full(1, -1), issues.cycle[:-1])) + 1
    beats = Spans(np.maximum(begun, before), issues.cycle + 1)
    yield _flag("sequencer", "beat", busy.sequencer)
    yield _flag("sequencer", "issue", _single(issues.cycle))
    merges = trace.program.columns.opcode[issues.instruction] == Merge.opcode
    yield _driven("sequencer", "op", 0, beats, merges.astype(np.int64), (Mac.mnemonic, Merge.mnemonic))
    for name in ("instruction", "group", "position"):
        yield _driven("sequencer", name, _WORD, beats, getattr(issues, name))


def _bank(trace: MacTrace) -> Iterator[Signal]:
    """Writes of accumulators, and of inner accumulators before they spill."""
    issues = trace.issues
    yield from _sums(trace, "bank", issues.stores, (issues.values, issues.events), _register_bits(trace.program))
    inner_bits = trace.program.columns.table(Mac).inner_bits
    if inner_bits.any():
        staged = trace.program.columns.field("inner_bits")[issues.instruction] > 0
        yield from _sums(trace, "inner", staged, (issues.inner, issues.inner_events), int(inner_bits.max()))


def _sums(
    trace: MacTrace, scope: str, there: NDArray[np.bool_], sums: tuple[Ints, Ints], bits: int
) -> Iterator[Signal]:
    """Writes of the issues where they are `there`: place, registers of the active rows, and their overflow flags."""
    issues, (values, events) = trace.issues, sums
    commit = issues.commit[there]
    writes = _single(commit)
    yield _flag(scope, "write", writes)
    for name, width in (("instruction", _WORD), ("group", _WORD), ("position", _WORD), ("half", 1), ("slot", _WORD)):
        yield _driven(scope, name, width, writes, getattr(issues, name)[there])
    active = trace.program.columns.field("rows")[issues.instruction[there]]
    for row in range(values.shape[1]):
        here = active > row
        yield _driven(scope, f"row{row}", bits, _single(commit[here]), values[there, row][here])
        yield _flag(scope, f"overflow{row}", _single(commit[events[there, row] > 0]))


def _requantizer(trace: MacTrace, busy: Ports) -> Iterator[Signal]:
    """Beats as they are read, and codes as they are written."""
    beats = trace.beats
    reads, writes = _single(beats.cycle), _single(beats.commit)
    yield _flag("requantizer", "beat", busy.requantizer)
    for name in ("instruction", "position", "row"):
        yield _driven("requantizer", name, _WORD, reads, getattr(beats, name))
    for name in ("address", "count"):
        yield _driven("requantizer", name, _WORD, writes, getattr(beats, name))
    for lane in range(beats.codes.shape[1]):
        used = beats.count > lane
        yield _driven("requantizer", f"code{lane}", _CODE_BITS, _single(beats.commit[used]), beats.codes[used, lane])


def _states(found: Occupancy) -> Iterator[Signal]:
    """States of the bank halves and token counts of the semaphores: registers, always driven."""
    for number, states in enumerate(found.halves):
        yield _register("bank", f"half{number}", 0, states, [state.name for state in HalfState])
    for semaphore, tokens in zip(Semaphore, found.tokens, strict=True):
        yield _register("tokens", semaphore.name, 16, tokens)


def _register_bits(program: Program) -> int:
    """Width of the widest accumulator register in use; the hardware's own if there is none."""
    columns = program.columns
    sums = np.concatenate([columns.rows_of(cls) for cls in (Mac, Merge)])
    inside = columns.field("overflow")[sums] == Overflow.READOUT
    widths = np.where(inside, columns.field("internal_bits")[sums], columns.field("acc_bits")[sums])
    return int(widths.max(initial=0)) or program.hardware.numerics.acc_bits


def _single(cycles: Ints) -> Spans:
    """Spans of one cycle each."""
    return Spans(cycles, cycles + 1)


def _flag(scope: str, name: str, spans: Spans) -> Signal:
    """1 in `spans`, ascending and disjoint, else 0."""
    cycle, inside, _ = _changes(spans)
    return Signal(scope, name, 1, cycle, inside.astype(np.int64), np.ones(len(cycle), bool))


def _driven(scope: str, name: str, bits: int, spans: Spans, value: Ints, texts: tuple[str, ...] = ()) -> Signal:
    """`value[i]` in span i, ascending and disjoint, else undriven."""
    cycle, inside, source = _changes(spans)
    shown = np.append(value, 0)[source]
    return Signal(scope, name, bits, cycle, np.where(inside, shown, 0), inside, texts)


def _changes(spans: Spans) -> tuple[Ints, NDArray[np.bool_], Ints]:
    """Cycle of every begin and of every end with nothing behind it, whether it is a begin, and of which span."""
    ends = np.flatnonzero(np.append(spans.lo[1:], -1) != spans.hi)
    quiet = np.zeros(int(not spans.lo.size or spans.lo[0] > 0), np.int64)
    cycle = np.concatenate((quiet, spans.lo, spans.hi[ends]))
    inside = np.repeat((False, True, False), (len(quiet), len(spans.lo), len(ends)))
    source = np.concatenate((quiet, np.arange(len(spans.lo)), ends))
    order = np.argsort(cycle, kind="stable")
    return cycle[order], inside[order], source[order]


def _register(scope: str, name: str, bits: int, changes: Changes, texts: Sequence[str] = ()) -> Signal:
    return Signal(scope, name, bits, *changes, np.ones(len(changes.cycle), bool), tuple(texts))
