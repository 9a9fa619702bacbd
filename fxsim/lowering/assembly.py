"""Lowering of operators that only move codes: results put together from boxes of operands and a constant code.

The result is cut into contiguous tiles. A tile's boxes are loaded or copied to their places in the activation
scratchpad, what no box covers is filled, and the tile is stored in one piece. A result that lives in the scratchpad is
one tile in its own place.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from fxsim._core.errors import HardwareError
from fxsim.isa import Copy, Fill, Instruction, Space
from fxsim.lowering.tiling import Level, Span, ceil_div, cut, largest, load, store, two_dimensional

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fxsim.lowering.base import Emit, Site


class Box(NamedTuple):
    """All of operand `operand`, as the box that takes `spans` of the result's dimensions."""

    operand: int
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Assembly:
    """Dimensions of a result of one-byte codes, the boxes in it, and the code around a single box.

    Without a code the boxes cover the result.
    """

    shape: tuple[int, ...]
    boxes: tuple[Box, ...]
    code: int | None = None

    def merged(self) -> Assembly:
        """The same bytes with every dimension that all boxes take whole merged into the one before it."""
        shape, spans = [self.shape[0]], [[box.spans[0]] for box in self.boxes]
        for i, size in enumerate(self.shape[1:], start=1):
            if all(box.spans[i] == (0, size) for box in self.boxes):
                shape[-1] *= size
                for own in spans:
                    own[-1] = Span(own[-1].start * size, own[-1].stop * size)
            else:
                shape.append(size)
                for own, box in zip(spans, self.boxes, strict=True):
                    own.append(box.spans[i])
        boxes = [Box(box.operand, tuple(own)) for own, box in zip(spans, self.boxes, strict=True)]
        return Assembly(tuple(shape), tuple(boxes), self.code)


def prepare_assembly(site: Site, assembly: Assembly) -> Emit:
    """Lower a node whose result is `assembly`.

    Raises
    ------
    HardwareError
        The activation scratchpad has no room for a single code.
    LoweringError
        The layer needs too many instructions.
    """
    plan = _plan(site, assembly.merged())
    site.check_length(plan.instructions)
    constants = [site.net.values[i].data for i in site.node.inputs]
    stored = {
        box.operand: site.constants.add(data.tobytes())
        for box in assembly.boxes
        if (data := constants[box.operand]) is not None
    }

    def emit(operands: tuple[int, ...], target: int) -> Iterator[Instruction]:
        starts = [stored.get(i, at) for i, at in enumerate(operands)]
        sources = [Source(*place) for place in zip(starts, site.homes.operands, strict=True)]
        for number, tile in enumerate(plan.tiles()):
            place = plan.place(number)
            if assembly.code is not None:
                yield from _fill(tile, place, assembly.code)
            for part in tile.parts:
                yield from _bring(sources[part.operand], part, place)
            if site.homes.result is None:
                yield from store(target + tile.start, place, tile.size)

    return emit


class Source(NamedTuple):
    """Where an operand stands: in DRAM, and in the activation scratchpad if it is there."""

    dram: int
    home: int | None


class Part(NamedTuple):
    """What a tile holds of an operand: the byte of either that it starts at, contiguous runs, nested loops."""

    operand: int
    source: int
    target: int
    run: int
    levels: tuple[Level, ...]


class Tile(NamedTuple):
    """A contiguous piece of the result: its first byte, its own dimensions, the boxes in it, and the parts of operands.

    `spans` holds, for every box that meets the tile, the tile's own coordinates that it takes.
    """

    start: int
    shape: tuple[int, ...]
    spans: list[tuple[Span, ...]]
    parts: list[Part]

    @property
    def size(self) -> int:
        """Its bytes."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a result is cut: dimension `level` into pieces of `steps`, inner ones whole; and where tiles stand."""

    assembly: Assembly
    level: int
    steps: int
    base: int
    buffers: int
    pitch: int

    @property
    def instructions(self) -> int:
        """Upper bound of the layer's instructions."""
        shape, level = self.assembly.shape, self.level
        tiles = prod(shape[:level]) * ceil_div(shape[level], self.steps)
        loops = prod((self.steps, *shape[level + 1 :])[:-2])
        return tiles * (1 + loops * (len(self.assembly.boxes) + 2 * len(shape)))

    def place(self, number: int) -> int:
        """Scratchpad address of tile `number`."""
        return self.base + number % self.buffers * self.pitch

    def tiles(self) -> Iterator[Tile]:
        """Tiles in the order of the result's bytes."""
        shape, level = self.assembly.shape, self.level
        for at in product(*(range(size) for size in shape[:level])):
            for span in cut(Span(0, shape[level]), self.steps):
                yield _tile(self.assembly, at, span)


def _plan(site: Site, assembly: Assembly) -> Plan:
    home, room = site.homes.result, site.homes.room
    if home is not None:
        return Plan(assembly, 0, assembly.shape[0], home, 1, 0)
    if room.size < 1:
        raise HardwareError("activation scratchpad must hold one code", got=room.size, where=site.where)
    whole = prod(assembly.shape) <= room.size
    buffers = 2 if site.double and not whole and room.size > 1 else 1
    level, steps = _cut(assembly.shape, room.size // buffers)
    return Plan(assembly, level, steps, room.start, buffers, room.size // buffers)


def _cut(shape: tuple[int, ...], free: int) -> tuple[int, int]:
    """Outermost dimension of which a step fits `free` >= 1 bytes, and how many steps do."""
    for level, size in enumerate(shape):
        inner = prod(shape[level + 1 :])
        if inner <= free:
            return level, largest(size, lambda n, inner=inner: n * inner <= free)  # type: ignore[misc]
    raise AssertionError("one code always fits")


def _tile(assembly: Assembly, at: tuple[int, ...], span: Span) -> Tile:
    """Tile at indices `at` of the outer dimensions and `span` of the next."""
    strides = _strides(assembly.shape)
    level = len(at)
    start = sum(i * stride for i, stride in zip((*at, span.start), strides, strict=False))
    shape = (span.size, *assembly.shape[level + 1 :])
    spans, parts = [], []
    for box in assembly.boxes:
        inside = _inside(box, at, span)
        if inside is not None:
            spans.append(inside)
            parts.append(_part(box, at, span, inside, strides[level:]))
    return Tile(start, shape, spans, parts)


def _inside(box: Box, at: tuple[int, ...], span: Span) -> tuple[Span, ...] | None:
    """Coordinates within the tile that `box` takes, None if they do not meet."""
    own = box.spans[len(at)]
    start, stop = max(own.start, span.start), min(own.stop, span.stop)
    if start >= stop or not all(s.start <= i < s.stop for i, s in zip(at, box.spans, strict=False)):
        return None
    return (Span(start - span.start, stop - span.start), *box.spans[len(at) + 1 :])


def _part(box: Box, at: tuple[int, ...], span: Span, inside: tuple[Span, ...], strides: tuple[int, ...]) -> Part:
    own = _strides(tuple(s.size for s in box.spans))
    first = (*at, span.start + inside[0].start, *(s.start for s in inside[1:]))
    source = sum((i - s.start) * stride for i, s, stride in zip(first, box.spans, own, strict=True))
    target = sum(s.start * stride for s, stride in zip(inside, strides, strict=True))
    levels = [Level(s.size, *pair) for s, *pair in zip(inside, own[len(at) :], strides, strict=True)]
    return Part(box.operand, source, target, levels[-1].steps, tuple(levels[:-1]))


def _strides(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(prod(shape[i + 1 :]) for i in range(len(shape)))


def _bring(source: Source, part: Part, place: int) -> Iterator[Instruction]:
    """Load a part of an operand, or copy it if it is in the scratchpad."""
    if source.home is None:
        yield from load(Space.ACT, source.dram + part.source, place + part.target, part.run, *part.levels)
        return
    for r in two_dimensional(part.run, part.levels):
        yield Copy(
            x_addr=source.home + part.source + r.dram_offset,
            out_addr=place + part.target + r.spad_offset,
            rows=r.rows,
            row_bytes=r.row_bytes,
            x_stride=r.dram_stride,
            out_stride=r.spad_stride,
        )


def _fill(tile: Tile, place: int, code: int) -> Iterator[Instruction]:
    """Fill what the one box leaves free of a tile."""
    strides = _strides(tile.shape)
    box = tile.spans[0] if tile.spans else (Span(0, 0),)
    levels: tuple[Level, ...] = ()
    start = 0
    for own, size, stride in zip(box, tile.shape, strides, strict=False):
        for side in (Span(0, own.start), Span(own.stop, size)):
            if side.size:
                for r in two_dimensional(side.size * stride, levels):
                    yield Fill(
                        out_addr=place + start + side.start * stride + r.spad_offset,
                        rows=r.rows,
                        row_bytes=r.row_bytes,
                        out_stride=r.spad_stride,
                        value=code & 0xFF,
                    )
        levels = (*levels, Level(own.size, stride, stride))
        start += own.start * stride
