"""Lowering of reductions: boxes of the operand that fit the activation scratchpad, sums that continue over boxes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from fxsim._core.errors import HardwareError
from fxsim.isa import Instruction, Reduce, Space
from fxsim.lowering.allocate import DRAM_ALIGNMENT
from fxsim.lowering.tiling import Level, Span, ceil_div, cut, largest, load, store, two_dimensional

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fxsim.lowering.base import Emit, Site
    from fxsim.ops import RescaleParams

SUM_BYTES = 4
"""Bytes of a sum that waits in the scratchpad for its next part."""
INSTRUCTION_AXES = 2
"""Kept axes of one instruction, and summed ones; what lies outside is looped over."""


class Axis(NamedTuple):
    """Neighbouring dimensions of the operand that are all kept or all summed: their size, and byte strides."""

    size: int
    stride: int
    out_stride: int
    summed: bool


def prepare_reduce(site: Site, dimensions: Sequence[int], params: RescaleParams) -> Emit:
    """Lower a sum over `dimensions` of the operand that is requantized by `params`.

    One instruction sums a whole box. Where an output's elements do not fit the scratchpad together, its 32-bit sum
    waits there for the next box; wrapping addition makes the result the same.

    Raises
    ------
    HardwareError
        The scratchpad's room cannot hold one code, its sum and its output.
    LoweringError
        The layer needs too many instructions.
    """
    axes = merged_axes(site.source.shape, frozenset(dimensions))
    layout = _choose(site, axes)
    layer = ReduceLayer(axes, layout, params, int(site.source.dtype.lo < 0))
    site.check_length(layer.most_instructions())
    return layer.emit


def merged_axes(shape: tuple[int, ...], summed: frozenset[int]) -> tuple[Axis, ...]:
    """Axes of a dense tensor of one-byte codes, outermost first; dimensions of size 1 disappear."""
    axes: list[Axis] = []
    stride = out_stride = 1
    for index in reversed(range(len(shape))):
        size, is_summed = shape[index], index in summed
        if size > 1 and axes and axes[0].summed == is_summed:
            axes[0] = axes[0]._replace(size=axes[0].size * size)
        elif size > 1:
            axes.insert(0, Axis(size, stride, out_stride, is_summed))
        stride *= size
        out_stride *= 1 if is_summed else size
    return tuple(axes)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Sizes of a box along the axes, and where boxes, outputs and sums stand: [out 0][box 0][sums][box 1][out 1].

    `source` and `result` are the tensors' own addresses where they live in the scratchpad, and have no buffers then.
    """

    sizes: tuple[int, ...]
    source: int | None
    result: int | None
    base: int
    box: int
    out: int
    sums: int
    buffers: int

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers."""
        return self.buffers * (self.box + self.out) + self.sums

    @property
    def sum_addr(self) -> int:
        """Where sums wait."""
        return self.base + self.out + self.box

    def box_addr(self, number: int) -> int:
        """Buffer of box `number`."""
        return self.base + self.out if number % self.buffers == 0 else self.sum_addr + self.sums

    def out_addr(self, number: int) -> int:
        """Buffer of the `number`-th outputs."""
        return self.base if number % self.buffers == 0 else self.sum_addr + self.sums + self.box


def _choose(site: Site, axes: tuple[Axis, ...]) -> _Layout:
    """Take everything at once if it fits, else boxes in two buffers if two fit."""
    room = site.homes.room.size
    whole = _layout(site, axes, [_limit(axes, i) for i in range(len(axes))], 1)
    if whole.nbytes <= room:
        return whole
    for buffers in (2, 1) if site.double else (1,):
        if _layout(site, axes, _least(site, axes), buffers).nbytes <= room:
            return _layout(site, axes, _sizes(site, axes, buffers), buffers)
    smallest = _layout(site, axes, _least(site, axes), 1).nbytes
    expected = f"activation scratchpad must hold the {smallest} bytes of one code, its sum and its output"
    raise HardwareError(expected, got=room, where=site.where)


def _sizes(site: Site, axes: tuple[Axis, ...], buffers: int) -> list[int]:
    """Whole sums of as many outputs as fit if that leaves whole bursts, else boxes that are long in memory."""
    memory = list(reversed(range(len(axes))))
    complete = _grown(site, axes, buffers, sorted(memory, key=lambda i: not axes[i].summed))
    if _splits(axes, complete) or complete[-1] < min(axes[-1].size, DRAM_ALIGNMENT):
        return _grown(site, axes, buffers, memory)
    return complete


def _least(site: Site, axes: tuple[Axis, ...]) -> list[int]:
    """One code; an operand that lies in the scratchpad is summed there without parts."""
    loaded = site.homes.operands[0] is None
    return [_limit(axes, i) if axis.summed and not loaded else 1 for i, axis in enumerate(axes)]


def _grown(site: Site, axes: tuple[Axis, ...], buffers: int, order: list[int]) -> list[int]:
    """Grow the least box along the axes, in `order`, as far as it fits; then even the pieces out."""
    sizes = _least(site, axes)

    def fits(index: int, size: int) -> bool:
        grown = [*sizes[:index], size, *sizes[index + 1 :]]
        return _layout(site, axes, grown, buffers).nbytes <= site.homes.room.size

    for index in order:
        limit = _limit(axes, index)
        size = limit if fits(index, limit) else largest(limit, partial(fits, index))
        sizes[index] = ceil_div(axes[index].size, ceil_div(axes[index].size, size))
    return sizes


def _limit(axes: tuple[Axis, ...], index: int) -> int:
    """Greatest size of a box along an axis: 1 where the instruction has no field for it."""
    inside = sum(axis.summed == axes[index].summed for axis in axes[index + 1 :])
    return axes[index].size if inside < INSTRUCTION_AXES else 1


def _splits(axes: tuple[Axis, ...], sizes: Sequence[int]) -> bool:
    return any(axis.summed and size < axis.size for axis, size in zip(axes, sizes, strict=True))


def _layout(site: Site, axes: tuple[Axis, ...], sizes: Sequence[int], buffers: int) -> _Layout:
    source, result = site.homes.operands[0], site.homes.result
    outputs = math.prod(size for axis, size in zip(axes, sizes, strict=True) if not axis.summed)
    box = math.prod(sizes) if source is None else 0
    out = outputs if result is None else 0
    sums = SUM_BYTES * outputs if _splits(axes, sizes) else 0
    return _Layout(tuple(sizes), source, result, site.homes.room.start, box, out, sums, buffers)


@dataclass(frozen=True, slots=True)
class ReduceLayer:
    """A tiled reduction: boxes of the operand, those that share outputs one after the other."""

    axes: tuple[Axis, ...]
    layout: _Layout
    params: RescaleParams
    signed: int

    def most_instructions(self) -> int:
        """Bound on the number of instructions."""
        kept = math.prod(len(spans) for spans in self._cuts(summed=False))
        boxes = kept * math.prod(len(spans) for spans in self._cuts(summed=True))
        full = [Span(0, size) for size in self.layout.sizes]
        loads = sum(1 for _ in two_dimensional(1, self._levels(full))) if self.layout.source is None else 0
        return boxes * (loads + 1) + kept

    def emit(self, operands: tuple[int, ...], target: int) -> Iterator[Instruction]:
        """LOAD and REDUCE per box, STORE per range of outputs."""
        number = 0
        parts = list(product(*self._cuts(summed=True)))
        for outputs, kept in enumerate(product(*self._cuts(summed=False))):
            for part, summed in enumerate(parts):
                spans = self._spans(kept, summed)
                box = self.layout.box_addr(number)
                if self.layout.source is None:
                    offset = sum(a.stride * s.start for a, s in zip(self.axes, spans, strict=True))
                    yield from load(Space.ACT, operands[0] + offset, box, 1, *self._levels(spans))
                ends = {"first": int(part == 0), "last": int(part == len(parts) - 1)}
                yield self._reduce(spans, box, self._out_addr(spans, outputs), ends)
                number += 1
            if self.layout.result is None:
                yield from self._store(spans, target, self.layout.out_addr(outputs))

    def _cuts(self, *, summed: bool) -> list[list[Span]]:
        pairs = zip(self.axes, self.layout.sizes, strict=True)
        return [cut(Span(0, axis.size), size) for axis, size in pairs if axis.summed == summed]

    def _spans(self, kept: Sequence[Span], summed: Sequence[Span]) -> list[Span]:
        sources = {False: iter(kept), True: iter(summed)}
        return [next(sources[axis.summed]) for axis in self.axes]

    def _levels(self, spans: Sequence[Span]) -> tuple[Level, ...]:
        strides = self._box_strides(spans)
        return tuple(Level(s.size, a.stride, b) for a, s, b in zip(self.axes, spans, strides, strict=True))

    def _box_strides(self, spans: Sequence[Span]) -> list[int]:
        return [math.prod(span.size for span in spans[i + 1 :]) for i in range(len(spans))]

    def _out_addr(self, spans: Sequence[Span], number: int) -> int:
        if self.layout.result is None:
            return self.layout.out_addr(number)
        return self.layout.result + self._out_offset(spans)

    def _out_offset(self, spans: Sequence[Span]) -> int:
        return sum(a.out_stride * s.start for a, s in zip(self.axes, spans, strict=True) if not a.summed)

    def _reduce(self, spans: Sequence[Span], box: int, out_addr: int, ends: dict[str, int]) -> Reduce:
        if self.layout.source is None:
            x_addr, strides = box, self._box_strides(spans)
        else:
            x_addr = self.layout.source + sum(a.stride * s.start for a, s in zip(self.axes, spans, strict=True))
            strides = [axis.stride for axis in self.axes]
        (outer, inner), (sum_outer, sum_inner) = (self._loops(spans, strides, summed) for summed in (False, True))
        pitch, p = self._out_pitch(inner[0]), self.params
        return Reduce(
            **ends,
            outer=outer[0],
            inner=inner[0],
            sum_outer=sum_outer[0],
            sum_inner=sum_inner[0],
            x_addr=x_addr,
            outer_stride=outer[1],
            inner_stride=inner[1],
            sum_outer_stride=sum_outer[1],
            sum_inner_stride=sum_inner[1],
            sum_addr=self.layout.sum_addr,
            out_addr=out_addr,
            out_pitch=pitch,
            scheme=p.scheme.code,
            multiplier=int(p.requant.multiplier[0]),
            shift=int(p.requant.shift[0]),
            in_zero=p.in_zero,
            out_zero=p.out_zero,
            clamp_lo=p.lo,
            clamp_hi=p.hi,
            x_signed=self.signed,
        )

    def _loops(self, spans: Sequence[Span], strides: Sequence[int], summed: bool) -> list[tuple[int, int]]:
        """(count, stride) of the two innermost axes of a kind; the others have one element in a box."""
        triples = zip(self.axes, spans, strides, strict=True)
        found = [(span.size, stride) for axis, span, stride in triples if axis.summed == summed]
        return [(1, 0), (1, 0), *found][-INSTRUCTION_AXES:]

    def _out_pitch(self, inner: int) -> int:
        """Bytes between lines of outputs, `inner` bytes each."""
        kept = [axis for axis in self.axes if not axis.summed]
        return inner if self.layout.result is None or len(kept) < INSTRUCTION_AXES else kept[-2].out_stride

    def _store(self, spans: Sequence[Span], target: int, out_addr: int) -> Iterator[Instruction]:
        kept = [(axis, span) for axis, span in zip(self.axes, spans, strict=True) if not axis.summed]
        sizes = [span.size for _, span in kept]
        levels = [Level(s.size, a.out_stride, math.prod(sizes[i + 1 :])) for i, (a, s) in enumerate(kept)]
        yield from store(target + self._out_offset(spans), out_addr, 1, *levels)
