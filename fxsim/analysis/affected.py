"""Outputs of one layer in whose accumulators anything left its range: counted, and the first and the worst found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fxsim.analysis.replay import applications
from fxsim.graph import LayerStats
from fxsim.numerics import IntFormat, Requant, requantize
from fxsim.numerics.reference import ref_requantize
from fxsim.ops import accumulate_outputs, gather, position_chunks
from fxsim.sim import Phase

if TYPE_CHECKING:
    from fxsim.analysis.replay import Application
    from fxsim.hw import Numerics
    from fxsim.ops import Accumulated, MacParams
    from fxsim.sim import Places

Ints = NDArray[np.int64]

_RUNTIME_BITS = 32


class Found(NamedTuple):
    """One affected output: sample, place among the sample's positions, channel; its codes and exact sums.

    `low` and `high` are the extremes of the exact prefixes, `final` is the last one, `excess` how far outside acc_bits
    they are (readout: `final` is).
    """

    sample: int
    place: int
    channel: int
    code: int
    exact_code: int
    final: int
    low: int
    high: int
    excess: int


@dataclass(slots=True, eq=False)
class Affected:
    """What a pass over all outputs of a layer has found so far.

    Attributes
    ----------
    stats
        Accumulator counters.
    row_count, row_events : int64 [PE rows]
        Outputs with events, and events (those of inner accumulators too), by the PE row that computes them.
    masked, visible
        Affected outputs whose code equals, and differs from, that of the exact sum.
    first, worst
        The output with the first event in time; that with the greatest error.
    """

    stats: LayerStats
    row_count: Ints
    row_events: Ints
    masked: int = 0
    visible: int = 0
    first: Found | None = None
    worst: Found | None = None

    @classmethod
    def nothing(cls, stats: LayerStats, rows: int) -> Affected:
        """Before a pass, or where none is needed; `rows` is the number of PE rows."""
        return cls(stats, np.zeros(rows, np.int64), np.zeros(rows, np.int64))


def affected_outputs(
    params: MacParams, images: NDArray[np.generic], numerics: Numerics, places: Places, rows: int
) -> Affected:
    """Accumulate every output of a layer.

    Parameters
    ----------
    params, numerics
        The layer's own.
    images
        Input codes of all samples, [samples * images, height, width, channels].
    places
        Where outputs run, for rows and times.
    rows
        PE rows of the array.
    """
    found = Affected.nothing(LayerStats.empty(params.channels), rows)
    search = _Search(params, numerics, places, found)
    total = len(images) * params.window.positions
    width = params.window.depth * (params.channels if params.depthwise else 1)
    for chunk in position_chunks(total, max(width, params.channels)):
        search.see(chunk, gather(params, images, chunk))
    return found


class _Search:
    """The pass itself, chunk of positions by chunk."""

    def __init__(self, params: MacParams, numerics: Numerics, places: Places, found: Affected) -> None:
        self.params, self.numerics, self.places, self.found = params, numerics, places, found
        self.plan = applications(params.window.depth, numerics)
        self.first_key: tuple[int, ...] = ()

    def see(self, chunk: slice, x: Ints) -> None:
        """Take the positions of one chunk, with their operands, into what is found."""
        acc = accumulate_outputs(self.params, x, self.numerics)
        sample, place = np.divmod(np.arange(chunk.start, chunk.stop), len(self.places.row))
        self._count(acc, place)
        position, channel = np.nonzero((acc.events + acc.inner_events + acc.bias_left + acc.wraps) > 0)
        if not position.size:
            return
        outputs = self._outputs(acc, position, channel, sample, place)
        self.found.masked += int((outputs[:, 3] == outputs[:, 4]).sum())
        self.found.visible += int((outputs[:, 3] != outputs[:, 4]).sum())
        self._worst(outputs)
        begun = self.found.first
        earliest = sample[position] == (sample[position[0]] if begun is None else begun.sample)
        if earliest.any():
            self._first(x, position[earliest], outputs[earliest])

    def _count(self, acc: Accumulated, place: Ints) -> None:
        self.found.stats = self.found.stats.merge(acc.stats())
        rows, size = self.places.row[place].ravel(), len(self.found.row_count)
        happened = (acc.events + acc.inner_events).ravel()
        self.found.row_count += np.bincount(rows[happened > 0], minlength=size)
        np.add.at(self.found.row_events, rows, happened)

    def _outputs(self, acc: Accumulated, position: Ints, channel: Ints, sample: Ints, place: Ints) -> Ints:
        """Affected outputs as int64 [n, fields of `Found`]."""
        at = position, channel
        value, final, low, high = (part[at] for part in (acc.value, acc.exact, acc.low, acc.high))
        code = codes_of(self.params, value, channel, self.numerics.acc_bits)
        exact_code = codes_of(self.params, final, channel, self.numerics.acc_bits)
        limits = IntFormat(self.numerics.acc_bits)
        least, greatest = (final, final) if self.numerics.overflow == "readout" else (low, high)
        excess = np.maximum(np.maximum(greatest - limits.hi, limits.lo - least), 0)
        columns = (sample[position], place[position], channel, code, exact_code, final, low, high, excess)
        return np.stack(columns, axis=1)

    def _worst(self, outputs: Ints) -> None:
        """Greatest error first, then greatest excess, then the order of outputs."""
        error, excess = np.abs(outputs[:, 3] - outputs[:, 4]), outputs[:, 8]
        best = Found(*outputs[np.lexsort((-excess, -error))[0]].tolist())
        held = self.found.worst
        if held is None or _badness(best) > _badness(held):
            self.found.worst = best

    def _first(self, x: Ints, position: Ints, outputs: Ints) -> None:
        """Keep the earliest of the outputs of one sample, by the order in which a trap would find it."""
        channel, place = outputs[:, 2], outputs[:, 1]
        number = first_left(self.params, x, self.numerics, self.plan)[position, channel]
        keys = self._times(number, place, channel)
        at = int(np.lexsort(keys[::-1])[0])
        key = tuple(int(part[at]) for part in keys)
        if self.found.first is None or key < self.first_key:
            self.found.first, self.first_key = Found(*outputs[at].tolist()), key

    def _times(self, number: Ints, place: Ints, channel: Ints) -> tuple[Ints, ...]:
        """Instruction, group or part, position, row and k of rule applications number `number` of some outputs.

        A spill belongs to the last group that it adds.
        """
        at, places = (place, channel), self.places
        phase, part, k, stop = np.array(self.plan)[number].T
        instruction = np.zeros_like(number)
        for each in Phase:
            mine = phase == each
            instruction[mine] = places.instructions(each, places.block[at][mine], k[mine])
        added = (phase == Phase.SUM) | (phase == Phase.INNER)
        group = np.where(phase == Phase.MERGE, part, np.where(added, places.group(instruction, stop - 1), 0))
        return instruction, group, places.position[at], places.row[at], k


def _badness(found: Found) -> tuple[int, int]:
    return abs(found.code - found.exact_code), found.excess


def first_left(params: MacParams, x: Ints, numerics: Numerics, plan: list[Application]) -> Ints:
    """Number of the first rule application that leaves its range, of every output [P, N]; READ's if none before does.

    Until then registers are exact, so that exact prefixes tell.
    """
    stream = params.stream
    if numerics.order == "reversed":
        x, stream = x[:, ::-1], stream[::-1]
    outer = IntFormat(numerics.acc_internal_bits if numerics.overflow == "readout" else numerics.acc_bits)
    exact = np.zeros((numerics.split_k, len(x), params.channels), np.int64)
    window = np.zeros(exact.shape[1:], np.int64)
    found = np.full(exact.shape[1:], len(plan) - 1)
    pending = np.ones(found.shape, np.bool_)
    for number, (phase, part, k, stop) in enumerate(plan[:-1]):
        total, register = exact[0 if phase is Phase.MERGE else part], outer
        if phase is Phase.INNER:
            window += _products(x[:, k:stop], stream[k:stop])
            total, register = window, IntFormat(numerics.inner_bits)
        elif phase is Phase.SUM and numerics.inner_bits:
            total += window
            window[:] = 0
        elif phase is Phase.SUM:
            total += _products(x[:, k:stop], stream[k:stop])
        else:
            total += exact[part] if phase is Phase.MERGE else params.initial
        left = pending & ((total < register.lo) | (total > register.hi))
        found[left] = number
        pending &= ~left
    return found


def _products(x: Ints, stream: Ints) -> Ints:
    return x @ stream if x.ndim == 2 else np.einsum("pkn,kn->pn", x, stream)


def codes_of(params: MacParams, values: Ints, channel: Ints, acc_bits: int) -> Ints:
    """Output codes of accumulators `values`, int64 [n], of channels `channel`.

    A value that `acc_bits` cannot hold is requantized as in an accumulator of the least width that can.
    """
    magnitude = np.where(values < 0, ~values, values)
    needed = 1 + np.searchsorted(1 << np.arange(63), magnitude, side="right")
    width = np.maximum(needed, max(acc_bits, _RUNTIME_BITS))
    codes = np.empty_like(values)
    for bits in np.unique(width).tolist():
        mine = width == bits
        codes[mine] = _codes(params, values[mine], channel[mine], bits)
    return codes


def _codes(params: MacParams, values: Ints, channel: Ints, bits: int) -> Ints:
    """Requantize at one width; by the scheme's plain-integer twin where it is too great for the kernels."""
    r, scheme, clamp = params.requant, params.scheme, (params.out_zero, params.clamp_lo, params.clamp_hi)
    at = channel if len(r) > 1 else np.zeros_like(channel)
    own = Requant(r.multiplier[at], r.shift[at], r.real[at], r.floating)
    if bits <= scheme.max_acc_bits:
        zero, lo, hi = clamp
        return requantize(values, own, scheme, zero=zero, lo=lo, hi=hi, acc_bits=bits)
    rows = zip(*(part.tolist() for part in (values, own.multiplier, own.shift, own.real)), strict=True)
    return np.array([ref_requantize(acc, m, s, real, scheme.name, bits, *clamp) for acc, m, s, real in rows], np.int64)
